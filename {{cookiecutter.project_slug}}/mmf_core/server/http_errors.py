"""Errors that gunicorn raises, in the application's own format (RFC 9457)."""

from __future__ import annotations

import json
import logging
import re
from http import HTTPStatus
from random import getrandbits
from ssl import SSLError

from gunicorn.http import errors

from ..errors import CRASHED, PROBLEM_MEDIA_TYPE, problem_document

_STATUS: dict[type[Exception], int] = {
    errors.InvalidResponseHeader: 500,
    errors.InvalidResponseHeaderName: 500,
    errors.ConfigurationProblem: 500,
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.UnsupportedTransferCoding: 501,
    errors.ExpectationFailed: 417,
    errors.ForbiddenProxyRequest: 403,
    SSLError: 403,
    errors.ParseException: 400,
    Exception: 500,
}
_log = logging.getLogger("mmf.http")


def error_response(error: Exception) -> bytes:
    """Log an error that gunicorn raised; return the response, which ends the connection.

    It contains no part of the request, which may hold a password, and no details of a crash.
    """
    status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _response(status, CRASHED, error)
    words = re.sub("(?<=[a-z])(?=[A-Z])", " ", type(error).__name__)
    return _response(status, f"malformed HTTP request: {words.lower()}")


def timeout_response() -> bytes:
    """Return the response to a request that has not arrived in time."""
    return _response(408, "request timed out (MMF_CLIENT_TIMEOUT)")


def _response(status: int, detail: str, crash: Exception | None = None) -> bytes:
    from ..web.middleware import SAFETY_HEADERS

    request_id, reason = f"{getrandbits(128):032x}", HTTPStatus(status).phrase
    level = logging.ERROR if crash else logging.WARNING
    _log.log(level, "%d: %s (%s)", status, detail, request_id, exc_info=crash)
    body = json.dumps(problem_document(status, detail, "/", request_id))
    headers = [
        ("Connection", "close"),
        ("Content-Type", PROBLEM_MEDIA_TYPE),
        ("Content-Length", str(len(body))),
        ("X-Request-ID", request_id),
        *SAFETY_HEADERS,
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n{body}".encode()
