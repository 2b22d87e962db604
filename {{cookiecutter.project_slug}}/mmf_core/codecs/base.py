"""What a codec is: one kind of value in one format, bytes to value and back.

A codec knows bytes and values and nothing of HTTP, descriptors or targets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from inspect import signature
from typing import Any, ClassVar, Generic, TypeVar

from ..errors import BodyTooLarge, RequestError
from ..packages import OptionalDependency
from ..settings import MIB
from . import json
from .formats import Format

V = TypeVar("V")
Options = Mapping[str, Any]


MAX_COLUMNS = 16_384
"""Of a table in text, as of an Excel sheet: pandas needs minutes for a million."""
MIN_CELLS = 1_000_000


def too_large(what: str, most: int) -> BodyTooLarge:
    """Return the error for what inflates to more bytes than it may."""
    return BodyTooLarge(
        f"this {what} inflates to more than {most / MIB:g} MiB; "
        f"the operator's setting is MMF_MAX_DECOMPRESSED_MIB"
    )


def refuse_sparse(rows: int, columns: int, size: int) -> None:
    """Refuse a small text that makes a huge table, since it does not write every cell.

    Up to a million cells are as good as none; more are refused where they are more than `size`.
    """
    if columns > MAX_COLUMNS:
        raise RequestError(f"a table may have {MAX_COLUMNS:,} columns here, not {columns:,}")
    if rows * columns > max(MIN_CELLS, size):
        raise RequestError(
            f"this table of {rows:,} rows and {columns:,} columns is nearly empty; "
            f"send it in smaller pieces"
        )


def known_to(reader: Callable[..., Any], options: Options) -> dict[str, Any]:
    """Return the options that a reader has a parameter for: `sep` says nothing of a workbook."""
    parameters = _parameters(reader)
    return {name: value for name, value in options.items() if name in parameters}


@cache
def _parameters(reader: Callable[..., Any]) -> frozenset[str]:
    """Return their names; to look takes as long as to read a small table."""
    return frozenset(signature(reader).parameters)


class Kind(Enum):
    """What sort of value a codec carries, and the type that it is in Python."""

    TABLE = "pandas.DataFrame"
    ARRAY = "numpy.ndarray of numbers"
    JSON = "dict, list, str, number, bool or None, nested"
    IMAGE = "numpy.ndarray, uint8, (height, width, 3), RGB"
    SCALAR = "str, number, bool, datetime or None"
    FILE = "bytes"


class Codec(OptionalDependency, Generic[V]):
    """One kind of value in one format; a few are only read or only written."""

    kind: ClassVar[Kind]
    format: Format
    reads: ClassVar[bool] = True
    writes: ClassVar[bool] = True

    def decode(self, data: bytes, options: Options) -> V:
        """Read a value; RequestError or InvalidValue if that cannot be done."""
        raise NotImplementedError

    def encode(self, value: V, options: Options) -> bytes:
        """Write a value; TypeError or ValueError if the format has no way to hold it."""
        raise NotImplementedError


class JSONCodec(Codec[V]):
    """JSON of one kind; `from_plain` also serves a value that is a part of a larger JSON text."""

    format = Format.JSON
    wraps: ClassVar[bool] = False
    """Whether a whole answer is `{"result": value}`, as MMF's own service writes it."""

    def from_plain(self, plain: Any, options: Options) -> V:
        """Turn dicts, lists, strings and numbers into the value."""
        raise NotImplementedError

    def to_plain(self, value: V) -> Any:
        """Turn the value into what `json.dumps` takes."""
        raise NotImplementedError

    def decode(self, data: bytes, options: Options) -> V:
        return self.from_plain(json.loads(data), options)

    def encode(self, value: V, options: Options) -> bytes:
        plain = self.to_plain(value)
        return json.dumps({"result": plain} if self.wraps else plain)
