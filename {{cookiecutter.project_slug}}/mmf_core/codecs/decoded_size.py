"""The bounds of decoding: how much a few bytes may become, in every format and every protocol.

Small values take many times their own size as Python objects: `[],` is three bytes and a list of
more than eighty. Weights are upper bounds of the memory measured on 64 bits while a body is
decoded: parsers keep the text, its tokens and its values at the same time. A table has bounds on
its columns and, since it may leave cells out or repeat them, on its cells; so has an array, which
may have axes of no length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from ..errors import BodyTooLarge, RequestError, quoted
from ..settings import MIB, Settings
from . import json
from .formats import Format

if TYPE_CHECKING:
    from .base import Options

Weights = Mapping[bytes, int]

MAX_GROWTH = 12
"""A worker may grow by this many times the largest body while it decodes one."""
MAX_COLUMNS = 16_384
"""Of any table, as of an Excel sheet: pandas needs minutes for a million."""
JSON_WEIGHTS: Weights = {b"{": 240, b"[": 110, b",": 64, b'"': 30}
"""The bytes of memory that each of these tokens of a JSON text takes."""
RECORD_WEIGHTS: Weights = {**JSON_WEIGHTS, b",": 72}
"""Those of records in JSON, each value of which is also a cell of the table."""

DENSE_CELLS = 1_000_000
"""A table of up to this many cells is never rejected as nearly empty."""
_EMPTY_CELLS = 100_000
"""The places that the axes of an array without values may have."""
_MAX_WEIGHT = 450  # bytes of memory for a byte of text, in any format
_BYTE_WEIGHT = 4  # of any byte, in addition to the weights of tokens


class SparseTable(RequestError):
    """A table whose text leaves most of its cells out: no single record is the cause."""


class TooManyColumns(RequestError):
    """A table that is too wide."""


def read_json(data: bytes, options: Options, weights: Weights = JSON_WEIGHTS) -> Any:
    """Read a JSON text that holds the values of arguments, within the bounds of memory."""
    check_decoded_size(data, weights, Format.JSON, options)
    return json.loads(data)


def check_decoded_size(data: bytes, weights: Weights, format: Format, options: Options) -> None:
    """Raise BodyTooLarge for a text that would take more than `MAX_GROWTH` times a body."""
    limit = max_memory(options)
    if len(data) * _MAX_WEIGHT > limit and weights and _decoded_size(data, weights) > limit:
        raise _too_many_values(format.name, limit)


def _decoded_size(data: bytes, weights: Weights) -> int:
    size = sum(data.count(token) * weight for token, weight in weights.items())
    return size + _BYTE_WEIGHT * len(data)


class MemoryBudget:
    """The memory that decoding a body may take, for formats whose tokens are not texts."""

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        self._size = self._left = max_memory(options)

    def spend(self, size: int) -> None:
        """Raise BodyTooLarge if this many more bytes exceed the limit."""
        self._left -= size
        if self._left < 0:
            raise _too_many_values(self._name, self._size)

    def read_json(self, text: bytes) -> Any:
        """Read a JSON text that is a part of the body; errors are those of `json.loads`, too."""
        self.spend(_decoded_size(text, JSON_WEIGHTS))
        return json.loads(text)


def too_large(name: str, max_size: int) -> BodyTooLarge:
    """Return the error for a body that decompresses to more than `max_size` bytes."""
    return BodyTooLarge(
        f"this {name} decompresses to more than {max_size / MIB:g} MiB; send it in smaller pieces "
        f"(the limit is MMF_MAX_DECOMPRESSED_MIB)"
    )


def check_tags(xml: bytes, most: int) -> None:
    """Raise BodyTooLarge for a sheet whose tags take too long, whether or not they are cells."""
    if xml.count(b"<") > most:
        raise BodyTooLarge(
            f"expected a sheet of at most {most:,} XML tags, four for a cell; "
            f"send it in smaller pieces"
        )


def too_many_changes(most: int) -> BodyTooLarge:
    """Return the error for a workbook in which more cells have no value of their own."""
    return BodyTooLarge(
        f"expected a workbook of at most {most:,} cells with an error or a formula without "
        f"a value; send it in smaller pieces"
    )


def check_columns(columns: int) -> None:
    """Raise TooManyColumns for a table that is too wide."""
    if columns > MAX_COLUMNS:
        raise TooManyColumns(
            f"expected a table of at most {MAX_COLUMNS:,} columns, got {columns:,}"
        )


def refuse_sparse(rows: int, columns: int, max_cells: int) -> None:
    """Raise SparseTable for a small text that makes a huge table, by leaving most cells out.

    A table of more cells than `max_cells` is refused, unless it has a million at most.
    """
    check_columns(columns)
    if rows * columns > max(DENSE_CELLS, max_cells):
        raise SparseTable(
            f"this table of {rows:,} rows and {columns:,} columns is nearly empty; "
            f"send it in smaller pieces"
        )


def check_shape(shape: Sequence[int]) -> None:
    """Raise RequestError for an array without values whose other axes are very long.

    Written as JSON, each of `[1000000000, 0]` is a list.
    """
    if 0 in shape and prod(size or 1 for size in shape) > _EMPTY_CELLS:
        raise RequestError(
            f"expected the axes of an array without values to be {_EMPTY_CELLS:,} at most, "
            f"multiplied, got shape {quoted(list(shape))}"
        )


def max_memory(options: Options) -> int:
    """Return how many bytes of memory decoding a body may take."""
    max_body: int = options.get("max_body", Settings.max_body)
    return MAX_GROWTH * max_body


def _too_many_values(name: str, limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"this {name} has so many values that decoding it could take more than "
        f"{limit / MIB:g} MiB of memory; send it in smaller pieces "
        f"(the limit is {MAX_GROWTH} times MMF_MAX_BODY_MIB)"
    )
