"""MLflow's scoring protocol; tests/test_mlflow_parity.py compares it with MLflow itself."""

import io
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_output import Output

import mmf_core as mmf
from mmf_core.errors import InvalidValue
from mmf_core.web import create_app

DATA = mmf.DataFrame(schema={"a": int, "b": float | None})
FREE = mmf.DataFrame()
FLOATS = mmf.DataFrame(schema={"x": float, "y": float | None})
SPLIT = {"columns": ["a", "b"], "data": [[1, 2.0], [3, 4.0]]}
RECORDS = [{"a": 1, "b": 2.0}, {"a": 3, "b": 4.0}]
LISTS = {"a": [1, 3], "b": [2.0, 4.0]}
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
LONG = 2**53 + 1


@pytest.fixture
def twice(serve_function: Callable[..., FlaskClient]) -> FlaskClient:
    """Return a service that doubles column a."""

    def predict(data: Any = DATA) -> Any:
        return (data["a"] * 2).to_numpy()

    return serve_function(predict, returns=mmf.DataFrame())


@pytest.fixture
def serve_result(serve_function: Callable[..., FlaskClient]) -> Callable[..., Any]:
    """Return a function that serves a result and returns the predictions of `/invocations`."""

    def make(result: Any, returns: Any) -> Any:
        def predict(data: Any = FREE) -> Any:
            return result if len(data) else None

        client = serve_function(predict, returns=returns)
        return predictions(client.post("/invocations", json={"dataframe_split": SPLIT}))

    return make


def predictions(response: Any) -> Any:
    assert response.status_code == 200, response.data
    assert response.headers["Content-Type"] == "application/json"
    assert list(response.json) == ["predictions"]
    return response.json["predictions"]


def assert_error(response: Any, status: int, code: str, *words: str) -> None:
    assert response.status_code == status, response.data
    assert list(response.json) == ["error_code", "message", "sqlstate", "error_class"]
    assert response.json["error_code"] == code
    for word in words:
        assert word in response.json["message"]


def parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": SPLIT},
        {"dataframe_split": {**SPLIT, "index": [7, 8]}},
        {"dataframe_records": RECORDS},
        {"inputs": LISTS},
        {"inputs": RECORDS},
        {"instances": RECORDS},
        {"instances": LISTS},
        {"dataframe_split": SPLIT, "foo": 1, "params": {"unknown": 1}},
    ],
)
def test_every_json_form_gives_the_same_table(twice: FlaskClient, body: Any) -> None:
    assert predictions(twice.post("/invocations", json=body)) == [2, 6]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("a,b\n1,2.0\n3,4.0", CSV),
        ("b,c,a\n2.0,x,1\n,,3\n", CSV),
        (parquet(pd.DataFrame(LISTS)), PARQUET),
        (parquet(pd.DataFrame(LISTS).astype({"a": "int8", "b": "float32"})), PARQUET),
        (parquet(pd.DataFrame({"a": [1, 3]})), PARQUET),
    ],
)
def test_every_file_format_gives_the_same_table(
    twice: FlaskClient, body: Any, media_type: str
) -> None:
    response = twice.post("/invocations", data=body, content_type=media_type)
    assert predictions(response) == [2, 6]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [([1.0, -1.0], [2, -2]), (["3", 4], [6, 8]), (["3.0"], [6]), ([2**53 + 1], [2**54 + 2])],
)
def test_compatible_numbers_are_converted(
    twice: FlaskClient, cells: list[Any], expected: list[int]
) -> None:
    body = {"dataframe_split": {"columns": ["a"], "data": [[cell] for cell in cells]}}
    assert predictions(twice.post("/invocations", json=body)) == expected


@pytest.mark.parametrize(
    "cell",
    ["x", None, {}, [], 2**63, 2**64, 1e308, "", float("nan"), float("-inf"), 1.5, "7.5", True],
)
@pytest.mark.parametrize("more", [[], [[1]]])
def test_rejects_incompatible_value_naming_its_column(
    twice: FlaskClient, cell: Any, more: list[Any]
) -> None:
    body = {"dataframe_split": {"columns": ["a"], "data": [[cell], *more]}}
    assert_error(twice.post("/invocations", json=body), 400, "BAD_REQUEST", "column a")


