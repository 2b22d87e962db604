"""Tables as JSON: every accepted orientation, and JSON that is not a table."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from mmf_core.codecs import Format, Kind, find, json
from mmf_core.codecs.table_json import TableJSON
from mmf_core.codecs.table_jsonl import TableJSONL
from mmf_core.errors import MAX_ERRORS, InvalidValue, RequestError

CODEC = TableJSON()
EXPECTED = pd.DataFrame({"a": [1, 3], "b": [2.5, 4.5]})
RECORDS = [{"a": 1, "b": 2.5}, {"a": 3, "b": 4.5}]
SPLIT = {"columns": ["a", "b"], "data": [[1, 2.5], [3, 4.5]]}
COLUMNS = {"a": [1, 3], "b": [2.5, 4.5]}
CELLS = st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.booleans()
LONG = [2**53 + 1, -(2**53) - 1, 2**63, 2**64, -(2**63) - 1, 2**64 - 1, 10**30]
NUMBERS = (
    st.none()
    | st.integers(-9, 9)
    | st.sampled_from(LONG)
    | st.floats(allow_nan=False, allow_infinity=False)
)
EXACT = NUMBERS | st.booleans() | st.text(st.characters(codec="utf-8"), max_size=3)
WRITTEN = [
    pd.Series([0.1, -1e300]),
    pd.Series([math.nan, math.inf]),
    pd.Series([2**63 - 1, -(2**63)]),
    pd.Series([2**64 - 1, 0], dtype="uint64"),
    pd.Series([True, False]),
    pd.Series(['a "quoted" %b', None]),
    pd.Series([None, 2**53 + 1], dtype="Int64"),
    pd.Series([[1.5], {"a": None}]),
    pd.Series(pd.to_datetime(["2026-01-31", None])),
    pd.Series(["x", "y"], dtype="category"),
]
TEXTS = st.text(st.characters(codec="utf-8"))


def _ragged(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"b": 1}, *records]


def _columns(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [record[name] for record in records] for name in records[0]}


def _split(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {"columns": [*records[0]], "data": [[*record.values()] for record in records]}


def _cells(table: pd.DataFrame, name: str = "a") -> list[Any]:
    """Return cells as Python's values, which compare exactly."""
    return [
        None if empty else cell
        for cell, empty in zip(table[name].tolist(), table[name].isna(), strict=True)
    ]


def _lines(records: list[dict[str, Any]]) -> bytes:
    return b"\n".join(map(json.dumps, records))


def test_codec_is_registered() -> None:
    assert isinstance(find(Kind.TABLE, Format.JSON), TableJSON)


@pytest.mark.parametrize(
    "shape",
    [
        RECORDS,
        [*RECORDS[:1], {"b": 4.5, "a": 3}],
        SPLIT,
        {**SPLIT, "index": [0, 1]},
        COLUMNS,
        {"dataframe_split": SPLIT},
        {"dataframe_records": RECORDS},
        {"instances": RECORDS},
        {"inputs": COLUMNS},
    ],
)
def test_every_orientation_gives_the_same_table(shape: Any) -> None:
    assert_frame_equal(CODEC.from_plain(shape, {}), EXPECTED)
    assert_frame_equal(CODEC.decode(json.dumps(shape), {}), EXPECTED)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=5))
def test_texts_round_trip(columns: dict[str, list[str]]) -> None:
    table = pd.DataFrame(columns)
    assert_frame_equal(CODEC.decode(CODEC.encode(table, {}), {}), table)


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20))
def test_cells_round_trip(rows: list[tuple[Any, Any]]) -> None:
    sent = CODEC.encode(pd.DataFrame(rows, columns=["a", "b"], dtype=object), {})
    again = CODEC.encode(CODEC.decode(sent, {}).astype(object), {})
    assert json.loads(again) == json.loads(sent)


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf, None, pd.NA])
def test_nulls_and_infinity_are_written_as_null(nothing: Any) -> None:
    table = pd.DataFrame({"a": pd.Series([nothing, 1.5], dtype=object)})
    assert CODEC.encode(table, {}) == b'[{"a":null},{"a":1.5}]'


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_dates_are_written_as_iso_8601(unit: str) -> None:
    table = pd.DataFrame({"d": pd.to_datetime(["2026-01-31T12:00:00"]).as_unit(unit)})
    assert json.loads(CODEC.encode(table, {})) == [{"d": "2026-01-31T12:00:00"}]


