"""Values as HTTP responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flask import Response
from werkzeug.http import dump_options_header

from ...codecs import Codec, FileBytes, Format, find, json
from ...descriptors import Descriptor
from ...errors import NotAcceptable, ResultError
from ...target import Target
from .codec_options import options_of
from .content_encoding import SMALLEST, compress
from .negotiation import response_formats

_INLINE = {Format.JSON, Format.TEXT, Format.HTML}


def json_response(
    value: Any, status: int = 200, media_type: str = Format.JSON.media_type
) -> Response:
    """Respond with dicts, lists, strings and numbers as JSON."""
    body = json.dumps(value)
    response = Response(body, status, content_type=media_type)
    if len(body) >= SMALLEST:
        compress(response)
    return response


class ResultWriter:
    """Writes the results of one target; `limits` are the operator's codec options."""

    def __init__(self, target: Target, limits: Mapping[str, Any]) -> None:
        self._route = target.route
        self._returns = target.returns
        self.formats = response_formats(target.returns)
        self._options = options_of(target.returns, limits) if target.returns else {}
        self._codecs: dict[Format, Codec[Any]] = {}

    def write(self, value: Any, format: Format | None) -> Response:
        """Respond with a serialized result; browsers save a file under the target's name.

        204 for a target that returns nothing. ResultError if the format cannot hold the value, or
        NotAcceptable if the client chose the format.
        """
        if self._returns is None or format is None:
            return _no_content()
        body = self._encode(value, self._returns, format)
        filename, content_type = f"{self._route}.{format.extension}", format.content_type
        if format is Format.BINARY and isinstance(value, FileBytes):
            filename, content_type = value.name or filename, value.media_type or content_type
        response = Response(body, content_type=content_type)
        if format not in _INLINE:
            response.headers["Content-Disposition"] = _attachment(filename)
        if len(body) >= SMALLEST:
            compress(response)
        return response

    def _encode(self, value: Any, returns: Descriptor[Any], format: Format) -> bytes:
        try:
            codec = self._codecs.get(format) or self._find_codec(returns, format)
            return codec.encode(value, self._options)
        except (TypeError, ValueError) as error:
            reason = f"the result cannot be written as {format.name}: {error}"
            if format is not returns.output_format:
                media_type = returns.output_format.media_type
                raise NotAcceptable(f"{reason}; accept {media_type}") from None
            raise ResultError(f"{self._route}: {reason}") from error

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


def _attachment(filename: str) -> str:
    names = {"filename": filename}
    if not filename.isascii():  # a header is Latin-1 at most: RFC 6266, 4.3
        ascii_name = filename.encode("ascii", "replace").decode().replace("?", "_")
        names = {"filename": ascii_name, "filename*": f"UTF-8''{quote(filename, safe='')}"}
    return dump_options_header("attachment", names)
