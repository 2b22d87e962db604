"""What a request brings for one argument: a file, a text, or a piece of a JSON object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from ...codecs import WORKBOOKS, Format, Kind, check_decoded_size, json, json_of
from ...descriptors import Descriptor
from ...errors import InvalidValue
from ...target import SHEET_QUERY
from . import charsets
from .codec_options import options_of
from .negotiation import body_codec


class Part(ABC):
    """One argument's value on its way in."""

    @abstractmethod
    def decode(self, descriptor: Descriptor[Any]) -> Any:
        """Return the value for the descriptor to check; RequestError if it cannot be read."""


@dataclass(frozen=True, slots=True)
class EncodedPart(Part):
    """A whole body, or a file in a form, where the file's name counts for more than its type.

    `sheet` names the one that is wanted of a workbook.
    """

    data: bytes
    media_type: str
    filename: str
    prefer_name: bool
    charset: str = ""
    sheet: str | None = None

    def decode(self, descriptor: Descriptor[Any]) -> Any:
        codec = body_codec(
            descriptor.kind, self.media_type, self.filename, prefer_name=self.prefer_name
        )
        text, options = self._text(codec.format), self._options(descriptor, codec.format)
        check_decoded_size(codec, text, options)
        return codec.decode(text, options)

    def _text(self, format: Format) -> bytes:
        if self.charset and format in charsets.FORMATS:
            return charsets.to_utf8(self.data, self.charset)
        return self.data

    def _options(self, descriptor: Descriptor[Any], format: Format) -> dict[str, Any]:
        options = options_of(descriptor)
        if descriptor.kind is Kind.FILE:
            options |= {"filename": self.filename, "media_type": self.media_type}
        if self.sheet is not None and descriptor.kind is Kind.TABLE:
            if format not in WORKBOOKS:
                raise InvalidValue(
                    f"?{SHEET_QUERY}={self.sheet} is for workbooks; {format.name} has no sheets"
                )
            options["sheet"] = self.sheet
        return options


@dataclass(frozen=True, slots=True)
class TextPart(Part):
    """A form's field or a query's: a scalar as it is, anything else as JSON."""

    text: str

    def decode(self, descriptor: Descriptor[Any]) -> Any:
        if descriptor.kind is Kind.SCALAR:
            return self.text
        check_decoded_size(json_of(Kind.JSON), self.text.encode(), options_of(descriptor))
        return JSONPart(json.loads(self.text)).decode(descriptor)


@dataclass(frozen=True, slots=True)
class JSONPart(Part):
    """A member of a JSON object."""

    value: Any

    def decode(self, descriptor: Descriptor[Any]) -> Any:
        return json_of(descriptor.kind).from_plain(self.value, options_of(descriptor))