def test_null_is_read_as_nan() -> None:
    assert CODEC.from_plain([{"a": None}, {"a": 1.5}], {})["a"].isna().tolist() == [True, False]


def test_missing_keys_are_null() -> None:
    table = CODEC.from_plain([{"a": 1}, {"b": 2}], {})
    assert list(table.columns) == ["a", "b"]
    assert table.isna().to_numpy().tolist() == [[False, True], [True, False]]


def test_split_without_columns_numbers_them() -> None:
    assert list(CODEC.from_plain({"data": [[5, 6]]}, {}).columns) == [0, 1]


def test_split_index_is_used() -> None:
    table = CODEC.from_plain({"columns": ["a"], "data": [[1], [2]], "index": ["x", "y"]}, {})
    assert table.index.tolist() == ["x", "y"]


@pytest.mark.parametrize("plain", [{"data": [1, 2]}, {"data": [1, 2], "columns": [3, 4]}])
def test_column_may_be_named_data(plain: dict[str, list[int]]) -> None:
    assert CODEC.from_plain(plain, {}).to_dict("list") == plain


@pytest.mark.parametrize("plain", [{"a": 1}, {"instances": "x"}, 5, "x"])
def test_rejects_other_json_with_the_expected_shape(plain: Any) -> None:
    with pytest.raises(InvalidValue, match='"columns"'):
        CODEC.from_plain(plain, {})


@pytest.mark.parametrize(
    "plain", [[], {}, {"data": []}, {"columns": ["a"], "data": []}, [{}], {"a": []}]
)
def test_empty_tables(plain: Any) -> None:
    assert CODEC.from_plain(plain, {}).empty


@pytest.mark.parametrize("data", [b"", b"[", b'[{"a": NaN}]'])
def test_invalid_json_raises_request_error(data: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        CODEC.decode(data, {})
    assert caught.value.status == 400


@pytest.mark.parametrize("row", [1, "x", None, [1]])
def test_invalid_record_is_reported_by_row(row: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        CODEC.from_plain([{"a": 1}, row], {})
    assert [error.row for error in caught.value.errors] == [1]


def test_ragged_rows_are_reported() -> None:
    with pytest.raises(InvalidValue) as caught:
        CODEC.from_plain({"columns": ["a", "b"], "data": [[1, 2], [3], [4, 5, 6]]}, {})
    assert [error.row for error in caught.value.errors] == [1, 2]
    assert caught.value.errors[0].message == "expected 2 values, got 1"


@pytest.mark.parametrize(
    "plain",
    [{"columns": ["a"], "data": [[]] * 1000}, {str(number): number for number in range(1000)}],
)
def test_errors_are_limited(plain: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        CODEC.from_plain(plain, {})
    assert len(caught.value.errors) == MAX_ERRORS == 20


@pytest.mark.parametrize("columns", [5, "ab", {"a": 1}, [["a"]], [{"a": 1}]])
def test_rejects_invalid_columns_list(columns: Any) -> None:
    with pytest.raises(InvalidValue, match="columns"):
        CODEC.from_plain({"columns": columns, "data": [[1]]}, {})


@pytest.mark.parametrize("index", [5, [1, 2], [["x"]], [{"x": 1}]])
def test_rejects_invalid_index(index: Any) -> None:
    with pytest.raises(InvalidValue, match="index"):
        CODEC.from_plain({"columns": ["a"], "data": [[1]], "index": index}, {})


def test_column_that_is_not_a_list_is_named() -> None:
    with pytest.raises(InvalidValue) as caught:
        CODEC.from_plain({"a": [1], "b": 2}, {})
    assert [error.column for error in caught.value.errors] == ["b"]


def test_rejects_columns_of_different_lengths() -> None:
    with pytest.raises(InvalidValue, match="same number"):
        CODEC.from_plain({"a": [1], "b": [1, 2]}, {})


def test_table_of_floats() -> None:
    table = CODEC.from_plain([{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}], {})
    assert table.dtypes.tolist() == ["float64", "float64"]
    assert table.to_numpy().tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize("shape", [list, _ragged, _columns, _split])
@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        ([2**53 + 1, None], "Int64"),
        ([None, -(2**53) - 1], "Int64"),
        ([2**64 - 1, None, 5], "UInt64"),
        ([2**64 - 1, None, -1], "object"),
        ([2**64, None], "object"),
        ([2**53 + 1, 1.0], "object"),
        ([-(2**53) - 1, 0.5, None], "object"),
        ([2**53 - 1, 0.5, None], "float64"),
        ([2**53, 0.5, None], "object"),  # or an `int` column would reject the float
        ([1, 1e300, None], "float64"),
        ([2**64, 1], "object"),
        ([2**64 - 1, 0], "uint64"),
        ([2**64 - 1, -1], "object"),
        ([2**63 - 1, -(2**63)], "int64"),
        ([2**53 + 1, True, "x"], "object"),
    ],
)
def test_integers_in_mixed_columns_are_exact(
    shape: Callable[[Any], Any], cells: list[int | None], dtype: str
) -> None:
    table = CODEC.decode(json.dumps(shape([{"a": cell, "c": 0.5} for cell in cells])), {})
    assert _cells(table)[-len(cells) :] == cells
    if shape is not _ragged:
        assert table["a"].dtype == dtype


@pytest.mark.parametrize("shape", [list, _columns, _split, _ragged, _lines])
@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(EXACT, EXACT), min_size=1, max_size=6)
    | st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6)
)
def test_cell_is_independent_of_other_cells(
    shape: Callable[[Any], Any], rows: list[tuple[Any, Any]]
) -> None:
    records = [{"a": first, "b": second} for first, second in rows]
    sent = shape(records)
    codec = TableJSONL() if shape is _lines else CODEC
    table = codec.decode(sent if shape is _lines else json.dumps(sent), {})
    alone = CODEC.decode(json.dumps([{"a": first} for first, _ in rows]), {})
    cells = [first for first, _ in rows]
    assert list(map(_typed, _cells(table)[-len(cells) :])) == list(map(_typed, cells))
    if shape is not _ragged:
        assert table["a"].dtype == alone["a"].dtype


