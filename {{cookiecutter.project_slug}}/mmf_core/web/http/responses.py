"""Values as HTTP responses."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response
from werkzeug.http import dump_options_header

from ...codecs import FileBytes, Format, find, json
from ...descriptors import Descriptor
from ...errors import NotAcceptable, ResultError
from ...target import Target
from .codec_options import options_of

_INLINE = {Format.JSON, Format.TEXT, Format.HTML}


def json_response(
    value: Any, status: int = 200, media_type: str = Format.JSON.media_type
) -> Response:
    """Respond with dicts, lists, strings and numbers as JSON."""
    return Response(json.dumps(value), status, content_type=media_type)


def encode_response(value: Any, target: Target, format: Format | None) -> Response:
    """Respond with a target's serialized result; a file is named after the target, and saved.

    204 for a target that returns nothing. ResultError if the format has no way to hold the value;
    NotAcceptable where the caller chose the format.
    """
    returns = target.returns
    if returns is None or format is None:
        return _no_content()
    body = _encode(value, returns, format, target.route)
    filename, content_type = f"{target.route}.{format.extension}", _content_type(format)
    if format is Format.BINARY and isinstance(value, FileBytes):
        filename, content_type = value.name or filename, value.media_type or content_type
    response = Response(body, content_type=content_type)
    if format not in _INLINE:
        response.headers["Content-Disposition"] = _attachment(filename)
    return response


def _no_content() -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def _encode(value: Any, returns: Descriptor[Any], format: Format, route: str) -> bytes:
    codec = find(returns.kind, format)
    if codec is None or not codec.writes:
        raise ResultError(f"{route}: no codec writes a {returns.class_name} as {format.name}")
    try:
        return codec.encode(value, options_of(returns))
    except (TypeError, ValueError) as error:
        reason = f"the result cannot be written as {format.name}: {error}"
        if format is not returns.answer_format:
            media_type = returns.answer_format.media_type
            raise NotAcceptable(f"{reason}; ask for {media_type}") from None
        raise ResultError(f"{route}: {reason}") from error


def _attachment(filename: str) -> str:
    names = {"filename": filename}
    if not filename.isascii():  # a header is Latin-1 at most: RFC 6266, 4.3
        ascii_name = filename.encode("ascii", "replace").decode().replace("?", "_")
        names = {"filename": ascii_name, "filename*": f"UTF-8''{quote(filename, safe='')}"}
    return dump_options_header("attachment", names)


def _content_type(format: Format) -> str:
    is_text = format.media_type.startswith("text/")
    return f"{format.media_type}; charset=utf-8" if is_text else format.media_type
