"""Values as HTTP responses."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Response
from werkzeug.datastructures import Headers
from werkzeug.http import dump_options_header

from ...codecs import Codec, FileBytes, Format, NumberTable, find, json
from ...descriptors import Descriptor
from ...errors import NotAcceptable, RequestError, ResultError
from ...target import Target
from .codec_options import options_of
from .content_encoding import SMALLEST, compress
from .negotiation import response_formats

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

VARY = ("Vary", "Accept")  # RFC 9110, 12.5.5
_PIECE = 1 << 20
_INLINE = {Format.JSON, Format.TEXT, Format.HTML}
Pairs = list[tuple[str, str]]


class _OwnHeaders(Headers):
    """Headers that are known to be right; Werkzeug checks and copies each several times."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._list = [*pairs]


class WholeResponse(Response):
    """A body and its headers, which are sent as they are unless somebody has changed them."""

    def __init__(self, body: bytes, headers: Pairs, status: int = HTTPStatus.OK) -> None:
        own = _OwnHeaders([*headers, ("Content-Length", str(len(body)))])
        super().__init__([body], status, own)
        if len(body) >= SMALLEST:
            compress(self)
        self._header_count = len(own)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if (
            self.status_code != HTTPStatus.OK
            or len(self.headers) != self._header_count
            or type(self.response) is not list
            or self._on_close
            or environ["REQUEST_METHOD"] == "HEAD"
        ):
            return super().__call__(environ, start_response)
        start_response(self.status, list(self.headers))
        body: list[bytes] = self.response
        return body


def json_response(
    value: Any, status: int = HTTPStatus.OK, media_type: str = Format.JSON.media_type
) -> Response:
    """Respond with dicts, lists, strings and numbers as JSON."""
    return WholeResponse(json.dumps(value), [("Content-Type", media_type)], status)


class ResultWriter:
    """Writes the results of one target; `limits` are the operator's codec options."""

    def __init__(self, target: Target, limits: Mapping[str, Any]) -> None:
        self._route = target.route
        self._returns = target.returns
        self.formats = response_formats(target.returns)
        self._options = options_of(target.returns, limits) if target.returns else {}
        self._codecs: dict[Format, Codec[Any]] = {}
        self._headers = {format: _headers(format, target.route) for format in self.formats}

    def write(self, value: Any, format: Format | None, *, is_negotiated: bool = False) -> Response:
        """Respond with a serialized result; browsers save a file under the target's name.

        204 for a target that returns nothing. ResultError if the format cannot hold the value, or
        NotAcceptable if the client chose the format.
        """
        if self._returns is None or format is None:
            return _no_content()
        body = self._encode(value, self._returns, format)
        headers = self._headers[format]
        if format is Format.BINARY and isinstance(value, FileBytes):
            headers = Headers(_headers(format, self._route, value)).to_wsgi_list()  # checked
        return WholeResponse(body, [*headers, VARY] if is_negotiated else headers)

    def write_file(self, file: IO[bytes], format: Format, *, is_negotiated: bool) -> Response:
        """Respond with a file in a format, which is read and sent in pieces, then closed."""
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        response = Response(iter(partial(file.read, _PIECE), b""))
        response.headers.clear()
        response.headers.extend([*self._headers[format], *([VARY] if is_negotiated else [])])
        response.content_length = size
        response.call_on_close(file.close)
        return response

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of the codecs that write the result."""
        return self._options

    def _encode(self, value: Any, returns: Descriptor[Any], format: Format) -> bytes:
        try:
            codec = self._codecs.get(format) or self._find_codec(returns, format)
            if type(value) is NumberTable and not codec.writes_numbers:
                value = value.to_frame()
            return codec.encode(value, self._options)
        except (TypeError, ValueError) as error:
            reason = f"the result cannot be written as {format.name}: {error}"
            if other := self._other_format(value, format, returns):
                raise NotAcceptable(f"{reason}; accept {other.media_type}") from None
            raise ResultError(f"{self._route}: {reason}") from error

    def _other_format(self, value: Any, format: Format, returns: Descriptor[Any]) -> Format | None:
        """Return the format to ask for instead: that of `returns=`, or one that holds the value."""
        if format is not returns.output_format:
            return returns.output_format
        for other in self.formats:
            with suppress(TypeError, ValueError, RequestError):
                if other is not format:
                    self._find_codec(returns, other).encode(value, self._options)
                    return other
        return None

    def _find_codec(self, returns: Descriptor[Any], format: Format) -> Codec[Any]:
        codec = find(returns.kind, format)
        if codec is None or not codec.writes:
            raise ResultError(
                f"{self._route}: no codec writes a {returns.class_name} as {format.name}"
            )
        self._codecs[format] = codec
        return codec


def _no_content() -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def _headers(format: Format, route: str, file: FileBytes | None = None) -> Pairs:
    """Return what a format's responses have; `file` may have a name and a media type of its own."""
    filename, content_type = f"{route}.{format.extension}", format.content_type
    if file is not None:
        filename, content_type = file.name or filename, file.media_type or content_type
    if format in _INLINE:
        return [("Content-Type", content_type)]
    return [("Content-Type", content_type), ("Content-Disposition", _attachment(filename))]


def _attachment(filename: str) -> str:
    names = {"filename": filename}
    if not filename.isascii():  # a header is Latin-1 at most: RFC 6266, 4.3
        ascii_name = filename.encode("ascii", "replace").decode().replace("?", "_")
        names = {"filename": ascii_name, "filename*": f"UTF-8''{quote(filename, safe='')}"}
    return dump_options_header("attachment", names)