def test_types_follow_the_schema(serve_function: Callable[..., FlaskClient]) -> None:
    schema = {"f": bool, "g": bool | None, "d": datetime | None, "n": int | None, "s": str}
    columns = mmf.DataFrame(schema=schema)

    def predict(data: Any = columns) -> Any:
        return data.assign(d=data["d"].isna())

    client = serve_function(predict, returns=mmf.DataFrame())
    rows = [{"f": "false", "s": "1"}, {"f": 0, "s": ""}]
    expected = [
        {"f": False, "g": None, "d": True, "n": None, "s": "1"},
        {"f": False, "g": None, "d": True, "n": None, "s": ""},
    ]
    assert predictions(client.post("/invocations", json={"dataframe_records": rows})) == expected
    text = "f,s,g,n\nTrue,1,,\nFalse,x,True,3"
    rows = predictions(client.post("/invocations", data=text, content_type=CSV))
    assert [row["g"] for row in rows] == [None, True]
    assert [row["n"] for row in rows] == [None, 3]
    assert [row["s"] for row in rows] == ["1", "x"]


TYPES: dict[type, Any] = {
    int: mmf.DataFrame(schema={"x": int | None}),
    float: mmf.DataFrame(schema={"x": float | None}),
    bool: mmf.DataFrame(schema={"x": bool | None}),
}
DTYPES = {int: "Int64", float: "float64", bool: "boolean"}


@pytest.fixture
def read_column(serve_function: Callable[..., FlaskClient]) -> Callable[..., Any]:
    """Return a function that sends a column of a type and returns the received cells or None."""
    clients = {}
    for kind, table in TYPES.items():

        def predict(data: Any = table) -> Any:
            column = data["x"]
            cells = [None if pd.isna(cell) else repr(cell) for cell in column.tolist()]
            return {"dtype": str(column.dtype), "cells": cells}

        clients[kind] = serve_function(predict, returns=mmf.Dict())

    def send(kind: type, **request: Any) -> Any:
        response = clients[kind].post("/invocations", **request)
        assert response.status_code in {200, 400}, response.data
        if response.status_code == 400:
            assert "column x" in response.json["message"]
            return None
        result = predictions(response)
        assert result["dtype"] == DTYPES[kind]
        return result["cells"]

    return send


def wrapped(cells: list[Any]) -> list[Any]:
    rows, records = [[cell] for cell in cells], [{"x": cell} for cell in cells]
    return [
        {"dataframe_split": {"columns": ["x"], "data": rows}},
        {"dataframe_records": records},
        *({key: value} for key in ("instances", "inputs") for value in ({"x": cells}, records)),
    ]


@pytest.mark.parametrize(
    ("kind", "cells", "expected"),
    [
        (int, [LONG, None], [LONG, None]),
        (int, [LONG, 1.0], [LONG, 1]),
        (int, [LONG, 1.0, "7"], [LONG, 1, 7]),
        (int, [1.5, None], None),
        (int, [-1.5], None),
        (int, [True, None], None),
        (int, [str(LONG), None], [LONG, None]),
        (int, [2**63 - 1, -(2**63), None], [2**63 - 1, -(2**63), None]),
        (int, [2.0**53], None),
        (int, [1e18, 1], None),
        (int, [2**63, None], None),
        (int, [2**64, 1], None),
        (int, ["1.5"], None),
        (int, ["1_000"], None),
        (float, [LONG, None], [float(LONG), None]),
        (float, [True, None, 0.5], None),
        (float, ["0.1", "1e3", None], [0.1, 1e3, None]),
        (float, ["1_000"], None),
        (float, ["1,5"], None),
        (bool, [1, 0, None, "false", "True"], [True, False, None, False, True]),
        (bool, ["", None], None),
        (bool, [2, None], None),
        (bool, [0.5, True], None),
        (bool, [0.0, None], [False, None]),
        (bool, [LONG, None], None),
    ],
)
def test_cells_are_converted_independently(
    read_column: Callable[..., Any], kind: type, cells: list[Any], expected: list[Any] | None
) -> None:
    shown = expected and [None if cell is None else repr(cell) for cell in expected]
    for body in wrapped(cells):
        assert read_column(kind, json=body) == shown
    for cell, text in zip(cells, shown or (), strict=False):
        assert read_column(kind, json=wrapped([cell])[0]) == [text]


