"""Tables as Excel workbooks."""

import io
import math
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter
from pandas.testing import assert_frame_equal

from cpu_time import at_most
from mmf_core.codecs import Format, Kind, find, table_xlsx
from mmf_core.codecs.table_xlsx import TableXLSX
from mmf_core.errors import BodyTooLarge, MissingPackage, RequestError

CODEC = TableXLSX()
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=50
)
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(
    -1e100, 1e100, allow_nan=False, allow_subnormal=False
)


def _cells(data: bytes) -> list[tuple[Any, ...]]:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    return list(sheet.iter_rows(values_only=True))


def _column(*values: object) -> pd.DataFrame:
    return pd.DataFrame({"a": pd.Series(values, dtype=object)})


def test_codec_is_registered() -> None:
    assert isinstance(find(Kind.TABLE, Format.XLSX), TableXLSX)


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_numbers_round_trip_to_fifteen_digits(numbers: list[float]) -> None:
    table = pd.DataFrame({"x": numbers, "row": range(len(numbers))})
    again = CODEC.decode(CODEC.encode(table, {}), {})
    assert_frame_equal(again, table, check_dtype=False, rtol=1e-15, atol=0)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=10))
def test_texts_round_trip(texts: list[str]) -> None:
    table = pd.DataFrame({"text": texts})
    assert_frame_equal(CODEC.decode(CODEC.encode(table, {}), {}), table)


@pytest.mark.parametrize("text", ["=1+1", "007", "_x000D_", " two  spaces ", "a\tb\nc", "😀"])
def test_awkward_texts_round_trip(text: str) -> None:
    table = pd.DataFrame({"text": [text], text + "!": [1]})
    assert_frame_equal(CODEC.decode(CODEC.encode(table, {}), {}), table)


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf, -math.inf, pd.NA, pd.NaT])
def test_nulls_and_infinity_are_empty_cells(nothing: object) -> None:
    assert _cells(CODEC.encode(_column(nothing, 1.5), {})) == [("a",), (None,), (1.5,)]


def test_pandas_nulls_are_empty_cells() -> None:
    table = pd.DataFrame({"a": pd.array([1.5, None], "Float64"), "b": pd.array([1, None], "Int64")})
    assert _cells(CODEC.encode(table, {}))[1:] == [(1.5, 1), (None, None)]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (True, True),
        (7, 7),
        (datetime(2026, 1, 31, 12), datetime(2026, 1, 31, 12)),
        (date(2026, 1, 31), datetime(2026, 1, 31)),
        (pd.Timestamp(2026, 1, 31, 12), datetime(2026, 1, 31, 12)),
        (datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00+00:00"),
        (time(23, 59, 58), time(23, 59, 58)),
        (time(12, tzinfo=UTC), "12:00:00+00:00"),
        (timedelta(days=2, hours=3), timedelta(days=2, hours=3)),
        (date(1900, 3, 1), datetime(1900, 3, 1)),
        (date(1900, 2, 28), "1900-02-28"),
        (datetime(1812, 9, 7, 5, 30), "1812-09-07T05:30:00"),
        (pd.Timestamp(np.datetime64(2**40, "s")), "36812-02-20T00:36:16"),
        (pd.Timestamp(np.datetime64(-(2**40), "s")), "-32873-11-12T23:23:44"),
        (2**53 + 1, 2**53 + 1),
        (np.int8(7), 7),
        (np.float32(0.5), 0.5),
        (np.bool_(1), True),
        ("", ""),
        ("+7 900", "+7 900"),
        ("-1", "-1"),
        ("@here", "@here"),
        ("<&>\"'", "<&>\"'"),
        ("100 %s #", "100 %s #"),
        ([1, 2], "[1,2]"),
        ("=SUM(A1:A9)", "=SUM(A1:A9)"),
        ("a\x0bb", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ud800\ufffe", "\N{REPLACEMENT CHARACTER}" * 2),
    ],
)
def test_values_become_typed_cells(value: object, cell: object) -> None:
    assert _cells(CODEC.encode(_column(value), {}))[1] == (cell,)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "007"])
def test_formulas_are_written_as_text(text: str) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(CODEC.encode(_column(text), {}))).active
    assert sheet is not None
    assert sheet["A2"].data_type in {"s", "inlineStr"}
    assert sheet["A2"].value == text


@settings(deadline=None)
@given(
    st.lists(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        # openpyxl leaves the escape of such a text as it is; Excel and calamine read it
        | TEXTS.filter(lambda text: not re.search("_x[0-9A-Fa-f]{4}_", text))
        | st.datetimes(datetime(1900, 3, 1)).map(lambda moment: moment.replace(microsecond=0)),
        min_size=1,
        max_size=20,
    )
)
def test_openpyxl_reads_the_output(values: list[Any]) -> None:
    assert _cells(CODEC.encode(_column(*values), {}))[1:] == [(value,) for value in values]


