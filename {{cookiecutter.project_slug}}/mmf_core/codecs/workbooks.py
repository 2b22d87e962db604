"""The parts that workbook codecs share: choosing a sheet, and errors of damaged files."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidValue, RequestError
from ..settings import Settings
from .base import Options, supported_options, with_dtype
from .formats import Format
from .sheet_rows import AS_WRITTEN, supports, table_of
from .zipped import CheckContent, sanitize_zip

if TYPE_CHECKING:
    import pandas as pd

WORKBOOKS = frozenset({Format.XLSX, Format.XLS, Format.ODS})
"""Formats that have sheets."""


def read_zipped(
    data: bytes, options: Options, suffix: str, check_content: CheckContent | None = None
) -> pd.DataFrame:
    """Read a sheet of an .xlsx or .ods, its first row the header, by calamine.

    Options are those of `pandas.read_excel`, which reads the sheet if there are any of its own;
    they override the defaults here. `check_content` is that of `sanitize_zip`.
    """
    import pandas as pd
    from python_calamine import CalamineWorkbook

    def parse() -> pd.DataFrame:
        max_size = options.get("max_decompressed", Settings.max_decompressed)
        file = io.BytesIO(sanitize_zip(data, max_size, check_content))
        relevant = options if supports(options) else supported_options(pd.read_excel, options)
        if not supports(relevant):
            return _read_by_pandas(file, options)
        with CalamineWorkbook.from_filelike(file) as book:
            key = select_sheet(options, book.sheet_names)
            get = book.get_sheet_by_index if isinstance(key, int) else book.get_sheet_by_name
            return table_of(get(key).to_python(skip_empty_area=False), options)

    return cast("pd.DataFrame", translate_errors(parse, suffix))


def _read_by_pandas(file: io.BytesIO, options: Options) -> pd.DataFrame:
    import pandas as pd

    arguments: dict[str, Any] = dict(AS_WRITTEN)
    arguments |= supported_options(pd.read_excel, with_dtype(options))
    with pd.ExcelFile(file, engine=arguments.pop("engine", "calamine")) as book:
        arguments["sheet_name"] = select_sheet(options, book.sheet_names)
        return cast("pd.DataFrame", pd.read_excel(book, **arguments))


def select_sheet(options: Options, names: list[Any]) -> Any:
    """Return the name or the index of the sheet to read.

    The option `sheet`, the client's choice, is a name, or else an index from 0; without it the
    option `sheet_name`, the author's, counts, and then the first sheet. InvalidValue lists the
    names if there is no such sheet.
    """
    key = options.get("sheet", options.get("sheet_name", 0))
    if key in names or not isinstance(key, str | int):
        return key
    if str(key).isdecimal() and int(key) < len(names):
        return int(key)
    raise InvalidValue(f"sheet {key!r} not found; this workbook has: {', '.join(map(str, names))}")


def translate_errors(parse: Callable[[], Any], suffix: str) -> Any:
    """Return the result of `parse`; RequestError for any error that a damaged workbook raises."""
    try:
        return parse()
    except (MemoryError, RequestError):
        raise
    except Exception:  # noqa: BLE001 - damaged workbooks make readers raise nearly anything
        raise unreadable(suffix) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's panics are not Exceptions
            raise
        raise unreadable(suffix) from None


def unreadable(suffix: str) -> RequestError:
    """Return the error for a damaged workbook, or for another file."""
    return RequestError(
        f"expected an {suffix} workbook, got a file that cannot be read as one; save it as {suffix}"
    )
