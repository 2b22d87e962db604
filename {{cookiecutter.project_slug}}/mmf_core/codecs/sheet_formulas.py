"""Formulas of workbooks whose value no program has computed yet."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import ErrorDetail, InvalidValue, max_errors
from .base import Options
from .byte_search import count_pairs
from .decoded_size import too_many_changes

if TYPE_CHECKING:
    import pandas as pd

_MAX_CHANGED = 500_000
"""Cells that are rewritten before a sheet is read; each takes the memory of twenty."""
NAME = rb"<(?:[\w.-]{1,50}:)?+"
SOME = rb"[^<>]{0,200}"  # attributes; without a bound, many of them would take forever
TO_VALUE = (  # over a formula, the cell's own or one that cells share
    SOME + rb"+>(?:" + NAME + rb"f(?=[\s>/])[^<>]*+>(?:[^<]*+</[^<>]*+>)?+)?+" + NAME + rb"v>"
)
_FORMULA_CELL = re.compile(
    rb"(" + NAME + rb")c(\s" + SOME + rb"+)>" + NAME + rb"f(?:\s[^<>]*+|/)?+"
    rb"(?:(?<=/)>|(?<!/)>[^<]*+</[^<>]*+>)"
    rb"(?:" + NAME + rb"v(?:\s[^<>]*+|/)?+(?:(?<=/)>|(?<!/)>\s*+</[^<>]*+>))?+(?=</)"
)  # fmt: skip
"""A formula without a value."""
_CELL_TYPE = re.compile(rb"""\st\s*=\s*["'](\w+)["']""")
UNKNOWN = "\ue000a formula without a stored value"
"""What takes the place of the value, which no program has computed yet."""


def with_unknown(part: bytes) -> bytes:
    """Return a sheet with `UNKNOWN` in formulas without a value; an empty text is one."""

    def replace(cell: re.Match[bytes]) -> bytes:
        prefix, attributes = cell[1], cell[2]
        kind = _CELL_TYPE.search(attributes)
        if kind and kind[1] in {b"str", b"e"}:
            return cell[0]
        attributes = _CELL_TYPE.sub(b"", attributes)
        value = prefix + b"v>" + UNKNOWN.encode() + prefix.replace(b"<", b"</") + b"v>"
        return prefix + b"c" + attributes + b' t="str">' + value

    has_formulas = count_pairs(part, b"<:", b"f")
    return substitute(_FORMULA_CELL, replace, part) if has_formulas else part


def without_unknown(table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return a table without formulas of unknown value; InvalidValue lists those of its columns."""
    declared = options.get("types")
    unknown = (
        ErrorDetail("expected a value, got a formula without one", row=row, column=str(name))
        for index, name in enumerate(table.columns)
        if declared is None or name in declared
        for row in (table.iloc[:, index] == UNKNOWN).to_numpy().nonzero()[0].tolist()
    )
    errors = list(islice(unknown, max_errors.get()))
    if errors or UNKNOWN in table.columns:
        raise InvalidValue(
            "expected the values of formulas, which the program that wrote this workbook has not "
            "computed; open it in Excel or LibreOffice and save it",
            errors,
        )
    return table


def substitute(
    pattern: re.Pattern[bytes], new: bytes | Callable[[re.Match[bytes]], bytes], part: bytes
) -> bytes:
    """Return a sheet with cells changed; BodyTooLarge if there are very many such cells."""
    part, count = pattern.subn(new, part, _MAX_CHANGED + 1)
    if count > _MAX_CHANGED:
        raise too_many_changes(_MAX_CHANGED)
    return part
