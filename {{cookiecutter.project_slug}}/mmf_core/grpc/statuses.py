"""Errors as gRPC sends them: a code for each status of HTTP, and details of google.rpc."""

from __future__ import annotations

from typing import Any

from ..errors import shortened
from ..web.protocols import ErrorReport
from .messages import message_class

OK, NOT_FOUND = 200, 404
CODES = {
    400: 3,  # INVALID_ARGUMENT
    401: 16,  # UNAUTHENTICATED
    403: 7,  # PERMISSION_DENIED
    404: 5,  # NOT_FOUND: an unknown target or version
    405: 12,  # UNIMPLEMENTED
    406: 3,
    408: 4,  # DEADLINE_EXCEEDED: the message did not arrive in time
    409: 10,  # ABORTED
    413: 8,  # RESOURCE_EXHAUSTED: BodyTooLarge
    415: 3,
    421: 7,
    422: 3,  # InvalidValue, RejectedInput
    429: 8,
    499: 1,  # CANCELLED: ClientGone
    500: 13,  # INTERNAL: TargetError, ResultError
    501: 12,
    503: 14,  # UNAVAILABLE: Overloaded, ArtifactError
    504: 4,  # DeadlineExceeded
}
"""gRPC's code (google/rpc/code.proto) for the status of an error of this package."""
_CLIENT, _INVALID, _INTERNAL = 400, 3, 13
MAX_MESSAGE = 1_000
"""Bytes of a message: percent-encoded in a header, which takes 8 KiB with all others."""
MAX_DETAILS = 2_500
"""Bytes of the errors with their places, of which as many are sent as fit."""
_TYPES = "type.googleapis.com/google.rpc."


def code_of(status: int) -> int:
    """Return the code for a status; that of the class of statuses for an unknown one."""
    unknown = _INVALID if _CLIENT <= status < 500 else _INTERNAL  # noqa: PLR2004
    return CODES.get(status, unknown)


def error_status(report: ErrorReport) -> bytes:
    """Return an error as a serialized google.rpc.Status."""
    code = code_of(report.status)
    status = message_class("google.rpc.Status")(code=code, message=_short(report.in_words()))
    if violations := _violations(report.errors) if code == _INVALID else b"":
        status.details.add(type_url=f"{_TYPES}BadRequest", value=violations)
    data: bytes = status.SerializeToString()
    return data


def add_retry(status: Any, retry_after: str) -> None:
    """Add the seconds of a header Retry-After to a google.rpc.Status, as RetryInfo."""
    if retry_after.isascii() and retry_after.isdecimal():
        retry = message_class("google.rpc.RetryInfo")(retry_delay={"seconds": int(retry_after)})
        value = retry.SerializeToString()
        status.details.add(type_url=f"{_TYPES}RetryInfo", value=value)


def _violations(errors: list[dict[str, Any]]) -> bytes:
    """Return as many errors as there is room for, as a serialized BadRequest."""
    request, size = message_class("google.rpc.BadRequest")(), 0
    for error in errors:
        violation = request.field_violations.add(field=_field(error), description=error["message"])
        size += violation.ByteSize()
        if size > MAX_DETAILS:
            del request.field_violations[-1]
            break
    data: bytes = request.SerializeToString()
    return data


def _field(error: dict[str, Any]) -> str:
    """Return the place of an error, such as `data[3].alcohol`."""
    row = f"[{error['row']}]" if "row" in error else ""
    column = f".{error['column']}" if "column" in error else ""
    return f"{error.get('where', '')}{row}{column}".removeprefix(".")


def _short(text: str) -> str:
    """Return a text whose UTF-8 fits into a header."""
    if len(text.encode()) <= MAX_MESSAGE:
        return text
    return shortened(text, MAX_MESSAGE // 4)
