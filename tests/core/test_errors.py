"""The exception hierarchy: statuses, parents, error details and messages."""

import re
from pathlib import Path

import pytest

from mmf_core import errors
from mmf_core.errors import (
    ArtifactError,
    BodyTooLarge,
    DescriptorError,
    ErrorDetail,
    InvalidValue,
    MissingPackage,
    MMFError,
    NotAcceptable,
    RequestError,
    UnsupportedFormat,
)

ERRORS = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, MMFError)
]


def test_docstring_shows_the_class_hierarchy() -> None:
    drawn: dict[str, tuple[str | None, int]] = {}
    parents: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"([│├└─\s]*)(\w+)\s+(\d{3})\b", line):
            depth, name, status = len(match[1]), match[2], int(match[3])
            parents = [parent for parent in parents if parent[0] < depth]
            drawn[name] = (parents[-1][1] if parents else None, status)
            parents.append((depth, name))
    built = {
        error.__name__: (
            next((base.__name__ for base in error.__bases__ if issubclass(base, MMFError)), None),
            error.status,
        )
        for error in ERRORS
    }
    assert drawn == built


@pytest.mark.parametrize(
    ("error", "builtin"),
    [(DescriptorError, ValueError), (InvalidValue, ValueError), (MissingPackage, ImportError)],
)
def test_errors_subclass_builtins(error: type[MMFError], builtin: type[Exception]) -> None:
    assert issubclass(error, builtin)


def test_missing_package_names_the_pip_command() -> None:
    error = MissingPackage("XLSX as a table", ["pandas", "openpyxl"])
    assert "XLSX as a table" in str(error)
    assert "pip install pandas openpyxl" in str(error)


def test_missing_file_error_mentions_train_py() -> None:
    error = ArtifactError.absent(Path("models/a.joblib"))
    assert isinstance(error, ArtifactError)
    assert "models/a.joblib" in str(error)
    assert "train.py" in str(error)


@pytest.mark.parametrize(
    ("error", "members"),
    [
        (ErrorDetail("wrong"), {"message": "wrong"}),
        (
            ErrorDetail("wrong", where="data", row=0, column="a", value=0),
            {"where": "data", "row": 0, "column": "a", "message": "wrong", "value": 0},
        ),
        (ErrorDetail("wrong", value=False), {"message": "wrong", "value": False}),
        (ErrorDetail("wrong", column=""), {"column": "", "message": "wrong"}),
        (ErrorDetail("wrong", value="x" * 100), {"message": "wrong", "value": "x" * 100}),
        (ErrorDetail("wrong", value="x" * 101), {"message": "wrong", "value": "x" * 100 + "…"}),
        (ErrorDetail("wrong", value=[1, 2]), {"message": "wrong", "value": [1, 2]}),
        (
            ErrorDetail("wrong", value=[1] * 99),
            {"message": "wrong", "value": str([1] * 99)[:100] + "…"},
        ),
    ],
)
def test_error_detail_members(error: ErrorDetail, members: dict[str, object]) -> None:
    assert error.as_dict() == members


def test_error_detail_keeps_its_first_location() -> None:
    placed = ErrorDetail("wrong", row=3).within("data")
    assert placed == ErrorDetail("wrong", where="data", row=3)
    assert placed.within("other") == placed


@pytest.mark.parametrize(
    "error", [RequestError, NotAcceptable, BodyTooLarge, UnsupportedFormat, InvalidValue]
)
def test_within_keeps_type_and_detail(error: type[RequestError]) -> None:
    placed = error("send numbers").within("data")
    assert type(placed) is error
    assert str(placed) == placed.detail == "send numbers"
    assert placed.errors == (ErrorDetail("send numbers", where="data"),)


def test_within_applies_to_each_detail() -> None:
    error = InvalidValue(
        "two cells", [ErrorDetail("one", row=1), ErrorDetail("two", where="there")]
    )
    assert [detail.where for detail in error.within("data").errors] == ["data", "there"]


def test_listed_names_are_limited_and_shortened() -> None:
    assert errors.listed(["a", 1]) == "a, 1"
    assert errors.listed(["a"] * 20) == ", ".join(["a"] * 20)
    assert errors.listed(["a"] * 21) == ", ".join(["a"] * 20) + ", …"
    assert errors.listed(["n" * 1_000]) == "n" * 100 + "…"


def test_error_details_are_limited_in_length() -> None:
    detail = ErrorDetail(
        "m" * 100_000, where="w" * 100_000, column="c" * 100_000, value="v" * 1_000
    )
    assert {name: len(text) for name, text in detail.as_dict().items()} == {
        "where": 1_001,
        "column": 1_001,
        "message": 10_001,
        "value": 101,
    }
