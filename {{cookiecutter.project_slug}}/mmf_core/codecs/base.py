"""What a codec is: one kind of value in one format, bytes to value and back.

A codec knows bytes and values and nothing of HTTP, descriptors or targets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from inspect import signature
from typing import Any, ClassVar, Generic, TypeVar

from ..packages import NeedsPackages
from . import json
from .formats import Format

V = TypeVar("V")
Options = Mapping[str, Any]


def known_to(reader: Callable[..., Any], options: Options) -> dict[str, Any]:
    """Return the options that a reader has a parameter for: `sep` says nothing of a workbook."""
    parameters = signature(reader).parameters
    return {name: value for name, value in options.items() if name in parameters}


class Kind(Enum):
    """What sort of value a codec carries, and the type that it is in Python."""

    TABLE = "pandas.DataFrame"
    ARRAY = "numpy.ndarray of numbers"
    TREE = "dict, list, str, number, bool or None, nested"
    IMAGE = "numpy.ndarray, uint8, (height, width, 3), RGB"
    SCALAR = "str, number, bool, datetime or None"
    FILE = "bytes"


class Codec(NeedsPackages, Generic[V]):
    """One kind of value in one format."""

    kind: ClassVar[Kind]
    format: Format

    def decode(self, data: bytes, options: Options) -> V:
        """Read a value; RequestError or InvalidValue if that cannot be done."""
        raise NotImplementedError

    def encode(self, value: V, options: Options) -> bytes:
        """Write a value; TypeError or ValueError if the format has no way to hold it."""
        raise NotImplementedError


class JSONCodec(Codec[V]):
    """JSON of one kind; `from_plain` also serves a value that is a part of a larger JSON text."""

    format = Format.JSON

    def from_plain(self, plain: Any, options: Options) -> V:
        """Turn dicts, lists, strings and numbers into the value."""
        raise NotImplementedError

    def to_plain(self, value: V) -> Any:
        """Turn the value into what `json.dumps` takes."""
        raise NotImplementedError

    def decode(self, data: bytes, options: Options) -> V:
        return self.from_plain(json.loads(data), options)

    def encode(self, value: V, options: Options) -> bytes:
        return json.dumps(self.to_plain(value))
