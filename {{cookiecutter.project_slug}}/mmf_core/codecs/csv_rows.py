"""Rows of numbers and texts as CSV, without pandas' writer, which takes ten times as long.

Numbers have the digits that JSON has, the fewest that are read back as the same; so 1e-7 may
stand where pandas has 1e-07. A text is quoted where RFC 4180 asks for it.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from . import json
from .row_text import filled, is_block, is_numpy, numbers

if TYPE_CHECKING:
    import pandas as pd


def header(names: list[Any], separator: str) -> bytes | None:
    """Return the line of plain names; None if one of them may need quotes."""
    plain = all(type(name) is str and name for name in names) and names
    line = separator.join(names) if plain else ""
    return None if not line or re.search('["\r\n,;\t]', "".join(names)) else f"{line}\n".encode()


def rows(table: pd.DataFrame, separator: str) -> bytes | None:
    """Return the lines under the header; None if something else than numbers and texts is there."""
    width = len(table.columns)
    nothing = b'""' if width == 1 else b""  # an empty line would be no row
    between = separator.encode()
    if table.empty:
        return None
    if is_block(table):
        array = table.to_numpy()
        return _block(array, between, nothing) if _is_plain(array) else None
    if not all(_is_plain(column) for _, column in table.items()):
        return None
    texts = partial(_texts, special=re.compile(f'["\r\n{separator}]'), nothing=nothing)
    form = between.join([b"%b"] * width)
    return b"".join(text + b"\n" for text in filled(table, form, b"\n", texts))


def _is_plain(cells: Any) -> bool:
    """Tell whether cells are whole numbers, floats without infinity, or texts."""
    import numpy as np

    if not is_numpy(cells.dtype):
        return bool(cells.dtype == "str")
    return cells.dtype.kind in "iu" or (cells.dtype == np.float64 and not np.isinf(cells).any())


def _block(array: Any, between: bytes, nothing: bytes) -> bytes:
    import numpy as np

    text = json.dumps(np.ascontiguousarray(array))[2:-2].replace(b"],[", b"\n")
    text = text.replace(b"null", nothing)
    return (text if between == b"," else text.replace(b",", between)) + b"\n"


def _texts(cells: Any, special: re.Pattern[str], nothing: bytes) -> list[bytes]:
    if is_numpy(cells.dtype):
        return [nothing if text == b"null" else text for text in numbers(cells)]
    return [
        _quoted(cell, special).encode() if isinstance(cell, str) and cell else nothing
        for cell in cells.tolist()
    ]


def _quoted(text: str, special: re.Pattern[str]) -> str:
    if special.search(text) is None and not text.isspace():  # a line of spaces counts as blank
        return text
    return '"' + text.replace('"', '""') + '"'
