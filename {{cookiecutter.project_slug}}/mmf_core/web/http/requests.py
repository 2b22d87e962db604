"""Requests whose texts are in UTF-8, or in the charset that they name, or refused.

Werkzeug would put U+FFFD, or the text `%FF`, in place of bytes that it cannot decode.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import IO, Any
from urllib.parse import parse_qsl, unquote_to_bytes

import flask
from flask import current_app, has_app_context
from werkzeug.datastructures import MultiDict
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.utils import cached_property

from ...errors import BodyTooLarge, RequestError
from .charsets import to_utf8
from .multipart import PartReader, TextField

MULTIPART, FIELDS = "multipart/form-data", "application/x-www-form-urlencoded"
MAX_HEADER = 8 * 1024
"""Characters of a header that is parsed, as of one line; the server joins a hundred of a name."""
_MAX_FIELDS = 1_000  # as many as Werkzeug takes parts; each takes fifty times its bytes
_MAX_ESCAPES = 2_000_000  # such as %D0: each takes 150 bytes of memory while it is decoded
_MAX_LENGTH_DIGITS = 19  # Python refuses to read a number of several thousand
_SLICE = 64 * 1024  # bytes
_CHARSET = "_charset_"  # a field with the charset of the form's texts: RFC 7578, 4.6
_BYTES = "latin-1"  # one character for each byte


class FormParser(FormDataParser):
    """Raises when a form cannot be read; Werkzeug's own returns an empty one."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], MultiDict[str, Any], MultiDict[str, Any]]:
        parameters = options or {}
        fields: Iterable[tuple[str, str]] = []
        files: Iterable[Any] = []
        if mimetype == FIELDS:
            fields = _urlencoded(stream.read(), parameters.get("charset", ""))
        elif mimetype == MULTIPART:
            boundary = parameters.get("boundary", "").encode("ascii")
            if not boundary:
                raise ValueError("missing boundary")
            parts = PartReader(self.stream_factory, self.max_form_parts)
            parts.read(stream, boundary, content_length)
            try:
                fields = _multipart(parts.texts)
            except RequestError:
                parts.close()
                raise
            files = parts.files
        return stream, self.cls(fields), self.cls(files)


class Request(flask.Request):
    """Flask's request with strict texts; RequestError when they cannot be read."""

    form_data_parser_class = FormParser
    _own_limit: int | None = None

    @property
    def max_content_length(self) -> int | None:
        """As Flask's, without its looks through proxies, which take as long as reading a row."""
        if self._own_limit is not None or not has_app_context():
            return self._own_limit
        limit: int | None = current_app._get_current_object().config["MAX_CONTENT_LENGTH"]  # type: ignore[attr-defined] # noqa: SLF001
        return limit

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self._own_limit = value

    @property
    def content_length(self) -> int | None:
        """As Werkzeug's, which looks for spaces and signs in each."""
        text = self.environ.get("CONTENT_LENGTH", "")
        is_plain = text.isascii() and text.isdecimal() and len(text) < _MAX_LENGTH_DIGITS
        if is_plain and "HTTP_TRANSFER_ENCODING" not in self.environ:
            return int(text)
        length: int | None = super().content_length
        return length

    @cached_property
    def args(self) -> MultiDict[str, str]:
        try:
            query = parse_qsl(self.query_string.decode(), keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            raise RequestError("the query string is not UTF-8; send its texts in UTF-8") from None
        return self.parameter_storage_class(query)


def check_header(name: str, text: str) -> None:
    """Raise RequestError for a header that would take long to parse."""
    if len(text) > MAX_HEADER:
        raise RequestError(
            f"expected {name} headers of at most {MAX_HEADER:,} characters together, got "
            f"{len(text):,}; send a shorter one"
        )


@lru_cache(maxsize=256)  # callers send the same few headers
def parse_content_type(header: str) -> tuple[str, str]:
    """Return the media type and the charset of a `Content-Type`; empty if it has none."""
    media_type, parameters = parse_options_header(header)
    return media_type.lower(), parameters.get("charset", "")


def _urlencoded(body: bytes, charset: str) -> list[tuple[str, str]]:
    if body.count(b"%") > _MAX_ESCAPES:
        raise BodyTooLarge(
            f"expected a form with at most {_MAX_ESCAPES:,} bytes written as %XX, "
            f"got {body.count(b'%'):,}; send multipart/form-data"
        )
    if body.count(b"&") >= _MAX_FIELDS:
        raise ValueError(f"expected at most {_MAX_FIELDS:,} fields")
    pairs = [field.partition(b"=") for field in body.split(b"&") if field]
    fields = [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]
    own = _CHARSET.encode()
    charset = charset or dict(fields).get(own, b"").decode(_BYTES)
    named = [(_text(name, charset), value) for name, value in fields if name != own]
    return [(name, _text(value, charset, name)) for name, value in named]


def _unquoted(data: bytes) -> bytes:
    """Return bytes without escapes; urllib makes objects of each, so it gets a slice at a time."""
    pieces, start = [], 0
    while start < len(data):
        end = start + _SLICE
        escape = data.find(b"%", end - 2, end)  # perhaps cut off here
        end = end if escape < 0 else escape
        pieces.append(unquote_to_bytes(data[start:end].replace(b"+", b" ")))
        start = end
    return b"".join(pieces)


def _multipart(fields: list[TextField]) -> list[tuple[str, str]]:
    charsets = [field.data.decode(_BYTES) for field in fields if field.name == _CHARSET]
    default = charsets[-1] if charsets else ""
    return [
        (field.name, _text(field.data, field.charset or default, field.name))
        for field in fields
        if field.name != _CHARSET
    ]


def _text(data: bytes, charset: str, field: str | None = "") -> str:
    """Return a text from its bytes; RequestError names the field."""
    try:
        return (to_utf8(data, charset) if charset else data).decode()
    except UnicodeDecodeError:
        error = RequestError(
            "the form cannot be read: a text in it is not utf-8; send utf-8, or name the charset"
        )
    except RequestError as unreadable:
        error = unreadable
    raise error.within(field) if field else error
