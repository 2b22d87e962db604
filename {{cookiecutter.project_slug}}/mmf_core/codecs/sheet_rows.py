"""Rows of a workbook's sheet as a table: every cell keeps the type that it has in the sheet.

A text stays a text, even `007`, `NA` and `1.5`. A sheet has no whole numbers, so a column without
fractions becomes one of int64, unless a number is so large that its last digits may be lost. An
empty cell is null, and so is a text without any character: readers do not distinguish them.
A name, and a cell of a column that is declared as text, is what the sheet shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any

from .base import Options, supported_options
from .column_labels import column_index
from .kept_columns import exact_column, kept_names
from .number_format import number_format_in, set_number_format
from .whole_numbers import MAX_EXACT_FLOAT

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_OWN = {
    "sheet",
    "sheet_name",
    "header_row",
    "report_sheets",
    "types",
    "floats",
    "keep",
    "max_body",
    "max_decompressed",
    "escape_formulas",
}
_OF_FILES = {"io", "sheet_name", "engine", "engine_kwargs", "storage_options"}
_GUESSES = {"converters", "true_values", "false_values", "parse_dates", "thousands", "decimal"}
"""Options with which pandas itself decides on the types of columns."""
_DEFAULTS = {
    "header": 0,
    "keep_default_na": False,
    "na_values": [""],  # only an empty cell is null
    "skip_blank_lines": False,
}


def table_of(rows: list[list[Any]], options: Options) -> pd.DataFrame:
    """Return a table of rows of one length, of which the first is the header, or `header_row`.

    Options of `pandas.read_excel` override the defaults here, except those that choose a file.
    """
    import pandas as pd

    rows = rows[options.get("header_row", 1) - 1 :]
    if not rows:
        return pd.DataFrame()
    dtype = options.get("dtype", {})
    if isinstance(dtype, dict):  # the author's, which comes before the declared types
        types = options.get("types", {})
        dtype = {name: str for name, type_ in types.items() if type_ is str} | dtype
    arguments = {} if options.keys() <= _OWN else _pandas_arguments(options)
    if not isinstance(dtype, dict) or any(type_ is not str for type_ in dtype.values()):
        arguments["dtype"] = dtype
    names = tuple(column_names(rows[0]))
    kept = kept_names(names, options) if "keep" in options else ()
    if arguments:
        return _by_pandas(rows, {"dtype": dtype, **_DEFAULTS, **arguments})
    return _table(
        column_index(names),
        rows[1:],
        dtype.keys(),
        floats=options.get("floats", False),
        kept=kept,
    )


def column_names(header: Sequence[Any]) -> Sequence[str]:
    """Return what a header shows, and pandas' name where it is empty: `Unnamed: 1` is second."""
    if all(isinstance(name, str) and name for name in header):
        return header
    return [_sheet_text(cell) or f"Unnamed: {index}" for index, cell in enumerate(header)]


def _table(
    names: pd.Index[Any],
    cells: list[list[Any]],
    texts: Collection[Any],
    *,
    floats: bool,
    kept: Collection[Any],
) -> pd.DataFrame:
    """Return a table; with `floats`, rows that are all numbers are not searched for whole ones."""
    import numpy as np
    import pandas as pd

    are_floats = not kept and set(map(type, chain.from_iterable(cells))) == {float}
    if are_floats and not (texts and any(name in texts for name in names)):
        return _of_block(names, np.array(cells, dtype=np.float64), floats=floats)
    columns: Sequence[Any] = list(zip(*cells, strict=True)) or [()] * len(names)
    values = [
        _texts(column) if name in texts else _kept(column) if name in kept else _column(column)
        for name, column in zip(names, columns, strict=True)
    ]
    table = pd.DataFrame(dict(enumerate(values)), index=pd.RangeIndex(len(cells)), copy=False)
    return table.set_axis(names, axis="columns")


def may_be_numbers(options: Options) -> bool:
    """Return whether all columns of a table that these options describe may be numbers."""
    is_usual = options.keys() <= _OWN and options.get("header_row", 1) == 1
    return is_usual and not options.get("keep") and str not in options.get("types", {}).values()


def table_of_numbers(header: Sequence[Any], block: np.ndarray, options: Options) -> pd.DataFrame:
    """Return the table that `table_of` makes of a header and rows of floats."""
    names = column_index(tuple(column_names(header)))
    return _of_block(names, block, floats=options.get("floats", False))


def _of_block(names: pd.Index[Any], block: np.ndarray, *, floats: bool) -> pd.DataFrame:
    """Return a table of floats; those of columns that are all whole are integers, or `floats`."""
    import numpy as np
    import pandas as pd

    are_whole = np.zeros(len(names), bool) if floats else _are_whole(block)
    if not are_whole.any():
        return pd.DataFrame(block, columns=names, copy=False)  # the cheapest form of a table
    if are_whole.all():
        return pd.DataFrame(block.astype(np.int64), columns=names, copy=False)
    columns = [
        column.astype(np.int64 if is_whole else np.float64)
        for column, is_whole in zip(block.T, are_whole.tolist(), strict=True)
    ]
    table = pd.DataFrame(dict(enumerate(columns)), copy=False)
    return table.set_axis(names, axis="columns")


