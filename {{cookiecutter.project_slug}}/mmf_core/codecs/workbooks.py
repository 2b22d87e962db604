"""What is common to workbooks: which sheet is read, and what is told of one that is broken."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidValue, RequestError
from ..settings import Settings
from .base import Options, known_to
from .formats import Format
from .sheet_rows import AS_WRITTEN, knows, table_of
from .zipped import safe

if TYPE_CHECKING:
    import pandas as pd

WORKBOOKS = frozenset({Format.XLSX, Format.XLS, Format.ODS})
"""Formats that have sheets."""


def read_zipped(data: bytes, options: Options, suffix: str) -> pd.DataFrame:
    """Read a sheet of an .xlsx or .ods, its first row the header, by calamine.

    Options are those of `pandas.read_excel`, which reads the sheet if there are any of its own;
    they count for more than what is here.
    """
    from python_calamine import CalamineWorkbook

    def parse() -> pd.DataFrame:
        file = io.BytesIO(safe(data, options.get("max_decompressed", Settings.max_decompressed)))
        wanted = _wanted(options)
        if not knows(wanted):
            return _by_pandas(file, options)
        with CalamineWorkbook.from_filelike(file) as book:
            asked = sheet_of(options, book.sheet_names)
            by = book.get_sheet_by_index if isinstance(asked, int) else book.get_sheet_by_name
            return table_of(by(asked).to_python(skip_empty_area=False), wanted)

    return cast("pd.DataFrame", guarded(parse, suffix))


def _wanted(options: Options) -> Options:
    """Return the options that say something of a workbook."""
    import pandas as pd

    return options if knows(options) else known_to(pd.read_excel, options)


def _by_pandas(file: io.BytesIO, options: Options) -> pd.DataFrame:
    import pandas as pd

    known: dict[str, Any] = {**AS_WRITTEN, **known_to(pd.read_excel, options)}
    with pd.ExcelFile(file, engine=known.pop("engine", "calamine")) as book:
        known["sheet_name"] = sheet_of(options, book.sheet_names)
        return cast("pd.DataFrame", pd.read_excel(book, **known))


def sheet_of(options: Options, names: list[Any]) -> Any:
    """Return which sheet to read.

    That of the option `sheet`, the caller's choice: a name, or else a number from 0; or that of
    `sheet_name`, the author's; or the first. InvalidValue names the sheets there are.
    """
    asked = options.get("sheet", options.get("sheet_name", 0))
    if asked in names or not isinstance(asked, str | int):
        return asked
    if str(asked).isdecimal() and int(asked) < len(names):
        return int(asked)
    raise InvalidValue(f"this workbook has no sheet {asked}; it has: {', '.join(map(str, names))}")


def guarded(parse: Callable[[], Any], suffix: str) -> Any:
    """Return what `parse` does; RequestError for whatever it raises of a damaged workbook."""
    try:
        return parse()
    except (MemoryError, RequestError):
        raise
    except Exception:  # noqa: BLE001 - damaged workbooks make readers raise nearly anything
        raise unreadable(suffix) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what fails in Rust is no Exception
            raise
        raise unreadable(suffix) from None


def unreadable(suffix: str) -> RequestError:
    """Return the error for a workbook that is none, or damaged."""
    return RequestError(f"this is not an {suffix} workbook that can be read")
