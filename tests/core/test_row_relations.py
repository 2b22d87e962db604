"""Tables with a number of rows, and columns whose values are unique or in order."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from mmf_core.call_options import batch_argument
from mmf_core.errors import DeclarationError, DescriptorError, FailedCheck, InvalidValue
from mmf_core.page.translations.errors import translate_errors

NUMBERS = st.lists(st.none() | st.integers(-3, 3), min_size=1, max_size=8)


def refusal(descriptor: mmf.DataFrame, value: Any) -> InvalidValue:
    with pytest.raises(InvalidValue) as caught:
        descriptor.validate(value)
    return caught.value


def rejected_rows(column: mmf.Column, cells: list[Any]) -> list[int | None]:
    """Return the rows that a column of these cells is rejected for; none if it is valid."""
    descriptor = mmf.DataFrame(schema={"a": column})
    try:
        table = descriptor.validate([{"a": cell} for cell in cells])
    except InvalidValue as error:
        return [detail.row for detail in error.errors]
    assert len(table) == len(cells)
    return []


@pytest.mark.parametrize(
    ("rows", "valid", "invalid"),
    [
        (3, [3], [1, 2, 4]),
        ((2, None), [2, 3, 100], [1]),
        ((None, 2), [1, 2], [3]),
        ((2, 3), [2, 3], [1, 4]),
        (None, [1, 100], []),
    ],
)
def test_number_of_rows(rows: Any, valid: list[int], invalid: list[int]) -> None:
    descriptor = mmf.DataFrame(rows=rows)
    for number in valid:
        assert len(descriptor.validate([{"a": 1}] * number)) == number
    for number in invalid:
        error = refusal(descriptor, [{"a": 1}] * number)
        assert error.detail.startswith("number of rows: expected ")
        assert error.detail.endswith(f", got {number}")
        assert error.failures == (FailedCheck("", "rows"),)


@pytest.mark.parametrize("rows", [0, -1, True, 2.0, "2", (3, 2), (0, 2), (1, 2, 3), (True, 2)])
def test_rejects_invalid_rows_option(rows: Any) -> None:
    with pytest.raises(DescriptorError, match="rows="):
        mmf.DataFrame(rows=rows)


def test_result_has_the_declared_number_of_rows() -> None:
    returns = mmf.DataFrame(rows=2)
    assert len(returns.to_output([1, 2])) == 2
    for result in ([1], np.array([1.0, 2.0, 3.0])):
        with pytest.raises(InvalidValue, match="expected 2, got"):
            returns.to_encodable(result)


def test_schema_has_row_limits() -> None:
    descriptor = mmf.DataFrame(schema={"a": int}, rows=(2, 10))
    for schema in (descriptor.json_schema(), descriptor.output_schema()):
        assert (schema["minItems"], schema["maxItems"]) == (2, 10)
    assert "minItems" not in mmf.DataFrame(schema={"a": int}).output_schema()
    assert len(descriptor.validate(descriptor.guess())) == 2


@pytest.mark.parametrize(
    ("column", "cells", "rejected"),
    [
        (mmf.Column(int, unique=True), [1, 2, 3], []),
        (mmf.Column(int, unique=True), [1, 2, "1", 3, 2], [0, 1, 2, 4]),
        (mmf.Column(str, unique=True), ["a", "b", "a"], [0, 2]),
        (mmf.Column(int | None, unique=True), [None, 1, None], []),
        (mmf.Column(str, choices=["a", "b"], category=True, unique=True), ["a", "a"], [0, 1]),
        (mmf.Column(int, monotonic="increasing"), [1, 1, 2], []),
        (mmf.Column(int, monotonic="increasing"), [1, 3, 2, 2, 1], [2, 4]),
        (mmf.Column(int, monotonic="increasing"), [2**53 + 1, 2**53], [1]),
        (mmf.Column(int | None, monotonic="increasing"), [3, None, 2], [2]),
        (mmf.Column(float, monotonic="decreasing", ge=0), [2.5, 2.0, 0], []),
        (mmf.Column(float, monotonic="decreasing", ge=0), [2, 3, -1, 2.5], [1, 2]),
        (mmf.Column(int, monotonic="increasing", unique=True), [1, 2, 2], [1, 2]),
        (mmf.Column(datetime, monotonic="increasing"), ["2026-01-02", "2026-01-01"], [1]),
        (
            mmf.Column("datetime", tz="Europe/Berlin", monotonic="increasing"),
            ["2026-07-01T12:00:00", "2026-07-01T11:30:00Z", "2026-07-01T12:30:00"],
            [2],
        ),
    ],
    ids=str,
)
def test_rejected_rows(column: mmf.Column, cells: list[Any], rejected: list[int]) -> None:
    assert rejected_rows(column, cells) == rejected


@given(NUMBERS)
def test_agrees_with_pandas(cells: list[int | None]) -> None:
    values = pd.Series([cell for cell in cells if cell is not None], dtype="int64")
    for column, is_valid in (
        (mmf.Column(int | None, unique=True), values.is_unique),
        (mmf.Column(int | None, monotonic="increasing"), values.is_monotonic_increasing),
        (mmf.Column(int | None, monotonic="decreasing"), values.is_monotonic_decreasing),
    ):
        assert (not rejected_rows(column, list(cells))) == is_valid


def test_messages_name_both_values() -> None:
    columns = {
        "id": mmf.Column(int, unique=True),
        "year": mmf.Column(int, monotonic="increasing"),
        "left": mmf.Column(float, monotonic="decreasing"),
    }
    rows = [{"id": 7, "year": 2026, "left": 1.5}, {"id": "7", "year": 2025, "left": 2.5}]
    error = refusal(mmf.DataFrame(schema=columns), rows)
    assert error.detail == "4 cells do not match the schema"
    messages = [detail.message for detail in error.errors]
    assert messages == [
        "expected a value that no other row has, got 7",
        'expected a value that no other row has, got "7"',
        "expected at least 2026, the value before it, got 2025",
        "expected at most 1.5, the value before it, got 2.5",
    ]
    assert [detail.value for detail in error.errors] == [7, "7", 2025, 2.5]
    rules = [FailedCheck("id", "unique", 2), FailedCheck("year", "increasing")]
    assert error.failures == (*rules, FailedCheck("left", "decreasing"))
    assert all("получено" in text for text in translate_errors(messages, "ru"))
    texts = ("expected 3", "expected at least 3", "expected at most 3")
    numbers = [f"number of rows: {text}, got 5" for text in texts]
    assert all("в таблице 5" in text for text in translate_errors(numbers, "ru"))


def test_descriptions_name_the_relation() -> None:
    columns = {
        "id": mmf.Column(int, unique=True, description="of the trip"),
        "at": mmf.Column(datetime, monotonic="increasing"),
    }
    descriptor = mmf.DataFrame(schema=columns, rows=(2, None))
    cells = descriptor.json_schema()["items"]["properties"]
    assert cells["id"]["description"] == "of the trip (unique in its column)"
    assert cells["at"]["description"] == "at least the value before it"
    assert repr(descriptor.columns["at"]) == "mmf.Column(datetime, monotonic='increasing')"
    assert mmf.schema_of(pd.DataFrame({"id": [1]})) == {"id": int}
    assert not descriptor.example_is_valid, "both rows of the example have the same id"


@pytest.mark.parametrize(
    "column",
    [(int, "up"), (str, "increasing"), (bool, "decreasing"), (int, True)],
)
def test_rejects_monotonic_for_unordered_columns(column: tuple[Any, Any]) -> None:
    with pytest.raises(DescriptorError, match="monotonic="):
        mmf.Column(column[0], monotonic=column[1])


def test_rejects_unique_that_is_not_a_flag() -> None:
    with pytest.raises(DescriptorError, match="unique='yes': expected True or False"):
        mmf.Column(int, unique="yes")  # type: ignore[arg-type]


def test_rejects_batching_with_row_limits() -> None:
    whole = mmf.DataFrame(rows=3)
    assert batch_argument({"data": whole}, mmf.DataFrame()) == "data", "checked before batching"
    with pytest.raises(DeclarationError, match="joins the rows"):
        batch_argument({"data": mmf.DataFrame()}, whole)
