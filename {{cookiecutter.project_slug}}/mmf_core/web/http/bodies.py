"""Bodies as they come off the wire: whole or refused, never cut off in silence."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from io import BytesIO
from typing import IO, Any, TypeVar

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from ...errors import ClientTooSlow, RequestError
from .content_encoding import decompress, parse_content_encoding

FORMS = {"multipart/form-data", "application/x-www-form-urlencoded"}
V = TypeVar("V")
_CHUNK = 64 * 1024
_TOO_SLOW = (TimeoutError, BlockingIOError)  # by Python's time limit of a socket, by the kernel's
_log = logging.getLogger("mmf.bodies")


class _StrictForms(FormDataParser):
    """Tells when a form cannot be read; Werkzeug takes it for an empty one."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.silent = False


def read_whole(request: Request) -> bytes:
    """Return the body, inflated; RequestError if it ends early or is not what it says it is.

    RequestEntityTooLarge or BodyTooLarge if it is too long, UnsupportedCoding if it is packed
    in a way that is not known here.
    """
    header = request.environ.get("HTTP_CONTENT_ENCODING")
    codings = parse_content_encoding(header) if header else ()  # refused before all is read
    body = _read(request, lambda: _whole(request))
    if len(body) < (request.content_length or 0):
        raise RequestError(
            f"the body ends after {len(body)} of the {request.content_length} bytes that its "
            f"Content-Length promises"
        )
    if codings and body:
        body = decompress(body, codings, request.max_content_length or sys.maxsize)
    if codings or not request.content_length:
        request.stream = BytesIO(body)  # for whoever looks at it afterwards
    return body


def read_form(request: Request) -> None:
    """Fill `request.form` and `request.files`; errors as in `read_whole`."""
    request.form_data_parser_class = _StrictForms
    if "HTTP_CONTENT_ENCODING" in request.environ:
        body = read_whole(request)
        vars(request).pop("_cached_data", None)  # Werkzeug would parse it, not the stream
        request.stream = BytesIO(body)
    _read(request, lambda: request.files)


def drain_body(request: Request) -> None:
    """Read the rest of a refused body, up to twice what is allowed, and forget it.

    A client that is still sending when the connection closes sees a reset and never the answer.
    """
    most = 2 * (request.max_content_length or 0)
    try:
        _discard(request.stream, most)
    except RequestEntityTooLarge:  # that stream ends at the limit; this one may never end by itself
        _discard(request.environ["wsgi.input"], min(most, request.content_length or most))


def _whole(request: Request) -> bytes:
    length = request.content_length
    if (
        length
        and length <= (request.max_content_length or length)
        and not _stream_consumed(request)
    ):
        body: bytes = request.environ["wsgi.input"].read(length)  # two copies less than by `stream`
        request.stream = BytesIO(body)  # for whoever looks at it afterwards
        return body
    return request.get_data(cache=False)


def _stream_consumed(request: Request) -> bool:
    """Tell whether somebody, the author's own hook maybe, has begun to read the body."""
    return "stream" in vars(request) or hasattr(request, "_cached_data")


def _read(request: Request, what: Callable[[], V]) -> V:
    """Read the whole body; RequestError if that cannot be done."""
    try:
        value = what()
        if not request.content_length:  # absent, or empty as PEP 3333 allows
            # Werkzeug stops at the limit in silence; reading on makes it raise.
            request.stream.read(1)
    except (RequestEntityTooLarge, MemoryError):
        raise
    except ValueError as error:
        raise RequestError(f"this form cannot be read: {error}") from None
    except Exception as error:  # every server has its own for a connection that breaks off
        if isinstance(error, _TOO_SLOW) or isinstance(error.__context__, _TOO_SLOW):
            raise ClientTooSlow(
                "the rest of the body did not come in time; the operator's setting is "
                "MMF_CLIENT_TIMEOUT"
            ) from None
        raise RequestError("the body cannot be read to its end") from error
    return value


def _discard(stream: IO[bytes], most: int) -> None:
    try:
        while most > 0 and (chunk := stream.read(min(most, _CHUNK))):
            most -= len(chunk)
    except RequestEntityTooLarge:
        raise
    except Exception:  # noqa: BLE001 - the connection is broken, by whatever name the server has
        _log.debug("a refused body broke off", exc_info=True)
