"""Ways to write a table as a workbook, and what each makes of awkward values."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
from rustpy_xlsxwriter import write_worksheet

from mmf_core.codecs.table_xlsx import TableXLSX

Writer = Callable[[pd.DataFrame], bytes]
COLUMNS = 13
AWKWARD: dict[str, Any] = {
    "a text that begins with =": "=1+1",
    "an empty text": "",
    "17 digits": 0.1 + 0.2,
    "an integer of 54 bits": 2**53 + 1,
    "milliseconds": datetime(2024, 1, 2, 3, 4, 5, 123_000),  # noqa: DTZ001 - Excel has no zones
    "a time zone": datetime(2024, 1, 2, tzinfo=UTC),
    "a time of day": time(1, 2, 3),
    "a duration": timedelta(hours=30),
}
TEXTS = {"a time zone": "2024-01-02T00:00:00+00:00"}  # what Excel has no value for is a text


def table(rows: int) -> pd.DataFrame:
    """Return columns of measurements and one of texts."""
    numbers = np.random.default_rng(0).integers(0, 10_000, (rows, COLUMNS - 1)) / 100
    frame = pd.DataFrame(numbers, columns=[f"column_{place}" for place in range(COLUMNS - 1)])
    return frame.assign(name=[f"wine {row} & company" for row in range(rows)])


def by_mmf_core(frame: pd.DataFrame) -> bytes:
    """Write it as the service does."""
    return TableXLSX().encode(frame, {})


def by_rustpy(frame: pd.DataFrame) -> bytes:
    """Write it with rust_xlsxwriter."""
    buffer = io.BytesIO()
    write_worksheet(frame, buffer)
    return buffer.getvalue()


def by_xlsxwriter(frame: pd.DataFrame) -> bytes:
    """Write it with XlsxWriter, texts as texts."""
    buffer = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with pd.ExcelWriter(buffer, "xlsxwriter", engine_kwargs={"options": options}) as writer:
        frame.to_excel(writer, index=False)
    return buffer.getvalue()


def by_openpyxl(frame: pd.DataFrame) -> bytes:
    """Write it with openpyxl's writer for large sheets."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(frame.columns))
    for row in frame.itertuples(index=False):
        sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


WRITERS: dict[str, Writer] = {
    "mmf_core": by_mmf_core,
    "rustpy-xlsxwriter": by_rustpy,
    "pandas with XlsxWriter": by_xlsxwriter,
    "openpyxl": by_openpyxl,
}


def changed(write: Writer) -> list[str]:
    """Return which values do not come back as they were."""
    return [name for name, value in AWKWARD.items() if not _survives(write, name, value)]


def _survives(write: Writer, name: str, value: Any) -> bool:
    frame = pd.DataFrame({"value": pd.Series([value], dtype=object), "last": ["x"]})
    try:
        sheet = openpyxl.load_workbook(io.BytesIO(write(frame))).active
    except (ValueError, TypeError, RuntimeError):
        return False
    assert sheet is not None  # noqa: S101 - every writer has made one
    cell = sheet.cell(2, 1)
    return cell.data_type != "f" and cell.value == TEXTS.get(name, value)
