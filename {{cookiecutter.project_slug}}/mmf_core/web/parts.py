"""What a request brings for one argument: a file, a text, or a piece of a JSON object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from ..codecs import Kind, json, json_of
from ..descriptors import Descriptor
from . import charsets
from .negotiation import body_codec


class Part(ABC):
    """One argument's value on its way in."""

    @abstractmethod
    def decode(self, descriptor: Descriptor[Any]) -> Any:
        """Return the value for the descriptor to check; RequestError if it cannot be read."""


@dataclass(frozen=True, slots=True)
class Bytes(Part):
    """A whole body, or a file in a form, where the file's name counts for more than its type."""

    data: bytes
    media_type: str
    filename: str
    prefer_name: bool
    charset: str = ""

    def decode(self, descriptor: Descriptor[Any]) -> Any:
        codec = body_codec(
            descriptor.kind, self.media_type, self.filename, prefer_name=self.prefer_name
        )
        data = self.data
        if self.charset and codec.format in charsets.FORMATS:
            data = charsets.to_utf8(data, self.charset)
        return codec.decode(data, descriptor.options)


@dataclass(frozen=True, slots=True)
class Text(Part):
    """A form's field or a query's: a scalar as it is, anything else as JSON."""

    text: str

    def decode(self, descriptor: Descriptor[Any]) -> Any:
        if descriptor.kind is Kind.SCALAR:
            return self.text
        return Plain(json.loads(self.text)).decode(descriptor)


@dataclass(frozen=True, slots=True)
class Plain(Part):
    """A member of a JSON object."""

    value: Any

    def decode(self, descriptor: Descriptor[Any]) -> Any:
        return json_of(descriptor.kind).from_plain(self.value, descriptor.options)