def _typed(cell: Any) -> Any:
    return (cell, type(cell) is bool)


@pytest.mark.parametrize(
    "cells", [[1, None], [2**53 - 1, None], [1e300, None], [2**53 - 1, None, 0.5]]
)
def test_numeric_columns_with_nulls_are_floats(cells: list[float | None]) -> None:
    assert CODEC.from_plain({"a": cells}, {})["a"].dtype == "float64"
    assert CODEC.from_plain([{"a": cell} for cell in cells], {})["a"].dtype == "float64"


@settings(deadline=None)
@given(
    st.lists(st.tuples(TEXTS, st.sampled_from(WRITTEN)), max_size=4, unique_by=lambda x: x[0]),
    st.integers(0, 3) | st.just(1_001),
)
def test_columns_are_written_like_records(columns: list[tuple[str, Any]], rows: int) -> None:
    table = pd.DataFrame({name: column.iloc[[0, 1] * rows] for name, column in columns})
    assert CODEC.encode(table, {}) == json.dumps(CODEC.to_plain(table))


@pytest.mark.parametrize("dtype", ["float32", "float16", ">f8", ">i4", "bool", "Float64", "Int8"])
def test_numbers_of_any_dtype_are_written(dtype: str) -> None:
    table = pd.DataFrame({"a": [0, 1], "b": [1, 0]}).astype(dtype)
    if table["a"].dtype.kind == "f":
        table /= 10
    assert CODEC.encode(table, {}) == json.dumps(CODEC.to_plain(table))


@pytest.mark.parametrize("names", [[1, "1"], ["a", "a"], [("a", 1), ("a", 2)], [None, 1.5]])
def test_columns_with_unusual_names_are_written_like_records(names: list[Any]) -> None:
    table = pd.DataFrame([[1, 2.5]]).set_axis(pd.Index(names, tupleize_cols=False), axis=1)
    try:
        expected = json.dumps(CODEC.to_plain(table))
    except TypeError:
        with pytest.raises(TypeError):
            CODEC.encode(table, {})
    else:
        assert CODEC.encode(table, {}) == expected


def test_rejects_sparse_records_before_allocating_cells() -> None:
    records = [{f"c{place}": 1} for place in range(2_000)]
    with pytest.raises(RequestError, match="2,000 rows and 2,000 columns is nearly empty"):
        CODEC.decode(json.dumps(records), {})
    assert CODEC.decode(json.dumps(records[:900]), {}).shape == (900, 900)


def test_rows_without_columns_are_empty_objects() -> None:
    table = pd.DataFrame(index=range(3))
    assert CODEC.encode(table, {}) == b"[{},{},{}]"
    assert TableJSONL().encode(table, {}) == b"{}\n{}\n{}\n"
