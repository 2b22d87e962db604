"""Arrays of numbers as results: their JSON is that of the table, without building it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, NumberTable, as_frame, find
from mmf_core.errors import BodyTooLarge
from mmf_core.execution import Execution
from mmf_core.target import Target
from mmf_core.web.http.responses import ResultWriter

TABLE = mmf.DataFrame(format=mmf.JSON)
NAN = [0.5, -0.0, 1e300, 5e-324, float("nan"), float("inf"), float("-inf"), 1e16, 0.1]
ARRAYS = {
    "floats": np.array(NAN),
    "matrix": np.array(NAN).reshape(3, 3),
    "transposed": np.array(NAN).reshape(3, 3).T,
    "every other": np.array(NAN)[::2],
    "float32": np.array([0.1, 16777216.0, float("nan")], dtype="float32"),
    "float16": np.array([0.1, 65504.0], dtype="float16"),
    "another byte order": np.array([0.1, 2.5], dtype=">f8"),
    "whole": np.array([2**63 - 1, -(2**63), 0]),
    "unsigned": np.array([2**64 - 1, 0], dtype="uint64"),
    "small": np.array([[-128, 127]], dtype="int8"),
    "bools": np.array([True, False]),
    "one": np.array([0.5]),
    "read only": np.broadcast_to(np.array(0.5), (3,)),
}


def table_of(array: Any) -> pd.DataFrame:
    """Return the table as users know it."""
    return TABLE.to_output(array)


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_json_equals_the_json_of_the_table(array: Any) -> None:
    result = TABLE.to_encodable(array)
    assert isinstance(result, NumberTable)
    codec: Any = find(Kind.TABLE, Format.JSON)
    assert codec.encode(result, {}) == codec.encode(table_of(array), {})
    pd.testing.assert_frame_equal(result.to_frame(), table_of(array))
    assert len(result) == len(array)
    part = result[1:2]
    assert codec.encode(part, {}) == codec.encode(table_of(array).iloc[1:2], {})


@pytest.mark.parametrize("format", [mmf.JSON, mmf.CSV, mmf.XLSX])
def test_every_format_writes_it(format: Any) -> None:
    def predict() -> None:
        """Return nothing."""

    writer = ResultWriter(Target.of(predict, returns=TABLE), {})
    array = np.array([[1.5, 2.5], [0.1, -3.0]])
    response = writer.write(TABLE.to_encodable(array), format)
    expected = writer.write(table_of(array), format)
    codec: Any = find(Kind.TABLE, format)
    pd.testing.assert_frame_equal(
        codec.decode(response.get_data(), {}), codec.decode(expected.get_data(), {})
    )
    assert response.headers.to_wsgi_list()[0] == expected.headers.to_wsgi_list()[0]


@pytest.mark.parametrize(
    "result",
    [
        pd.Series([0.5], name="a"),
        pd.DataFrame({"a": [0.5]}),
        [0.5],
        np.array(["a"]),
        np.array([1, "a"], dtype=object),
        np.array(["2026-01-31"], dtype="M8[s]"),
        np.ma.masked_array([0.5, 1.5], mask=[True, False]),
        np.array([(1, 0.5)], dtype=[("a", int), ("b", float)]),
        np.array([]),
        np.empty((0, 3)),
        np.zeros((2, 5_001)),
    ],
    ids=lambda result: f"{type(result).__name__} {getattr(result, 'dtype', '')} {np.shape(result)}",
)
def test_other_results_become_tables(result: Any) -> None:
    assert isinstance(TABLE.to_encodable(result), pd.DataFrame)


def test_json_size_is_limited() -> None:
    codec: Any = find(Kind.TABLE, Format.JSON)
    result = TABLE.to_encodable(np.zeros(100))
    with pytest.raises(BodyTooLarge, match="as JSON"):
        codec.encode(result, {"max_body": 100})


def test_declared_result_is_validated_as_a_table() -> None:
    returns = mmf.DataFrame(schema={"prediction": int})
    table = returns.to_encodable(np.array([1.0, 2.0]))
    assert table["prediction"].dtype == "int64"


def test_result_array_is_copied() -> None:
    buffer = np.array([1.5])

    def predict() -> Any:
        return buffer

    execution = Execution(Target.of(predict, returns=TABLE))
    results = execution.run({}), execution({})
    buffer[:] = 7
    assert [as_frame(result)["prediction"].tolist() for result in results] == [[1.5], [1.5]]


def test_direct_call_returns_a_table() -> None:
    def predict() -> Any:
        return np.array([1.5])

    assert isinstance(Execution(Target.of(predict, returns=TABLE))({}), pd.DataFrame)
