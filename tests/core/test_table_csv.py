"""Tables as CSV."""

import csv
import io
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from mmf_core.codecs import Format, Kind, csv_rows, find
from mmf_core.codecs.table_csv import TableCSV, TableTSV
from mmf_core.errors import InvalidValue, RequestError

CODEC = TableCSV()
WRITTEN = [
    pd.Series([0.1, -1e300]),
    pd.Series([1e16, 1e-05]),
    pd.Series([np.nan, 3.0]),
    pd.Series([np.nan, np.inf]),
    pd.Series([0.1, 0.2], dtype="float32"),
    pd.Series([2**63 - 1, -(2**63)]),
    pd.Series([True, False]),
    pd.Series(['a "quoted"\n%b', None]),
    pd.Series(["a,b\tc;d", ""]),
    pd.Series(["x", 1], dtype=object),
    pd.Series([None, 2**53 + 1], dtype="Int64"),
    pd.Series(pd.to_datetime(["2026-01-31", None])),
    pd.Series(["x", "y"], dtype="category"),
]
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1)


def test_codec_is_registered() -> None:
    assert isinstance(find(Kind.TABLE, Format.CSV), TableCSV)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=20))
def test_numbers_round_trip(rows: list[tuple[float, int]]) -> None:
    table = pd.DataFrame(rows, columns=["x", "n"])
    again = CODEC.decode(CODEC.encode(table, {}), {"dtype": {"x": float}})
    assert_frame_equal(again, table, check_exact=True)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_texts_round_trip(texts: list[str]) -> None:
    table = pd.DataFrame({"text": texts, "rest": range(len(texts))})
    options = {"dtype": {"text": str}, "keep_default_na": False}
    assert_frame_equal(CODEC.decode(CODEC.encode(table, {}), options), table)


@pytest.mark.parametrize("text", ['a "quoted" word', "a,b", "two\nlines", "=1+1", "Вино, белое"])
def test_awkward_texts_round_trip(text: str) -> None:
    table = pd.DataFrame({text: [text, "plain"]})
    assert_frame_equal(CODEC.decode(CODEC.encode(table, {}), {}), table)


def test_index_is_not_written() -> None:
    assert CODEC.encode(pd.DataFrame({"a": [1]}, index=[7]), {}) == b"a\n1\n"


def test_empty_cell_is_null() -> None:
    table = CODEC.decode(b"a,b\n1,\n", {})
    assert table["b"].isna().all()
    assert CODEC.encode(table, {}) == b"a,b\n1,\n"


def test_byte_order_mark_is_skipped() -> None:
    assert list(CODEC.decode("\ufeffa,b\n1,2\n".encode(), {}).columns) == ["a", "b"]


def test_header_alone_is_an_empty_table() -> None:
    assert CODEC.decode(b"a,b\n", {}).shape == (0, 2)


def test_options_are_passed_to_pandas() -> None:
    table = CODEC.decode(b"a;b\n1,5;007\n", {"sep": ";", "decimal": ",", "dtype": {"b": str}})
    assert table.to_dict("list") == {"a": [1.5], "b": ["007"]}


def test_index_col_is_applied() -> None:
    assert CODEC.decode(b"k,a\nx,1\n", {"index_col": "k"}).index.tolist() == ["x"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\n\n", id="blank lines"),
        pytest.param(b"\x98\n1\n", id="in no encoding"),
        pytest.param(b"\xff\xfea", id="half a character of utf-16"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", id="a picture"),
        pytest.param(b"a,b\n1,2\n1,2,3\n", id="one long row"),
        pytest.param(b'a,b\n"1,2\n', id="an open quote"),
    ],
)
def test_invalid_csv_raises_request_error(data: bytes) -> None:
    with pytest.raises(RequestError, match="CSV") as caught:
        CODEC.decode(data, {})
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "data",
    [
        *(b"a,b\n5,6,7\n", b"a,b\n1,2,\n3,4,\n", b"a\nx,y,z\n"),
        *(b"a,b\n0,2,3\n", b"a,b\n0,2,3\n1,5,6\n", b'"a","b"\n0,"2",3\n1,5,6\n'),
    ],
)
def test_rejects_rows_longer_than_the_header(data: bytes) -> None:
    with pytest.raises(RequestError, match="more cells than its header"):
        CODEC.decode(data, {})


@pytest.mark.parametrize("title", ["Report", "Report of 2026", "Report\nof 2026"])
def test_title_above_the_header_is_reported(title: str) -> None:
    header = title.partition("\n")[0]
    with pytest.raises(RequestError, match="remove lines above the header") as caught:
        CODEC.decode(f"\ufeff{title}\na,b,c\n1,2,3\n".encode(), {})
    assert f'"{header}"' in caught.value.detail


@pytest.mark.parametrize(
    ("body", "row"),
    [
        ("a\n1\n\n2\n", 1),
        ("a\r\n1\r\n2\r\n \t\r\n3", 2),
        ("a\r1\r\r2", 1),
        ("a\n\n1\n", 0),
        ('a\n"x\n\ny"\n\n"z"\n', 1),
    ],
)
def test_rejects_blank_line_in_a_single_column(body: str, row: int) -> None:
    with pytest.raises(InvalidValue, match=f'row {row} is a blank line; write "" for') as caught:
        CODEC.decode(body.encode(), {})
    assert [detail.row for detail in caught.value.errors] == [row]


