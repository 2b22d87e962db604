"""Texts in cells as people write them, read where a column's type leaves no doubt.

`1 200`, `1 200,5`, `1.200,50` and `12 %` (which is 0.12) in a column of numbers; yes and no, да and
нет, истина and ложь in one of flags; 05.01.2026, day first, and 05/01/2026 in one of dates. A cell
that a column reads anyway is left alone. What may mean two things is not read, and stays an error:

- a sign that may be the decimal or the thousands sign, unless another cell of the column shows it;
- decimal commas in one cell and points in another, of the whole table;
- per cents beside other numbers in a column;
- dates with slashes, unless a day above 12 in the column shows the order; dots beside slashes;
- dates with slashes beside a workbook's own dates: where a spreadsheet puts the month first, it has
  made May 1 of 05/01/2026, and left 31/01/2026 a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from string import digits
from typing import TYPE_CHECKING, Any

from ..codecs import NumberFormat, number_format_of
from ..errors import BodyTooLarge

if TYPE_CHECKING:
    import pandas as pd

    from .columns import Column

_WORDS = {
    **dict.fromkeys(("yes", "да", "истина", "on"), True),
    **dict.fromkeys(("no", "нет", "ложь", "off"), False),
}
_SPACES = re.compile("[\u00a0\u2009\u202f]")
_NUMBER = re.compile(r"([+-]?)([0-9][0-9 .,']{0,399})( ?%)?")  # no float has more digits
_DATE = re.compile(
    r"([0-9]{1,2})([./])([0-9]{1,2})\2([0-9]{4})(?: ([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
)
_MONTHS = 12
_MAX_CELLS = 500_000
"""Of a table with such texts, each of which takes five microseconds and three hundred bytes."""
Texts = Mapping[int, str]  # by row
Values = dict[int, Any]


@dataclass(frozen=True, slots=True)
class CellsRead:
    """Cells of a column that were read as people write them: how many, and the first of them."""

    column: str
    cells: int
    text: str
    value: str


cells_read: ContextVar[list[CellsRead] | None] = ContextVar("cells_read", default=None)
"""Where to note what was read as what, for the current request."""


def read_cells(table: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Return a table whose columns have exact values in place of the texts that can be read.

    BodyTooLarge if there are very many cells to read.
    """
    if (count := len(table) * len(columns)) > _MAX_CELLS:
        raise BodyTooLarge(
            f"expected at most {_MAX_CELLS:,} cells in a table with cells that are not of their "
            f"column's type, got {count:,}; send it in smaller pieces"
        )
    number_format = number_format_of(table)
    every = [_Cells(table[name], column, number_format) for name, column in columns.items()]
    texts = {cells.name: cells.unread for cells in every}
    decimals: set[str] = set().union(*(cells.decimals for cells in every))
    table = table.copy(deep=False)
    for cells in every:
        values = _READERS.get(cells.kind, _no_values)(cells, len(decimals) <= 1)
        if values:
            table[cells.name] = cells.with_values(values)
            _note(cells.name, texts[cells.name], values)
    return table


class _Cells:
    """A column's cells, those that are texts which its type does not read, and what these show."""

    def __init__(self, cells: pd.Series[Any], column: Column, number_format: NumberFormat) -> None:
        self.name = str(cells.name)
        self.kind = column.kind
        self._cells = cells.astype(object)
        is_unread = column.unlimited.convert(cells, number_format)[1].tolist()
        texts = {row: cell for row, cell in enumerate(self._cells) if isinstance(cell, str)}
        self.unread = {row: _plain(text) for row, text in texts.items() if is_unread[row]}
        is_null = self._cells.isna().tolist()
        self.others = [
            cell
            for row, cell in enumerate(self._cells)
            if row not in self.unread and not is_null[row]
        ]
        is_number = self.kind in {int, float}
        texts = self.unread if is_number else {}
        each = {text: _readings(text) for text in set(texts.values())}
        self.readings = {row: each[text] for row, text in texts.items()}
        self.decimals = self._decimals(number_format) if is_number else set()

    def _decimals(self, number_format: NumberFormat) -> set[str]:
        """Return the decimal signs that cells of this column show."""
        sign = number_format.decimal
        shown = {sign for cell in self.others if isinstance(cell, str) and sign in cell}
        shown |= {sign} if sign != "." and number_format.is_proven else set()
        for readings in self.readings.values():
            shown |= readings.keys() if len(readings) == 1 else set()
        return shown

    def with_values(self, values: Values) -> pd.Series[Any]:
        cells = self._cells.tolist()
        for row, value in values.items():
            cells[row] = value
        return type(self._cells)(cells, index=self._cells.index, name=self.name, dtype=object)


