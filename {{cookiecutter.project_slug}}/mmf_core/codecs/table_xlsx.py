"""Tables as Excel workbooks (Office Open XML): read by calamine, written here.

A table needs little of what a workbook can hold, and libraries that write all of it take ten times
longer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import BodyTooLarge
from ..settings import MIB
from . import xlsx_file
from .base import Codec, Kind, Options
from .cell_text import name_invalid_cell, simple_cell
from .encoded_size import EscapeLimit, check_cells, check_nested_texts
from .formats import Format
from .workbooks import read_zipped
from .xlsx_numbers import cut_numbers
from .xml_text import replace_invalid

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 1_048_575  # of an Excel sheet, less the header
_MOST_CELLS = 4_000_000
_CELLS_AT_ONCE, _MIN_ROWS = 100_000, 500
MAX_TEXT = 32_767  # of a cell
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # of a character by its number: ECMA-376, 22.9.2.19
_SEPARATOR = "\uf8ff\ue000"  # without a meaning, and no end of it is its beginning
_DAY = timedelta(days=1)
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel has no time zones
_FIRST = date(1900, 3, 1)  # before it Excel counts 29 February 1900: earlier dates are text


class TableXLSX(Codec["pd.DataFrame"]):
    """One sheet, its first row the header; `workbooks.select_sheet` says which.

    A value that Excel lacks, such as NaN, is an empty cell. A date with a time zone is a text. The
    option `notes` has texts for people, by column.
    """

    kind = Kind.TABLE
    format = Format.XLSX
    requires: ClassVar = {"pandas": "pandas", "python_calamine": "python-calamine"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return read_zipped(data, options, ".xlsx", cut_numbers)

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        check_cells(value, "XLSX", _MOST_CELLS)
        check_nested_texts(value, options)
        if len(value) > MAX_ROWS:
            raise BodyTooLarge(
                f"expected a result of at most {MAX_ROWS:,} rows as XLSX, got {len(value):,}; "
                f"send fewer rows, or accept another format"
            )
        notes = options.get("notes", {})
        by_index = {i: notes[name] for i, name in enumerate(value.columns) if name in notes}
        try:
            limit = EscapeLimit("XLSX", b"&<>\r", options)
            rows: Iterable[Sequence[str]] = _rows(value, limit)
            if len(value) <= _MIN_ROWS:
                rows = list(rows)
            if sum(map(len, map(str, value.columns))) > MIB:
                limit.check_each(map(str, value.columns))
            names = [_cell(name, limit) for name in value.columns]
            return xlsx_file.write(names, rows, by_index)
        except TypeError:
            name_invalid_cell(value)
            raise


def _rows(table: pd.DataFrame, limit: EscapeLimit) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each row, for which there are texts of few rows at a time."""
    size = max(_MIN_ROWS, _CELLS_AT_ONCE // max(1, table.shape[1]))
    for start in range(0, len(table), size):
        part = table if len(table) <= size else table.iloc[start : start + size]
        cells = [_cells(column, limit) for _, column in part.items()]
        yield from zip(*cells, strict=True) if cells else ()


def _cells(column: pd.Series, limit: EscapeLimit) -> Sequence[str]:
    """Return a column's cells, empty for null and for infinity, which Excel lacks."""
    import numpy as np

    kind, is_numpy = column.dtype.kind, isinstance(column.dtype, np.dtype)
    if kind == "f":
        numbers = column.to_numpy(np.float64, na_value=np.nan)  # Float64 has a null of its own
        cells = [f'"><v>{cell!r}</v></c>' for cell in numbers.tolist()]
        for index in np.flatnonzero(~np.isfinite(numbers)).tolist():
            cells[index] = xlsx_file.EMPTY
        return cells
    if kind in "iu" and is_numpy:
        return [f'"><v>{cell}</v></c>' for cell in column.to_numpy().tolist()]
    if kind == "b" and is_numpy:
        return [xlsx_file.TRUE if cell else xlsx_file.FALSE for cell in column.to_numpy()]
    if kind == "M" and is_numpy and (times := _times(column.to_numpy())) is not None:
        return times
    if column.dtype == "str":
        values = _values(column)
        limit.check_each(values)
        return _texts(values, limit)
    nulls = column.isna().to_numpy()
    limit.check_each(value for value in column.tolist() if isinstance(value, str))
    return [
        xlsx_file.EMPTY if is_null else _cell(value, limit)
        for value, is_null in zip(column.tolist(), nulls, strict=True)
    ]


def _texts(values: list[str | None], limit: EscapeLimit) -> list[str]:
    """Return the cells of texts, in all of which together a character is replaced."""
    texts = [value or "" for value in values]
    longest = max(map(len, texts), default=0)
    joined = _SEPARATOR.join(texts)
    if longest > MAX_TEXT or joined.count(_SEPARATOR) != len(texts) - 1:
        return [_cell(value, limit) for value in values]
    cells = xlsx_file.texts(_valid(joined), _SEPARATOR)
    return [
        xlsx_file.EMPTY if value is None else cell
        for value, cell in zip(values, cells, strict=True)
    ]


def _values(column: Any) -> list[str | None]:
    return list(column.to_numpy(object, na_value=None))


def _times(times: Any) -> list[str] | None:
    """Return the cells of times without a zone; None if Excel lacks one of them."""
    import numpy as np

    unit, count = np.datetime_data(times.dtype)
    present = times[~np.isnat(times)].astype("M8[s]")  # which has room for year 10,000
    first, end = np.datetime64(_FIRST), np.datetime64(str(MAXYEAR)) + 1
    if count != 1 or not ((first <= present) & (present < end)).all():
        return None
    one_day = np.timedelta64(1, "D").astype(f"m8[{unit}]").astype(np.int64).item()
    lengths = (times - np.datetime64(_EPOCH).astype(times.dtype)).astype(np.int64).tolist()
    return [
        xlsx_file.EMPTY if is_null else xlsx_file.number(length / one_day, xlsx_file.DATETIME)
        for length, is_null in zip(lengths, np.isnat(times).tolist(), strict=True)
    ]


def _cell(value: Any, limit: EscapeLimit) -> str:
    """Return the number, date or text that Excel shows as exactly this value.

    What becomes a text, such as a list, is counted; texts are, all of a column together.
    """
    if type(value) is str:
        return _text(value)
    if hasattr(value, "item") and not value.shape:  # a NumPy scalar
        value = value.item()
    if value is None or (isinstance(value, float | Decimal) and math.isinf(value)):
        return xlsx_file.EMPTY
    if isinstance(value, bool):
        return xlsx_file.TRUE if value else xlsx_file.FALSE
    if isinstance(value, int | float):
        return xlsx_file.number(repr(value))
    if (moment := _moment(value)) is not None:
        return xlsx_file.number(*moment)
    simple = value.isoformat() if hasattr(value, "isoformat") else simple_cell(value)
    text = "" if simple is None else str(simple)
    limit.check(text)
    return xlsx_file.EMPTY if simple is None else _text(text)


def _moment(value: Any) -> tuple[float, int] | None:
    """Return Excel's number for a date or a time, and its style; None if Excel has none."""
    if getattr(value, "tzinfo", None) is not None:
        return None
    match value:
        case datetime() if MINYEAR <= value.year <= MAXYEAR and value.date() >= _FIRST:
            return (value - _EPOCH) / _DAY, xlsx_file.DATETIME
        case date() if not isinstance(value, datetime) and value >= _FIRST:
            return (value - _EPOCH.date()).days, xlsx_file.DATE
        case time():
            return (datetime.combine(_EPOCH, value) - _EPOCH) / _DAY, xlsx_file.TIME
        case timedelta():
            return value / _DAY, xlsx_file.DURATION
    return None


def _text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise ValueError(f"a cell holds at most {MAX_TEXT:,} characters, got {len(value):,}")
    return xlsx_file.text(_valid(value))


def _valid(text: str) -> str:
    """Return a text that Excel shows as it is, but for characters that XML cannot hold."""
    return replace_invalid(_ESCAPE.sub("_x005F_", text))
