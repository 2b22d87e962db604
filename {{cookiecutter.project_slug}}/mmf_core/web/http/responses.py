"""Values as HTTP answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response
from werkzeug.http import dump_options_header

from ...codecs import FileBytes, Format, find, json
from ...descriptors import Descriptor
from ...errors import NotAcceptable, ResultError
from .codec_options import options_of

_INLINE = {Format.JSON, Format.TEXT, Format.HTML}


def plain(value: Any, status: int = 200, media_type: str = Format.JSON.media_type) -> Response:
    """Answer dicts, lists, strings and numbers as JSON."""
    return Response(json.dumps(value), status, content_type=media_type)


def nothing() -> Response:
    """Answer 204, for a target that returns nothing."""
    answer = Response(status=204)
    del answer.headers["Content-Type"]
    return answer


def result(value: Any, returns: Descriptor[Any], form: Format, name: str) -> Response:
    """Answer a presented result in a format; a file is called `name` and saved, not shown.

    ResultError if the format has no way to hold the value; NotAcceptable where the caller chose it.
    """
    codec = find(returns.kind, form)
    if codec is None or not codec.writes:
        raise ResultError(f"{name}: nothing writes a {returns.class_name} as {form.name}")
    try:
        body = codec.encode(value, options_of(returns))
    except (TypeError, ValueError) as error:
        why = f"the result cannot be written as {form.name}: {error}"
        if form is not returns.answer_format:
            raise NotAcceptable(f"{why}; ask for {returns.answer_format.media_type}") from None
        raise ResultError(f"{name}: {why}") from error
    filename, content_type = f"{name}.{form.extension}", _content_type(form)
    if form is Format.BINARY and isinstance(value, FileBytes):
        filename, content_type = value.name or filename, value.media_type or content_type
    answer = Response(body, content_type=content_type)
    if form not in _INLINE:
        answer.headers["Content-Disposition"] = _attachment(filename)
    return answer


def _attachment(filename: str) -> str:
    names = {"filename": filename}
    if not filename.isascii():  # a header is Latin-1 at most: RFC 6266, 4.3
        plain_name = filename.encode("ascii", "replace").decode().replace("?", "_")
        names = {"filename": plain_name, "filename*": f"UTF-8''{quote(filename, safe='')}"}
    return dump_options_header("attachment", names)


def _content_type(form: Format) -> str:
    textual = form.media_type.startswith("text/")
    return f"{form.media_type}; charset=utf-8" if textual else form.media_type
