"""JSON Schema of descriptors, compared with the values that they accept."""

from datetime import UTC, datetime
from typing import Any

import pandera.pandas as pa
import pytest
from jsonschema import Draft202012Validator

import mmf_core as mmf
from mmf_core.codecs import json, json_of
from mmf_core.descriptors import Descriptor

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
INT64 = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
EVERY: list[Descriptor[Any]] = [
    mmf.DataFrame(),
    mmf.DataFrame(schema={"a": int, "b": float | None, "c": str, "d": bool, "e": datetime}),
    mmf.DataFrame(schema=pa.DataFrameSchema({"column": pa.Column(float)})),
    mmf.Array(),
    mmf.Array(shape=(None, 2), dtype="float32"),
    mmf.Array(shape=(3,), dtype="uint8"),
    mmf.Array(shape=(2, 2), dtype=bool),
    mmf.Array(columns=["a", "b"]),
    mmf.Dict(),
    mmf.JsonFile(),
    mmf.File(),
    mmf.Img(),
    mmf.String(),
    mmf.String(choices=["red", "white"]),
    mmf.Integer(ge=1, le=5),
    mmf.Float(),
    mmf.Float(ge=0),
    mmf.Bool(),
    mmf.Datetime(),
    mmf.Datetime(choices=[NOON]),
]
NAMES = [f"{index} {descriptor.class_name}" for index, descriptor in enumerate(EVERY)]
each = pytest.mark.parametrize("descriptor", EVERY, ids=NAMES)


def fits(schema: dict[str, Any], value: Any) -> bool:
    return Draft202012Validator(schema).is_valid(json.loads(json.dumps(value)))


def cell(declared: Any, **more: Any) -> dict[str, Any]:
    schema: dict[str, Any] = mmf.Column(declared, **more).json_schema()
    return schema


@each
def test_schemas_are_valid_and_examples_match(descriptor: Descriptor[Any]) -> None:
    Draft202012Validator.check_schema(descriptor.json_schema())
    Draft202012Validator.check_schema(descriptor.output_schema())
    assert fits(descriptor.json_schema(), descriptor.plain_example)


@each
def test_results_match_the_output_schema(descriptor: Descriptor[Any]) -> None:
    codec = json_of(descriptor.kind)
    value = descriptor.to_output(
        descriptor.validate(codec.from_plain(descriptor.plain_example, descriptor.options))
    )
    result = json.loads(codec.encode(value, descriptor.options))
    assert fits(descriptor.output_schema(), result["result"] if codec.wraps else result)


@pytest.mark.parametrize(
    ("declared", "more", "schema"),
    [
        (str, {}, {"type": "string"}),
        (int, {}, INT64),
        (
            int | None,
            {"ge": 0, "lt": 9},
            {**INT64, "type": ["integer", "null"], "minimum": 0, "exclusiveMaximum": 9},
        ),
        (float, {"gt": 0, "le": 1.5}, {"type": "number", "exclusiveMinimum": 0, "maximum": 1.5}),
        (float, {"ge": float("-inf")}, {"type": "number"}),
        (bool, {}, {"type": "boolean"}),
        (str | None, {"choices": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        (int, {"choices": [1, 2]}, {**INT64, "enum": [1, 2]}),
    ],
)
def test_column_schemas(declared: Any, more: dict[str, Any], schema: dict[str, Any]) -> None:
    assert cell(declared, **more) == schema


def test_date_bounds_are_in_the_description() -> None:
    schema = cell(datetime, ge=NOON)
    assert "minimum" not in schema
    assert "2026-01-31" in schema["description"]
    assert cell(datetime, choices=[NOON])["enum"] == [NOON.isoformat()]


def test_table_schema_is_records() -> None:
    strict = mmf.DataFrame(schema={"a": float}, extra="refuse")
    assert fits(strict.json_schema(), [{"a": 1}])
    for wrong in ([], [{}], [{"a": None}], [{"a": 1, "b": 2}], {"a": [1]}):
        assert not fits(strict.json_schema(), wrong)
    assert fits(strict.output_schema(), [])
    assert fits(mmf.DataFrame(schema={"a": float}).json_schema(), [{"a": 1, "b": 2}])
    assert fits(mmf.DataFrame().json_schema(), [{}, {"a": 1}])
    assert not fits(mmf.DataFrame().json_schema(), [{}])


def test_array_schema_has_shape_and_dtype_limits() -> None:
    grid = mmf.Array(shape=(None, 2), dtype="float32").json_schema()
    assert fits(grid, [[1, None], [3.4028235e38, 2.5]])
    for wrong in ([], [[1]], [[1, 2, 3]], [[1e39, 0]], [1, 2]):
        assert not fits(grid, wrong)
    small = mmf.Array(shape=(2,), dtype="uint8").json_schema()
    assert fits(small, [0, 255])
    for wrong in ([0, 256], [-1, 0], [0.5, 1]):
        assert not fits(small, wrong)


def test_array_with_columns_accepts_records_or_rows() -> None:
    named = mmf.Array(columns=["a", "b"])
    assert fits(named.json_schema(), [{"a": 1, "b": 2}])
    assert fits(named.json_schema(), [[1, 2]])
    assert not fits(named.json_schema(), [{"a": 1}])
    assert not fits(named.output_schema(), [{"a": 1, "b": 2}])
    assert fits(named.output_schema(), [[1, None]])


def test_scalar_schemas() -> None:
    assert mmf.Integer(ge=1, le=5).json_schema() == {"type": "integer", "minimum": 1, "maximum": 5}
    assert mmf.Float().json_schema() == {"type": ["number", "null"]}
    assert mmf.Float(ge=0).json_schema() == {"type": "number", "minimum": 0}
    assert mmf.String(choices=["a"]).json_schema() == {"type": "string", "enum": ["a"]}


def test_file_schema_is_base64() -> None:
    for text in ("", "aGVsbG8=", "aGVsbG8h"):
        assert fits(mmf.File().json_schema(), text)
    for text in ("a", "aGVsbG8", "aGVs bG8=", "aGVsbG8=="):
        assert not fits(mmf.File().json_schema(), text)
