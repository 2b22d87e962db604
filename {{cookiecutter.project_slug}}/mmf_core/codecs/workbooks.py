"""What is common to workbooks: which sheet is read, and what is told of one that is broken."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidValue, RequestError
from ..settings import Settings
from .base import Options, known_to
from .formats import Format

if TYPE_CHECKING:
    import pandas as pd

WORKBOOKS = frozenset({Format.XLSX, Format.XLS, Format.ODS})
"""Formats that have sheets."""


def read(
    prepare: Callable[[bytes, int], bytes], data: bytes, options: Options, engine: str, suffix: str
) -> pd.DataFrame:
    """Read one sheet, its first row the header. Options go to `pandas.read_excel`.

    `prepare` returns what is given to the engine, of at most so many bytes.
    It is the sheet of the option `sheet`, the caller's choice: a name, or else a number from 0;
    or that of `sheet_name`, the author's; or the first. InvalidValue names the sheets there are.
    """
    import pandas as pd

    known: dict[str, Any] = {"engine": engine, **known_to(pd.read_excel, options)}
    try:
        safe = prepare(data, options.get("max_inflated", Settings.max_inflated))
        with pd.ExcelFile(io.BytesIO(safe), engine=known.pop("engine")) as book:
            asked = options.get("sheet", known.pop("sheet_name", 0))
            table = pd.read_excel(book, sheet_name=_sheet(asked, book.sheet_names), **known)
    except (MemoryError, RequestError):
        raise
    except Exception:  # noqa: BLE001 - damaged workbooks make readers raise nearly anything
        raise _unreadable(suffix) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what fails in Rust is no Exception
            raise
        raise _unreadable(suffix) from None
    return cast("pd.DataFrame", table)


def _sheet(asked: Any, names: list[Any]) -> Any:
    """Return which sheet pandas should read."""
    if asked in names or not isinstance(asked, str | int):
        return asked
    if str(asked).isdecimal() and int(asked) < len(names):
        return int(asked)
    raise InvalidValue(f"this workbook has no sheet {asked}; it has: {', '.join(map(str, names))}")


def _unreadable(suffix: str) -> RequestError:
    return RequestError(f"this is not an {suffix} workbook that can be read")
