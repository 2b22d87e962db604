"""Objects in the columns of a table that is written as Parquet or Arrow."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cpu_time import at_most
from mmf_core.codecs import Kind, find, writable
from mmf_core.codecs.object_fields import check_fields
from mmf_core.errors import BodyTooLarge

ARROW = [
    codec
    for format in writable(Kind.TABLE)
    if format.name in {"PARQUET", "ARROW", "FEATHER"} and (codec := find(Kind.TABLE, format))
]
MOST = r"at most 16,384 names in Parquet or Arrow, and 14,000,000 names and rows multiplied, got "


def different(rows: int) -> list[dict[str, int]]:
    return [{f"k{row}": 1} for row in range(rows)]


def as_array(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize("codec", ARROW, ids=lambda codec: str(codec.format.name))
@pytest.mark.parametrize(
    "column",
    [
        different(4_000),
        [different(4_000)],
        [tuple(different(4_000)), None],
        [as_array(different(4_000))],
        [{"a": {"b": row}} for row in different(4_000)],
        [None] * 13_000 + [{str(index): 1 for index in range(1_100)}],
    ],
    ids=["objects", "a list", "a tuple", "an array", "objects in objects", "nulls"],
)
def test_names_times_rows_are_limited(codec: Any, column: list[Any]) -> None:
    """20,000 rows with a name each took 32 seconds and 1.3 GiB, from a third of a MiB of JSON."""
    with at_most(seconds=1), pytest.raises(BodyTooLarge, match=MOST):
        codec.encode(pd.DataFrame({"a": pd.Series(column, dtype=object)}), {})


@pytest.mark.parametrize("codec", ARROW, ids=lambda codec: str(codec.format.name))
def test_names_are_limited_like_columns(codec: Any) -> None:
    wide = {str(index): 1 for index in range(16_384)}
    assert codec.encode(pd.DataFrame({"a": [wide]}), {})
    with pytest.raises(BodyTooLarge, match=MOST + "16,385 names and 1 rows"):
        codec.encode(pd.DataFrame({"a": [wide], "b": [{"c": 1}]}), {})


@pytest.mark.parametrize("codec", ARROW, ids=lambda codec: str(codec.format.name))
def test_objects_with_equal_names_are_limited_only_as_cells(codec: Any) -> None:
    table = pd.DataFrame({"a": [{"b": 1, "c": [1, "x"][:1], "d": None}] * 200_000})
    assert len(codec.decode(codec.encode(table, {}), {})) == 200_000


def test_many_lists_are_as_fast_as_one() -> None:
    cell = {str(index): [{"b": 1}, {"b": 2}] for index in range(8_000)}
    table = pd.DataFrame({"a": [cell]})
    with at_most(seconds=1):
        check_fields(table)
    with pytest.raises(BodyTooLarge, match=MOST + "16,385 names and 8,194 rows"):
        check_fields(pd.DataFrame({"a": [cell | {"x": [{str(i): 0 for i in range(384)}] * 8_194}]}))
