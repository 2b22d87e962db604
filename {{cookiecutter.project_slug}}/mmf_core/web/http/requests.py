"""Requests whose texts are in UTF-8, or in the charset that they name, or refused.

Werkzeug would put U+FFFD, or the text `%FF`, in place of bytes that it cannot decode.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import IO, Any, cast
from urllib.parse import parse_qsl

import flask
from flask import current_app, has_app_context
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.formparser import FormDataParser, MultiPartParser
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import File
from werkzeug.utils import cached_property

from ...errors import RequestError
from .charsets import to_utf8

MULTIPART, FIELDS = "multipart/form-data", "application/x-www-form-urlencoded"
_MAX_FIELDS = 1_000  # as many as Werkzeug takes parts; each takes fifty times its bytes
_MAX_LENGTH_DIGITS = 19  # Python refuses to read a number of several thousand
_CHARSET = "_charset_"  # a field with the charset of the form's texts: RFC 7578, 4.6
_BYTES = "latin-1"  # one character for each byte
_NAME_CHARSET = re.compile(r"name\*(?:0\*)?=([^']{0,64})'", re.IGNORECASE)


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
            parts = _PartParser(
                self.stream_factory,
                self.max_form_memory_size,
                cast("Any", list),  # in order, as `charsets` is
                max_form_parts=self.max_form_parts,
            )
            boundary = parameters.get("boundary", "").encode("ascii")
            if not boundary:
                raise ValueError("missing boundary")
            try:
                raw, files = parts.parse(stream, boundary, content_length)
                fields = _multipart(cast("Any", raw), parts.charsets)
            except Exception:
                parts.close()
                raise
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


@lru_cache(maxsize=256)  # callers send the same few headers
def parse_content_type(header: str) -> tuple[str, str]:
    """Return the media type and the charset of a `Content-Type`; empty if it has none."""
    media_type, parameters = parse_options_header(header)
    return media_type.lower(), parameters.get("charset", "")


def disposition_parameters(header: str) -> dict[str, str]:
    """Return the parameters of a Content-Disposition; RequestError for names not in UTF-8."""
    parameters = parse_options_header(header)[1]
    charsets = _NAME_CHARSET.findall(header)
    is_utf8 = {charset.lower() for charset in charsets} <= {"utf-8", "us-ascii"}
    if not is_utf8 or (charsets and any("\ufffd" in text for text in parameters.values())):
        raise RequestError("Content-Disposition: expected a name*=UTF-8''… in UTF-8 (RFC 8187)")
    return parameters


class _PartParser(MultiPartParser):
    """Reads the texts of a form as bytes, and keeps the charset of each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.charsets: list[str] = []
        self._files: list[IO[bytes]] = []

    def close(self) -> None:
        """Close the files of a form that cannot be read; large ones are on the disk."""
        for file in self._files:
            file.close()

    def start_file_streaming(self, event: File, total_content_length: int | None) -> IO[bytes]:
        _check_transfer_encoding(event.headers, event.name)
        self._files.append(super().start_file_streaming(event, total_content_length))
        return self._files[-1]

    def get_part_charset(self, headers: Headers) -> str:
        name = parse_options_header(headers["Content-Disposition"])[1].get("name", "")
        _check_transfer_encoding(headers, name)
        disposition_parameters(headers["Content-Disposition"])
        parameters = parse_options_header(headers.get("Content-Type"))[1]
        self.charsets.append(parameters.get("charset", ""))
        return _BYTES


def _check_transfer_encoding(headers: Headers, name: str) -> None:
    """Refuse base64 and others, whose text would be taken for the value (RFC 7578, 4.7)."""
    encoding = headers.get("Content-Transfer-Encoding", "binary")
    if encoding.strip().lower() not in {"7bit", "8bit", "binary"}:
        raise RequestError(
            f"{name}: expected a part without Content-Transfer-Encoding, got {encoding}; "
            f"send it as it is"
        )


def _urlencoded(body: bytes, charset: str) -> list[tuple[str, str]]:
    fields = parse_qsl(
        body.decode(_BYTES), keep_blank_values=True, encoding=_BYTES, max_num_fields=_MAX_FIELDS
    )
    charset = charset or dict(fields).get(_CHARSET, "")
    texts = [(_text(name, charset), value) for name, value in fields if name != _CHARSET]
    return [(name, _text(value, charset, name)) for name, value in texts]


def _multipart(fields: list[tuple[str, str]], charsets: list[str]) -> list[tuple[str, str]]:
    default = dict(fields).get(_CHARSET, "")
    return [
        (name, _text(value, charset or default, name))
        for (name, value), charset in zip(fields, charsets, strict=True)
        if name != _CHARSET
    ]


def _text(raw: str, charset: str, field: str | None = "") -> str:
    """Return a text from its bytes; RequestError names the field."""
    data = raw.encode(_BYTES)
    try:
        return (to_utf8(data, charset) if charset else data).decode()
    except UnicodeDecodeError:
        error = RequestError(
            "the form cannot be read: a text in it is not utf-8; send utf-8, or name the charset"
        )
    except RequestError as unreadable:
        error = unreadable
    raise error.within(field) if field else error
