"""Texts in columns of other types: equal ones are converted once, and their number is limited."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_series_equal

import mmf_core as mmf
from cpu_time import at_most
from mmf_core.codecs.table_csv import TableCSV
from mmf_core.descriptors import schema
from mmf_core.errors import BodyTooLarge, InvalidValue

TYPES = (int, float, bool, "date", "datetime", int | None, mmf.Column("datetime", tz="UTC"))
TEXTS = ["1", "0", "1.5", "true", "x", "", "2026-01-31", "2026-01-31T12:00", "2026-01-31T12:00Z"]


def _convert(cells: list[object], type_: object) -> tuple[pd.Series, np.ndarray] | str:
    column = mmf.DataFrame(schema={"a": type_}).columns["a"]
    table = pd.DataFrame({"a": pd.Series(cells, dtype="str")}, index=range(5, 5 + len(cells)))
    try:
        ((_, converted, misfits),) = schema.converted(table, {"a": column})
    except InvalidValue as error:
        return error.detail
    return converted, misfits


@settings(deadline=None)
@given(st.sampled_from(TYPES), st.lists(st.sampled_from([*TEXTS, None]), min_size=1))
def test_deduplicated_conversion_equals_cell_by_cell(type_: object, cells: list[object]) -> None:
    expected = _convert(cells, type_)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_FEW_ROWS", 0)
        converted = _convert(cells, type_)
    if isinstance(expected, str) or isinstance(converted, str):
        assert converted == expected
    else:
        assert_series_equal(converted[0], expected[0])
        assert np.array_equal(converted[1], expected[1])


def test_objects_other_than_text_are_not_deduplicated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_FEW_ROWS", 0)
    table = pd.DataFrame({"a": [1, True, "1", 1.0]}, dtype=object)
    column = mmf.DataFrame(schema={"a": int}).columns["a"]
    ((_, _, misfits),) = schema.converted(table, {"a": column})
    assert misfits.tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("type_", "cell"), [(int, "1"), (bool, "true"), ("date", "2026-01-31"), (float, "1.5")]
)
def test_one_invalid_cell_among_many_equal_ones_is_fast(type_: object, cell: str) -> None:
    """Nine million cells took 10 to 18 seconds."""
    table = mmf.DataFrame(schema={"a": type_})
    cells = TableCSV().decode(("a\n" + f"{cell}\n" * 1_000_000 + "x\n").encode(), table.options)
    with at_most(seconds=1), pytest.raises(InvalidValue, match="1 cell") as caught:
        table.validate(cells)
    assert caught.value.errors[0].row == 1_000_000


def test_number_of_distinct_texts_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MAX_TEXTS", 30_000)
    table = mmf.DataFrame(schema={"a": int, "b": int})
    cells = pd.DataFrame({name: pd.Series(range(20_000), dtype="str") for name in "ab"})
    with pytest.raises(BodyTooLarge, match="at most 30,000 different texts in columns of"):
        table.validate(cells)
    assert len(table.validate(pd.DataFrame({"a": cells["a"], "b": 1}))) == 20_000


@pytest.mark.parametrize(
    ("type_", "cell", "seconds"),
    [
        (int, "{}", 0.3),
        (int, "{}.0", 0.7),
        (float, "{}.5", 0.4),
        (bool, "x{}", 0.7),
        ("date", "2026-01-31T00:00:00.{:06}", 0.6),
        ("datetime", "2026-01-31T00:00:00.{:06}Z", 0.6),
        (mmf.Column("datetime", tz="Europe/Berlin"), "2026-01-31T00:00:00.{:06}Z", 0.7),
        ("date", "x{}", 0.4),
    ],
)
def test_one_invalid_cell_among_many_distinct_ones_is_fast(
    type_: object, cell: str, seconds: float
) -> None:
    """The maximum number took 6 to 8 seconds."""
    cells = pd.DataFrame({"a": pd.Series([*map(cell.format, range(200_000)), "x"], dtype="str")})
    with at_most(seconds=seconds), pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema={"a": type_}).validate(cells)
    assert caught.value.errors
