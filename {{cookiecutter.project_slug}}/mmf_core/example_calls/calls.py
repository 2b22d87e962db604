"""A call of a target on its example, and the words for what came of it."""

from __future__ import annotations

import traceback
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from ..codecs import find, json_of
from ..errors import DeadlineExceeded, MMFError, RequestError, TargetError
from ..execution import Execution
from ..settings import Settings
from ..target import Target


class CallStatus(Enum):
    """How a call ended; the value is the first byte of the message that a fork sends."""

    OK = b"A"
    FAILED = b"F"
    REJECTED = b"R"  # the example may be to blame
    TIMEOUT = b"L"


class Reason(NamedTuple):
    """Why something does not work, for everybody and for the log.

    What others have raised may quote what is secret, so everybody is told no more than its type.
    """

    told: str
    logged: str

    @classmethod
    def ours(cls, text: str) -> Reason:
        """Say in words of this package what everybody may know."""
        return cls(text, text)

    @classmethod
    def of(cls, error: BaseException) -> Reason:
        """Describe what went wrong while a project was imported and its artifacts loaded."""
        name, place = type(error).__name__, _place(error)
        text = _line(error).removesuffix(place)  # a SyntaxError says it by itself
        if not isinstance(error, MMFError):
            return cls(f"{name}{place}", f"{name}: {text}{place}")
        cause = str(error.__cause__ or "")
        own = str(error).partition(f": {cause}")[0] if cause else text
        return cls(f"{own}{place}", f"{text}{place}")


class CallResult(NamedTuple):
    """What came of a call: the answer's bytes, or the reason why there is none."""

    status: CallStatus
    content: bytes = b""

    def reason(self, route: str) -> Reason:
        """Say why there is no answer."""
        if self.status is CallStatus.TIMEOUT:
            return Reason.ours(f"{route} does not answer its example in time")
        what = f"{route} fails on its example"
        text = self.content.decode()
        return Reason(f"{what}: {text.partition(':')[0]}", f"{what}: {text}")


def call(target: Target, seconds: float = 0) -> CallResult:
    """Call a target on the examples of what it requires, for so many seconds; 0: without limit."""
    try:
        values = {
            name: json_of(one.kind).from_plain(one.example(), one.options)
            for name, one in target.required.items()
        }
        result = Execution(target, Settings(timeout=seconds))(values)
        return CallResult(CallStatus.OK, _encoded(target, result))
    except DeadlineExceeded:
        return CallResult(CallStatus.TIMEOUT)
    except RequestError as error:
        return failure(error, CallStatus.REJECTED)
    except TargetError as error:
        return failure(error, CallStatus.FAILED if target.example_is_valid else CallStatus.REJECTED)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return failure(error)


def failure(error: Exception, status: CallStatus = CallStatus.FAILED) -> CallResult:
    """Return what came of a call that raised."""
    cause = (type(error) is TargetError and error.__cause__) or error
    reason = f"{type(cause).__name__}: {_line(cause)}"
    return CallResult(status, reason.encode(errors="backslashreplace"))


def _encoded(target: Target, result: Any) -> bytes:
    """Return the answer as JSON if it can be that: a workbook holds the time of its writing."""
    if target.returns is None:
        return b""
    try:
        return json_of(target.returns.kind).encode(result, target.returns.options)
    except (TypeError, ValueError):
        codec = find(target.returns.kind, target.returns.answer_format)
        return codec.encode(result, target.returns.options) if codec else b""


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _place(error: BaseException) -> str:
    """Say which line of the project failed."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if Path(one.filename).parent == Path.cwd()]
    return f" ({Path(ours[-1].filename).name}, line {ours[-1].lineno})" if ours else ""
