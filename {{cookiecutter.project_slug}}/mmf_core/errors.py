"""The errors of this package and their HTTP status.

MMFError                      500
├── DeclarationError          500  a contradiction in main.py, raised at import
│   └── DescriptorError       500  an argument or result without a valid descriptor
├── SettingError              500  an environment variable has an invalid value
├── MissingPackage            500  an optional feature needs a library that is not installed
├── ArtifactError             503  a model's file is missing, too large or cannot be loaded
│   └── StoreError            503  a store does not return or accept a file
├── Overloaded                503  the target's calls and its queue are full
├── Unavailable               503  an upstream of the target does not respond; targets may raise it
├── DeadlineExceeded          504  the call exceeded its time limit
├── ClientGone                499  the client has hung up; nobody reads the response
├── TargetError               500  the author's function raised an exception
│   └── ResultError           500  it returned a value that does not match `returns=`
└── RequestError              400  the client's error; the message explains how to correct it
    ├── UnknownTarget         404
    ├── NotAcceptable         406
    ├── ClientTooSlow         408  the body did not arrive in time
    ├── BodyTooLarge          413
    ├── UnsupportedFormat     415
    │   └── UnsupportedCoding 415
    └── InvalidValue          422  a readable value that does not match the descriptor
        └── RejectedInput     422  the model's library complains about its input
"""

# ruff: noqa: PLC0414 - the texts of errors are imported from here, too

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from .error_texts import LONGEST_MESSAGE as LONGEST_MESSAGE
from .error_texts import LONGEST_NAME as LONGEST_NAME
from .error_texts import LONGEST_VALUE as LONGEST_VALUE
from .error_texts import MAX_ERRORS as MAX_ERRORS
from .error_texts import as_text as as_text
from .error_texts import listed as listed
from .error_texts import plain_value as plain_value
from .error_texts import quoted as quoted
from .error_texts import shortened as shortened

_DAY = 86_400  # seconds


class MMFError(Exception):
    """Root of the errors that this package raises."""

    status: ClassVar[int] = 500


class DeclarationError(MMFError):
    """A declaration in `main.py` that cannot work."""


class DescriptorError(DeclarationError, ValueError):
    """An argument or a result without a valid descriptor (name from MMF)."""


class SettingError(MMFError):
    """An environment variable has an invalid value."""


class MissingPackage(MMFError, ImportError):
    """An optional library is not installed; the message is the pip command that installs it."""

    def __init__(self, purpose: str, packages: Iterable[str]) -> None:
        self.packages = tuple(packages)
        super().__init__(f"{purpose} needs: pip install {' '.join(self.packages)}")


class ArtifactError(MMFError):
    """A file of the model is missing, too large or broken."""

    status = 503

    @classmethod
    def absent(cls, path: Path) -> ArtifactError:
        """Return the error for a file that does not exist."""
        return cls(f"{path} not found; run the script that creates it, such as python train.py")


class StoreError(ArtifactError):
    """A store does not return or accept a file; no partial file is left under the file's name."""


class Overloaded(MMFError):
    """The target's calls and its queue are full; retry later (RFC 9110, 15.6.4)."""

    status = 503


class Unavailable(MMFError):
    """Raised by a target whose upstream, such as a feature store, does not respond: 503.

    - `detail`: the message for the caller.
    - `retry_after`: seconds until the caller should try again (RFC 9110, 10.2.3), 0 to 86,400; a
      task runs again then, `retries=` times at most.

    >>> raise mmf.Unavailable("the feature store does not respond", retry_after=5)
    Traceback (most recent call last):
        ...
    mmf_core.errors.Unavailable: the feature store does not respond
    """

    status = 503

    def __init__(self, detail: str, retry_after: float = 10) -> None:
        super().__init__(detail)
        if not 0 <= retry_after <= _DAY:
            raise ValueError(f"retry_after: expected 0 to {_DAY} seconds, got {retry_after!r}")
        self.retry_after = retry_after


class DeadlineExceeded(MMFError):
    """The call exceeded its time limit and continues without its request (RFC 9110, 15.6.5)."""

    status = 504


class ClientGone(MMFError):
    """The client has hung up while its call was waiting: 499, as nginx logs it."""

    status = 499


class TargetError(MMFError):
    """The author's function raised; its exception is the cause and is only logged."""


class ResultError(TargetError):
    """The author's function returned a value that does not match its `returns=` descriptor."""


PROBLEM_MEDIA_TYPE = "application/problem+json"
CRASHED = "the service failed on this request; its log has the reason under this request_id"
"""The caller's message about a crash: the trace is in the log only."""