@pytest.mark.parametrize(
    ("kind", "array", "expected"),
    [
        (int, pa.array([LONG, None]), [LONG, None]),
        (int, pa.array([7, None], pa.int8()), [7, None]),
        (int, pa.array([7, 8], pa.uint8()), [7, 8]),
        (int, pa.array([2**64 - 1], pa.uint64()), None),
        (int, pa.array([1.5, None]), None),
        (float, pa.array([100, None], pa.int8()), [100.0, None]),
        (float, pa.array([1.5, None], pa.float16()), [1.5, None]),
        (float, pa.array([Decimal("0.1"), None]), [0.1, None]),
        (bool, pa.array([True, None]), [True, None]),
    ],
)
def test_parquet_without_pandas_metadata_is_exact(
    read_column: Callable[..., Any], kind: type, array: Any, expected: list[Any] | None
) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"x": array}), buffer)
    cells = read_column(kind, data=buffer.getvalue(), content_type=PARQUET)
    assert cells == (expected and [None if cell is None else repr(cell) for cell in expected])


@pytest.mark.parametrize(
    ("kind", "texts", "expected"),
    [
        (int, [str(LONG), ""], [LONG, None]),
        (int, ["1.5"], None),
        (int, [str(2**63)], None),
        (float, ["0.1", "", str(LONG)], [0.1, None, float(LONG)]),
        (bool, ["True", "", "false"], [True, None, False]),
    ],
)
def test_csv_is_exact(
    read_column: Callable[..., Any], kind: type, texts: list[str], expected: list[Any] | None
) -> None:
    text = "\n".join(["y,x", *(f"1,{cell}" for cell in texts)])
    cells = read_column(kind, data=text, content_type=CSV)
    assert cells == (expected and [None if cell is None else repr(cell) for cell in expected])


@pytest.mark.parametrize("kind", [int, float, bool])
def test_rejects_null_in_a_required_column(
    serve_function: Callable[..., FlaskClient], kind: type
) -> None:
    table = mmf.DataFrame(schema={"x": kind})

    def predict(data: Any = table) -> Any:
        return len(data)

    client = serve_function(predict, returns=mmf.Integer())
    for cells in ([None], [1, None]):
        for body in wrapped(cells):
            response = client.post("/invocations", json=body)
            assert response.status_code == 400
            row = cells.index(None)
            assert f"row {row}, column x: expected" in response.json["message"]
    response = client.post("/invocations", data="y,x\n1,1\n2,", content_type=CSV)
    assert_error(response, 400, "BAD_REQUEST", "row 1, column x: expected", "got an empty cell")


