"""The bounds of encoding: how much a result may become, in every format.

A caller decides how large a result is where a function gives a row for each of its rows, and a few
bytes of Parquet are a hundred of HTML.
"""

from __future__ import annotations

import io
import marshal
from collections.abc import Iterable, Sequence
from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING, Any

from ..column_dtypes import column_dtypes
from ..errors import BodyTooLarge
from ..settings import MIB, Settings
from . import json
from .base import Options
from .decoded_size import MAX_COLUMNS, max_memory

if TYPE_CHECKING:
    import pandas as pd

_SLOW_CELL = 6
"""What a cell counts for that is written by Python, such as an object."""
_ZONED_CELL = 24
"""What a time in a zone counts for, which takes ten microseconds."""

_BYTES_PER_ESCAPE = 4
"""Bytes of the largest body for each character that may be escaped."""

SIX_BYTES = bytes(set(range(32)).difference(b"\b\t\n\f\r"))
"""The characters that JSON writes as six, such as U+0001."""

_LIST = 16
"""What a list in an array counts for, besides its values: orjson takes a hundred bytes for it."""


def check_width(table: pd.DataFrame) -> None:
    """Raise BodyTooLarge for a result of more columns than a table that is sent may have."""
    columns = table.shape[1]
    if columns > MAX_COLUMNS:
        raise BodyTooLarge(
            f"expected a result of at most {MAX_COLUMNS:,} columns, got {columns:,}; "
            f"send a table of fewer columns or rows"
        )


def check_cells(table: pd.DataFrame, name: str, most: int) -> None:
    """Raise BodyTooLarge for a table that takes too long to write, whatever it takes in memory."""
    check_width(table)
    if len(table) * table.shape[1] * _ZONED_CELL <= most:  # `dtypes` takes longer than a few rows
        return
    cells = len(table) * sum(map(_weight, table.dtypes.tolist()))
    if cells > most:
        raise BodyTooLarge(
            f"expected a result of at most {most:,} cells as {name}, got {cells:,}, where objects "
            f"count {_SLOW_CELL} times and times in a zone {_ZONED_CELL} times; "
            f"send fewer rows, or accept another format, such as Parquet"
        )


def _weight(dtype: Any) -> int:
    """Return what a cell of a column of this type counts for."""
    if dtype.kind == "M":
        return _ZONED_CELL if getattr(dtype, "tz", None) else 1
    return 1 if dtype.kind in "biuf" or dtype == "str" else _SLOW_CELL


def check_array(shape: Sequence[int], name: str, most: int) -> None:
    """Raise BodyTooLarge for an array that takes too long to write as nested lists."""
    lists = sum(prod(shape[:axis]) for axis in range(1, len(shape)))
    values = prod(shape) + _LIST * lists
    if values > most:
        raise BodyTooLarge(
            f"expected an array of at most {most:,} values as {name}, got {values:,}, where lists "
            f"count {_LIST} times; send fewer rows, or accept another format, such as NPY"
        )


