"""The Open Inference Protocol over HTTP: routes, JSON and binary tensors, tables, errors."""

import json
import struct
from collections.abc import Callable, Iterator
from datetime import date, time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from cpu_time import at_most
from mmf_core.probes import probes
from mmf_core.v2.tensors import DTYPES
from mmf_core.web import create_app

LENGTH = "Inference-Header-Content-Length"
WHOLE = mmf.Integer()
TYPED = mmf.DataFrame(schema={"a": int, "b": float | None, "c": str, "d": bool})
GRID = mmf.Array(shape=(None, 3), dtype="float32")
RATE = mmf.Float()
PHOTO = mmf.Img()
TREE = mmf.Dict()
TABLE = mmf.DataFrame()


def column(name: str, data: list[Any], datatype: str = "FP64", **more: Any) -> dict[str, Any]:
    """Write an input of one dimension."""
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": data, **more}


def infer(client: FlaskClient, model: str, *inputs: Any, **more: Any) -> Any:
    """Call a model; return the response's outputs by name, each with its data."""
    response = client.post(f"/v2/models/{model}/infer", json={"inputs": list(inputs), **more})
    assert response.status_code == 200, response.data
    return {output["name"]: output for output in response.get_json()["outputs"]}


def assert_error(
    client: FlaskClient, model: str, body: Any, *words: str, status: int = 400
) -> None:
    """Check that a body causes an error of the protocol with these words."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post(f"/v2/models/{model}/infer", data=data)
    assert response.status_code == status, response.data
    assert response.content_type == "application/json"
    whole = response.get_json()
    assert list(whole) == ["error"]
    for word in words:
        assert word in whole["error"]


# Metadata


def test_server_metadata(client: FlaskClient) -> None:
    for path in ("/v2", "/v2/"):
        about = client.get(path).get_json()
        assert set(about) == {"name", "version", "extensions"}
        assert about["extensions"] == ["binary_tensor_data"]
    assert client.get("/v2/health/live").get_json() == {"live": True}
    assert client.get("/v2/health/ready").get_json() == {"live": True, "ready": True}
    assert client.head("/v2/health/ready").status_code == 200
    assert {"/v2/health/live", "/v2/health/ready"} <= set(probes())


def test_every_target_is_a_model(client: FlaskClient, everything: mmf.Registry) -> None:
    assert client.get("/v2/models").get_json()["models"] == list(everything.targets)
    index = client.post("/v2/repository/index", json={}).get_json()
    assert [entry["name"] for entry in index] == list(everything.targets)
    assert {entry["state"] for entry in index} == {"READY"}
    for name in everything.targets:
        about = client.get(f"/v2/models/{name}").get_json()
        assert (about["name"], about["platform"]) == (name, "mmf-flask")
        assert client.get(f"/v2/models/{name}/ready").get_json() == {"name": name, "ready": True}


def test_model_metadata(serve_function: Callable[..., FlaskClient]) -> None:
    def predict(
        data: Any = TYPED,
        grid: Any = GRID,
        rate: Any = RATE,
        photo: Any = PHOTO,
        tree: Any = TREE,
        more: Any = TABLE,
    ) -> Any:
        raise NotImplementedError

    client = serve_function(predict, returns=mmf.DataFrame(schema={"wine": str}))
    about = client.get("/v2/models/predict").get_json()
    assert [(entry["name"], entry["datatype"], entry["shape"]) for entry in about["inputs"]] == [
        ("a", "INT64", [-1]),
        ("b", "FP64", [-1]),
        ("c", "BYTES", [-1]),
        ("d", "BOOL", [-1]),
        ("grid", "FP32", [-1, 3]),
        ("rate", "FP64", [1]),
        ("photo", "UINT8", [-1, -1, 3]),
        ("tree", "BYTES", [1]),
    ]
    assert about["outputs"] == [{"name": "wine", "datatype": "BYTES", "shape": [-1]}]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/none", 404),
        ("GET", "/v2/models/none/ready", 404),
        ("POST", "/v2/models/none/infer", 404),
        ("GET", "/v2/models/table/versions/1", 404),
        ("GET", "/v2/models/table/versions/1/ready", 404),
        ("POST", "/v2/models/table/versions/1/infer", 404),
        ("GET", "/v2/nothing", 404),
        ("GET", "/v2/models/table/infer", 405),
        ("POST", "/v2", 405),
    ],
)
def test_unknown_models_and_routes(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    assert list(response.get_json()) == ["error"]


def test_model_that_is_not_loaded_yet() -> None:
    registry = mmf.Registry()

    @registry.artifact("model.bin", preload=False)
    def model() -> Any:
        return 1

    @registry.target(returns=mmf.Integer())
    def predict(n: Any = WHOLE) -> Any:
        return n

    client = create_app(registry, ready=False).test_client()
    for path in ("/v2/health/ready", "/v2/models/predict/ready"):
        response = client.get(path)
        assert (response.status_code, list(response.get_json())) == (503, ["error"])
        assert response.headers["Retry-After"] == "10"
    assert client.get("/v2/health/live").status_code == 200
    index = client.post("/v2/repository/index").get_json()
    assert index[0]["state"] == "UNAVAILABLE"


# Tables


def test_table_has_a_tensor_per_column(client: FlaskClient) -> None:
    response = infer(
        client,
        "typed",
        column("a", [1, 3], "INT64"),
        column("b", [2.5, None]),
    )
    assert response["a"] == {"name": "a", "shape": [2], "datatype": "INT64", "data": [1, 3]}
    assert response["b"] == {"name": "b", "shape": [2], "datatype": "FP64", "data": [2.5, None]}


def test_columns_of_shape_n_by_1(client: FlaskClient) -> None:
    nested = column("a", [[1.5], [2.5]]) | {"shape": [2, 1]}
    flat = column("a", [1.5, 2.5]) | {"shape": [2, 1]}
    assert infer(client, "strict", nested) == infer(client, "strict", flat)
    assert infer(client, "strict", flat)["a"]["data"] == [1.5, 2.5]


def test_table_as_one_two_dimensional_tensor(client: FlaskClient) -> None:
    block = {"name": "any", "shape": [2, 3], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6]}
    assert infer(client, "records", block)["1"]["data"] == [2, 5]
    assert infer(client, "matrix", block)["prediction_2"]["data"] == [3, 6]
    named = block | {"name": "data", "shape": [6, 1]}
    assert infer(client, "strict", named | {"name": "a"})["a"]["data"] == [1, 2, 3, 4, 5, 6]


def test_block_columns_are_named_by_the_schema(client: FlaskClient) -> None:
    block = {"name": "data", "shape": [1, 2], "datatype": "FP64", "data": [[1, 2]]}
    assert infer(client, "typed", block)["a"]["data"] == [1]
    wide = block | {"shape": [1, 3], "data": [1, 2, 3]}
    assert_error(client, "typed", {"inputs": [wide]}, "expected 2 columns, got 3")


def test_texts_dates_categories_and_mixed_cells(serve_function: Callable[..., FlaskClient]) -> None:
    table = pd.DataFrame(
        {
            "text": ["вино", None],
            "date": pd.to_datetime(["2026-01-31T12:00:00Z", None]),
            "category": pd.Categorical(["red", "white"]),
            "mixed": [1, {"a": "b"}],
            "flag": [True, False],
            "maybe": pd.array([1, None], "Int64"),
            "whole": pd.array([1, 2], "Int64"),
        }
    )

    def make(n: Any = WHOLE) -> Any:
        del n
        return table

    client = serve_function(make, returns=mmf.DataFrame())
    response = infer(client, "make", column("n", [1], "INT64"))
    assert {name: output["data"] for name, output in response.items()} == {
        "text": ["вино", None],
        "date": ["2026-01-31T12:00:00+00:00", None],
        "category": ["red", "white"],
        "mixed": ["1", '{"a":"b"}'],
        "flag": [True, False],
        "maybe": [1.0, None],
        "whole": [1, 2],
    }
    assert {name: output["datatype"] for name, output in response.items()} == {
        **dict.fromkeys(["text", "date", "category", "mixed"], "BYTES"),
        "flag": "BOOL",
        "maybe": "FP64",
        "whole": "INT64",
    }
    assert response["date"]["parameters"] == {"content_type": "datetime"}
    assert response["mixed"]["parameters"] == {"content_type": "pd_json"}


LONG = 2**53 + 1
WORDS = pd.Series(["x", None], dtype="str")


@pytest.mark.parametrize(
    ("column_", "datatype", "data"),
    [
        (pd.array([LONG, None], "Int64"), "INT64", [LONG, None]),
        (pd.array([2**64 - 1, None], "UInt64"), "UINT64", [2**64 - 1, None]),
        (pd.array([2**53 - 1, None], "Int64"), "FP64", [2.0**53 - 1, None]),
        (pd.array([1, None], "Int8"), "FP64", [1.0, None]),
        (pd.array([0.5, None], "Float32"), "FP64", [0.5, None]),
        (pd.array([True, None], "boolean"), "BYTES", ["true", "null"]),
        (np.array([1, 2], ">i4"), "INT32", [1, 2]),
        (np.array([0.5, 2], ">f2"), "FP16", [0.5, 2.0]),
        (np.array([0.1, 2], np.longdouble), "FP64", [0.1, 2.0]),
        (pd.array([LONG, None], "int64[pyarrow]"), "INT64", [LONG, None]),
        (pd.Categorical([LONG, None]), "INT64", [LONG, None]),
        (pd.Categorical([2, None]), "FP64", [2.0, None]),
        (pd.Categorical([2, 3]), "INT64", [2, 3]),
        (pd.Categorical([2**64 - 1, None]), "UINT64", [2**64 - 1, None]),
        (pd.Categorical([True, None]), "BYTES", ["true", "null"]),
        (pd.Categorical(["x", None]), "BYTES", ["x", None]),
        (pd.Categorical([0.5, None]), "FP64", [0.5, None]),
        (pd.to_timedelta([1, None], unit="s"), "BYTES", ['"P0DT0H0M1S"', "null"]),
        (pd.to_datetime([None, None]), "BYTES", [None, None]),
        ([date(2026, 1, 31), None], "BYTES", ["2026-01-31", None]),
        ([time(1, 2, 3), None], "BYTES", ['"01:02:03"', "null"]),
        ([b"\xff", None], "BYTES", ["/w==", None]),
        ([None, b"\xff"], "BYTES", [None, "/w=="]),
        ([b"", b"\xff"], "BYTES", ["", "/w=="]),
        ([LONG, "x"], "BYTES", [str(LONG), '"x"']),
        ([10**30, None], "BYTES", [str(10**30), "null"]),
        ([pd.NaT, pd.NA], "BYTES", [None, None]),
        ([[LONG, None], {"a": LONG}], "BYTES", [f"[{LONG},null]", f'{{"a":{LONG}}}']),
    ],
)
def test_result_columns_are_exact(
    serve_function: Callable[..., FlaskClient], column_: Any, datatype: str, data: list[Any]
) -> None:
    values = pd.Series(column_, dtype=object) if isinstance(column_, list) else column_

    def make(n: Any = WHOLE) -> Any:
        return pd.DataFrame({"x": values}).head(n)

    client = serve_function(make, returns=mmf.DataFrame())
    response = infer(client, "make", column("n", [2], "INT64"))["x"]
    assert (response["datatype"], response["data"]) == (datatype, data)
    assert list(map(type, response["data"])) == list(map(type, data))


@pytest.mark.parametrize("values", [pd.array([LONG, None], "Int64"), WORDS, [None, b"x"]])
def test_rejects_null_in_binary_output(
    serve_function: Callable[..., FlaskClient], values: Any
) -> None:
    def make(n: Any = WHOLE) -> Any:
        return pd.DataFrame({"x": values}).head(n)

    client = serve_function(make, returns=mmf.DataFrame())
    head = {"inputs": [column("n", [2], "INT64")], "parameters": {"binary_data_output": True}}
    assert_error(client, "make", head, "output x", "null", "without binary_data")
    head["inputs"] = [column("n", [0], "INT64")]
    assert binary(client, "make", head, b"").status_code == 200


@pytest.mark.parametrize(
    ("datatype", "data", "dtype", "cells"),
    [
        ("INT64", [LONG, None], "Int64", [LONG, None]),
        ("INT64", [1, None], "float64", [1, None]),
        ("UINT64", [2**64 - 1, None], "UInt64", [2**64 - 1, None]),
        ("INT8", [1, None], "float64", [1, None]),
        ("INT8", [1, 2], "int8", [1, 2]),
        ("INT64", [2**63 - 1, 1.0], "int64", [2**63 - 1, 1]),
        ("UINT64", [2**64 - 1, 1.0], "uint64", [2**64 - 1, 1]),
        ("BOOL", [True, None], "object", [True, None]),
        ("BOOL", [1.0, 0], "bool", [True, False]),
        ("FP64", [LONG, 0.5], "float64", [float(LONG), 0.5]),
        ("FP64", [2**64 - 1, -1], "float64", [float(2**64 - 1), -1]),
        ("FP32", [0.1, None], "float32", [float(np.float32(0.1)), None]),
        ("INT64", [None, None], "float64", [None, None]),
    ],
)
def test_json_numbers_are_exact(
    serve_function: Callable[..., FlaskClient],
    datatype: str,
    data: list[Any],
    dtype: str,
    cells: list[Any],
) -> None:
    tables = []

    def take(rows: Any = TABLE) -> int:
        tables.append(rows)
        return len(rows)

    client = serve_function(take, returns=mmf.Integer())
    infer(client, "take", column("x", data, datatype), column("y", ["a", "b"], "BYTES"))
    matrix = {"name": "rows", "shape": [1, 2], "datatype": datatype, "data": [data]}
    infer(client, "take", matrix)
    for values in (tables[0]["x"], tables[1].T[0]):
        assert [None if pd.isna(cell) else cell for cell in values] == cells
    assert tables[0]["x"].dtype == dtype


@pytest.mark.parametrize("number", [2.0**53, -(2.0**60), 1e18, 0.5])
@pytest.mark.parametrize("others", [[], [1], [None], [0.0, 2**63 - 1]])
def test_rejects_inexact_float_as_integer(
    client: FlaskClient, number: float, others: list[Any]
) -> None:
    for datatype in ("INT64", "UINT64"):
        tensor = column("x", [*others, number], datatype)
        assert_error(client, "table", {"inputs": [tensor]}, f"does not fit {datatype}")


NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([LONG, -LONG, 2**53 - 1, 2**63 - 1, None]),
    st.integers(-9, 9).map(float),
)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_integers_in_mixed_columns_are_exact(client: FlaskClient, data: list[Any]) -> None:
    response = infer(client, "table", column("x", data, "INT64"))["x"]
    if response["datatype"] != "BYTES":  # a column of nulls is not numeric
        assert response["data"] == data
    alone = [infer(client, "table", column("x", [cell], "INT64"))["x"]["data"] for cell in data]
    assert [cell for (cell,) in alone] == data


REALS = {"x": float, "y": float | None}
WHOLES = {"x": int, "y": int | None}
NUMERIC = [name for name in DTYPES if name != "BOOL"]


def _tensors(datatype: str, rows: list[list[Any]], form: str) -> tuple[list[Any], bytes]:
    """Write rows of x and y as columns or a matrix, in JSON or binary: inputs, and the data."""
    block = np.array(rows, DTYPES[datatype])
    parts = {"data": block} if "matrix" in form else {"x": block[:, 0], "y": block[:, 1]}
    if "binary" not in form:
        inputs = [
            {"name": name, "shape": part.shape, "datatype": datatype, "data": part.tolist()}
            for name, part in parts.items()
        ]
        return inputs, b""
    data = [np.ascontiguousarray(part).tobytes() for part in parts.values()]
    return [
        with_size(name, datatype, list(part.shape), own)
        for (name, part), own in zip(parts.items(), data, strict=True)
    ], b"".join(data)


@pytest.fixture
def tables_of(serve_function: Callable[..., FlaskClient]) -> Callable[..., Any]:
    """Return a function that sends rows under a schema in every form and returns the results."""

    def send(schema: Any, datatype: str, rows: list[list[Any]]) -> Iterator[Any]:
        tables: list[Any] = []
        table = mmf.DataFrame(schema=schema)

        def take(data: Any = table) -> int:
            tables.append(data)
            return len(data)

        client = serve_function(take, returns=mmf.Integer())
        for form in ("columns", "matrix", "binary columns", "binary matrix"):
            if datatype == "FP16" and "binary" not in form:
                continue
            inputs, data = _tensors(datatype, rows, form)
            tables.clear()
            response = binary(client, "take", {"inputs": inputs}, data)
            assert response.status_code in {200, 400}, response.data
            yield tables[0] if tables else response.get_json()["error"]

    return send


@pytest.mark.parametrize("datatype", NUMERIC)
def test_schema_decides_the_numeric_dtype(tables_of: Callable[..., Any], datatype: str) -> None:
    rows = [[100, 3], [7, 100]]
    for table in tables_of(REALS, datatype, rows):
        assert table.dtypes.tolist() == ["float64", "float64"]
        assert (table * 3).to_numpy().tolist() == [[300, 9], [21, 300]]
    for table in tables_of(WHOLES, datatype, rows):
        assert table.dtypes.tolist() == ["int64", "Int64"]
        assert (table * 3).to_numpy().tolist() == [[300, 9], [21, 300]]


@pytest.mark.parametrize(
    ("datatype", "number", "expected"),
    [
        ("INT64", LONG, float(LONG)),
        ("UINT64", 2**64 - 1, float(2**64 - 1)),
        ("FP32", 0.1, float(np.float32(0.1))),
        ("FP16", 0.1, float(np.float16(0.1))),
        ("FP64", 5e-324, 5e-324),
    ],
)
def test_numbers_are_the_nearest_float(
    tables_of: Callable[..., Any], datatype: str, number: float, expected: float
) -> None:
    for table in tables_of(REALS, datatype, [[number, 1]]):
        assert table["x"].tolist() == [expected]


@pytest.mark.parametrize(
    ("datatype", "number"),
    [
        *(("FP64", 2.0**53), ("FP64", 0.5), ("UINT64", 2**63), ("FP32", 2.0**60)),
        *(("FP32", 2**24), ("FP32", 2**24 + 1)),
    ],
)
def test_rejects_numbers_that_are_not_64_bit_integers(
    tables_of: Callable[..., Any], datatype: str, number: float
) -> None:
    for rows in ([[number, 1]], [[1, number]]):
        for response in tables_of(WHOLES, datatype, rows):
            assert "expected a whole number, got" in response


def test_booleans_are_not_numbers_but_0_and_1_are_booleans(tables_of: Callable[..., Any]) -> None:
    for response in tables_of(WHOLES, "BOOL", [[True, False]]):
        assert "row 0, column x: expected a whole number" in response
    for table in tables_of({"x": bool, "y": bool | None}, "INT8", [[1, 0]]):
        assert table.dtypes.tolist() == ["bool", "boolean"]
        assert table.to_numpy().tolist() == [[True, False]]


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_rejects_non_finite_binary_floats(tables_of: Callable[..., Any], value: float) -> None:
    *_, columns, matrix = tables_of(REALS, "FP64", [[0.5, 0.5], [value, 0.5]])
    for response in (columns, matrix):
        assert "row 1, column x: expected a number" in response


def test_null_in_an_integer_column(serve_function: Callable[..., FlaskClient]) -> None:
    table, tables = mmf.DataFrame(schema={"x": int | None, "y": float | None}), []

    def take(data: Any = table) -> int:
        tables.append(data)
        return len(data)

    client = serve_function(take, returns=mmf.Integer())
    for cells in ([LONG, None], [7, None], [None, None]):
        columns = [column("x", cells, "INT64"), column("y", cells, "INT64")]
        pairs = [[cell, cell] for cell in cells]
        matrix = {"name": "data", "shape": [2, 2], "datatype": "INT64", "data": pairs}
        for inputs in (columns, [matrix]):
            infer(client, "take", *inputs)
            rows = tables.pop()
            assert rows.dtypes.tolist() == ["Int64", "float64"]
            assert [None if pd.isna(cell) else cell for cell in rows["x"].tolist()] == cells
    assert_error(
        client, "take", {"inputs": [column("x", [2**64], "INT64"), column("y", [1])]}, "INT64"
    )


def test_bytes_are_decoded_from_base64(serve_function: Callable[..., FlaskClient]) -> None:
    def take(rows: Any = TABLE) -> str:
        return repr(rows["x"].tolist())

    client = serve_function(take, returns=mmf.String())
    parameters = {"content_type": "base64"}
    tensor = column("x", ["/w==", None], "BYTES", parameters=parameters)
    assert infer(client, "take", tensor)["result"]["data"] == ["[b'\\xff', None]"]
    tensor = column("x", ["/w="], "BYTES", parameters=parameters)
    assert_error(client, "take", {"inputs": [tensor]}, "base64")


def test_mlserver_text_encoding(client: FlaskClient) -> None:
    words = column("word", ["вино", None, "c"], "BYTES", parameters={"content_type": "str"})
    trees = column("tree", ['{"a": [1]}', "2", "null"], "BYTES")
    trees["parameters"] = {"content_type": "pd_json"}
    response = infer(client, "table", words, trees)
    assert response["word"]["data"] == ["вино", None, "c"]
    assert response["tree"]["data"] == ['{"a":[1]}', "2", "null"]


def test_request_content_type_is_echoed(client: FlaskClient) -> None:
    body = {"parameters": {"content_type": "pd"}, "inputs": [column("a", [1.5])]}
    response = client.post("/v2/models/strict/infer", json=body).get_json()
    assert response["parameters"] == {"content_type": "pd"}


# Other kinds


def test_arrays(client: FlaskClient) -> None:
    for data in ([[1.5, 2], [3, 4]], [1.5, 2, 3, 4]):
        tensor = {"name": "data", "shape": [2, 2], "datatype": "FP32", "data": data}
        assert infer(client, "double", tensor)["result"] == {
            "name": "result",
            "shape": [2, 2],
            "datatype": "FP32",
            "data": [3.0, 4.0, 6.0, 8.0],
        }


def test_single_input_may_have_any_name(client: FlaskClient) -> None:
    tensor = {"name": "input-0", "shape": [1], "datatype": "INT32", "data": [4]}
    assert infer(client, "double", tensor)["result"]["data"] == [8]


@pytest.mark.parametrize(
    ("model", "name", "datatype", "value", "result"),
    [
        ("shout", "text", "BYTES", "вино", "ВИНО"),
        ("next_one", "number", "INT64", 4, 5),
        ("half", "number", "FP64", 5, 2.5),
        ("opposite", "flag", "BOOL", 1, False),
        ("next_year", "moment", "BYTES", "2026-01-31T12:00:00", "2027-01-31T12:00:00"),
        ("swap", "data", "BYTES", '{"a": "b"}', '{"b":"a"}'),
        ("size", "file", "BYTES", "aGVsbG8=", 5),
        ("copied", "file", "BYTES", "aGVsbG8=", "aGVsbG8="),
    ],
)
def test_scalar(
    client: FlaskClient, model: str, name: str, datatype: str, value: Any, result: Any
) -> None:
    assert infer(client, model, column(name, [value], datatype))["result"]["data"] == [result]


def test_image(client: FlaskClient) -> None:
    pixels = np.arange(24).reshape(2, 4, 3)
    tensor = {"name": "photo", "shape": [2, 4, 3], "datatype": "UINT8", "data": pixels.tolist()}
    response = infer(client, "mirror", tensor)["result"]
    assert (response["shape"], response["datatype"]) == ([2, 4, 3], "UINT8")
    assert response["data"] == pixels[:, ::-1].ravel().tolist()


def test_several_arguments(client: FlaskClient) -> None:
    table, label = column("a", [1.5]), column("label", ["x"], "BYTES")
    response = infer(client, "labelled", label, table, parameters={"times": 3, "other": 1})
    result = json.loads(response["result"]["data"][0])
    assert result == {"rows": [{"a": 1.5}], "label": "x", "times": 3}


def test_target_without_a_result(client: FlaskClient) -> None:
    assert infer(client, "forget", column("text", ["a"], "BYTES")) == {}


# Ids and outputs


def test_id_is_echoed_or_generated(client: FlaskClient) -> None:
    path, inputs = "/v2/models/strict/infer", [column("a", [1.5])]
    own = client.post(path, json={"id": "42", "inputs": inputs}).get_json()
    assert (own["id"], own["model_name"]) == ("42", "strict")
    generated = client.post(path, json={"inputs": inputs})
    assert generated.get_json()["id"] == generated.headers["X-Request-ID"]


def test_outputs_are_selected_and_ordered(client: FlaskClient) -> None:
    columns = [column("a", [1], "INT64"), column("b", [2.5])]
    chosen = infer(client, "typed", *columns, outputs=[{"name": "b"}])
    assert list(chosen) == ["b"]
    both = infer(client, "typed", *columns, outputs=[{"name": "b"}, {"name": "a"}])
    assert list(both) == ["b", "a"]
    assert_error(
        client, "typed", {"inputs": columns, "outputs": [{"name": "c"}]}, "unknown output c", "a, b"
    )


# Binary data


def binary(client: FlaskClient, model: str, head: dict[str, Any], data: bytes) -> Any:
    """Call with binary data; return the response."""
    text = json.dumps(head).encode()
    return client.post(
        f"/v2/models/{model}/infer",
        data=text + data,
        headers={LENGTH: str(len(text)), "Content-Type": "application/octet-stream"},
    )


def with_size(name: str, datatype: str, shape: list[int], data: bytes) -> dict[str, Any]:
    """Write an input whose data follows the JSON."""
    parameters = {"binary_data_size": len(data)}
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": parameters}


@pytest.mark.parametrize(
    ("datatype", "dtype"),
    [("FP16", "<f2"), ("FP32", "<f4"), ("FP64", "<f8"), ("INT8", "<i1"), ("UINT64", "<u8")],
)
def test_binary_input_and_output(client: FlaskClient, datatype: str, dtype: str) -> None:
    data = np.array([1, 2, 3], dtype).tobytes()
    head = {
        "inputs": [with_size("data", datatype, [3], data)],
        "parameters": {"binary_data_output": True},
    }
    response = binary(client, "double", head, data)
    size = int(response.headers[LENGTH])
    output = json.loads(response.data[:size])["outputs"][0]
    assert response.content_type == "application/octet-stream"
    assert (output["datatype"], output["shape"]) == (datatype, [3])
    assert output["parameters"]["binary_data_size"] == len(response.data) - size
    assert np.frombuffer(response.data[size:], dtype).tolist() == [2, 4, 6]


@pytest.mark.parametrize("byte", [2, 255])
def test_binary_boolean_is_0_or_1(client: FlaskClient, byte: int) -> None:
    entry = {"name": "flag", "shape": [1], "datatype": "BOOL"}
    head = {"inputs": [{**entry, "parameters": {"binary_data_size": 1}}]}
    assert binary(client, "opposite", head, b"\1").status_code == 200
    response = binary(client, "opposite", head, bytes([byte]))
    assert response.status_code == 400
    assert "input flag: a value does not fit BOOL" in response.json["error"]


def test_mixed_binary_and_json_outputs(client: FlaskClient) -> None:
    a, b = np.array([1, 2], "<i8").tobytes(), np.array([1.5, 2.5], "<f8").tobytes()
    head = {
        "inputs": [with_size("a", "INT64", [2], a), with_size("b", "FP64", [2], b)],
        "outputs": [{"name": "b", "parameters": {"binary_data": True}}, {"name": "a"}],
    }
    response = binary(client, "typed", head, a + b)
    size = int(response.headers[LENGTH])
    outputs = json.loads(response.data[:size])["outputs"]
    assert "data" not in outputs[0]
    assert outputs[1]["data"] == [1, 2]
    assert response.data[size:] == b


def test_binary_texts_and_files(client: FlaskClient) -> None:
    texts = b"".join(struct.pack("<I", len(text)) + text for text in ("вино".encode(), b""))
    head = {"inputs": [with_size("word", "BYTES", [2], texts)]}
    output = json.loads(binary(client, "table", head, texts).data)["outputs"][0]
    assert output["data"] == ["вино", ""]
    file = struct.pack("<I", 3) + b"\xff\x00\xfe"
    outputs = [{"name": "result", "parameters": {"binary_data": True}}]
    head = {"inputs": [with_size("file", "BYTES", [1], file)], "outputs": outputs}
    response = binary(client, "copied", head, file)
    assert response.data.endswith(file)


@pytest.mark.parametrize(
    ("head", "data", "word"),
    [
        ({"inputs": [with_size("data", "FP32", [2], bytes(8))]}, bytes(4), "4 bytes are left"),
        ({"inputs": [with_size("data", "FP32", [1], bytes(4))]}, bytes(8), "belong to no input"),
        (
            {"inputs": [with_size("data", "FP32", [1], bytes(3))]},
            bytes(3),
            "not a multiple of FP32",
        ),
        ({"inputs": [with_size("data", "FP32", [2], bytes(4))]}, bytes(4), "expected 2 values"),
        ({"inputs": [with_size("data", "BYTES", [1], bytes(2))]}, bytes(2), "longer than"),
        (
            {"inputs": [with_size("data", "BYTES", [1], bytes(8))]},
            struct.pack("<I", 2**31) + bytes(4),
            "longer than",
        ),
        (
            {"inputs": [with_size("data", "FP32", [1], bytes(4)) | {"data": [1.5]}]},
            bytes(4),
            "input data: expected data or binary_data_size, got both",
        ),
        (
            {"inputs": [with_size("data", "FP32", [1], bytes(4))] * 2},
            bytes(8),
            "inputs: expected unique names, got data, data",
        ),
    ],
)
def test_rejects_binary_data_of_invalid_length(
    client: FlaskClient, head: dict[str, Any], data: bytes, word: str
) -> None:
    response = binary(client, "double", head, data)
    assert response.status_code == 400
    assert word in response.get_json()["error"]


@pytest.mark.parametrize("length", ["-1", "x", "1000", "9" * 5000, "9" * 19, ""])
def test_rejects_invalid_header_length(client: FlaskClient, length: str) -> None:
    response = client.post("/v2/models/double/infer", data=b"{}", headers={LENGTH: length})
    assert (response.status_code, list(response.get_json())) == (400, ["error"])


# Invalid bodies


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[1]", "inputs"),
        ({}, "inputs"),
        ({"inputs": {}}, "inputs"),
        ({"inputs": [1]}, "object"),
        ({"inputs": [{"name": "a"}]}, "datatype"),
        ({"inputs": [column("a", [1], "FLOAT")]}, "expected a datatype among"),
        ({"inputs": [column("a", [1], "FP16")]}, "binary"),
        ({"inputs": [column("a", [1]) | {"shape": [-1]}]}, "shape"),
        ({"inputs": [column("a", [1]) | {"shape": [True]}]}, "shape"),
        ({"inputs": [column("a", [1, 2, 3]) | {"shape": [2, 2]}]}, "expected 4 values"),
        ({"inputs": [column("a", [[1], 2]) | {"shape": [2]}]}, "data mixes"),
        ({"inputs": [column("a", [[1], [2, 3, 4]]) | {"shape": [2, 2]}]}, "different lengths"),
        ({"inputs": [column("a", [[], [1, 2]]) | {"shape": [2]}]}, "different lengths"),
        ({"inputs": [column("a", [[1, 2]] * 3) | {"shape": [2, 3]}]}, "got [3, 2]"),
        ({"inputs": [column("a", [[1, 2]] * 2) | {"shape": [4]}]}, "got [2, 2]"),
        ({"inputs": [column("a", []) | {"shape": [0, 2**63]}]}, "shape"),
        ({"inputs": [column("a", []) | {"shape": [0, 2**62, 2**62]}]}, "shape"),
        ({"inputs": [column("a", [1]) | {"shape": [1] * 100}]}, "shape"),
        ({"inputs": [column("a", [1]) | {"shape": [1] * 64}]}, "[n] or [n, 1]"),
        ({"inputs": [column("a", [1]) | {"shape": [2**62] * 64}]}, "shape"),
        ({"inputs": [column("a", [1]) | {"shape": [2**62] * 10_000}]}, "shape"),
        ({"inputs": [column("a", ["x"])]}, "expected FP64"),
        ({"inputs": [column("a", [1.5], "INT64")]}, "does not fit INT64"),
        ({"inputs": [column("a", [300], "UINT8")]}, "does not fit UINT8"),
        ({"inputs": [column("a", [2], "BOOL")]}, "does not fit BOOL"),
        ({"inputs": [column("a", [1, True], "INT64")]}, "does not fit INT64"),
        ({"inputs": [column("a", [False, 0.5], "FP64")]}, "does not fit FP64"),
        ({"inputs": [column("a", [1e300], "FP32")]}, "does not fit FP32"),
        ({"inputs": [column("a", [1], "BYTES")]}, "strings"),
        ({"inputs": [column("a", [1.5]), column("b", [1.5, 2])]}, "equal length"),
        ({"inputs": [column("a", [1.5]), column("a", [1.5])]}, "unique names"),
        ({"inputs": [column("b", [1.5])]}, "missing columns: a"),
        ({"inputs": [column("a", [None])]}, "row 0, column a: expected a number, got"),
        ({"inputs": []}, "missing"),
        ({"inputs": [{"name": "a", "shape": [1], "datatype": "FP64"}]}, "data is missing"),
        ({"inputs": [column("a", [1.5])], "id": 5}, "id"),
        ({"inputs": [column("a", [1.5])], "parameters": []}, "parameters"),
        ({"inputs": [column("a", [1.5], parameters=1)]}, "parameters"),
        ({"inputs": [column("a", [1.5])], "outputs": ["a"]}, "output"),
        (
            {"inputs": [column("a", [1.5])], "outputs": [{"name": "a"}, {"name": "a"}]},
            "outputs: expected unique names, got a, a",
        ),
        (
            {
                "inputs": [column("a", [1.5])],
                "outputs": [{"name": "a", "parameters": {"classification": 3}}],
            },
            "output a: classification is not supported; request the tensor itself",
        ),
    ],
)
def test_rejects_invalid_body(client: FlaskClient, body: Any, word: str) -> None:
    assert_error(client, "strict", body, word)


def test_rejects_unknown_inputs(client: FlaskClient) -> None:
    body = {"inputs": [column("who", ["a"], "BYTES"), column("b", [1.5])]}
    assert_error(client, "greet", body, "unknown input b", "who, times")
    two = {"inputs": [column("b", [1.5]), column("c", [1.5])]}
    assert_error(client, "double", two, "unknown inputs b, c")


def test_rejects_duplicate_inputs(client: FlaskClient) -> None:
    """The second of two inputs with the same name used to win, or an input over a parameter."""
    twice = [column("who", ["a"], "BYTES"), column("who", ["b"], "BYTES")]
    assert_error(client, "greet", {"inputs": twice}, "inputs: expected unique names, got who, who")
    body = {"inputs": twice[:1], "parameters": {"who": "b"}}
    assert_error(client, "greet", body, "input who: expected an input or a parameter, got both")


def test_binary_array_is_writable_and_aligned(serve_function: Callable[..., FlaskClient]) -> None:
    """It was a view of the body, which is read-only and may be unaligned."""
    array = mmf.Array()

    def changed(data: Any = array) -> Any:
        assert data.flags.aligned
        data[0] = 5
        return data

    client = serve_function(changed, returns=array)
    for space in range(8):
        data = np.array([1.5, 2.5]).tobytes()
        head = {"id": " " * space, "inputs": [with_size("data", "FP64", [2], data)]}
        response = binary(client, "changed", head, data)
        assert response.get_json()["outputs"][0]["data"] == [5.0, 2.5]


def test_json_in_a_tensor_is_limited(client: FlaskClient) -> None:
    """A text of 20 MB became lists of 2 GB."""
    text = "[" + "[]," * 6_000_000 + "[]]"
    for model, more in (("swap", {}), ("table", {"parameters": {"content_type": "pd_json"}})):
        body = {"inputs": [column("data", [text], "BYTES", **more)]}
        with at_most(seconds=2):
            assert_error(client, model, body, "so many values", status=413)
    tenth = "[" + "[]," * 600_000 + "[]]"
    parts = [column(f"c{index}", [tenth], "BYTES", **more) for index in range(10)]
    assert_error(client, "table", {"inputs": parts}, "so many values", status=413)
    deep = "[" * 500 + "]" * 500
    for model, more in (("swap", {}), ("table", {"parameters": {"content_type": "pd_json"}})):
        assert_error(client, model, {"inputs": [column("data", [deep], "BYTES", **more)]}, "nest")


def _long(count: int, *, uneven: bool = False) -> list[dict[str, Any]]:
    """Write inputs with names of 20,000 characters."""
    sizes = [1 + index % 2 * uneven for index in range(count)]
    return [column("n" * 20_000 + str(index), [1.5] * size) for index, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("model", "body", "word"),
    [
        ("table", {"inputs": _long(100, uneven=True)}, "equal length, got 1 for n"),
        ("double", {"inputs": _long(100)}, "unknown inputs n"),
        ("greet", {"inputs": _long(1)}, "available: who, times"),
        ("table", {"inputs": [*_long(1), *_long(1)]}, "unique names"),
        ("double", {"inputs": _long(1), "outputs": _long(100)}, "available: result"),
        ("table", {"inputs": [{**_long(1)[0], "shape": [7]}]}, "expected 7 values"),
        ("table", {"inputs": [{**_long(1)[0], "datatype": "x" * 20_000}]}, "UINT64"),
        ("typed", {"inputs": _long(100)}, "missing columns: a, b; the table has"),
        (
            "table",
            {"inputs": [{**_long(1)[0], "parameters": {"binary_data_size": "9" * 20_000}}]},
            "0 bytes are left",
        ),
    ],
)
def test_error_is_short_for_long_names(
    client: FlaskClient, model: str, body: Any, word: str
) -> None:
    response = client.post(f"/v2/models/{model}/infer", json=body)
    assert (response.status_code, len(response.data) < 30_000) == (400, True)
    assert word in response.get_json()["error"]


def test_unequal_length_error_names_one_column_of_each(client: FlaskClient) -> None:
    inputs = [column(f"c{index}", [1.5]) for index in range(100)]
    body = {"inputs": [*inputs, column("last", [1, 2])]}
    assert_error(client, "table", body, "equal length, got 1 for c99, 2 for last")


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"id": "x" * 1_001}, "id a string of at most 1000 characters"),
        ({"parameters": {"content_type": "x" * 1_001}}, "content_type to be a string of at most"),
        ({"parameters": {"content_type": {"a": 1}}}, "content_type to be a string of at most"),
    ],
)
def test_echoed_values_are_limited(client: FlaskClient, more: dict[str, Any], word: str) -> None:
    inputs = [column("data", [1.5])]
    assert_error(client, "double", {"inputs": inputs, **more}, word)
    longest = {"id": "x" * 1_000, "parameters": {"content_type": None}}
    assert infer(client, "double", *inputs, **longest)


def test_rejects_invalid_shape(client: FlaskClient) -> None:
    assert_error(client, "half", {"inputs": [column("number", [1, 2])]}, "expected one value")
    assert_error(
        client,
        "double",
        {"inputs": [column("data", [1, None], "INT64")]},
        "expected numbers, got null",
    )
    assert_error(client, "mirror", {"inputs": [column("photo", [1], "UINT8")]}, "height, width, 3")
    for shape in ([0, 5, 3], [5, 0, 3]):
        empty = {"name": "photo", "shape": shape, "datatype": "UINT8", "data": []}
        assert_error(client, "mirror", {"inputs": [empty]}, "at least [1, 1, 3]", str(shape))
    deep = {"name": "data", "shape": [1, 1, 2], "datatype": "FP64", "data": [1, 2]}
    assert_error(client, "strict", {"inputs": [deep]}, "expected two dimensions, got 3")
    assert_error(client, "swap", {"inputs": [column("data", ["{"], "BYTES")]}, "JSON")


def test_crash_is_500_without_details(serve_function: Callable[..., FlaskClient]) -> None:
    def predict(n: Any = WHOLE) -> Any:
        raise ValueError(f"secret {n}")

    client = serve_function(predict, returns=mmf.Integer())
    assert_error(
        client, "predict", {"inputs": [column("n", [1], "INT64")]}, "request_id", status=500
    )


def test_integers_beyond_2_53_are_exact(client: FlaskClient) -> None:
    big = [2**53 + 1, -(2**63)]
    tensor = column("data", big, "INT64")
    assert infer(client, "table", tensor | {"name": "x"})["x"]["data"] == big
    most = column("x", [2**64 - 1, 1], "UINT64")
    assert infer(client, "table", most)["x"]["data"] == [2**64 - 1, 1]


def test_floats_round_trip_exactly(client: FlaskClient) -> None:
    data = [-0.0, 0.5, 0.1 + 0.2, 1e308, 5e-324]
    returned = infer(client, "table", column("x", data))["x"]["data"]
    assert list(map(repr, returned)) == list(map(repr, data))


# Random bodies

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
INPUT = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "data", ""]) | JSON,
        "datatype": st.sampled_from(["FP64", "INT8", "BYTES", "BOOL", "FP16"]) | JSON,
        "shape": st.lists(st.integers(-1, 3), max_size=3) | JSON,
    },
    optional={
        "data": JSON,
        "parameters": st.dictionaries(
            st.sampled_from(["content_type", "binary_data_size"]),
            JSON | st.integers(0, 9),
            max_size=2,
        )
        | JSON,
    },
)


@given(
    inputs=st.lists(INPUT, max_size=3) | JSON,
    outputs=st.lists(st.fixed_dictionaries({"name": st.just("a")}), max_size=2) | JSON,
    data=st.binary(max_size=12),
    model=st.sampled_from(
        ["typed", "strict", "table", "double", "swap", "copied", "mirror", "half"]
    ),
)
def test_random_bodies_are_served_or_rejected(
    client: FlaskClient, inputs: Any, outputs: Any, data: bytes, model: str
) -> None:
    response = binary(client, model, {"inputs": inputs, "outputs": outputs}, data)
    assert response.status_code in {200, 400}