def test_block_of_floats(serve_function: Callable[..., FlaskClient]) -> None:
    def predict(data: Any = FLOATS) -> Any:
        return (data["x"] + data["y"].fillna(0)).to_numpy()

    client = serve_function(predict, returns=mmf.DataFrame())
    for columns, row, expected in (
        (["x", "y"], [1, 2.5], 3.5),
        (["y", "x"], [2.5, "1"], 3.5),
        (["x"], [1.5], 1.5),
        (["x", "y"], [1.5, None], 1.5),
        (["x", "z"], [1.5, "text"], 1.5),
    ):
        body = {"dataframe_split": {"columns": columns, "data": [row]}}
        assert predictions(client.post("/invocations", json=body)) == [expected]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[1, 2]", "object"),
        ("5", "object"),
        ("{", "JSON"),
        ("", "JSON"),
        (b'{"inputs": "\xff"}', "JSON"),
        ('{"inputs": NaN, "x": "\\ud800"}', "JSON"),
        ('{"inputs": ' + "[" * 9999 + "NaN", "JSON"),
        ("{}", "exactly one of dataframe_split"),
        ('{"foo": 1}', "none of them"),
        ('{"inputs": {}, "instances": []}', "instances, inputs"),
        ('{"dataframe_split": {"data": [], "extra": 1}}', "and, optionally, columns and index"),
        ('{"dataframe_split": {"columns": ["a"]}}', "data"),
        ('{"dataframe_split": {"columns": ["a"], "data": null}}', "list of rows"),
        ('{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3]]}}', "row 1"),
        ('{"dataframe_split": [[1]]}', "dataframe_split"),
        ('{"dataframe_records": {"a": 1}}', "list of records"),
        ('{"dataframe_records": [1]}', "row 0"),
        ('{"inputs": {"a": [1], "b": [1, 2]}}', "same number"),
        ('{"inputs": null}', "null"),
    ],
)
def test_unreadable_json(twice: FlaskClient, body: Any, words: str) -> None:
    response = twice.post("/invocations", data=body, content_type="application/json")
    assert_error(response, 400, "BAD_REQUEST", words)
    assert response.json["sqlstate"] == "KAM00"
    assert response.json["error_class"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("a\n1.5", CSV),
        ("a\nx", CSV),
        ("a,b\n,2", CSV),
        ("", CSV),
        (b"a\n\xff", CSV),
        ("a,b\n1,2\n1,2,3,4", CSV),
        (b"PAR1", PARQUET),
        (b"", PARQUET),
    ],
)
def test_unreadable_files(twice: FlaskClient, body: Any, media_type: str) -> None:
    response = twice.post("/invocations", data=body, content_type=media_type)
    assert_error(response, 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("body", "media_type", "word"),
    [
        (b'{"dataframe_records": [{"b": 1.5}]}', "application/json", "missing columns: a"),
        (b'{"inputs": [[1, 2.0]]}', "application/json", "missing columns: a"),
        (b"b\n1.5", CSV, "missing columns: a"),
        (parquet(pd.DataFrame({"b": [1.5]})), PARQUET, "missing columns: a"),
        (parquet(pd.DataFrame({"a": [1.5]})), PARQUET, "float64"),
        (parquet(pd.DataFrame({"a": ["1"]})), PARQUET, "column a"),
        (parquet(pd.DataFrame({"a": [1], "b": ["1"]})), PARQUET, "column b"),
        (parquet(pd.DataFrame({"a": [1], "b": [True]})), PARQUET, "column b"),
    ],
)
def test_schema_mismatch(twice: FlaskClient, body: bytes, media_type: str, word: str) -> None:
    response = twice.post("/invocations", data=body, content_type=media_type)
    assert_error(response, 400, "INVALID_PARAMETER_VALUE", word)
    assert response.json["sqlstate"] == "KAM01"
    assert response.json["error_class"] == "SCHEMA_ENFORCEMENT_FAILED"


CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
VALUES = st.recursive(
    CELLS,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from("abx"), part),
    max_leaves=8,
)
TABLES = st.fixed_dictionaries(
    {"columns": VALUES | st.just(["a", "b"]), "data": VALUES | st.lists(st.lists(CELLS))},
    optional={"index": VALUES},
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["dataframe_split", "dataframe_records", "instances", "inputs"]), st.data())
def test_any_input_is_served_or_rejected(twice: FlaskClient, key: str, data: st.DataObject) -> None:
    body = json.dumps({key: data.draw(TABLES if key == "dataframe_split" else VALUES)})
    response = twice.post("/invocations", data=body, content_type="application/json")
    assert response.status_code in {200, 400}, response.data
    response = twice.post("/invocations", data=data.draw(st.binary()), content_type=PARQUET)
    assert response.status_code == 400


