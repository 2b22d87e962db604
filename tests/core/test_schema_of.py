"""The schema of a training table."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import mmf_core as mmf
from mmf_core.errors import DescriptorError

NAMES = {"mmf": mmf, "datetime": datetime, "inf": float("inf")}
TRAINING = pd.DataFrame(
    {
        "acid": [2.5, 3.5],
        "ash": [2.5, np.nan],
        "grade": [1, 2],
        "age": pd.array([1, None], dtype="Int64"),
        "name": ["a", "b"],
        "note": ["a", None],
        "organic": [True, False],
        "tested": [datetime(2026, 1, 31), datetime(2026, 2, 1)],
        "colour": pd.Categorical(["red", None], categories=["white", "red"]),
        "stars": pd.Categorical([1, 2]),
    }
)


def test_schema_has_types_nulls_and_categories() -> None:
    assert repr(mmf.schema_of(TRAINING)) == (
        "{\n"
        "    'acid': float,\n"
        "    'ash': float | None,\n"
        "    'grade': int,\n"
        "    'age': int | None,\n"
        "    'name': str,\n"
        "    'note': str | None,\n"
        "    'organic': bool,\n"
        "    'tested': datetime,\n"
        "    'colour': mmf.Column(str | None, choices=['white', 'red'], category=True),\n"
        "    'stars': mmf.Column(int, choices=[1, 2], category=True),\n"
        "}"
    )


def test_time_zone_is_kept() -> None:
    times = pd.Series(pd.to_datetime(["2026-07-01T12:00:00", None]))
    table = pd.DataFrame(
        {
            "at": times.dt.tz_localize("Europe/Berlin"),
            "fixed": times.dt.tz_localize("UTC+03:00"),  # a caller's offset is kept
        }
    )
    schema = mmf.schema_of(table)
    assert repr(schema) == (
        "{'at': mmf.Column(datetime | None, tz='Europe/Berlin'), 'fixed': datetime | None}"
    )
    validated = mmf.DataFrame(schema=eval(repr(schema), NAMES)).validate(
        [{"at": "2026-07-01T12:00:00", "fixed": None}]
    )
    assert validated["at"].tolist() == table["at"].tolist()[:1]


def test_short_schema_is_one_line() -> None:
    assert repr(mmf.schema_of(TRAINING[["acid", "note"]])) == "{'acid': float, 'note': str | None}"


def test_training_table_matches_its_schema() -> None:
    schema = mmf.schema_of(TRAINING)
    assert_frame_equal(mmf.DataFrame(schema=schema).validate(TRAINING), TRAINING)
    pasted = eval(repr(schema), NAMES)
    assert_frame_equal(mmf.DataFrame(schema=pasted).validate(TRAINING), TRAINING)


CELLS: list[st.SearchStrategy[Any]] = [
    st.floats(),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(max_size=5),
    st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the first text is slow
@given(st.data(), st.sampled_from(range(len(CELLS))), st.booleans())
def test_schema_repr_evaluates_to_the_schema(
    data: st.DataObject, kind: int, category: bool
) -> None:
    values = data.draw(st.lists(CELLS[kind], min_size=1, max_size=5, unique=True))
    table = pd.DataFrame({"a": pd.Series(values, dtype="category" if category else None)})
    if table["a"].isna().all():
        return
    schema = mmf.schema_of(table)
    assert eval(repr(schema), NAMES) == schema
    assert len(mmf.DataFrame(schema=schema).validate(table)) == len(table)


def test_object_columns_are_inspected() -> None:
    table = pd.DataFrame({"a": ["x", None], "b": [True, False], "c": [1, 2]}, dtype=object)
    assert mmf.schema_of(table) == {"a": str | None, "b": bool, "c": int}


@pytest.mark.parametrize(
    ("table", "word"),
    [
        (pd.DataFrame({"a": [1, "x"]}, dtype=object), "'a' holds mixed-integer"),
        (pd.DataFrame({"a": [None, None]}, dtype=object), "'a' holds empty"),
        (pd.DataFrame({"a": [[1]]}), "'a' holds mixed"),
        (pd.DataFrame({"a": [pd.Timedelta(1)]}), "'a' holds timedelta"),
        (pd.DataFrame({"a": [1j]}), "'a' holds complex"),
        (pd.DataFrame({"a": pd.cut([1, 2], 2)}), "'a' holds interval"),
        (pd.DataFrame({5: [1]}), "column 5"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a'"),
    ],
)
def test_unsupported_columns_are_named(table: pd.DataFrame, word: str) -> None:
    with pytest.raises(DescriptorError, match=word):
        mmf.schema_of(table)
