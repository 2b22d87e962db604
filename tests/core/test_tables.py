"""DataFrame: values accepted as a table, and results returned as a table."""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find
from mmf_core.errors import InvalidValue
from mmf_core.v2.tables import to_tensor
from mmf_core.v2.tensors import Tensor

TABLE = mmf.DataFrame()
LONG = 2**53 + 1


class Point(NamedTuple):
    """A row."""

    x: Any
    y: Any


@dataclass
class Box:
    """A row."""

    x: Any
    y: Any


@pytest.mark.parametrize(
    ("result", "table"),
    [
        (np.array([1, 2]), pd.DataFrame({"prediction": [1, 2]})),
        (np.array(["a", "b"], dtype=object), pd.DataFrame({"prediction": ["a", "b"]})),
        (
            np.array([[0.1, 0.9], [0.8, 0.2]]),
            pd.DataFrame({"prediction_0": [0.1, 0.8], "prediction_1": [0.9, 0.2]}),
        ),
        (np.zeros((2, 1)), pd.DataFrame({"prediction_0": [0.0, 0.0]})),
        ([1, 2], pd.DataFrame({"prediction": [1, 2]})),
        ((1, 2), pd.DataFrame({"prediction": [1, 2]})),
        ([[1, 2]], pd.DataFrame({"prediction_0": [1], "prediction_1": [2]})),
        (pd.Series([1, 2]), pd.DataFrame({"prediction": [1, 2]})),
        (pd.Series([1, 2], name="price"), pd.DataFrame({"price": [1, 2]})),
        (pd.Series([1, 2], name=0), pd.DataFrame({"0": [1, 2]})),
        ([{"a": 1, "b": "x"}], pd.DataFrame({"a": [1], "b": ["x"]})),
        ({"a": [1, 2]}, pd.DataFrame({"a": [1, 2]})),
        ({"a": np.array([1, 2])}, pd.DataFrame({"a": [1, 2]})),
        (pd.DataFrame([[1, 2]]), pd.DataFrame({"0": [1], "1": [2]})),
        ([(0, "class_0")], pd.DataFrame({"prediction_0": [0], "prediction_1": ["class_0"]})),
        ([[True, 0.5]], pd.DataFrame({"prediction_0": [True], "prediction_1": [0.5]})),
        ([(LONG, 0.5)], pd.DataFrame({"prediction_0": [LONG], "prediction_1": [0.5]})),
        (
            [[LONG, None], [1, None]],
            pd.DataFrame({"prediction_0": [LONG, 1], "prediction_1": None}),
        ),
        ([LONG, None], pd.DataFrame({"prediction": pd.array([LONG, None], "Int64")})),
        ([LONG, 0.5], pd.DataFrame({"prediction": pd.Series([LONG, 0.5], dtype=object)})),
        ({"a": [LONG, None]}, pd.DataFrame({"a": pd.array([LONG, None], "Int64")})),
        (
            [{"a": LONG}, {"b": 1}],
            pd.DataFrame({"a": pd.array([LONG, None], "Int64"), "b": [None, 1.0]}),
        ),
        ([np.float32(0.1), np.float32(2)], pd.DataFrame({"prediction": np.float32([0.1, 2])})),
        (
            [(np.int64(LONG), np.float32(0.5)), (1, None)],
            pd.DataFrame({"prediction_0": [LONG, 1], "prediction_1": [0.5, None]}),
        ),
        ([np.int64(LONG), None], pd.DataFrame({"prediction": pd.array([LONG, None], "Int64")})),
        (
            [np.float32([1, 2]), np.float32([3, 4])],
            pd.DataFrame({"prediction_0": np.float32([1, 3]), "prediction_1": np.float32([2, 4])}),
        ),
        (
            [np.array([1, LONG]), [0.5, 2]],
            pd.DataFrame({"prediction_0": [1.0, 0.5], "prediction_1": [LONG, 2]}),
        ),
        (
            np.array([[0, "a"]], dtype=object),
            pd.DataFrame({"prediction_0": [0], "prediction_1": ["a"]}),
        ),
        (np.array([(1, 0.5)], [("a", "i8"), ("b", "f8")]), pd.DataFrame({"a": [1], "b": [0.5]})),
        (
            [np.datetime64("2026-01-31", "ns"), None],
            pd.DataFrame({"prediction": pd.to_datetime(["2026-01-31", None]).as_unit("ns")}),
        ),
        ([Point(1, "a"), Point(2, "b")], pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})),
        (Point([1, 2], ["a", "b"]), pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})),
        (Point(1, "a"), pd.DataFrame({"x": [1], "y": ["a"]})),
        ([Box(LONG, 0.5)], pd.DataFrame({"x": [LONG], "y": [0.5]})),
        (Box(1, None), pd.DataFrame({"x": [1], "y": [None]})),
        (
            [pd.Series({"a": 1, "b": "x"}), pd.Series({"a": 2, "b": "y"})],
            pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        ),
        ({"a": LONG, "b": "x"}, pd.DataFrame({"a": [LONG], "b": ["x"]})),
        ([], pd.DataFrame({"prediction": np.array([])})),
        (
            pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
            pd.DataFrame({"('a', 'b')": [1]}),
        ),
    ],
)
def test_results_become_tables(result: Any, table: pd.DataFrame) -> None:
    assert_frame_equal(TABLE.to_output(result), table)


def test_only_a_named_index_becomes_a_column() -> None:
    named = pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="key"))
    unnamed = pd.DataFrame({"a": [1]}, index=["x"])
    assert TABLE.to_output(named).to_dict("list") == {"key": ["x"], "a": [1]}
    assert list(TABLE.to_output(unnamed).columns) == ["a"]