def test_pandas_params_take_precedence(serve_function: Callable[..., FlaskClient]) -> None:
    options = [{"dtype": str}, {"dtype": {"a": "int8"}}, {"sep": ";"}]
    for params, text in zip(options, ("a\n1", "a\n1", "x;a\n2;1"), strict=True):
        table = mmf.DataFrame(schema={"a": int}, pandas_params=params)

        def predict(data: Any = table) -> Any:
            return data["a"].to_numpy()

        client = serve_function(predict, returns=mmf.DataFrame())
        assert predictions(client.post("/invocations", data=text, content_type=CSV)) == [1]


def test_csv_is_utf_8(twice: FlaskClient) -> None:
    body = "x,имя\n1,ж\n".encode("cp1251")
    for charset in ("", "; charset=utf-8"):
        response = twice.post("/invocations", data=body, content_type=f"{CSV}{charset}")
        assert_error(response, 400, "BAD_REQUEST", "utf-8")


@pytest.mark.parametrize(
    "media_type",
    [
        *("text/plain", "application/xml", "Application/JSON", "application/json;", ""),
        *("application/json; charset=latin-1", 'application/json; charset="utf-8"'),
        *("application/json; format=pandas-split", "text/csv; header=present"),
    ],
)
def test_other_content_types_are_415_in_plain_text(twice: FlaskClient, media_type: str) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    response = twice.post("/invocations", data=b'{"dataframe_split": {}}', headers=headers)
    assert response.status_code == 415
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("charset", ["; charset=utf-8", ";charset=UTF-8", " ; charset=Utf-8"])
def test_utf_8_may_be_declared(twice: FlaskClient, charset: str) -> None:
    body, media_type = json.dumps({"inputs": LISTS}), f"application/json{charset}"
    assert predictions(twice.post("/invocations", data=body, content_type=media_type)) == [2, 6]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (np.array([1, 2]), [1, 2]),
        (np.array([0.5, np.nan, np.inf]), [0.5, None, None]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([[1], [2]]), [[1], [2]]),
        (["x", "y"], ["x", "y"]),
        (pd.Series([1, 2], name="y"), [{"y": 1}, {"y": 2}]),
        (pd.DataFrame({"y": [1], "z": ["t"]}), [{"y": 1, "z": "t"}]),
        (pd.DataFrame({"prediction_1": [1]}), [{"prediction_1": 1}]),
        (pd.array([1, None], dtype="Int64"), [1, None]),
        (np.array(["2026-01-31T12:00"], dtype="M8[ns]"), ["2026-01-31T12:00:00"]),
        (np.array(["2026-01-31T12:00", "NaT"], dtype="M8[s]"), ["2026-01-31T12:00:00", None]),
        ([pd.NaT, pd.NaT], [None, None]),
        (pd.array([LONG, None], dtype="Int64"), [LONG, None]),
        (np.array([2**64 - 1], dtype="uint64"), [2**64 - 1]),
        ([LONG, None], [LONG, None]),
        ([10**30, None], [10**30, None]),
        ([(LONG, 0.5), (0, None)], [[LONG, 0.5], [0, None]]),
        ([(0, "x"), (1, "y")], [[0, "x"], [1, "y"]]),
        ([Decimal("0.5"), None], [0.5, None]),
        (pd.Series(pd.Categorical([LONG, None]), name="y"), [{"y": LONG}, {"y": None}]),
    ],
)
def test_arrays_become_lists_and_tables_records(
    serve_result: Callable[..., Any], result: Any, expected: Any
) -> None:
    if isinstance(result, pd.api.extensions.ExtensionArray):
        result = pd.DataFrame({"prediction": result})
    assert serve_result(result, mmf.DataFrame()) == expected


def test_other_results_are_unchanged(serve_result: Callable[..., Any]) -> None:
    assert serve_result({"y": np.float64(0.5)}, mmf.Dict()) == {"y": 0.5}
    assert serve_result(np.eye(2), mmf.Array()) == [[1, 0], [0, 1]]
    assert serve_result(7, mmf.Integer()) == 7
    assert serve_result(None, None) is None
    assert serve_result(b"bytes", mmf.File()) == "Ynl0ZXM="


