"""Cells of any type in text-only formats, never written as Python's repr."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from html import unescape
from typing import Any
from uuid import UUID

import numpy as np
import openpyxl
import pandas as pd
import pytest

from mmf_core.codecs import Format, Kind, find

TEXTUAL = [Format.CSV, Format.TSV, Format.XML, Format.HTML, Format.XLSX]
LONG = 2**53 + 1
CELLS: list[Any] = [b"\xff", 1j, np.complex128(1j), {"a": b"x"}, object()]
each_format = pytest.mark.parametrize("format_", TEXTUAL, ids=lambda format_: format_.name)


class Colour(Enum):
    """A value with a name."""

    RED = "red"


def encoded(format_: Format, *cells: Any, **options: Any) -> bytes:
    codec = find(Kind.TABLE, format_)
    assert codec is not None
    return codec.encode(pd.DataFrame({"a": pd.Series(cells, dtype=object)}), options)


def text_of(format_: Format, cell: Any) -> str:
    """Return the text of a cell in a table with one other cell."""
    data = encoded(format_, cell, "other")
    if format_ is Format.XLSX:
        sheet = openpyxl.load_workbook(io.BytesIO(data)).active
        assert sheet is not None
        return str(sheet["A2"].value)
    text = data.decode()
    if format_ in {Format.CSV, Format.TSV}:
        return str(
            pd.read_csv(io.StringIO(text), sep="\t" if format_ is Format.TSV else ",")["a"][0]
        )
    start, end = ("<a>", "</a>") if format_ is Format.XML else ("<td>", "</td>")
    return unescape(text.split(start)[1].split(end)[0])


@each_format
@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ([1, None, "x"], '[1,null,"x"]'),
        ({"a": np.int64(1), "b": [date(2026, 1, 31)]}, '{"a":1,"b":["2026-01-31"]}'),
        ((1, 2), "[1,2]"),
        (np.array([1.5, np.nan]), "[1.5,null]"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        (pd.Interval(0, 1), "(0, 1]"),
        (pd.Period("2026-01"), "2026-01"),
        (Decimal("1.50"), "1.50"),
    ],
)
def test_objects_are_written_as_text_or_json(format_: Format, cell: Any, text: str) -> None:
    assert text_of(format_, cell) == text


@each_format
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)
def test_rejects_cell_without_text_form(format_: Format, cell: Any) -> None:
    with pytest.raises(TypeError, match="cannot be written"):
        encoded(format_, cell, "other")


@each_format
@pytest.mark.parametrize("others", [[None], [0.5], ["=1"], [[1]]])
def test_long_integers_in_mixed_columns_are_exact(format_: Format, others: list[Any]) -> None:
    for options in ({}, {"escape_formulas": True}):
        data = encoded(format_, LONG, *others, **options)
        if format_ is Format.XLSX:
            assert b"9007199254740993" in openpyxl_part(data)
        else:
            assert str(LONG).encode() in data


def openpyxl_part(data: bytes) -> bytes:
    """Return the XML of the sheet: openpyxl would make a float of the number."""
    return zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("cell", [pd.Interval(0, 1), pd.Period("2026-01", freq="M")])
def test_json_writes_intervals_and_periods_as_text(cell: Any) -> None:
    assert json.loads(encoded(Format.JSON, cell, 1)) == [{"a": str(cell)}, {"a": 1}]


@each_format
def test_dates_in_mixed_columns_are_iso_8601(format_: Format) -> None:
    assert text_of(format_, datetime(2026, 1, 31, 12)) == "2026-01-31 12:00:00"