@pytest.mark.parametrize(
    ("body", "options", "cells"),
    [
        ("a\n1\n\n\n", {}, [1]),
        ("\n\na\r\n1\r\n2\r\n", {}, [1, 2]),
        ('a\n"x\n\ny"\n', {}, ["x\n\ny"]),
        ('a\n1\n""\n2\n', {}, [1, None, 2]),
        ("a\n1\n\n2\n", {"skip_blank_lines": True}, [1, 2]),
        ("a,b\n1,1\n\n2,1\n", {}, [1, 2]),
    ],
)
def test_other_blank_lines_are_skipped(
    body: str, options: dict[str, Any], cells: list[Any]
) -> None:
    table = CODEC.decode(body.encode(), options)
    assert [None if pd.isna(cell) else cell for cell in table["a"]] == cells


@pytest.mark.parametrize(
    ("data", "options", "columns"),
    [
        (b'a 5",b 6"\n1,2\n', {}, ['a 5"', 'b 6"']),
        (b"title\na,b\n1,2\n", {"skiprows": 1}, ["a", "b"]),
    ],
)
def test_accepts_quoted_header_and_header_option(
    data: bytes, options: dict[str, Any], columns: list[str]
) -> None:
    assert CODEC.decode(data, options).to_dict("list") == dict(
        zip(columns, [[1], [2]], strict=True)
    )


def test_rejects_lone_surrogates() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        CODEC.encode(pd.DataFrame({"a": pd.Series(["\ud800"], dtype=object)}), {})


@settings(deadline=None)
@given(
    st.lists(st.tuples(TEXTS, st.sampled_from(WRITTEN)), max_size=4, unique_by=lambda x: x[0]),
    st.integers(0, 3) | st.just(1_001),
    st.sampled_from([CODEC, TableTSV()]),
)
def test_cells_match_pandas(columns: list[tuple[str, Any]], rows: int, codec: TableCSV) -> None:
    table = pd.DataFrame({f"{name} x": column.iloc[[0, 1] * rows] for name, column in columns})
    text = table.to_csv(index=False, sep=codec.separator)
    assert _cells(codec.encode(table, {}).decode(), codec) == _cells(text, codec)


@settings(deadline=None)
@given(st.lists(st.floats(), min_size=1), st.booleans())
def test_floats_are_exact(numbers: list[float], with_text: bool) -> None:
    table = pd.DataFrame({"x": numbers, "y": ["a"] * len(numbers) if with_text else numbers})
    lines = CODEC.encode(table, {}).decode().splitlines()[1:]
    again = [float(line.split(",")[0] or "nan") for line in lines]
    assert again == pytest.approx(numbers, rel=0, abs=0, nan_ok=True)


@pytest.mark.parametrize("codec", [TableCSV(), TableTSV()])
@settings(deadline=None)
@given(st.data(), st.integers(1, 4), st.sampled_from([1, 5, 100_000]))
def test_block_of_numbers_is_written_like_columns(
    codec: Any, data: st.DataObject, width: int, size: int
) -> None:
    """A column of texts beside the same numbers has them written one by one."""
    numbers = data.draw(st.sampled_from([st.floats(allow_infinity=False), st.integers(-9, 2**62)]))
    row = st.lists(numbers, min_size=width, max_size=width)
    table = pd.DataFrame(data.draw(st.lists(row, min_size=1, max_size=9)))
    table.columns = pd.Index([f"name {index}" for index in range(width)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "_BLOCK_CELLS", size)
        block = codec.encode(table, {})
    columns = codec.encode(table.assign(text="x"), {}).decode().splitlines()[1:]
    expected = [line.removesuffix(f"{codec.separator}x") or '""' for line in columns]
    assert block.decode().splitlines()[1:] == expected


@pytest.mark.parametrize("cells", [[1.5, None], ["x", None], ["", "x"]])
def test_single_empty_cell_is_a_row(cells: list[Any]) -> None:
    data = CODEC.encode(pd.DataFrame({"a": cells}), {})
    assert data == pd.DataFrame({"a": cells}).to_csv(index=False).encode()
    assert len(CODEC.decode(data, {})) == 2


def test_lone_carriage_return_is_quoted() -> None:
    table = pd.DataFrame({"a": ["x\ry"], "b": [1]})
    assert CODEC.encode(table, {}) == b'a,b\n"x\ry",1\n'
    assert CODEC.decode(CODEC.encode(table, {}), {}).shape == (1, 2)


@pytest.mark.parametrize(
    "names", [["a;b", "c"], ["a", "b,c"], [1, 2], ["", "x"], ["a\tb", '"'], ["a|b", "c"]]
)
def test_names_match_pandas(names: list[Any]) -> None:
    for codec in (CODEC, TableTSV()):
        needs_quotes = codec is CODEC and re.search(r"[,;|\t]", "".join(map(str, names)))
        quoting = csv.QUOTE_ALL if needs_quotes else csv.QUOTE_MINIMAL
        table = pd.DataFrame([[1, 2]], columns=names)
        expected = table.head(0).to_csv(index=False, sep=codec.separator, quoting=quoting)
        assert codec.encode(table, {}).decode() == f"{expected}1{codec.separator}2\n"


def _cells(text: str, codec: TableCSV) -> list[list[Any]]:
    """Return the cells; floats as floats, since they can be written in several ways."""
    records = csv.reader(io.StringIO(text, newline=""), delimiter=codec.separator)
    return [[float(cell) if _is_float(cell) else cell for cell in cells] for cells in records]


def _is_float(cell: str) -> bool:
    return re.fullmatch(r"-?[0-9]+[.e][0-9.e+-]+", cell) is not None
