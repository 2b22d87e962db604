"""What a candidate may accept and return: the same as the current version, or more."""

from typing import Any

import pytest

import mmf_core as mmf
from mmf_core.rollouts.candidate import differences


def registry(**columns: Any) -> mmf.Registry:
    declared, table = mmf.Registry(), mmf.DataFrame(schema=columns)

    @declared.target(returns=mmf.DataFrame(format=mmf.JSON))
    def score(data: Any = table) -> Any:
        return data

    return declared


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (float, float, ""),
        (float, float | None, ""),
        (mmf.Column(float, ge=0), mmf.Column(float | None, ge=0, description="new"), ""),
        (str, mmf.Column(str, private=True), ""),
        (float | None, float, "score: data, a: expected float, or empty, got float"),
        (float, int, "score: data, a: expected float, got int"),
        (
            mmf.Column(int, ge=0),
            mmf.Column(int, ge=1),
            "score: data, a: expected mmf.Column(int, ge=0), got mmf.Column(int, ge=1)",
        ),
        ("float32", float, "score: data, a: expected 'float32', got float"),
    ],
)
def test_columns(ours: Any, theirs: Any, reason: str) -> None:
    assert differences(registry(a=ours), registry(a=theirs)) == ([reason] if reason else [])


def test_additional_column_is_a_difference() -> None:
    lines = differences(registry(a=int), registry(a=int, b=int))
    assert lines == [
        "score: columns of data: expected ['a'], got ['a', 'b']",
        "score: data, b: expected None, got int",
    ]