def problem_document(
    status: int, detail: str, instance: str, request_id: str | None, errors: Iterable[Any] = ()
) -> dict[str, Any]:
    """Return an error ready for JSON (RFC 9457; `request_id` and `errors` are our own members)."""
    return {
        "type": "about:blank",  # RFC 9457, 4.2.1: the status describes the problem
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "request_id": request_id,
        "errors": list(errors),
    }


max_errors: ContextVar[int] = ContextVar("max_errors", default=MAX_ERRORS)
"""Cell errors listed for one table; a response that is a workbook has room for more."""


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One error in a request: its place and the expected value.

    - `message`: what was expected and what was received.
    - `where`: the argument's name; by default the argument that is being read.
    - `row`: the row of a table, from 0.
    - `column`: the column's name.
    - `value`: what was received; a response repeats at most 100 characters of it.
    """

    message: str
    where: str | None = None
    row: int | None = None
    column: str | None = None
    value: Any = None

    def within(self, argument: str) -> ErrorDetail:
        """Return the same error, placed in `argument` unless it already has a place."""
        return self if self.where else replace(self, where=argument)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that are set, ready for JSON, whatever the value is."""
        fields = {
            "where": _text(self.where, LONGEST_NAME),
            "row": self.row,
            "column": _text(self.column, LONGEST_NAME),
            "message": _text(self.message, LONGEST_MESSAGE),
            "value": plain_value(self.value),
        }
        return {name: field for name, field in fields.items() if field is not None}


def _text(text: str | None, longest: int) -> str | None:
    return None if text is None else shortened(as_text(text), longest)


class FailedCheck(NamedTuple):
    """A check that values have failed, and how many: for metrics, so never a caller's own name.

    `column` is one that the schema declares, else empty.
    """

    column: str
    rule: str
    number: int = 1


class RequestError(MMFError):
    """An error that the client can correct: `detail` explains how, `errors` list the places.

    `failures` are the checks that a table has failed, whether its errors are listed or not.
    """

    status = 400
    failures: tuple[FailedCheck, ...] = ()

    def __init__(self, detail: str, errors: Iterable[ErrorDetail] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)

    def within(self, argument: str) -> RequestError:
        """Return the same error, with all details placed in `argument`."""
        errors = self.errors or (ErrorDetail(self.detail),)
        placed = type(self)(self.detail, [error.within(argument) for error in errors])
        return placed.failing(self.failures)

    def after(self, rows: int) -> RequestError:
        """Return the error of a table that is a part of another one, which has `rows` before it."""
        errors = [
            error if error.row is None else replace(error, row=error.row + rows)
            for error in self.errors
        ]
        detail = f"from row {rows:,} on: {self.detail}" if rows else self.detail
        return type(self)(detail, errors).failing(self.failures)

    def failing(self, checks: Iterable[FailedCheck]) -> Self:
        """Record the checks that have failed; return the error."""
        self.failures = tuple(checks)
        return self


class UnknownTarget(RequestError):
    """No target has the requested name (RFC 9110, 15.5.5)."""

    status = 404


class NotAcceptable(RequestError):
    """The response has no format that the client accepts (RFC 9110, 15.5.7)."""

    status = 406


class ClientTooSlow(RequestError):
    """The body did not arrive in time (RFC 9110, 15.5.9)."""

    status = 408


class BodyTooLarge(RequestError):
    """The body exceeds the limit (RFC 9110, 15.5.14)."""

    status = 413


class UnsupportedFormat(RequestError):
    """The body's media type is not supported (RFC 9110, 15.5.16)."""

    status = 415


class UnsupportedCoding(UnsupportedFormat):
    """The body's Content-Encoding is not supported; `Accept-Encoding` lists those that are."""


class InvalidValue(RequestError, ValueError):
    """A readable but invalid value: 422 (RFC 9110, 15.5.21); targets may raise it.

    >>> raise mmf.InvalidValue("customer 7 is not known", [mmf.ErrorDetail("unknown", row=0)])
    Traceback (most recent call last):
        ...
    mmf_core.errors.InvalidValue: customer 7 is not known
    """

    status = 422


class RejectedInput(InvalidValue):
    """The model's library complains about its input; `is_untouched`: which is what was sent."""

    def __init__(
        self, detail: str, errors: Iterable[ErrorDetail] = (), *, is_untouched: bool = False
    ) -> None:
        super().__init__(detail, errors)
        self.is_untouched = is_untouched
