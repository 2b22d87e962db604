"""Rows of numbers and texts as CSV, without pandas' writer, which takes ten times as long.

Numbers have the digits of JSON, the fewest that are read back as the same number, such as 1e-7
instead of pandas' 1e-07. A text is quoted if RFC 4180 requires it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from . import json
from .row_text import format_numbers, format_rows, is_block, is_numpy

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_CELLS = 100_000
"""Cells of a block of numbers that are written at a time."""


def header(names: list[Any], separator: str) -> bytes | None:
    """Return the line of plain names; None if one of them may need quotes."""
    are_texts = all(type(name) is str and name for name in names)
    line = separator.join(names) if are_texts else ""
    return None if not line or re.search('["\r\n,;|\t]', "".join(names)) else f"{line}\n".encode()


def rows(table: pd.DataFrame, separator: str) -> Iterator[bytes] | None:
    """Return the lines under the header; None if there are other types than numbers and texts."""
    width = len(table.columns)
    null = b'""' if width == 1 else b""  # an empty line would not be a row
    delimiter = separator.encode()
    if table.empty:
        return None
    if is_block(table):
        array = table.to_numpy()
        return _block(array, delimiter, null) if _is_plain(array) else None
    if not all(_is_plain(column) for _, column in table.items()):
        return None
    format_cells = partial(_format_cells, special=re.compile(f'["\r\n{separator}]'), null=null)
    template = delimiter.join([b"%b"] * width)
    return (text + b"\n" for text in format_rows(table, template, b"\n", format_cells))


def number_rows(array: Any) -> Iterator[bytes]:
    """Yield the lines of an array of rows of numbers; bools are 1 and 0, NaN is an empty cell.

    Infinity, which JSON has not, is what Python writes; floats of any length are those of 64 bits.
    """
    import numpy as np

    rows, width = array.shape
    if not array.size:
        return
    null = b'""' if width == 1 else b""
    size = max(1, _BLOCK_CELLS // width)
    dtype: Any = {"b": np.int8, "f": np.float64}.get(array.dtype.kind)
    for start in range(0, rows, size):
        cells = array[start : start + size]
        cells = cells.astype(dtype or cells.dtype.newbyteorder("="))
        if cells.dtype.kind == "f" and (infinite := np.isinf(cells)).any():
            texts = np.array(format_numbers(cells), object)
            texts[texts == b"null"] = null
            texts[infinite.ravel()] = [repr(cell).encode() for cell in cells[infinite].tolist()]
            lines = texts.reshape(cells.shape).tolist()
            yield b"\n".join(map(b",".join, lines)) + b"\n"
        else:
            yield from _block(cells, b",", null)


def _is_plain(cells: Any) -> bool:
    """Return whether cells are whole numbers, floats without infinity, or texts."""
    import numpy as np

    if not is_numpy(cells.dtype):
        return bool(cells.dtype == "str")
    return cells.dtype.kind in "iu" or (cells.dtype == np.float64 and not np.isinf(cells).any())


def _block(array: Any, delimiter: bytes, null: bytes) -> Iterator[bytes]:
    """Yield rows of numbers, whose commas in JSON are only those between cells."""
    import numpy as np

    width = array.shape[1]
    size = max(1, _BLOCK_CELLS // width)
    for start in range(0, len(array), size):
        cells = np.ascontiguousarray(array[start : start + size]).reshape(-1)
        text = bytearray(json.dumps(cells))
        characters = np.frombuffer(text, np.uint8)
        commas = np.flatnonzero(characters == ord(","))
        characters[commas] = ord(delimiter)
        characters[commas[width - 1 :: width]] = characters[-1] = ord("\n")
        lines = bytes(text[1:])
        yield lines.replace(b"null", null) if b"n" in lines else lines


def _format_cells(cells: Any, special: re.Pattern[str], null: bytes) -> list[bytes]:
    if is_numpy(cells.dtype):
        return [null if text == b"null" else text for text in format_numbers(cells)]
    return [
        _quote(cell, special).encode() if isinstance(cell, str) and cell else null
        for cell in cells.tolist()
    ]


def _quote(text: str, special: re.Pattern[str]) -> str:
    if special.search(text) is None and not text.isspace():  # pandas skips a line of spaces
        return text
    return '"' + text.replace('"', '""') + '"'