def test_cell_references_use_excel_column_letters() -> None:
    table = pd.DataFrame([range(800)], columns=[f"c{place}" for place in range(800)])
    data = CODEC.encode(table, {})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read("xl/worksheets/sheet1.xml").decode()
    expected = [get_column_letter(number) for number in range(1, 801)]
    assert re.findall('r="([A-Z]+)2"', text) == expected
    assert_frame_equal(CODEC.decode(data, {}), table)


def test_output_is_deterministic() -> None:
    assert CODEC.encode(_column(1, "x"), {}) == CODEC.encode(_column(1, "x"), {})


def test_empty_table_keeps_its_header() -> None:
    table = CODEC.decode(CODEC.encode(pd.DataFrame({"a": [], "b": []}), {}), {})
    assert (list(table.columns), len(table)) == (["a", "b"], 0)


def test_options_are_applied() -> None:
    data = CODEC.encode(pd.DataFrame({"a": [7], "b": ["x7"]}), {})
    assert CODEC.decode(data, {"usecols": ["b"]}).to_dict("list") == {"b": ["x7"]}
    assert CODEC.decode(data, {"dtype": {"a": str}})["a"].tolist() == ["7"]


def _foreign_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hello.txt", "no workbook")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a,b\n1,2\n", id="csv"),
        pytest.param(b"PK\x03\x04" + b"\x00" * 100, id="zip cut off"),
        pytest.param(_foreign_zip(), id="another zip"),
        pytest.param(TableXLSX().encode(pd.DataFrame({"a": [1]}), {})[:-200], id="cut off"),
    ],
)
def test_invalid_workbook_raises_request_error(data: bytes) -> None:
    with pytest.raises(RequestError, match=r"\.xlsx") as caught:
        CODEC.decode(data, {})
    assert caught.value.status == 400


def test_memory_error_is_not_a_request_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("mmf_core.codecs.workbooks.table_of", exhausted)
    with pytest.raises(MemoryError):
        CODEC.decode(CODEC.encode(pd.DataFrame({"a": [1]}), {}), {})


def test_rejects_table_longer_than_a_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_xlsx, "MAX_ROWS", 2)
    assert _cells(CODEC.encode(_column(1, 2), {}))
    with pytest.raises(BodyTooLarge, match="at most 2 rows as XLSX, got 3"):
        CODEC.encode(_column(1, 2, 3), {})


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_are_written_the_same_vectorized_or_not(unit: str) -> None:
    texts = ["1900-03-01", "2026-01-31T12:30:00", "1999-12-31T23:59:59", "NaT"]
    times = pd.Series(np.array(texts, f"M8[{unit}]"))
    assert CODEC.encode(pd.DataFrame({"a": times}), {}) == CODEC.encode(
        pd.DataFrame({"a": times.astype(object)}), {}
    )


def test_rejects_text_longer_than_a_cell() -> None:
    longest = "x" * 32_767
    assert _cells(CODEC.encode(_column(longest), {}))[1] == (longest,)
    with pytest.raises(ValueError, match="characters"):
        CODEC.encode(_column(longest + "x"), {})


@pytest.mark.parametrize("module", ["pandas", "python_calamine"])
def test_missing_library_names_the_pip_command(module: str, without: Callable[..., None]) -> None:
    without(module)
    with pytest.raises(MissingPackage, match=f"pip install {module.replace('_', '-')}$"):
        find(Kind.TABLE, Format.XLSX)


@pytest.mark.parametrize("separator", ["\uf8ff\ue000", "\uf8ff", "\ue000", "", "\ue000\uf8ff"])
def test_texts_are_written_the_same_vectorized_or_not(separator: str) -> None:
    texts = [None, "", "a<b>&\r", f"{separator}x", f"y{separator}", "_x000D_", "\0", "x"]
    together = pd.DataFrame({"a": pd.Series(texts, dtype="str")})
    assert CODEC.encode(together, {}) == CODEC.encode(_column(*texts), {})


@pytest.mark.parametrize("kind", ["int64", "bool", "float64", "str", "Int64", "object"])
def test_rows_are_written_the_same_in_chunks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"a": pd.Series([1, 0, 1, 1, 0], dtype=kind), "b": range(5)})
    whole = CODEC.encode(table, {})
    monkeypatch.setattr(table_xlsx, "_MIN_ROWS", 2)
    monkeypatch.setattr(table_xlsx, "_CELLS_AT_ONCE", 1)
    assert CODEC.encode(table, {}) == whole
    with pytest.raises(TypeError, match=r"result\[4\]\.c: a bytes"):
        CODEC.encode(table.assign(c=[*range(4), b"x"]), {})


def test_text_cells_take_little_memory() -> None:
    """Four million took nine seconds, and 290 MiB for 2,400,000 beside the table."""
    table = pd.DataFrame({name: pd.Series(["text"] * 100_000, dtype="str") for name in "abcd"})
    tracemalloc.start()
    try:
        data = CODEC.encode(table, {})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - len(data) < 32 * 1024 * 1024
    with at_most(seconds=0.8):
        CODEC.encode(table, {})
