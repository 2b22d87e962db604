"""`mmfmeta schema from-gx`: Great Expectations suites become schemas, or are rejected."""

import json
from math import inf
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import mmf_core as mmf
from mmf_core.cli import main
from mmf_core.errors import InvalidValue

UNIQUE = "expect_column_values_to_be_unique"
IN_SET = "expect_column_values_to_be_in_set"
BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
OF_TYPE = "expect_column_values_to_be_of_type"
ROW_COUNT = "expect_table_row_count_to_equal"
TRIPS = [
    (UNIQUE, {"column": "trip_id"}),
    (OF_TYPE, {"column": "trip_id", "type_": "int64"}),
    (NOT_NULL, {"column": "trip_id"}),
    (IN_SET, {"column": "subscriber", "value_set": ["Annual", "Walk Up"], "mostly": 1}),
    (BETWEEN, {"column": "minutes", "min_value": 0, "max_value": 1440.0, "strict_min": True}),
    (OF_TYPE, {"column": "started", "type_": "datetime64[us]"}),
    (BETWEEN, {"column": "started", "min_value": "2026-01-01", "max_value": None}),
    ("expect_column_values_to_be_increasing", {"column": "started", "strictly": False}),
    ("expect_table_row_count_to_be_between", {"min_value": 2, "max_value": 100}),
    ("expect_table_columns_to_match_set", {"column_set": ["trip_id", "started"]}),
]
MODULE = '''"""What the suite "trips" of Great Expectations accepts, by `mmfmeta schema from-gx`."""

from datetime import datetime

import mmf_core as mmf

TABLE = mmf.DataFrame(
    schema={
        'trip_id': mmf.Column(int, unique=True),
        'subscriber': mmf.Column(str | None, choices=['Annual', 'Walk Up']),
        'minutes': mmf.Column(float | None, gt=0, le=1440.0),
        'started': mmf.Column(datetime | None, ge=datetime.fromisoformat('2026-01-01T00:00:00'), \
monotonic='increasing'),
    },
    rows=(2, 100),
    extra='refuse',
)
'''


def translated(folder: Path, *arguments: str, expectations: Any, is_old: bool = False) -> Result:
    """Write a suite in the format of a Great Expectations version, and translate it."""
    key, title = ("expectation_type", "expectation_suite_name") if is_old else ("type", "name")
    written = [{key: name, "kwargs": parameters, "meta": {}} for name, parameters in expectations]
    file = folder / "trips.json"
    file.write_text(json.dumps({title: "trips", "expectations": written}), encoding="utf-8")
    return CliRunner().invoke(main, ["schema", "from-gx", str(file), *arguments])


@pytest.mark.parametrize("is_old", [False, True])
def test_suite_becomes_a_module(tmp_path: Path, is_old: bool) -> None:
    result = translated(tmp_path, expectations=TRIPS, is_old=is_old)
    assert (result.exit_code, result.output) == (0, MODULE)
    names: dict[str, Any] = {}
    exec(compile(result.output, "tables.py", "exec"), names)  # the module that a user imports
    row = {"trip_id": 1, "subscriber": None, "minutes": 5, "started": "2026-01-02T00:00:00"}
    table: mmf.DataFrame = names["TABLE"]
    assert len(table.validate([row, {**row, "trip_id": 2}])) == 2
    with pytest.raises(InvalidValue, match="2 cells"):
        table.validate([row, row])


@pytest.mark.parametrize(
    ("expectations", "declared"),
    [
        ([(IN_SET, {"column": "a", "value_set": [1, 2]})], "int | None, choices=[1, 2]"),
        ([(IN_SET, {"column": "a", "value_set": [1, 2.5]})], "float | None, choices=[1, 2.5]"),
        (
            [(IN_SET, {"column": "a", "value_set": values}) for values in ([1, 2], [2, 3])],
            "int | None, choices=[2]",
        ),
        ([(BETWEEN, {"column": "a", "min_value": low}) for low in (1, 3)], "float | None, ge=3"),
        (
            [
                ("expect_column_values_to_be_in_type_list", {"column": "a", "type_list": ["int"]}),
                ("expect_column_values_to_be_decreasing", {"column": "a", "strictly": True}),
            ],
            "int | None, unique=True, monotonic='decreasing'",
        ),
        (
            [
                (OF_TYPE, {"column": "a", "type_": "date"}),
                (NOT_NULL, {"column": "a"}),
                (BETWEEN, {"column": "a", "max_value": "2026-12-31"}),
            ],
            "date, le=date.fromisoformat('2026-12-31')",
        ),
        (
            [
                (OF_TYPE, {"column": "a", "type_": "date"}),
                (BETWEEN, {"column": "a", "min_value": "20260105"}),
                (BETWEEN, {"column": "a", "min_value": "2026-01-10"}),
            ],
            "date | None, ge=date.fromisoformat('2026-01-10')",
        ),
        ([(IN_SET, {"column": "a", "value_set": ["x", None]})], "str | None, choices=['x']"),
    ],
)
def test_column_translations(tmp_path: Path, expectations: Any, declared: str) -> None:
    printed = translated(tmp_path, expectations=expectations).output
    assert f"'a': mmf.Column({declared})," in printed


