"""No value prevents an error response: a 422 remains a 422 in every protocol."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, NoReturn

import numpy as np
import orjson
import pandas as pd
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from error_shape import assert_problem
from long_parameters import long_except
from mmf_core.codecs import Format
from mmf_core.errors import LONGEST_VALUE, ErrorDetail, InvalidValue, quoted


class Unprintable:
    """A value whose str and repr raise."""

    def __str__(self) -> NoReturn:
        raise RuntimeError("no text")

    __repr__ = __str__


class Digit(IntEnum):
    """An integer that is not exactly an int."""

    ONE = 1


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


RING: list[Any] = []
RING.append(RING)
HOSTILE: dict[str, Any] = {
    "twenty digits": 10**20,
    "five thousand digits": 10**5_000,
    "bytes": b"\xff\x00",
    "Decimal": Decimal("1.50"),
    "signalling NaN": Decimal("sNaN"),
    "NaN": float("nan"),
    "infinity": float("inf"),
    "NumPy's": np.float32("nan"),
    "NumPy's integer": np.int8(5),
    "NumPy's array": np.arange(3),
    "an enum": Digit.ONE,
    "half a surrogate pair": "a\ud800b",
    "control characters": "\x00\x1b\ufffe",
    "a set": {1},
    "a date": datetime(2026, 1, 31, tzinfo=UTC),
    "a date of the year 31 million": pd.Timestamp(np.datetime64(10**15, "s")),
    "NaT": pd.NaT,
    "NA": pd.NA,
    "complex": 1j,
    "without a text": Unprintable(),
    "a list with one without a text": [Unprintable()],
    "nested": _nested(100_000),
    "a list that holds itself": RING,
    "a list that holds NaN": [float("nan")],
    "names that are no texts": {1: 2},
    "names that cannot be encoded": {"\ud800": [10**30]},
    "an exception": ValueError("\ud800"),
    "long": "x\ud800" * 1_000_000,
}
TENSOR = {"name": "a", "shape": [1], "datatype": "FP64", "data": [1.5]}
FLOATS = mmf.DataFrame(schema={"a": float})
DATES = mmf.DataFrame(schema={"a": datetime, "b": str | None})
PLAIN = [None, True, 5, -0.5, "text", [1, "a", None], {"a": {"b": [1.5]}}]


@pytest.mark.parametrize("value", HOSTILE.values(), ids=list(HOSTILE))
def test_error_details_are_json_for_any_value(value: Any) -> None:
    detail = ErrorDetail(quoted(value), value=value, column="\ud800", where="\udfff").as_dict()
    assert orjson.loads(orjson.dumps(detail)) == json.loads(json.dumps(detail)) == detail
    assert len(str(detail.get("value"))) <= LONGEST_VALUE + 1
    assert len(detail["message"]) <= LONGEST_VALUE + 1


@pytest.mark.parametrize("value", PLAIN, ids=str)
def test_plain_values_are_echoed_unchanged(value: Any) -> None:
    assert ErrorDetail("", value=value).as_dict() == (
        {"message": ""} if value is None else {"message": "", "value": value}
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda values: st.lists(values) | st.dictionaries(st.text() | st.integers(), values),
    )
)
def test_random_values_are_json_in_errors(value: Any) -> None:
    detail = ErrorDetail(quoted(value), value=value).as_dict()
    assert orjson.loads(orjson.dumps(detail)) == detail


def _refuse(value: Any) -> Callable[..., None]:
    def predict(data: Any = FLOATS) -> None:
        message = f"expected something else, got {quoted(value)}, row {len(data) - 1}"
        details = [ErrorDetail(message, "data", 0, "a", value), ErrorDetail("\ud800", column="b")]
        raise InvalidValue("\ud800", details)

    return predict


@pytest.mark.parametrize(
    "name",
    long_except(HOSTILE, ("bytes", "half a surrogate pair", "without a text", "an exception")),
)
def test_every_protocol_reports_a_hostile_value(
    serve_function: Callable[..., FlaskClient], name: str
) -> None:
    client = serve_function(_refuse(HOSTILE[name]))
    problem = assert_problem(client.post("/predict", json=[{"a": 1.5}]), 422)
    assert problem["errors"][0]["message"].startswith("expected something else, got ")
    by_mlflow = client.post("/invocations/predict", json={"dataframe_records": [{"a": 1.5}]})
    assert by_mlflow.status_code == 400
    assert "expected something else" in by_mlflow.get_json()["message"]
    by_v2 = client.post("/v2/models/predict/infer", json={"inputs": [TENSOR]})
    assert by_v2.status_code in {400, 422}
    assert "expected something else" in by_v2.get_json()["error"]
    annotated = client.post("/predict?errors=xlsx", json=[{"a": 1.5}])
    assert (annotated.status_code, annotated.mimetype) == (422, Format.XLSX.media_type)


def test_nat_is_null_in_every_protocol(serve_function: Callable[..., FlaskClient]) -> None:
    def predict(data: Any = FLOATS) -> Any:
        return pd.Series([pd.NaT, *data.index])[0]

    client = serve_function(predict, returns=mmf.Datetime())
    records = [{"a": 1.5}]
    assert client.post("/predict", json=records).get_json() == {"result": None}
    text = client.post("/predict", json=records, headers={"Accept": "text/plain"})
    assert text.data == b"null"
    by_mlflow = client.post("/invocations/predict", json={"dataframe_records": records})
    assert by_mlflow.get_json() == {"predictions": None}
    by_v2 = client.post("/v2/models/predict/infer", json={"inputs": [TENSOR]})
    assert by_v2.get_json()["outputs"][0]["data"] == [None]


def test_masked_values_are_null_in_every_protocol(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def predict(data: Any = FLOATS) -> Any:
        return np.ma.array(data["a"], mask=data["a"] == 41)

    client = serve_function(predict, returns=mmf.DataFrame())
    rows = [{"a": 1.5}, {"a": 41}]
    by_rest = client.post("/predict?format=json", json=rows)
    assert by_rest.get_json() == [{"prediction": 1.5}, {"prediction": None}]
    by_mlflow = client.post("/invocations/predict", json={"dataframe_records": rows})
    assert by_mlflow.get_json() == {"predictions": [1.5, None]}
    tensor = {"name": "a", "shape": [2], "datatype": "FP64", "data": [1.5, 41]}
    by_v2 = client.post("/v2/models/predict/infer", json={"inputs": [tensor]})
    assert by_v2.get_json()["outputs"][0]["data"] == [1.5, None]
    parquet = client.post("/predict?format=parquet", json=rows)
    assert pd.read_parquet(io.BytesIO(parquet.data))["prediction"].isna().tolist() == [False, True]


def test_unserializable_result_is_named_in_every_protocol(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def predict(data: Any = FLOATS) -> Any:
        return pd.DataFrame({"c": pd.Series([1j] * len(data), dtype=object)})

    client = serve_function(predict, returns=mmf.DataFrame())
    rows = [{"a": 1.5}]
    for response in (
        client.post("/predict?format=csv", json=rows),
        client.post("/predict?format=json", json=rows),
        client.post("/invocations/predict", json={"dataframe_records": rows}),
        client.post("/v2/models/predict/infer", json={"inputs": [TENSOR]}),
    ):
        assert response.status_code in {406, 500}
        assert "complex cannot be written" in response.text, response.text


def test_pandas_intervals_are_texts_in_every_protocol(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def predict(data: Any = FLOATS) -> Any:
        return pd.cut(data["a"], [0, 1, 2])

    client = serve_function(predict, returns=mmf.DataFrame())
    rows = [{"a": 1.5}]
    assert client.post("/predict?format=csv", json=rows).text == 'a\n"(1, 2]"\n'
    assert client.post("/predict?format=json", json=rows).get_json() == [{"a": "(1, 2]"}]
    by_mlflow = client.post("/invocations/predict", json={"dataframe_records": rows})
    assert by_mlflow.get_json() == {"predictions": [{"a": "(1, 2]"}]}
    by_v2 = client.post("/v2/models/predict/infer", json={"inputs": [TENSOR]})
    assert by_v2.get_json()["outputs"][0]["data"] == ['"(1, 2]"']


CELLS = [
    *("text", "\U0001f377", 10**20, -(10**30), 1e400, [1], {"a": 1}, [[10**30]], None, True, ""),
    *("x" * 40_000, "\x00\ufffe", "=1+1"),
]


@pytest.mark.parametrize("query", long_except(["", "?errors=xlsx"], [""]))
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: repr(cell)[:20])
def test_unsupported_json_cell_is_422(
    serve_function: Callable[..., FlaskClient], cell: Any, query: str
) -> None:
    def predict(data: Any = DATES) -> None:
        """Take a table."""

    body = json.dumps([{"a": cell, "b": 1}, {"a": "2026-01-31", "b": [cell]}])
    body = body.replace("Infinity", "1e400")
    response = serve_function(predict).post(
        f"/predict{query}", data=body, content_type="application/json"
    )
    assert response.status_code == 422


# pandas cannot check for nulls beside a signalling NaN, which no format has.
IN_COLUMNS = {name: value for name, value in HOSTILE.items() if name != "signalling NaN"}


@pytest.mark.parametrize("kind", [float, int, bool, str, datetime])
@pytest.mark.parametrize("value", IN_COLUMNS.values(), ids=list(IN_COLUMNS))
def test_columns_reject_hostile_values(kind: type, value: Any) -> None:
    cells = np.empty(2, dtype=object)
    cells[:] = [value, None]
    table = pd.DataFrame({"a": pd.Series(cells, dtype=object)})
    with pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema={"a": kind}).validate(table)
    assert {detail.row for detail in caught.value.errors} <= {0, 1}
    for detail in caught.value.errors:
        orjson.dumps(detail.as_dict())


@pytest.mark.parametrize("descriptor", [mmf.Float, mmf.Integer, mmf.Bool, mmf.Datetime])
@pytest.mark.parametrize("value", HOSTILE.values(), ids=list(HOSTILE))
def test_scalars_reject_hostile_values(descriptor: Any, value: Any) -> None:
    try:
        descriptor().validate(value)
    except InvalidValue as error:
        orjson.dumps(error.detail)
