"""Tables as CSV."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from mmf_core.codecs import Format, Kind, find
from mmf_core.codecs.table_csv import TableCSV
from mmf_core.errors import RequestError

CODEC = TableCSV()
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1)


def test_it_is_the_codec_of_its_format() -> None:
    assert isinstance(find(Kind.TABLE, Format.CSV), TableCSV)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=20))
def test_numbers_survive_a_round_trip(rows: list[tuple[float, int]]) -> None:
    table = pd.DataFrame(rows, columns=["x", "n"])
    again = CODEC.decode(CODEC.encode(table, {}), {"dtype": {"x": float}})
    assert_frame_equal(again, table, check_exact=True)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_texts_survive_a_round_trip(texts: list[str]) -> None:
    table = pd.DataFrame({"text": texts, "rest": range(len(texts))})
    options = {"dtype": {"text": str}, "keep_default_na": False}
    assert_frame_equal(CODEC.decode(CODEC.encode(table, {}), options), table)


@pytest.mark.parametrize("text", ['a "quoted" word', "a,b", "two\nlines", "=1+1", "Вино, белое"])
def test_awkward_texts_survive_a_round_trip(text: str) -> None:
    table = pd.DataFrame({text: [text, "plain"]})
    assert_frame_equal(CODEC.decode(CODEC.encode(table, {}), {}), table)


def test_the_row_numbers_are_not_written() -> None:
    assert CODEC.encode(pd.DataFrame({"a": [1]}, index=[7]), {}) == b"a\n1\n"


def test_an_empty_cell_is_null_both_ways() -> None:
    table = CODEC.decode(b"a,b\n1,\n", {})
    assert table["b"].isna().all()
    assert CODEC.encode(table, {}) == b"a,b\n1,\n"


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert list(CODEC.decode("\ufeffa,b\n1,2\n".encode(), {}).columns) == ["a", "b"]


def test_a_header_alone_is_a_table_without_rows() -> None:
    assert CODEC.decode(b"a,b\n", {}).shape == (0, 2)


def test_options_go_to_pandas() -> None:
    table = CODEC.decode(b"a;b\n1,5;007\n", {"sep": ";", "decimal": ",", "dtype": {"b": str}})
    assert table.to_dict("list") == {"a": [1.5], "b": ["007"]}


def test_an_index_that_the_options_ask_for_is_made() -> None:
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
def test_broken_csv_is_the_callers_fault(data: bytes) -> None:
    with pytest.raises(RequestError, match="CSV") as caught:
        CODEC.decode(data, {})
    assert caught.value.status == 400


@pytest.mark.parametrize("data", [b"a,b\n5,6,7\n", b"a,b\n1,2,\n3,4,\n", b"a\nx,y,z\n"])
def test_rows_with_more_cells_than_the_header_do_not_shift_into_other_columns(data: bytes) -> None:
    with pytest.raises(RequestError, match="more cells than its header"):
        CODEC.decode(data, {})


def test_a_text_that_utf8_cannot_hold_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        CODEC.encode(pd.DataFrame({"a": pd.Series(["\ud800"], dtype=object)}), {})