class EscapeLimit:
    """Counts the characters of a result that take several when it is written, such as `&`.

    Each of the copies that escaping makes of a text of these is several times as large as it.
    """

    def __init__(self, name: str, special: bytes, options: Options) -> None:
        self._name, self._special, self._text_special = name, special, special.decode()
        self._most = self._left = options.get("max_body", Settings.max_body) // _BYTES_PER_ESCAPE

    def check(self, text: str) -> None:
        """Count those of one more text; BodyTooLarge if there are too many."""
        self._subtract(sum(map(text.count, self._text_special)))

    def check_each(self, texts: Iterable[str | None]) -> None:
        """Count those of further texts."""
        self.check("".join(filter(None, texts)))

    def check_values(self, values: list[Any]) -> None:
        """Count those of all texts and names in JSON values."""
        level = values
        seen: set[int] = set()
        while level:
            self.check_each(item for item in level if isinstance(item, str))
            containers = [item for item in level if _holds_values(item)]
            level = []
            for container in containers:
                if id(container) not in seen:  # else it is in several places, or holds itself
                    seen.add(id(container))
                    level.extend(container)
                    level.extend(container.values() if isinstance(container, dict) else ())

    def check_json(self, text: bytes) -> None:
        """Count those of the JSON of a result, and those that are a part of the JSON."""
        self._subtract(sum(map(text.count, self._special)))

    def _subtract(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise BodyTooLarge(
                f"expected a result of at most {self._most:,} characters that are escaped in "
                f"{self._name}, such as & or U+0001; send less text, or accept another format"
            )


def check_nested_texts(table: pd.DataFrame, options: Options) -> None:
    """Raise BodyTooLarge for lists and objects in cells, which are written as JSON, as for JSON."""
    if not any(map(holds_objects, column_dtypes(table))):
        return
    limit = EscapeLimit("JSON", SIX_BYTES, options)
    for position, dtype in enumerate(table.dtypes):
        if holds_objects(dtype):
            cells = table.iloc[:, position].tolist()
            limit.check_values([cell for cell in cells if _holds_values(cell)])


def holds_objects(dtype: Any) -> bool:
    """Return whether a column of this type may have lists, objects, or a text for many rows."""
    return bool(dtype.kind == "O" and dtype != "str")


def _holds_values(item: Any) -> bool:
    """Return whether an item of a JSON value is a container; a list in Arrow becomes an array."""
    if isinstance(item, dict | list | tuple):
        return True
    return getattr(getattr(item, "dtype", None), "kind", "") == "O" and bool(item.ndim)


def check_names(table: pd.DataFrame, name: str, limit: EscapeLimit, options: Options) -> None:
    """Raise BodyTooLarge for a table of long column names, which are written in each row."""
    names = list(map(str, table.columns))
    size, most = sum(map(len, names)), max_memory(options)
    if size > MIB:
        limit.check_each(names)
    if size * len(table) > most:
        raise _too_large(most, name)


def check_json_texts(value: Any, options: Options) -> None:
    """Raise BodyTooLarge for a JSON value whose texts and names have too many control characters.

    Nearly all values are small, which `marshal` shows in a fifth of the time that a search takes.
    """
    with suppress(ValueError):  # of a type that it does not have, such as a date
        if len(marshal.dumps(value)) <= MIB:
            return
    EscapeLimit("JSON", SIX_BYTES, options).check_values([value])


def bounded_plain(value: Any, name: str, most: int, limit: EscapeLimit | None = None) -> Any:
    """Return a result as its JSON would be read, as `json_values.plain` does.

    BodyTooLarge if it takes too long to write: a name counts as a value, a list or an object as
    three, and what it holds in several places as often as it is written.
    """
    text = json.dumps(value)
    if limit:
        limit.check_json(text)
    if _count(text) > most and (count := _count(_without_texts(text))) > most:
        raise BodyTooLarge(
            f"expected a result of at most {most:,} values as {name}, got {count:,}, where names "
            f"count, too, and lists and objects count three times; "
            f"send less, or accept another format, such as JSON"
        )
    return json.loads(text)


def _count(text: bytes) -> int:
    """Count the values of a JSON text whose texts are empty; more if they are not.

    In a list or an object there is a value before each comma and, unless it is empty, one more.
    """
    containers, empty = text.count(b"[") + text.count(b"{"), text.count(b"[]") + text.count(b"{}")
    return 1 + text.count(b",") + text.count(b":") + 3 * containers - empty


def _without_texts(text: bytes) -> bytes:
    """Return valid JSON without its texts, the quotes of which are those without a backslash."""
    return b"".join(text.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])


def joined(pieces: Iterable[bytes], name: str, options: Options) -> bytes:
    """Return the pieces of a text as one; BodyTooLarge if it is larger than decoding may take."""
    most, text = max_memory(options), io.BytesIO()
    for piece in pieces:
        if text.tell() + len(piece) > most:
            raise _too_large(most, name)
        text.write(piece)
    return text.getvalue()


def _too_large(most: int, name: str) -> BodyTooLarge:
    return BodyTooLarge(
        f"the result takes more than {most / MIB:g} MiB as {name}; "
        f"send fewer rows, or accept another format, such as Parquet"
    )
