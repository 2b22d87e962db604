"""Common behaviour of all descriptors: default, format, example, meta."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import mmf_core as mmf
from mmf_core.codecs import Format, json_of
from mmf_core.descriptors import Descriptor
from mmf_core.errors import DescriptorError, MissingPackage
from mmf_core.web.request_context import count_rows

ALL: list[type[Descriptor[Any]]] = [
    mmf.Array,
    mmf.Bool,
    mmf.DataFrame,
    mmf.Datetime,
    mmf.Dict,
    mmf.File,
    mmf.Float,
    mmf.Image,
    mmf.Integer,
    mmf.JsonFile,
    mmf.String,
]
KEYS = {"default", "description", "name", "out_format", "is_file", "class_name", "required"}
DEFAULTS = [
    (mmf.Array, [1, 2]),
    (mmf.Bool, False),
    (mmf.DataFrame, [{"a": 1}]),
    (mmf.Datetime, "2026-01-31"),
    (mmf.Dict, {}),
    (mmf.File, b""),
    (mmf.Float, 0),
    (mmf.Integer, 0),
    (mmf.JsonFile, []),
    (mmf.String, ""),
]

each = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)


@each
def test_example_is_valid(kind: type[Descriptor[Any]]) -> None:
    descriptor = kind()
    decoded = json_of(descriptor.kind).from_plain(descriptor.plain_example, descriptor.options)
    descriptor.validate(decoded)


@each
def test_meta_has_mmf_keys(kind: type[Descriptor[Any]]) -> None:
    meta = kind(description="Данные", name="label").meta()
    assert meta.keys() >= KEYS
    assert (meta["description"], meta["name"]) == ("Данные", "label")
    assert meta["class_name"] == kind.__name__
    assert meta["default"] == "None"
    assert meta["required"] is True
    assert "REQUIRED" in repr(kind())


def test_is_file() -> None:
    files = {kind.__name__ for kind in ALL if kind().meta()["is_file"]}
    assert files == {"DataFrame", "Image", "File", "JsonFile"}


@each
def test_required_without_a_default(kind: type[Descriptor[Any]]) -> None:
    assert kind().required


@each
def test_none_as_default_makes_it_optional(kind: type[Descriptor[Any]]) -> None:
    descriptor = kind(default=None)
    assert not descriptor.required
    assert descriptor.default is None


@pytest.mark.parametrize(("kind", "default"), DEFAULTS)
def test_empty_default_makes_it_optional(kind: type[Descriptor[Any]], default: object) -> None:
    assert not kind(default=default).required


def test_default_is_validated() -> None:
    assert mmf.Datetime(default="2026-01-31T12:00:00Z").default == datetime(
        2026, 1, 31, 12, tzinfo=UTC
    )
    assert mmf.DataFrame(default=[{"a": 1}]).default["a"].tolist() == [1]
    assert mmf.Integer(default=3).meta()["default"] == "3"


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (mmf.Array, [[1], [1, 2]]),
        (mmf.Array, ["x"]),
        (mmf.Bool, "perhaps"),
        (mmf.DataFrame, []),
        (mmf.DataFrame, 5),
        (mmf.DataFrame, [{"a": 1}, 5]),
        (mmf.Datetime, "yesterday"),
        (mmf.Dict, [1]),
        (mmf.File, "text"),
        (mmf.Float, "much"),
        (mmf.Integer, 1.5),
        (mmf.JsonFile, "text"),
        (mmf.String, 5),
    ],
)
def test_rejects_invalid_default_when_declared(
    kind: type[Descriptor[Any]], default: object
) -> None:
    with pytest.raises(DescriptorError, match=f"{kind.__name__}: default=.*: "):
        kind(default=default)


@pytest.mark.parametrize("requested", [mmf.XLSX, "xlsx", "XLSX", ".xlsx"])
@pytest.mark.parametrize("keyword", ["format", "out_format"])
def test_output_format_has_two_keywords(keyword: str, requested: object) -> None:
    descriptor = mmf.DataFrame(**{keyword: requested})
    assert descriptor.output_format is Format.XLSX
    assert descriptor.meta()["out_format"] == "xlsx"


@pytest.mark.parametrize(
    ("descriptor", "preferred"),
    [
        (mmf.DataFrame(), Format.CSV),
        (mmf.Dict(), Format.JSON),
        (mmf.String(), Format.JSON),
        (mmf.Array(), Format.JSON),
        (mmf.Image(), Format.PNG),
        (mmf.File(), Format.BINARY),
    ],
)
def test_default_output_formats(descriptor: Descriptor[Any], preferred: Format) -> None:
    assert descriptor.output_format is preferred


@pytest.mark.parametrize(
    ("kind", "requested"),
    [(mmf.DataFrame, "exe"), (mmf.DataFrame, mmf.DataFrameFormat.PNG), (mmf.String, mmf.XLSX)],
)
def test_unsupported_format_error_lists_supported_ones(
    kind: type[Descriptor[Any]], requested: object
) -> None:
    with pytest.raises(DescriptorError, match=r"format='(exe|png|xlsx)': expected one of .*json"):
        kind(format=requested)


def test_missing_format_library_names_the_pip_command(
    without: Callable[..., None],
) -> None:
    without("python_calamine")
    with pytest.raises(MissingPackage, match=r"pip install python-calamine$"):
        mmf.DataFrame(format=mmf.XLSX)


def test_row_counts() -> None:
    import numpy as np
    import pandas as pd

    assert count_rows(mmf.DataFrame(), pd.DataFrame({"a": [1, 2]})) == 2
    assert count_rows(mmf.Array(), np.zeros((3, 2))) == 3
    assert count_rows(mmf.Array(), np.array(5)) is None
    assert count_rows(mmf.String(), "text") is None


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_descriptors_are_keyword_only(kind: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        kind("description")


def test_custom_descriptor_must_implement_validate_and_example() -> None:
    class Bare(Descriptor[Any]):
        kind = mmf.String.kind

    for call in (lambda: Bare().validate(1), lambda: Bare().plain_example):
        with pytest.raises(NotImplementedError):
            call()
