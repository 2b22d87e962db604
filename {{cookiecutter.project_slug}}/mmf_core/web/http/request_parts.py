"""The parts of a request that become arguments: a file, a text, or a member of a JSON object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from flask import Request
from werkzeug.datastructures import FileStorage

from ...codecs import (
    WORKBOOK_STARTS,
    WORKBOOKS,
    Codec,
    Format,
    Kind,
    find,
    json_of,
    read_json,
    readable,
    with_repeated_names,
)
from ...descriptors import Descriptor
from ...errors import ErrorDetail, InvalidValue, RequestError, quoted
from ...target import HEADER_QUERY, SHEET_QUERY
from . import charsets
from .codec_options import options_of
from .multipart import disposition_parameters
from .negotiation import body_codec, content_codec
from .requests import check_header, parse_content_type

MAX_HEADER_ROW = 1_000


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a target and how to read it, computed once at start-up.

    `codecs` are those that can read it, by media type.
    """

    descriptor: Descriptor[Any]
    options: Mapping[str, Any]
    codecs: Mapping[str, Codec[Any]]

    @classmethod
    def of(cls, descriptor: Descriptor[Any], limits: Mapping[str, Any]) -> Self:
        """Prepare to read values of a descriptor; `limits` are the operator's codec options."""
        kind = descriptor.kind
        codecs = {
            media_type: codec
            for format in readable(kind)
            if kind is not Kind.FILE and format is not Format.BINARY
            for media_type in format.media_types
            if (codec := find(kind, format))
        }
        return cls(descriptor, options_of(descriptor, limits), codecs)


class Part(ABC):
    """The value of an argument, not yet decoded."""

    @abstractmethod
    def decode(self, argument: Argument) -> Any:
        """Return the value, not yet validated; RequestError if it cannot be read."""


@dataclass(slots=True)
class EncodedPart(Part):
    """A whole body, or a file in a form, whose name takes precedence over its media type.

    `place` holds the options that say where in a workbook the table is: `sheet`, `header_row`.
    """

    data: bytes
    media_type: str
    filename: str
    prefer_name: bool
    charset: str = ""
    place: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_file(cls, file: FileStorage, request: Request) -> Self:
        """Return a file of a form, read from its current position."""
        disposition = file.headers.get("Content-Disposition", "")
        return cls(
            file.read(),
            file.mimetype,
            disposition_parameters(disposition).get("filename", ""),
            prefer_name=True,
            charset=file.mimetype_params.get("charset", ""),
            place=workbook_place(request),
        )

    @classmethod
    def of_body(cls, body: bytes, request: Request) -> Self:
        """Return a whole body."""
        media_type, charset = parse_content_type(request.environ.get("CONTENT_TYPE", ""))
        disposition = request.environ.get("HTTP_CONTENT_DISPOSITION")
        filename = _file_name(disposition) if disposition else ""
        place = workbook_place(request) if request.query_string else {}
        return cls(body, media_type, filename, prefer_name=False, charset=charset, place=place)

    def decode(self, argument: Argument) -> Any:
        kind = argument.descriptor.kind
        codec = None if self.prefer_name else argument.codecs.get(self.media_type)
        if codec is None:
            codec = body_codec(kind, self.media_type, self.filename, prefer_name=self.prefer_name)
        if kind is Kind.TABLE and self.data.startswith(WORKBOOK_STARTS):
            codec = content_codec(codec, self.data)
        options = self._options(argument, codec.format)
        if not self.charset or codec.format not in charsets.FORMATS:
            return codec.read(self.data, options)
        options = {**options, "encoding": "utf-8"}
        return codec.read(charsets.to_utf8(self.data, self.charset), options)

    def _options(self, argument: Argument, format: Format) -> Mapping[str, Any]:
        kind, options = argument.descriptor.kind, argument.options
        if kind is Kind.FILE:
            return {**options, "filename": self.filename, "media_type": self.media_type}
        if not self.place or kind is not Kind.TABLE:
            return options
        if format not in WORKBOOKS:
            (name, value), *_ = self.place.items()
            no_sheets = ", which has no sheets" if name == "sheet" else ""
            raise InvalidValue(
                f"?{name}={value}: expected a workbook, got {format.name}{no_sheets}"
            )
        return {**options, **self.place}


@dataclass(frozen=True, slots=True)
class TextPart(Part):
    """A field of a form or a query: a scalar as it is, anything else as JSON."""

    text: str

    def decode(self, argument: Argument) -> Any:
        if argument.descriptor.kind is Kind.SCALAR:
            return self.text
        text = self.text.encode()
        value = read_json(text, argument.options)
        if argument.descriptor.kind is Kind.TABLE:
            value = with_repeated_names(text, value)
        return JSONPart(value).decode(argument)


@dataclass(frozen=True, slots=True)
class TextsPart(Part):
    """The fields of a list in a form or a query, one for each value; or a single one of JSON."""

    texts: list[str]

    def decode(self, argument: Argument) -> Any:
        first, *others = self.texts
        return self.texts if others or first[:1] != "[" else TextPart(first).decode(argument)


@dataclass(frozen=True, slots=True)
class JSONPart(Part):
    """A member of a JSON object."""

    value: Any

    def decode(self, argument: Argument) -> Any:
        return json_of(argument.descriptor.kind).from_plain(self.value, argument.options)


def _file_name(disposition: str) -> str:
    """Return a body's file name; a server passes the bytes of a header on as Latin-1 (PEP 3333)."""
    check_header("Content-Disposition", disposition)
    try:
        header = disposition.encode("latin-1").decode()
    except UnicodeDecodeError:
        raise RequestError("Content-Disposition: expected the file name in UTF-8") from None
    return disposition_parameters(header).get("filename", "")


def workbook_place(request: Request) -> dict[str, Any]:
    """Return where in a workbook the query says that the table is; InvalidValue if nowhere."""
    if not request.query_string:
        return {}
    place: dict[str, Any] = {}
    if (sheet := request.args.get(SHEET_QUERY)) is not None:
        place[SHEET_QUERY] = sheet
    text = request.args.get(HEADER_QUERY)
    if text is not None and (row := _header_row(text)) > 1:  # the first row is that of any format
        place[HEADER_QUERY] = row
    return place


def _header_row(text: str) -> int:
    is_row = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_HEADER_ROW))
    if not is_row or not 1 <= int(text) <= MAX_HEADER_ROW:
        expected = f"expected a whole number >= 1 and <= {MAX_HEADER_ROW}, got {quoted(text)}"
        raise InvalidValue(
            f"?{HEADER_QUERY}=: {expected}", [ErrorDetail(expected, where=HEADER_QUERY)]
        )
    return int(text)