def test_named_index_of_a_series_becomes_a_column() -> None:
    labels = pd.Index(["x", "y"], name="key")
    series = pd.Series([1, 2], labels, name="a")
    expected = {"key": ["x", "y"], "a": [1, 2]}
    for result in (series, {"a": series}, {"a": [1, 2], "b": series}):
        table = mmf.DataFrame().to_output(result)
        assert table[["key", "a"]].to_dict("list") == expected


TEXT_FORMATS = (Format.CSV, Format.TSV, Format.XML, Format.HTML, Format.XLSX, Format.JSON)


@pytest.mark.parametrize("cell", [b"ab", 1 + 2j, object()], ids=lambda cell: type(cell).__name__)
def test_unserializable_cell_error_has_its_path(cell: Any) -> None:
    table = pd.DataFrame({"n": [1, 2], "unit price": pd.Series(["x", cell], dtype=object)})
    place = re.escape("result[1]['unit price']")
    codecs = [find(Kind.TABLE, format_) for format_ in TEXT_FORMATS]
    for write in (*(codec.encode for codec in codecs if codec), _write_tensors):
        with pytest.raises(TypeError, match=f"{place}: a {type(cell).__name__} cannot be written"):
            write(table, {})


def _write_tensors(table: pd.DataFrame, _options: dict[str, Any]) -> list[Tensor]:
    return [to_tensor(str(name), column) for name, column in table.items()]


def test_named_index_levels_become_columns() -> None:
    table = pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [5, 6]}).groupby(["a", "b"]).sum()
    assert TABLE.to_output(table).to_dict("list") == {"a": [1, 2], "b": [3, 4], "c": [5, 6]}


def test_result_table_is_not_modified() -> None:
    result = pd.DataFrame([[1]], index=pd.Index(["x"], name="key"))
    before = result.copy()
    TABLE.to_output(result)
    assert_frame_equal(result, before)


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(None, id="None"),
        pytest.param("text", id="text"),
        pytest.param(5, id="number"),
        pytest.param(np.float64(5), id="numpy number"),
        pytest.param({1}, id="set"),
        pytest.param(np.array(5), id="no dimension"),
        pytest.param(np.zeros((1, 1, 1)), id="three dimensions"),
        pytest.param([[1], [1, 2]], id="ragged"),
        pytest.param([[1, 2], 3], id="a row and a number"),
        pytest.param([[[1], [2]]], id="three dimensions of lists"),
        pytest.param([np.zeros((2, 2))], id="an array of two dimensions in a list"),
        pytest.param([Point(1, 2), (1, 2)], id="a namedtuple and a tuple"),
        pytest.param([pd.Series([1, 2], ["a", "a"])], id="a label twice"),
        pytest.param({"a": [1], "b": [1, 2]}, id="columns of different lengths"),
        pytest.param({"a": np.zeros((2, 2))}, id="a column of two dimensions"),
        pytest.param([{"a": 1}, 5], id="a record and a number"),
        pytest.param(pd.DataFrame([[1, 2]], columns=["a", "a"]), id="a column twice"),
        pytest.param(pd.DataFrame([[1, 2]], columns=[0, "0"]), id="a column twice as text"),
        pytest.param(
            pd.DataFrame({"a": [1]}, index=pd.Index([1], name="a")), id="index named as a column"
        ),
    ],
)
def test_rejects_result_that_is_not_a_table(result: Any) -> None:
    with pytest.raises(InvalidValue):
        TABLE.to_output(result)


def test_result_has_the_declared_columns_and_types() -> None:
    returns = mmf.DataFrame(schema={"label": int, "p": float})
    table = returns.to_output({"p": [1], "label": [2.0], "debug": ["x"]})
    assert_frame_equal(table, pd.DataFrame({"label": [2], "p": [1.0]}))
    with pytest.raises(InvalidValue, match="missing columns: label, p"):
        returns.to_output(np.array([1, 2]))


def test_only_results_may_be_empty() -> None:
    empty = pd.DataFrame({"a": []})
    assert TABLE.to_output(empty).empty
    for nothing in (empty, pd.DataFrame(), []):
        with pytest.raises(InvalidValue, match="no rows"):
            TABLE.validate(nothing)


def test_argument_without_schema_is_unchanged() -> None:
    table = pd.DataFrame([[1, 2]], columns=["a", 5], index=["x"])
    assert TABLE.validate(table) is table


@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX])
def test_pandas_params_are_passed_only_where_supported(form: Format) -> None:
    table = mmf.DataFrame(pandas_params={"sep": ",", "sheet_name": 0, "nrows": 1})
    codec = find(Kind.TABLE, form)
    assert codec is not None
    written = codec.encode(pd.DataFrame({"a": [1, 2]}), {})
    assert codec.decode(written, table.options).to_dict("list") == {"a": [1]}


def test_unaligned_integer_series_are_exact() -> None:
    result = {"a": pd.Series([2**53 + 1]), "b": pd.Series([1, 2]), "c": pd.Series([0.5])}
    table = mmf.DataFrame().to_output(result)
    assert table["a"].tolist() == [2**53 + 1, pd.NA]
    assert table["b"].tolist() == [1, 2]
    assert table["c"].isna().tolist() == [False, True]
    same = mmf.DataFrame().to_output({"a": pd.Series([1, 2]), "b": pd.Series([3, 4])})
    assert same.dtypes.tolist() == ["int64", "int64"]