def test_params_fill_scalar_arguments(serve_function: Callable[..., FlaskClient]) -> None:
    text, times, table = mmf.String(default="x"), mmf.Integer(default=2), mmf.DataFrame(schema=None)

    def predict(label: Any = text, data: Any = table, times: Any = times) -> Any:
        return [f"{label}{times}"] * len(data)

    client = serve_function(predict, returns=mmf.DataFrame())

    def post(params: Any) -> Any:
        body = {"dataframe_records": [{"a": 1}], "params": params}
        return client.post("/invocations", json=body)

    assert predictions(post(None)) == ["x2"]
    assert predictions(post({})) == ["x2"]
    assert predictions(post({"times": 3, "unknown": [1], "data": 1})) == ["x3"]
    assert predictions(post({"label": "y", "times": None})) == ["y2"]
    for wrong in ({"times": "many"}, {"times": 1.5}, {"times": [1]}, {"label": 1}, [1], "x"):
        assert_error(post(wrong), 400, "INVALID_PARAMETER_VALUE")


def test_arrays(serve_function: Callable[..., FlaskClient]) -> None:
    named = mmf.Array(columns=["a", "b"])

    def predict(rows: Any = named) -> Any:
        return rows.sum(axis=1)

    client = serve_function(predict, returns=mmf.Array())
    for body in (
        {"inputs": [[1, 2], [3, 4]]},
        {"instances": [[1, 2], [3, 4]]},
        {"instances": [{"b": 2, "a": 1}, {"a": 3, "b": 4}]},
        {"dataframe_split": {"columns": ["b", "a"], "data": [[2, 1], [4, 3]]}},
    ):
        assert predictions(client.post("/invocations", json=body)) == [3, 7]
    response = client.post("/invocations", data="b,a\n2,1\n4,3", content_type=CSV)
    assert predictions(response) == [3, 7]
    response = client.post("/invocations", data=b"PAR1", content_type=PARQUET)
    assert_error(response, 400, "BAD_REQUEST", "PARQUET")


def test_objects_are_accepted_wrapped_or_as_chat(
    serve_function: Callable[..., FlaskClient],
) -> None:
    argument, size = mmf.Dict(), mmf.Integer(default=1)

    def predict(data: Any = argument, size: Any = size) -> Any:
        return {"keys": sorted(data), "size": size}

    client = serve_function(predict, returns=mmf.Dict())
    wrapped = client.post("/invocations", json={"inputs": {"x": 1}})
    assert predictions(wrapped) == {"keys": ["x"], "size": 1}
    for key in ("messages", "prompt", "input"):
        body = {key: "hello", "inputs": 1, "params": {"size": 3}}
        response = client.post("/invocations", json=body)
        assert response.json == {"keys": sorted([key, "inputs"]), "size": 3}


def test_scalar_and_no_argument(serve_function: Callable[..., FlaskClient]) -> None:
    number = mmf.Integer()

    def half(number: Any = number) -> Any:
        return number / 2

    client = serve_function(half, returns=mmf.Float())
    assert predictions(client.post("/invocations", json={"inputs": 5})) == 2.5

    def hello() -> str:
        return "hello"

    client = serve_function(hello, returns=mmf.String())
    assert predictions(client.post("/invocations", json={})) == "hello"


