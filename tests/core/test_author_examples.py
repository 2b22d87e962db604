"""The author's examples: on a descriptor, on a target, and from a training table."""

# ruff: noqa: B008 - a target's arguments and their descriptors

import json
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mmf_core as mmf
from mmf_core.codecs import json_of
from mmf_core.descriptors import Descriptor
from mmf_core.errors import DeclarationError, DescriptorError
from mmf_core.example_calls import CallStatus, call

HOUSES = pd.DataFrame(
    {"area": [54.5, 30.0], "rooms": [2, 1], "city": ["Kazan", None]}, index=[71, 4]
)
ROWS = [
    {"area": 54.5, "rooms": 2, "city": "Kazan"},
    {"area": 30.0, "rooms": 1, "city": None},
]
SCHEMA = {"area": float, "rooms": int, "city": str | None}
HUGE = 2**60 + 1

WRITTEN: dict[str, tuple[Descriptor[Any], Any]] = {
    "table": (mmf.DataFrame(schema=SCHEMA, example=HOUSES), ROWS),
    "records": (mmf.DataFrame(schema=SCHEMA, example=ROWS), ROWS),
    "one row": (mmf.DataFrame(schema=SCHEMA, example=ROWS[0]), ROWS[:1]),
    "row of a table": (mmf.DataFrame(schema=SCHEMA, example=HOUSES.iloc[0]), ROWS[:1]),
    "columns": (mmf.DataFrame(example={"a": [1, 2]}), [{"a": 1}, {"a": 2}]),
    "dates": (
        mmf.DataFrame(schema={"day": datetime}, example={"day": [pd.Timestamp("2026-01-31")]}),
        [{"day": "2026-01-31T00:00:00"}],
    ),
    "long number": (mmf.DataFrame(schema={"id": int}, example={"id": HUGE}), [{"id": HUGE}]),
    "array": (mmf.Array(example=np.array([[1.5, 2.0]])), [[1.5, 2.0]]),
    "array of a table": (
        mmf.Array(columns=["area", "rooms"], example=HOUSES[["rooms", "area"]]),
        [{"rooms": 2, "area": 54.5}, {"rooms": 1, "area": 30.0}],
    ),
    "object": (mmf.Dict(example={"when": datetime(2026, 1, 31, tzinfo=UTC)}), {
        "when": "2026-01-31T00:00:00+00:00"
    }),
    "list": (mmf.JsonFile(example=(1, 2)), [1, 2]),
    "text": (mmf.String(example="hello"), "hello"),
    "number": (mmf.Float(example=np.float64(0.25)), 0.25),
    "whole": (mmf.Integer(ge=1, example=np.int64(7)), 7),
    "no": (mmf.Bool(example=False), False),
    "moment": (
        mmf.Datetime(example=datetime(2026, 1, 31, 12, tzinfo=UTC)),
        "2026-01-31T12:00:00+00:00",
    ),
    "bytes": (mmf.File(example=b"hello"), "aGVsbG8="),
}  # fmt: skip
WRONG: list[tuple[Callable[[], Descriptor[Any]], str]] = [
    (
        lambda: mmf.DataFrame(schema={"a": float}, example=[{"a": 1.5}, {"a": "x"}]),
        r'DataFrame: example: column "a", row 1: expected a number, got "x"',
    ),
    (
        lambda: mmf.DataFrame(schema={"a": float}, example=[{"b": 1.5}]),
        r'DataFrame: example: column "a": missing column',
    ),
    (lambda: mmf.DataFrame(example=[]), "DataFrame: example: the table has no rows"),
    (
        lambda: mmf.DataFrame(example=pd.DataFrame({"a": range(101)})),
        r"DataFrame: example: expected at most 100 rows.* got 101; write \.head\(\)",
    ),
    (lambda: mmf.DataFrame(example=5), "DataFrame: example: expected a table, got int"),
    (lambda: mmf.Integer(le=5, example=7), "Integer: example: expected a whole number <= 5, got 7"),
    (lambda: mmf.Integer(example="many"), "Integer: example: expected a whole number"),
    (lambda: mmf.String(choices=["a"], example="b"), 'String: example: expected one of "a"'),
    (lambda: mmf.Array(columns=["a"], example=[[1, 2]]), "Array: example: "),
    (lambda: mmf.Dict(example=[1]), "Dict: example: expected an object, got list"),
    (lambda: mmf.Dict(example={"a": object()}), "Dict: example: .*object"),
    (lambda: mmf.File(example="absent.bin"), "File: example: absent.bin cannot be read: No such"),
    (lambda: mmf.File(example=bytes(65_537)), "File: example: expected a file of at most 64 KiB"),
    (lambda: mmf.Img(example=b"no picture"), "Image: example: this picture cannot be read"),
    (lambda: mmf.Img(example=np.zeros((2, 2))), "Image: example: expected a uint8 array"),
]


@pytest.mark.parametrize("name", WRITTEN)
def test_example_is_serialized_as_written(name: str) -> None:
    descriptor, expected = WRITTEN[name]
    assert descriptor.plain_example == expected
    assert json.loads(json.dumps(descriptor.plain_example)) == expected
    value = json_of(descriptor.kind).from_plain(descriptor.plain_example, descriptor.options)
    descriptor.validate(value)