def _column(cells: Sequence[Any]) -> Any:
    """Return a column's values in the type that they share, or else as objects."""
    import numpy as np
    import pandas as pd

    types = set(map(type, cells))
    if str in types and "" in cells:
        cells = [None if cell == "" else cell for cell in cells]
        types = set(map(type, cells))
    if types <= {float, int, NoneType}:  # the empty column, too
        numbers = np.array(cells, dtype=np.float64)
        return numbers.astype(np.int64) if len(numbers) and _are_whole(numbers) else numbers
    if types <= {str, NoneType}:
        return pd.Series(cells, dtype="str")
    if types == {bool}:
        return np.array(cells)
    if types <= {date, datetime, NoneType}:
        return pd.Series(cells, dtype="M8[us]")
    if types <= {timedelta, NoneType}:
        with suppress(pd.errors.OutOfBoundsTimedelta):
            return pd.Series(cells)
    return pd.Series([_exact(cell) for cell in cells], dtype=object)


def _kept(cells: Sequence[Any]) -> Any:
    """Return cells as a sheet shows them: 7 is whole also beside an empty cell."""
    whole = [cell if isinstance(cell, date) else _exact(cell) for cell in cells]
    return exact_column([None if cell == "" else cell for cell in whole])


def _texts(cells: Sequence[Any]) -> pd.Series[Any]:
    """Return a column that a schema declares as text.

    A number that has lost digits, such as a long identifier, stays one: it is not the text.
    """
    import pandas as pd

    if set(map(type, cells)) == {str}:  # as it nearly always is
        return pd.Series([cell or None for cell in cells], dtype="str")
    texts = [cell if _is_inexact(cell) else _sheet_text(cell) or None for cell in cells]
    is_text = all(text is None or isinstance(text, str) for text in texts)
    return pd.Series(texts, dtype="str" if is_text else object)


def _sheet_text(cell: Any) -> str:
    """Return what a sheet shows, in the format that does not depend on a language: 7, TRUE."""
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and _is_whole(cell):
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(" ").removesuffix(" 00:00:00")
    return _span_text(cell) if isinstance(cell, timedelta) else str(cell)


def _span_text(span: timedelta) -> str:
    """Return a span of time as the format [h]:mm:ss shows it."""
    minutes, rest = divmod(abs(span), timedelta(minutes=1))
    seconds, fraction = divmod(rest, timedelta(seconds=1))
    digits = f".{fraction.microseconds:06}" if fraction else ""
    sign = "-" if span < timedelta() else ""
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{digits}"


def _are_whole(numbers: np.ndarray[Any, Any]) -> Any:
    """Return of each column whether int64 holds all of its numbers: -0.0 is none of them."""
    import numpy as np

    is_whole = (np.trunc(numbers) == numbers) & (np.abs(numbers) < MAX_EXACT_FLOAT)
    return (is_whole & ~(np.signbit(numbers) & (numbers == 0))).all(axis=0)


def _is_whole(number: float) -> bool:
    return number.is_integer() and abs(number) < MAX_EXACT_FLOAT


def _is_inexact(cell: Any) -> bool:
    return isinstance(cell, float) and abs(cell) >= MAX_EXACT_FLOAT


def _exact(cell: Any) -> Any:
    if isinstance(cell, float) and _is_whole(cell) and (cell or str(cell) == "0.0"):
        return int(cell)
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - Excel has no time zones
    return cell


def _pandas_arguments(options: Options) -> dict[str, Any]:
    import pandas as pd

    supported = supported_options(pd.read_excel, options)
    return {name: supported[name] for name in supported.keys() - _OF_FILES - {"dtype"}}


def _by_pandas(rows: list[list[Any]], arguments: dict[str, Any]) -> pd.DataFrame:
    """Read rows as an author's options say; what these do not decide is as it is without them."""
    from pandas.io import parsers
    from pandas.io.excel._util import maybe_convert_usecols  # type: ignore[import-not-found]

    dtype, nrows = arguments["dtype"], arguments.pop("nrows", None)
    is_guessed = not isinstance(dtype, dict) or not _GUESSES.isdisjoint(arguments)
    declared = {} if is_guessed else {name: dtype[name] for name in dtype if dtype[name] is not str}
    if not is_guessed:
        arguments["dtype"] = defaultdict(lambda: object, declared)
    if "usecols" in arguments:
        arguments["usecols"] = maybe_convert_usecols(arguments["usecols"])
    rows = [[_exact(cell) for cell in row] for row in rows]
    names = _replace_header(rows, arguments)
    parser = parsers.TextParser(rows, **arguments)  # type: ignore[attr-defined] # not in the stubs
    table: pd.DataFrame = parser.read(nrows)
    if not is_guessed:
        for name in [name for name in table.columns if name not in declared]:
            cells = table[name].astype(object).where(table[name].notna(), None).tolist()
            column = _texts(cells) if name in dtype else _column(cells)
            table[name] = getattr(column, "array", column)
    set_number_format(table, number_format_in(arguments))
    return (
        table if names is None else table.set_axis(_renamed(table.columns, names), axis="columns")
    )


def _replace_header(rows: list[list[Any]], arguments: dict[str, Any]) -> list[str] | None:
    """Put the names of a header in its place and return them; None if no single row is one."""
    index, skipped = arguments["header"], arguments.get("skiprows") or 0
    if type(index) is not int or type(skipped) is not int or index + skipped >= len(rows):
        return None
    names = [*column_names(rows[index + skipped])]
    rows[index + skipped] = names
    return None if "names" in arguments else names


def _renamed(labels: Any, names: Collection[str]) -> list[Any]:
    """Undo pandas' renaming of the second `a` to `a.1`: it is for the caller to know of."""
    bases = [label.rpartition(".")[0] if isinstance(label, str) else "" for label in labels]
    return [
        base if base in names and label not in names else label
        for label, base in zip(labels, bases, strict=True)
    ]
