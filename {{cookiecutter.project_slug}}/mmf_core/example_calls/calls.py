"""A call of a target with its example, and its result."""

from __future__ import annotations

import json
import traceback
from collections.abc import Generator, Mapping
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from ..codecs import find, json_of
from ..errors import (
    DeadlineExceeded,
    MMFError,
    RejectedInput,
    RequestError,
    TargetError,
    Unavailable,
)
from ..execution import Execution, example_values
from ..settings import Settings
from ..target import Target


class CallStatus(Enum):
    """How a call ended; the value is the first byte of a fork's message."""

    OK = b"O"
    FAILED = b"F"
    REJECTED = b"R"  # perhaps only because of the example
    TIMEOUT = b"T"
    UNAVAILABLE = b"U"  # for now, and through no fault of the project


class Failure(NamedTuple):
    """Why something failed: `public` for responses, `detail` for the log.

    A foreign exception's message may quote a secret, so that `public` names only its type.
    """

    public: str
    detail: str

    @classmethod
    def plain(cls, text: str) -> Failure:
        """Return a failure described by this package, without a secret in it."""
        return cls(text, text)

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Describe an error raised while a project was imported or its artifacts loaded."""
        if isinstance(error, DescribedError):
            return error.failure
        name, place = type(error).__name__, _place(error)
        text = _line(error).removesuffix(place)  # a SyntaxError's message has it already
        if not isinstance(error, MMFError):
            return cls(f"{name}{place}", f"{name}: {text}{place}")
        cause = str(error.__cause__ or "")
        own = str(error).partition(f": {cause}")[0] if cause else text
        return cls(f"{own}{place}", f"{text}{place}")


class DescribedError(MMFError):
    """An error that is described already; its text is for the log."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class CallResult(NamedTuple):
    """The outcome of a call: the response's bytes, or the error's type and message."""

    status: CallStatus
    content: bytes = b""

    @classmethod
    def of(cls, error: Exception, status: CallStatus = CallStatus.FAILED) -> CallResult:
        """Return the result of a call that raised `error`."""
        cause = (type(error) is TargetError and error.__cause__) or error
        text = f"{type(cause).__name__}: {_line(cause)}"
        return cls(status, text.encode(errors="backslashreplace"))

    def of_example(self, name: str) -> CallResult:
        """Return the result with the name of the example that was called, if it has one."""
        if not name or self.status is CallStatus.TIMEOUT:
            return self
        return self._replace(content=self.content + f" (example {name!r})".encode())

    def failure(self, route: str) -> Failure:
        """Describe why the call did not succeed."""
        if self.status is CallStatus.TIMEOUT:
            return Failure.plain(f"{route} timed out on its example")
        subject, text = f"{route} fails on its example", self.content.decode()
        return Failure(f"{subject}: {text.partition(':')[0]}", f"{subject}: {text}")


def call(target: Target, seconds: float = 0) -> CallResult:
    """Call a target with each of its examples; `seconds` is a limit of each call unless 0.

    The result is that of the first call that did not succeed, else all responses together.
    """
    execution = Execution(target, Settings(timeout=seconds))
    contents = []
    for name, arguments in (target.examples or {"": target.arguments}).items():
        result = _call(execution, example_values(arguments))
        if result.status is not CallStatus.OK:
            return result.of_example(name)
        contents.append(result.content)
    return CallResult(CallStatus.OK, b"\n".join(contents))


def _call(execution: Execution, values: Mapping[str, Any]) -> CallResult:
    target = execution.target
    try:
        result = execution(values)
        content = _first_piece(result) if target.is_stream else encoded(target, result)
        return CallResult(CallStatus.OK, content)
    except DeadlineExceeded:
        return CallResult(CallStatus.TIMEOUT)
    except (TargetError, RejectedInput) as error:
        status = CallStatus.FAILED if target.example_is_valid else CallStatus.REJECTED
        return CallResult.of(error, status)
    except Unavailable as error:
        return CallResult.of(error, CallStatus.UNAVAILABLE)
    except RequestError as error:
        return CallResult.of(error, CallStatus.REJECTED)
    except Exception as error:  # noqa: BLE001 - every error is reported
        return CallResult.of(error)


def encoded(target: Target, result: Any) -> bytes:
    """Return the result as JSON if possible: workbooks contain the time of their creation."""
    if target.returns is None:
        return b""
    try:
        return json_of(target.returns.kind).encode(result, target.returns.options)
    except (TypeError, ValueError):
        codec = find(target.returns.kind, target.returns.output_format)
        return codec.encode(result, target.returns.options) if codec else b""


def _first_piece(pieces: Generator[Any]) -> bytes:
    """Return the beginning of a stream, which may never end."""
    with closing(pieces):
        return json.dumps(next(pieces, None), default=str).encode()


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _place(error: BaseException) -> str:
    """Return the line of the project that failed, as ` (main.py, line 7)`."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent == Path.cwd()]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
