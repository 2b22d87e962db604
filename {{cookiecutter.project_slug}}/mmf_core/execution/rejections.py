"""Whose fault an exception is: a library's complaint about its input, or the function's own crash.

The line is drawn by where it was raised. A complaint comes from a method of a model's library that
the function has called, with no code of the author's in between. The caller is to blame if the
method was given the very value that the caller sent. If the function has made another of it,
perhaps wrongly, the caller is to blame only if the function succeeds on its example.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any

from ..errors import ErrorDetail, RejectedInput, as_text
from ..models import LIBRARY, libraries

LONGEST_SENTENCE = 500
_COMPLAINTS = (ValueError, TypeError, KeyError)
_WRONG_CALL = re.compile(r"[\w.<>]+\(\) (got|missing|takes) ")
_PACKAGES = {"site-packages", "dist-packages"}
_OWN = __name__.partition(".")[0]
_NOISE = re.compile(r"^\[\d\d:\d\d:\d\d\] \S+:\d+: |\s*Stack trace:.*", re.DOTALL)  # of XGBoost


def rejected_input(
    error: BaseException, arguments: Mapping[str, Any], is_proven: Callable[[], bool]
) -> RejectedInput | None:
    """Return the client's error for a complaint of a model's library; None for a crash.

    `is_proven` reports whether the function succeeds with other arguments: it is called only if the
    error alone does not show it, and returns the same each time.
    """
    packages = libraries()
    frames = _library_frames(error, packages)
    if not frames or not _is_complaint(error, packages):
        return None
    name = _passed_argument(frames[0], arguments)
    if name is None and not is_proven():
        return None
    sentence = _sentence(error)
    return RejectedInput(
        f"the model rejects its input: {sentence}",
        [ErrorDetail(sentence, where=name)],
        is_untouched=name is not None,
    )


def _library_frames(error: BaseException, packages: set[str]) -> Sequence[FrameType]:
    """Return the frames below the author's last one; none unless they are a model's method."""
    frames: list[FrameType] = []
    for frame, _ in walk_tb(error.__traceback__):
        frames = [] if is_author(frame, packages) else [*frames, frame]
    if not frames or not _belongs(_module(frames[0]), packages):
        return []
    selves = [frame.f_locals["self"] for frame in frames if "self" in frame.f_locals]
    return frames if any(_belongs(type(owner).__module__, packages) for owner in selves) else []


def is_author(frame: FrameType, packages: set[str] | None = None) -> bool:
    """Whether code is neither Python's, nor an installed package's, nor of this package."""
    module = _module(frame)
    if module.partition(".")[0] in {_OWN, *sys.stdlib_module_names}:
        return False
    file = frame.f_globals.get("__file__") or frame.f_code.co_filename
    packages = libraries() if packages is None else packages
    return not (_belongs(module, packages) or _PACKAGES & {*Path(file).parts})


def _is_complaint(error: BaseException, packages: set[str]) -> bool:
    """Whether an exception is of a type that libraries raise for invalid input."""
    if isinstance(error, AttributeError | MemoryError):  # such as that of a model not fitted
        return False
    if isinstance(error, TypeError) and _WRONG_CALL.match(str(error)):
        return False
    return isinstance(error, _COMPLAINTS) or _belongs(type(error).__module__, packages)


def _passed_argument(frame: FrameType, arguments: Mapping[str, Any]) -> str | None:
    """Return the argument of the function that was passed on as it is."""
    values: list[Any] = []
    for value in frame.f_locals.values():
        values += value if type(value) is tuple else [value]
        values += value.values() if type(value) is dict else []
    for name, argument in arguments.items():
        if any(value is argument for value in values):
            return name
    return None


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _belongs(module: str, packages: set[str]) -> bool:
    """Whether a module is one of these packages, or in one; CatBoost's own is `_catboost`."""
    return module.partition(".")[0].lstrip("_") in packages or module.startswith(LIBRARY)


def _sentence(error: BaseException) -> str:
    """Return a library's message, in one line."""
    text = as_text(error.args[0] if isinstance(error, KeyError) and error.args else error)
    text = " ".join(_NOISE.sub("", text).split()) or type(error).__name__
    return text if len(text) <= LONGEST_SENTENCE else f"{text[:LONGEST_SENTENCE]}…"