def _plain(text: str) -> str:
    if text.isascii():
        return text.strip()
    return _SPACES.sub(" ", text).replace("\u2019", "'").replace("\u2212", "-").strip()


def _no_values(_cells: _Cells, _is_consistent: bool) -> Values:
    return {}


def _flags(cells: _Cells, _is_consistent: bool) -> Values:
    words = {row: _WORDS.get(text.lower()) for row, text in cells.unread.items()}
    return {row: word for row, word in words.items() if word is not None}


def _numbers(cells: _Cells, is_consistent: bool) -> Values:
    """Read numbers, by the only decimal sign that the column shows if a cell alone does not."""
    percents = [text for text in cells.unread.values() if text.endswith("%")]
    is_mixed = percents and (cells.others or len(percents) < len(cells.unread))
    if is_mixed or not is_consistent:
        return {}
    values: Values = {}
    for row, readings in cells.readings.items():
        confirmed = {readings[sign] for sign in cells.decimals & readings.keys()}
        numbers = confirmed or set(readings.values())
        if len(numbers) == 1:
            (values[row],) = numbers
    return values


def _readings(text: str) -> dict[str, Decimal]:
    """Return the number that a text is, by each decimal sign that it may have."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return {}
    sign, body, percent = match.groups()
    numbers = {decimal: _without_separators(body.rstrip(), decimal) for decimal in ".,"}
    return {
        decimal: Decimal(f"{sign}{number}{'E-2' if percent else ''}")
        for decimal, number in numbers.items()
        if number is not None
    }


def _without_separators(body: str, decimal: str) -> str | None:
    """Return a number without its thousands signs, or None if it is not one."""
    whole, _, fraction = body.partition(decimal)
    separators = set(whole).difference(digits)
    first, *groups = whole.split(separators.pop()) if separators else [whole]
    is_grouped = all(len(group) == 3 for group in groups) and not first.startswith("0")  # noqa: PLR2004
    if separators or (groups and not (is_grouped and len(first) <= 3)):  # noqa: PLR2004
        return None
    if not first.isdecimal() or not (fraction.isdecimal() or not fraction):
        return None
    return f"{first}{''.join(groups)}.{fraction or '0'}"


def _dates(cells: _Cells, _is_consistent: bool) -> Values:
    """Read dates: with dots the day comes first, with slashes what a day above 12 shows."""
    has_own_dates = not all(isinstance(cell, str) for cell in cells.others)
    parsed = {row: _DATE.fullmatch(text) for row, text in cells.unread.items()}
    matches = {row: match for row, match in parsed.items() if match}
    signs = {match[2] for match in matches.values()}
    first, second = (_largest(match[place] for match in matches.values()) for place in (1, 3))
    is_day_first = signs == {"."} or (first > _MONTHS >= second)
    if len(signs) != 1 or (signs == {"/"} and has_own_dates):
        return {}
    if not (is_day_first or second > _MONTHS >= first):
        return {}
    values = {row: _moment(match, is_day_first=is_day_first) for row, match in matches.items()}
    return {row: value for row, value in values.items() if value is not None}


def _largest(texts: Iterable[str]) -> int:
    return max(map(int, texts), default=0)


def _moment(match: re.Match[str], *, is_day_first: bool) -> datetime | None:
    first, _, second, year, hour, minute, *seconds = match.groups(default="0")
    day, month = (first, second) if is_day_first else (second, first)
    clock = f"{hour:0>2}:{minute}:{seconds[0]:0>2}" if minute != "0" else "00:00"
    try:
        return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{clock}")
    except ValueError:
        return None


_READERS: Mapping[type, Callable[[_Cells, bool], Values]] = {
    int: _numbers,
    float: _numbers,
    bool: _flags,
    datetime: _dates,
    date: _dates,
}


def _note(name: str, texts: Texts, values: Values) -> None:
    if (notes := cells_read.get()) is not None:
        row, value = next(iter(values.items()))
        notes.append(CellsRead(name, len(values), texts[row], _shown(value)))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else f"{value.normalize():f}"