def test_table_without_a_schema_is_unchanged(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def predict(data: Any = FREE) -> Any:
        return data

    client = serve_function(predict, returns=mmf.DataFrame())
    for body, expected in (
        ({"inputs": {"a": "x", "b": 1.5}}, [{"a": "x", "b": 1.5}]),
        ({"inputs": [[1, 2], [3, 4]]}, [{"0": 1, "1": 2}, {"0": 3, "1": 4}]),
        ({"instances": [1, 2]}, [{"0": 1}, {"0": 2}]),
        ({"inputs": 5}, [{"0": 5}]),
        ({"inputs": {"inputs": [1, 2]}}, [{"inputs": 1}, {"inputs": 2}]),
    ):
        assert predictions(client.post("/invocations", json=body)) == expected


def test_single_column_needs_no_name(serve_function: Callable[..., FlaskClient]) -> None:
    only = mmf.DataFrame(schema={"text": str})

    def predict(data: Any = only) -> Any:
        return data["text"].str.upper().to_numpy()

    client = serve_function(predict, returns=mmf.DataFrame())
    for body in (
        {"inputs": ["a", "b"]},
        {"instances": ["a", "b"]},
        {"inputs": {"text": ["a", "b"]}},
    ):
        assert predictions(client.post("/invocations", json=body)) == ["A", "B"]
    assert predictions(client.post("/invocations", json={"inputs": {"text": "a"}})) == ["A"]


def test_default_target_selection(
    registry: mmf.Registry,
) -> None:
    number, frame = mmf.Integer(), mmf.DataFrame()

    @registry.target(returns=mmf.String())
    def scalar(number: Any = number) -> str:
        return f"scalar {number}"

    def served() -> Any:
        return create_app(registry).test_client().post("/invocations", json={"inputs": [1]})

    assert predictions(create_app(registry).test_client().post("/invocations", json={"inputs": 1}))

    @registry.target(returns=mmf.String())
    def table(data: Any = frame) -> str:
        return f"table {len(data)}"

    assert predictions(served()) == "table 1"

    @registry.target(returns=mmf.String())
    def other(data: Any = frame) -> str:
        return f"other {len(data)}"

    assert_error(served(), 404, "ENDPOINT_NOT_FOUND", "/invocations/scalar, /invocations/table")

    @registry.target(returns=mmf.String(), default=True)
    def chosen(data: Any = frame) -> str:
        return f"chosen {len(data)}"

    assert predictions(served()) == "chosen 1"
    client = create_app(registry).test_client()
    assert predictions(client.post("/invocations/other", json={"inputs": [1]})) == "other 1"
    assert_error(client.post("/invocations/nobody", json={}), 404, "ENDPOINT_NOT_FOUND", "other")


@pytest.mark.parametrize(("strict", "status"), [("0", 500), ("1", 400)])
def test_error_in_the_function(
    output: Output,
    serve_function: Callable[..., FlaskClient],
    monkeypatch: pytest.MonkeyPatch,
    strict: str,
    status: int,
) -> None:
    monkeypatch.setenv("MMF_MLFLOW_STRICT", strict)

    def predict(data: Any = FREE) -> Any:
        raise RuntimeError(f"a secret of {len(data)} rows")

    response = serve_function(predict, returns=FREE).post("/invocations", json={"inputs": LISTS})
    assert_error(response, status, "INTERNAL_ERROR" if status == 500 else "BAD_REQUEST", "log")
    assert "secret" not in response.text
    assert "a secret of 2 rows" in output.getvalue()


def test_function_may_reject_a_value(serve_function: Callable[..., FlaskClient]) -> None:
    def predict(data: Any = FREE) -> Any:
        raise InvalidValue(f"{len(data)} are too old")

    response = serve_function(predict, returns=FREE).post("/invocations", json={"inputs": LISTS})
    assert_error(response, 400, "INVALID_PARAMETER_VALUE", "too old")


def test_unserializable_result(serve_function: Callable[..., FlaskClient]) -> None:
    def predict(data: Any = FREE) -> Any:
        return data.assign(y=object())

    response = serve_function(predict, returns=FREE).post("/invocations", json={"inputs": LISTS})
    assert_error(response, 500, "INTERNAL_ERROR", "cannot be written as JSON")


def test_method_and_size_errors(twice: FlaskClient) -> None:
    response = twice.get("/invocations")
    assert_error(response, 405, "BAD_REQUEST", "POST")
    assert "POST" in response.headers["Allow"]
    twice.application.config["MAX_CONTENT_LENGTH"] = 10
    assert_error(twice.post("/invocations", json={"dataframe_split": SPLIT}), 413, "BAD_REQUEST")


def test_access_log_has_the_target(output: Output, twice: FlaskClient) -> None:
    assert twice.post("/invocations", json={"dataframe_split": SPLIT}).status_code == 200
    (line,) = [entry for entry in output.json() if entry["logger"] == "mmf.access"]
    assert (line["target"], line["rows_in"], line["rows_out"]) == ("predict", 2, 2)