@pytest.mark.parametrize(
    ("name", "parameters", "reason"),
    [
        ("expect_column_values_to_match_regex", {"column": "a", "regex": "x"}, "cannot express it"),
        ("expect_column_mean_to_be_between", {"column": "a", "min_value": 1}, "cannot express it"),
        ("expect_table_columns_to_match_ordered_list", {"column_list": ["a"]}, "cannot express"),
        (UNIQUE, {"column": "a", "mostly": 0.99}, "mostly=0.99 cannot be expressed"),
        (UNIQUE, {"column": "a", "row_condition": "b>1"}, "row_condition='b>1' cannot be"),
        (BETWEEN, {"column": "a", "min_value": {"$PARAMETER": "low"}}, "expected a value, got"),
        (OF_TYPE, {"column": "a", "type_": "bytes"}, "expected a number, text"),
        (BETWEEN, {"column": "a", "min_value": "today"}, "no expectation gives its type"),
        (UNIQUE, {"column": "a"}, "no expectation gives its type"),
    ],
)
def test_unsupported_expectations_are_named(
    tmp_path: Path, name: str, parameters: Any, reason: str
) -> None:
    result = translated(tmp_path, expectations=[*TRIPS, (name, parameters)])
    assert result.exit_code == 1
    first, *refused = result.output.splitlines()
    assert first == 'Error: suite "trips" has no translation:'
    assert len(refused) in {1, 2}
    assert name in refused[0] or 'column "a"' in refused[0]
    assert any(reason in line for line in refused)


@pytest.mark.parametrize(
    ("expectation", "parameters", "reason"),
    [
        (IN_SET, {"column": "a", "value_set": None}, "missing a required argument: 'value_set'"),
        (IN_SET, {"column": "a", "value_set": "abc"}, "value_set: expected a list, got 'abc'"),
        (IN_SET, {"column": "a", "value_set": [[1]]}, "value_set: expected a list, got [[1]]"),
        (BETWEEN, {"column": "a", "max_value": inf}, "max_value: expected finite numbers, got inf"),
        (ROW_COUNT, {"value": 0}, f"{ROW_COUNT}: expected at least one row, got 0"),
        (BETWEEN, {"column": "a", "min_value": [1]}, "min_value: expected a value, got [1]"),
        (OF_TYPE, {"column": "a", "type_": 3}, "type_: expected text, got 3"),
        (NOT_NULL, {}, "missing a required argument: 'column'"),
    ],
)
def test_malformed_parameters_are_named(
    tmp_path: Path, expectation: str, parameters: Any, reason: str
) -> None:
    result = translated(tmp_path, expectations=[(expectation, parameters)])
    assert result.exit_code == 1
    assert f"{reason}\n" in result.output


def test_rejects_contradictory_expectations(tmp_path: Path) -> None:
    low, high = {"column": "a", "min_value": 3}, {"column": "a", "max_value": 1}
    limits = [(BETWEEN, low), (BETWEEN, high)]
    assert 'column "a": no value is' in translated(tmp_path, expectations=limits).output
    kind = (OF_TYPE, {"column": "a", "type_": "date"})
    limits = [(BETWEEN, {"column": "a", "min_value": low}) for low in (3, "2026-01-01")]
    printed = translated(tmp_path, expectations=[kind, *limits]).output
    assert 'column "a": its bounds cannot be compared' in printed


def test_types_are_inferred_from_a_table(tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("a,b\n1,x\n2,y\n", encoding="utf-8")
    table = ("--table", str(tmp_path / "trips.csv"))
    expectations = [(UNIQUE, {"column": "a"}), (NOT_NULL, {"column": "b"})]
    printed = translated(tmp_path, *table, expectations=expectations).output
    assert "'a': mmf.Column(int | None, unique=True)," in printed
    assert "'b': str," in printed
    refused = translated(tmp_path, *table, expectations=[(UNIQUE, {"column": "z"})]).output
    assert 'column "z": no expectation gives its type' in refused


@pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000, '{"name": "a", "expectations": 1}'])
def test_rejects_file_that_is_not_a_suite(tmp_path: Path, content: str) -> None:
    (tmp_path / "suite.json").write_text(content, encoding="utf-8")
    result = CliRunner().invoke(main, ["schema", "from-gx", str(tmp_path / "suite.json")])
    assert result.exit_code == 1
    assert "expected a suite of Great Expectations" in result.output
    empty = translated(tmp_path, expectations=[])
    assert "it names no column" in empty.output
