"""Everything that can go wrong, and the HTTP status it is answered with.

MMFError                      500
├── DeclarationError          500  main.py declares something impossible: found at import
│   └── DescriptorError       500  an argument or a result without a usable descriptor
├── SettingError              500  an environment variable has a value that cannot be used
├── MissingPackage            500  a library that an optional feature needs is not installed
├── ArtifactError             503  a model's file is missing, too large, or cannot be loaded
│   └── StoreError            503  the place that it is fetched from does not give it
├── Overloaded                503  all the calls that may run or wait do so already
├── DeadlineExceeded          504  the call takes longer than it may
├── TargetError               500  the author's function raised
│   └── ResultError           500  it returned something that its `returns=` cannot send
└── RequestError              400  the caller's fault: the message says what to send instead
    ├── UnknownTarget         404
    ├── NotAcceptable         406
    ├── ClientTooSlow         408  the rest of the body did not come in time
    ├── BodyTooLarge          413
    ├── UnsupportedFormat     415
    │   └── UnsupportedCoding 415
    └── InvalidValue          422  readable, but not what the descriptor asks for
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar


class MMFError(Exception):
    """Root of every error this package raises on purpose."""

    status: ClassVar[int] = 500


class DeclarationError(MMFError):
    """`main.py` declares something that can never work."""


class DescriptorError(DeclarationError, ValueError):
    """An argument or a result has no descriptor, or one that cannot be used (name from MMF)."""


class SettingError(MMFError):
    """An environment variable has a value that cannot be used."""


class MissingPackage(MMFError, ImportError):
    """An optional library is needed and absent; the message is the pip line that brings it."""

    def __init__(self, purpose: str, packages: Iterable[str]) -> None:
        super().__init__(f"{purpose} needs: pip install {' '.join(packages)}")


class ArtifactError(MMFError):
    """A file that the model needs is missing, too large or broken."""

    status = 503

    @classmethod
    def absent(cls, path: Path) -> ArtifactError:
        """Return the error for a file that does not exist."""
        return cls(f"{path} not found; run the script that creates it, such as python train.py")


class StoreError(ArtifactError):
    """A store does not give or take a file; nothing is left under the file's own name."""


class Overloaded(MMFError):
    """All the calls that may run or wait do so already; worth trying again (RFC 9110, 15.6.4)."""

    status = 503


class DeadlineExceeded(MMFError):
    """The call takes longer than it may; it goes on without its request (RFC 9110, 15.6.5)."""

    status = 504


class TargetError(MMFError):
    """The author's function raised; the exception itself is the cause and goes to the log only."""


class ResultError(TargetError):
    """The author's function returned something that its `returns=` descriptor cannot send."""


PROBLEM_MEDIA_TYPE = "application/problem+json"
CRASHED = "the service failed on this request; its log has the reason under this request_id"
"""What a caller learns of a crash: the trace is in the log only."""


def problem_document(
    status: int, detail: str, instance: str, request_id: str | None, errors: Iterable[Any] = ()
) -> dict[str, Any]:
    """Return an error ready for JSON (RFC 9457; `request_id` and `errors` are our own members)."""
    return {
        "type": "about:blank",  # RFC 9457, 4.2.1: the status says it all
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "request_id": request_id,
        "errors": list(errors),
    }


MAX_ERRORS = 20
"""How many faults are told of one table."""
max_errors: ContextVar[int] = ContextVar("max_errors", default=MAX_ERRORS)
"""How many cells are told of, where an answer has room for more."""
LONGEST_VALUE = 100


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One thing wrong with a request: where it is and what it should be.

    `where` is the argument's name; `row` counts a table's rows from 0; `column` is its name.
    """

    message: str
    where: str | None = None
    row: int | None = None
    column: str | None = None
    value: Any = None

    def within(self, argument: str) -> ErrorDetail:
        """Return the same fault, placed in `argument` unless it already has a place."""
        return self if self.where else replace(self, where=argument)

    def as_dict(self) -> dict[str, Any]:
        """Return the parts that are known, ready for JSON."""
        known = (("where", self.where), ("row", self.row), ("column", self.column))
        parts = {key: part for key, part in known if part is not None}
        parts["message"] = self.message
        if self.value is not None:
            parts["value"] = _short(self.value)
        return parts


def _short(value: Any) -> Any:
    """Return enough of a value to find it again: a caller's own megabytes are not sent back."""
    if isinstance(value, str | list | dict):
        return value if len(text := str(value)) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
    return value


class RequestError(MMFError):
    """The caller can mend this: `detail` says how, `faults` say where."""

    status = 400

    def __init__(self, detail: str, faults: Iterable[ErrorDetail] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(faults)

    def within(self, argument: str) -> RequestError:
        """Return the same error with every fault placed in `argument`."""
        faults = self.errors or (ErrorDetail(self.detail),)
        return type(self)(self.detail, [fault.within(argument) for fault in faults])


class UnknownTarget(RequestError):
    """No target is called what a request calls it (RFC 9110, 15.5.5)."""

    status = 404


class NotAcceptable(RequestError):
    """The answer cannot be sent in any format that the caller accepts (RFC 9110, 15.5.7)."""

    status = 406


class ClientTooSlow(RequestError):
    """The rest of the body did not come in time (RFC 9110, 15.5.9)."""

    status = 408


class BodyTooLarge(RequestError):
    """The body is over the limit (RFC 9110, 15.5.14)."""

    status = 413


class UnsupportedFormat(RequestError):
    """The body's media type cannot be read here (RFC 9110, 15.5.16)."""

    status = 415


class UnsupportedCoding(UnsupportedFormat):
    """The body is packed in a way that is not known here; `Accept-Encoding` lists the others."""


class InvalidValue(RequestError, ValueError):
    """A value is readable but wrong (RFC 9110, 15.5.21); a target may raise it, too."""

    status = 422
