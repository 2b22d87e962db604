"""Tables as Excel workbooks (Office Open XML): read by calamine, written here.

A table needs little of what a workbook can hold, and libraries that write all of it take ten times
longer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import BodyTooLarge
from . import xlsx_file
from .base import Codec, Kind, Options
from .cell_text import naming_cells, simple_cell
from .encoded_size import check_cells
from .formats import Format
from .workbooks import read_zipped
from .xlsx_numbers import cut_numbers
from .xml_text import replace_invalid

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 1_048_575  # of an Excel sheet, less the header
_MOST_CELLS = 4_000_000
MAX_TEXT = 32_767  # of a cell
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # of a character by its number: ECMA-376, 22.9.2.19
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
        if len(value) > MAX_ROWS:
            raise BodyTooLarge(
                f"expected a result of at most {MAX_ROWS:,} rows as XLSX, got {len(value):,}; "
                f"send fewer rows, or accept another format"
            )
        cells = [_cells(column) for _, column in value.items()]
        lines = zip(*cells, strict=True) if cells else ()
        notes = options.get("notes", {})
        by_index = {i: notes[name] for i, name in enumerate(value.columns) if name in notes}
        return xlsx_file.write([_cell(name) for name in value.columns], lines, by_index)


def _cells(column: pd.Series) -> Sequence[str]:
    """Return a column's cells, empty for null and for infinity, which Excel lacks."""
    import numpy as np

    if column.dtype.kind == "f":
        numbers = column.to_numpy(np.float64, na_value=np.nan)  # Float64 has a null of its own
        cells = [f'"><v>{cell!r}</v></c>' for cell in numbers.tolist()]
        for index in np.flatnonzero(~np.isfinite(numbers)).tolist():
            cells[index] = xlsx_file.EMPTY
        return cells
    is_numpy = isinstance(column.dtype, np.dtype)
    if column.dtype.kind == "M" and is_numpy and (times := _times(column.to_numpy())) is not None:
        return times
    values = (
        column.to_numpy().tolist() if column.dtype.kind in "biu" and is_numpy else _values(column)
    )
    try:
        return [_cell(value) for value in values]
    except TypeError:
        with naming_cells(str(column.name), values):
            raise


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


def _values(column: Any) -> list[Any]:
    """Return a column's values, None for those that are null."""
    if column.dtype == "str":  # each step over a column takes a tenth of a millisecond
        return list(column.to_numpy(object, na_value=None))
    nulls = column.isna().to_numpy()
    return [None if null else value for value, null in zip(column.tolist(), nulls, strict=True)]


def _cell(value: Any) -> str:
    """Return the number, date or text that Excel shows as exactly this value."""
    if value is None or (isinstance(value, float | Decimal) and math.isinf(value)):
        return xlsx_file.EMPTY
    if isinstance(value, bool):
        return xlsx_file.TRUE if value else xlsx_file.FALSE
    if hasattr(value, "item") and not value.shape:  # a NumPy scalar
        return _cell(value.item())
    if isinstance(value, int | float):
        return xlsx_file.number(repr(value))
    if (moment := _moment(value)) is not None:
        return xlsx_file.number(*moment)
    simple = value.isoformat() if hasattr(value, "isoformat") else simple_cell(value)
    return xlsx_file.EMPTY if simple is None else _text(str(simple))


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
    return xlsx_file.text(replace_invalid(_ESCAPE.sub("_x005F_", value)))
