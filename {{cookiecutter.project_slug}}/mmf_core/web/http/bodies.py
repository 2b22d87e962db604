"""Request bodies: read completely or rejected, never silently truncated."""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Callable
from io import BytesIO
from typing import IO, TypeVar

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from ...errors import ClientTooSlow, RequestError
from ..request_context import body_received
from .content_encoding import decompress, parse_content_encoding
from .requests import FIELDS, MULTIPART

FORMS = {MULTIPART, FIELDS}
V = TypeVar("V")
_CHUNK = 64 * 1024
_TOO_SLOW = (TimeoutError, BlockingIOError)  # by a socket timeout of Python, of the kernel
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}
"""Of the disk or of files: large parts of a form are kept in temporary files."""
_log = logging.getLogger("mmf.bodies")


def read_whole(request: Request) -> bytes:
    """Return the body, decompressed; RequestError if it ends early or cannot be decompressed.

    RequestEntityTooLarge or BodyTooLarge if it is too long, UnsupportedCoding for a
    `Content-Encoding` that is not supported.
    """
    header = request.environ.get("HTTP_CONTENT_ENCODING")
    codings = parse_content_encoding(header) if header else ()  # rejected before the body is read
    length, limit = request.content_length, request.max_content_length
    body = _read(request, length, lambda: _whole(request, length, limit))
    if len(body) < (length or 0):
        raise _ends_early(len(body), length or 0)
    if codings and body:
        body = decompress(body, codings, limit or sys.maxsize)
    if codings or not length:
        request.stream = BytesIO(body)  # for later readers
    return body


class BodyStream:
    """A body whose length is known and that is not decompressed, read in pieces."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._length = self._left = request.content_length or 0

    def read(self, size: int) -> bytes:
        """Return the next bytes; RequestError if the body ends early or comes too slowly."""
        size = min(size, self._left)
        if not size:
            return b""
        stream = self._request.environ["wsgi.input"]
        data: bytes = _read(self._request, size, lambda: stream.read(size))
        self._left -= len(data)
        if not data:
            raise _ends_early(self._length - self._left, self._length)
        return data


def read_form(request: Request) -> None:
    """Fill `request.form` and `request.files`; errors as in `read_whole`."""
    if "HTTP_CONTENT_ENCODING" in request.environ:
        body = read_whole(request)
        vars(request).pop("_cached_data", None)  # Werkzeug would parse it, not the stream
        request.stream = BytesIO(body)
    _read(request, request.content_length, lambda: request.files)


def drain_body(request: Request) -> None:
    """Read the rest of a rejected body, up to twice the limit, and discard it.

    A client that is still sending when the connection closes sees a reset, not the response.
    """
    limit = 2 * (request.max_content_length or 0)
    try:
        _discard(request.stream, limit)
    except RequestEntityTooLarge:  # it ends at the limit; the raw stream may never end
        _discard(request.environ["wsgi.input"], min(limit, request.content_length or limit))


def _whole(request: Request, length: int | None, limit: int | None) -> bytes:
    if length and length <= (limit or length) and not _stream_consumed(request):
        body: bytes = request.environ["wsgi.input"].read(
            length
        )  # two copies fewer than by `stream`
        request.stream = BytesIO(body)  # for later readers
        return body
    return request.get_data(cache=False)


def _ends_early(received: int, length: int) -> RequestError:
    return RequestError(
        f"the body ends after {received} of the {length} bytes that Content-Length announces"
    )


def _stream_consumed(request: Request) -> bool:
    """Return whether the body has been read already, perhaps by a hook of the user's."""
    attributes = vars(request)
    return "stream" in attributes or "_cached_data" in attributes


def _read(request: Request, length: int | None, read: Callable[[], V]) -> V:
    """Call `read`; RequestError if the body is malformed, incomplete or too slow."""
    try:
        value = read()
        if not length:  # absent, or empty as PEP 3333 allows
            # Werkzeug stops silently at the limit; reading on makes it raise.
            request.stream.read(1)
    except (RequestEntityTooLarge, RequestError, MemoryError):
        raise
    except ValueError as error:
        raise RequestError(f"the form cannot be read: {error}") from None
    except Exception as error:  # every server has its own error for a broken connection
        if isinstance(error, _TOO_SLOW) or isinstance(error.__context__, _TOO_SLOW):
            raise ClientTooSlow(
                "the body did not arrive in time (set MMF_CLIENT_TIMEOUT)"
            ) from None
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise  # no fault of the caller's
        raise RequestError("the connection broke in the middle of the body") from error
    body_received()
    return value


def _discard(stream: IO[bytes], limit: int) -> None:
    try:
        while limit > 0 and (chunk := stream.read(min(limit, _CHUNK))):
            limit -= len(chunk)
    except RequestEntityTooLarge:
        raise
    except Exception:  # noqa: BLE001 - every server has its own error for a broken connection
        _log.debug("the connection broke while discarding a body", exc_info=True)
