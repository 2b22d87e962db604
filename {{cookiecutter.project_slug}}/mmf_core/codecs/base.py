"""The base of every codec: one kind of value in one format, bytes to value and back.

A codec depends on bytes and values only, not on HTTP, descriptors or targets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from inspect import signature
from typing import Any, ClassVar, Generic, TypeVar, cast

from ..errors import RequestError
from ..packages import OptionalDependency
from . import json
from .decoded_size import check_decoded_size
from .formats import Format

V = TypeVar("V")
Options = Mapping[str, Any]


def supported_options(reader: Callable[..., Any], options: Options) -> dict[str, Any]:
    """Return the options that a reader has a parameter for: a workbook's has none for `sep`."""
    parameters = _parameters(reader)
    return {name: value for name, value in options.items() if name in parameters}


@cache
def _parameters(reader: Callable[..., Any]) -> frozenset[str]:
    """Return their names; inspecting a function takes as long as reading a small table."""
    return frozenset(signature(reader).parameters)


class Kind(Enum):
    """A kind of value, and its type in Python."""

    TABLE = "pandas.DataFrame"
    ARRAY = "numpy.ndarray of numbers"
    JSON = "dict, list, str, number, bool or None, nested"
    IMAGE = "numpy.ndarray, uint8, (height, width, 3), RGB"
    SCALAR = "str, number, bool, datetime or None"
    FILE = "bytes"
    STREAM = "iterator of values that JSON holds"

    __hash__ = object.__hash__  # see `Format`


class Codec(OptionalDependency, Generic[V]):
    """One kind of value in one format; a few are only read or only written."""

    kind: ClassVar[Kind]
    format: Format
    reads: ClassVar[bool] = True
    writes: ClassVar[bool] = True
    writes_numbers: ClassVar[bool] = False
    """Whether `encode` takes a `NumberTable`, too."""
    memory_weights: ClassVar[Mapping[bytes, int]] = {}
    """The bytes of memory that each of these tokens takes once decoded; see `decoded_size`."""

    def read(self, data: bytes, options: Options) -> V:
        """Decode what a caller has sent, within the bounds of memory and of depth."""
        check_decoded_size(data, self.memory_weights, self.format, options)
        try:
            return self.decode(data, options)
        except RecursionError:
            raise RequestError(
                f"this {self.format.name} is nested too deeply; send a flatter value"
            ) from None

    def decode(self, data: bytes, options: Options) -> V:
        """Read a value; RequestError for damaged bytes, InvalidValue for a wrong value."""
        raise NotImplementedError

    def encode(self, value: V, options: Options) -> bytes:
        """Write a value; TypeError or ValueError if the format cannot hold it."""
        raise NotImplementedError


class JSONCodec(Codec[V]):
    """JSON of one kind; `from_plain` also reads a value that is a part of a larger JSON text."""

    format = Format.JSON
    wraps: ClassVar[bool] = False
    """Whether a whole response is `{"result": value}`, as MMF's own service writes it."""

    def from_plain(self, plain: Any, options: Options) -> V:
        """Turn dicts, lists, strings and numbers into the value; by default they are the value."""
        return cast("V", plain)

    def to_plain(self, value: V) -> Any:
        """Turn the value into one that `json.dumps` accepts; by default it is one."""
        return value

    def decode(self, data: bytes, options: Options) -> V:
        return self.from_plain(json.loads(data), options)

    def encode(self, value: V, options: Options) -> bytes:
        plain = self.to_plain(value)
        return json.dumps({"result": plain} if self.wraps else plain)
