"""What no application sees: requests that are none, or that do not come in time (RFC 9457)."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from random import getrandbits

from gunicorn.http import errors

from ..errors import CRASHED, PROBLEM_MEDIA_TYPE, problem_document

_FAULTS: dict[type[Exception], tuple[int, str]] = {
    errors.LimitRequestLine: (414, "the request line is too long"),
    errors.LimitRequestHeaders: (431, "the headers are too long, or too many"),
    errors.UnsupportedTransferCoding: (501, "of transfer codings only chunked can be read"),
    errors.ExpectationFailed: (417, "nothing can be expected but 100-continue"),
    errors.ForbiddenProxyRequest: (403, "this proxy is not in FORWARDED_ALLOW_IPS"),
    errors.InvalidRequestLine: (400, "the request line is not that of HTTP"),
    errors.InvalidRequestMethod: (400, "the request's method is not one of HTTP"),
    errors.InvalidHTTPVersion: (400, "the version of HTTP is not 1.0 or 1.1"),
    errors.InvalidHeader: (400, "a header has a value that cannot be"),
    errors.InvalidHeaderName: (400, "a header has a name that cannot be"),
    errors.ObsoleteFolding: (400, "a header goes on in a second line"),
    errors.InvalidChunkSize: (400, "the body is not in chunks as it says"),
    errors.ChunkMissingTerminator: (400, "the body is not in chunks as it says"),
    errors.InvalidChunkExtension: (400, "the body is not in chunks as it says"),
}
_OURS = (
    errors.InvalidResponseHeader,
    errors.InvalidResponseHeaderName,
    errors.ConfigurationProblem,
)
_log = logging.getLogger("mmf.refusals")


def fault_of(error: Exception) -> tuple[int, str]:
    """Return status and detail for what gunicorn's parser has to say, 500 for all else.

    The detail holds nothing of what was sent: that may be a password.
    """
    if isinstance(error, errors.ParseException) and not isinstance(error, _OURS):
        kinds = (_FAULTS[kind] for kind in type(error).__mro__ if kind in _FAULTS)
        return next(kinds, (400, "this is not a request of HTTP/1.1"))
    return 500, CRASHED


def refusal(status: int, detail: str) -> tuple[str, bytes]:
    """Return a request id, and the whole of an answer that ends the connection."""
    request_id, title = f"{getrandbits(128):032x}", HTTPStatus(status).phrase
    body = json.dumps(problem_document(status, detail, "/", request_id)).encode()
    head = (
        f"HTTP/1.1 {status} {title}\r\n"
        "Connection: close\r\n"
        f"Content-Type: {PROBLEM_MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"X-Request-ID: {request_id}\r\n\r\n"
    )
    return request_id, head.encode() + body


def answer_to(error: Exception) -> bytes:
    """Write down what is wrong below the application; return what the client is told."""
    status, detail = fault_of(error)
    request_id, answer = refusal(status, detail)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("a request has failed (%s)", request_id, exc_info=error)
    else:
        _log.warning("%d: %s (%s)", status, detail, request_id)
    return answer