@pytest.mark.parametrize(("declare", "message"), WRONG)
def test_rejects_invalid_example_when_declared(
    declare: Callable[[], Descriptor[Any]], message: str
) -> None:
    with pytest.raises(DescriptorError, match=message):
        declare()


def test_image_example_is_an_array_or_a_path(tmp_path: Path) -> None:
    path = tmp_path / "red.jpg"
    Image.new("RGB", (4, 3), "red").save(path)
    for written in (path, str(path), path.read_bytes()):
        assert b64decode(mmf.Img(example=written).plain_example) == path.read_bytes()
    pixels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    for mode in ("rgb", "bgr"):
        descriptor = mmf.Img(format=mode, example=pixels)
        decoded = json_of(descriptor.kind).from_plain(descriptor.plain_example, {})
        np.testing.assert_array_equal(descriptor.validate(decoded), pixels)


def test_default_example_is_the_default_or_a_guess() -> None:
    assert mmf.String().plain_example == "text"
    assert mmf.String(default="hex").plain_example == "hex"
    assert mmf.Integer(default=2, ge=2).plain_example == 2
    assert mmf.Float(default=None).plain_example == 0.5
    assert mmf.Float(default=float("inf"), finite=False).plain_example == 0.5
    assert mmf.Datetime(default="2026-01-31").plain_example == "2026-01-31T00:00:00"
    assert mmf.String(default="hex", example="rgb").plain_example == "rgb"


def test_schema_of_includes_first_rows_as_example() -> None:
    training = pd.concat([HOUSES] * 3)
    declared = mmf.DataFrame(schema=mmf.schema_of(training))
    assert declared.plain_example == [*ROWS, ROWS[0]]
    assert mmf.DataFrame(schema=mmf.schema_of(training), example=ROWS[1]).plain_example == ROWS[1:]

    smaller = mmf.schema_of(training)
    del smaller["city"]
    assert mmf.DataFrame(schema=smaller, extra="refuse").plain_example[0] == {
        "area": 54.5,
        "rooms": 2,
    }
    larger = mmf.schema_of(training)
    larger["floor"] = int
    assert mmf.DataFrame(schema=larger).plain_example[0]["floor"] == 1


def test_first_rows_that_the_schema_rejects_are_not_used() -> None:
    infinite = pd.DataFrame({"a": [float("inf"), 1.5]})
    assert mmf.DataFrame(schema=mmf.schema_of(infinite)).plain_example == [{"a": 0.5}]


def test_shared_descriptor_has_an_example_per_target(registry: mmf.Registry) -> None:
    shared = mmf.Integer(ge=0)

    @registry.target(returns=shared, example={"x": 3})
    def one(x: Any = shared) -> Any:
        return x

    @registry.target(returns=shared)
    def other(x: Any = shared) -> Any:
        return x

    assert registry.targets["one"].arguments["x"].plain_example == 3
    assert registry.targets["other"].arguments["x"].plain_example == 1
    assert (registry.targets["one"].has_examples, registry.targets["other"].has_examples) == (
        True,
        False,
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"example": {"y": 3}}, DeclarationError, "one: example: unknown argument y; expected x"),
        ({"example": 3}, DeclarationError, "one: example: expected {argument: value}, got 3"),
        (
            {"examples": [3]},
            DeclarationError,
            r"one: examples=\[3\]: expected {name: {argument: value}}",
        ),
        ({"example": {"x": -1}}, DescriptorError, "one: example: Integer: example: expected a"),
        (
            {"examples": {"good": {"x": 1}, "bad": {"x": "?"}}},
            DescriptorError,
            "one: example 'bad': Integer: example: expected a whole number",
        ),
        (
            {"example": {"x": 1}, "examples": {"a": {"x": 1}}},
            DeclarationError,
            "example= and examples= exclude each other",
        ),
    ],
)
def test_target_example_is_checked_when_declared(
    registry: mmf.Registry, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    def one(x: Any = mmf.Integer(ge=0)) -> Any:
        return x

    with pytest.raises(error, match=message):
        registry.target(returns=mmf.Integer(), **options)(one)


def test_examples_are_called_with_the_given_arguments(registry: mmf.Registry) -> None:
    calls: list[tuple[int, int, str]] = []

    @registry.target(examples={"low": {"x": 1, "times": 5}, "high": {"x": 9}})
    def score(x: Any = mmf.Integer(), times: Any = mmf.Integer(default=2), end: Any = END) -> None:
        calls.append((x, times, end))

    assert call(registry.targets["score"]).status is CallStatus.OK
    assert calls == [(1, 5, "!"), (9, 2, "!")]


END = mmf.String(default="!")


def test_failing_example_is_named(registry: mmf.Registry) -> None:
    @registry.target(examples={"low": {"x": 1}, "high": {"x": 9}})
    def score(x: Any = mmf.Integer()) -> None:
        if x > 5:
            raise ValueError("too high")

    result = call(registry.targets["score"])
    assert result.status is CallStatus.FAILED
    failure = result.failure("score")
    assert failure.detail == "score fails on its example: ValueError: too high (example 'high')"
    assert failure.public == "score fails on its example: ValueError"
