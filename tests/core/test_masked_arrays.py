"""NumPy's masked arrays in results: masked values are null, and the hidden data is never sent."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find, json_of, writable
from mmf_core.codecs import json as mmf_json
from mmf_core.errors import InvalidValue

HIDDEN = 41  # behind each mask
masked = np.ma.masked
DAY = np.datetime64("2026-01-31T12:00:00.123456789")


def hide(*cells: Any, dtype: Any = None) -> Any:
    """Return an array of which the second value is masked."""
    return np.ma.array(cells, mask=[index == 1 for index in range(len(cells))], dtype=dtype)


def records(result: Any) -> Any:
    """Return a result of a DataFrame as JSON."""
    table = mmf.DataFrame().to_output(result)
    codec = find(Kind.TABLE, Format.JSON)
    assert codec is not None
    return json.loads(codec.encode(table, {}))


STRUCTURED = np.ma.array(
    [(1, HIDDEN), (HIDDEN, 2.5)], mask=[(0, 1), (1, 0)], dtype=[("a", int), ("b", float)]
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (hide(1, HIDDEN, 3), [1, None, 3]),
        (hide(2**53 + 1, HIDDEN), [2**53 + 1, None]),
        (hide(1.5, HIDDEN, dtype="f4"), [1.5, None]),
        (hide(True, True), [True, None]),
        (hide("x", "y"), ["x", None]),
        (hide(DAY, DAY), ["2026-01-31T12:00:00.123456789", None]),
        (hide(np.timedelta64(1, "s"), np.timedelta64(HIDDEN, "s")), ["P0DT0H0M1S", None]),
        (np.ma.array([[1, HIDDEN], [HIDDEN, 4]], mask=[[0, 1], [1, 0]]), [[1, None], [None, 4]]),
        (np.ma.array([1, 2]), [1, 2]),
        (np.ma.array(HIDDEN, mask=True), None),
        (masked, None),
        ([1, masked], [1, None]),
        (STRUCTURED, [{"a": 1, "b": None}, {"a": None, "b": 2.5}]),
        (STRUCTURED[0], {"a": 1, "b": None}),
    ],
)
def test_masked_value_is_null_in_json(value: Any, expected: Any) -> None:
    assert json.loads(mmf_json.dumps({"v": value})) == {"v": expected}
    assert json.loads(mmf_json.dumps({"v": value, "long": 10**30}))["v"] == expected
    if isinstance(expected, list):
        assert json.loads(mmf_json.dumps(mmf.JsonFile().to_output(value))) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (hide(1, HIDDEN), [{"prediction": 1}, {"prediction": None}]),
        (hide(2**53 + 1, HIDDEN), [{"prediction": 2**53 + 1}, {"prediction": None}]),
        (hide("x", "y"), [{"prediction": "x"}, {"prediction": None}]),
        (
            np.ma.array([[1.5, HIDDEN]], mask=[[0, 1]]),
            [{"prediction_0": 1.5, "prediction_1": None}],
        ),
        ({"a": hide(2**60 + 1, HIDDEN), "b": [masked, "x"]},
         [{"a": 2**60 + 1, "b": None}, {"a": None, "b": "x"}]),
        ({"a": 1, "b": masked}, [{"a": 1, "b": None}]),
        ([{"a": 1, "b": masked}], [{"a": 1, "b": None}]),
        ([(1, "x"), (masked, masked)],
         [{"prediction_0": 1, "prediction_1": "x"}, {"prediction_0": None, "prediction_1": None}]),
        ([hide(1, HIDDEN), np.array([3, 4])],
         [{"prediction_0": 1, "prediction_1": None}, {"prediction_0": 3, "prediction_1": 4}]),
        ([1, masked], [{"prediction": 1}, {"prediction": None}]),
        (STRUCTURED, [{"a": 1, "b": None}, {"a": None, "b": 2.5}]),
        (pd.DataFrame({"a": [1, masked], "b": ["x", "y"]}),
         [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]),
    ],
)  # fmt: skip
def test_masked_value_is_null_in_a_table(result: Any, expected: Any) -> None:
    assert records(result) == expected
    table = mmf.DataFrame().to_output(result)
    nulls = [[row[name] is None for name in row] for row in expected]
    assert table.isna().to_numpy().tolist() == nulls
    for format_ in writable(Kind.TABLE):
        codec = find(Kind.TABLE, format_)
        assert codec is not None
        if codec.reads:
            cells = codec.decode(codec.encode(table, {}), {}).isna().to_numpy()
            assert cells.tolist() == nulls[: len(cells)]  # an empty row at the end is none


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (hide(1, HIDDEN), [1, None]),
        (hide(1.5, HIDDEN), [1.5, None]),
        (np.ma.array([2**53 + 1, 2]), [2**53 + 1, 2]),
        (masked, None),
    ],
)
def test_masked_value_is_nan_in_an_array(result: Any, expected: Any) -> None:
    array = mmf.Array().to_output(result)
    assert json.loads(mmf_json.dumps(json_of(Kind.ARRAY).to_plain(array))) == expected


def test_masked_integers_are_exact_or_rejected() -> None:
    with pytest.raises(InvalidValue, match="one type holds exactly"):
        mmf.Array().to_output(hide(2**53 + 1, HIDDEN))
    with pytest.raises(InvalidValue, match="fit into int64"):
        mmf.Array(dtype="int64").to_output(hide(1, HIDDEN))


@pytest.mark.parametrize("value", [masked, np.ma.array([HIDDEN], mask=[True]), hide(1, 2)[1]])
def test_masked_scalar_is_null_or_rejected(value: Any) -> None:
    assert np.isnan(mmf.Float().to_output(value))
    for descriptor in (mmf.Integer(), mmf.Bool(), mmf.String()):
        with pytest.raises(InvalidValue, match="expected"):
            descriptor.to_output(value)


def test_rejects_masked_pixels() -> None:
    pixels = np.ma.array(np.zeros((2, 2, 3), np.uint8), mask=False)
    assert mmf.Image().to_output(pixels).shape == (2, 2, 3)
    pixels[0, 0] = masked
    with pytest.raises(InvalidValue, match="uint8"):
        mmf.Image().to_output(pixels)
