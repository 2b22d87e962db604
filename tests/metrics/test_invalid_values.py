"""Invalid values are counted by column and rule, with labels that callers cannot choose."""

from typing import Any, ClassVar

import pandas as pd
import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

import mmf_core as mmf
from mmf_core.errors import FailedCheck, RejectedInput
from mmf_core.metrics import request_metrics
from mmf_core.metrics.request_metrics import RequestMetrics
from mmf_core.web import create_app
from mmf_core.web.request_context import RequestContext

NAME = "mmf_invalid_values_total"


class Strict:
    """A schema like pandera's, which raises an error with a table of failures."""

    columns: ClassVar = {"a": float, "b": float}

    def validate(self, table: pd.DataFrame) -> pd.DataFrame:
        cases = [
            ("a", "greater_than(0)", -1.0, 0),
            ("a", "greater_than(0)", -2.0, 1),
            (None, "column_in_dataframe", "b", None),
            (None, "column_in_schema", "from a caller", None),
        ]
        error = RuntimeError("invalid")
        error.failure_cases = pd.DataFrame(  # type: ignore[attr-defined]
            cases, columns=["column", "check", "failure_case", "index"]
        )
        raise error


@pytest.fixture(autouse=True)
def clear_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the rules counted by other tests of this process: their number is limited."""
    monkeypatch.setattr(request_metrics, "_rules", set())


RATED = mmf.DataFrame(
    schema={
        "age": mmf.Column(int, ge=0),
        "size": float,
        "kind": mmf.Column(str | None, choices=["red", "white"]),
    },
    extra="refuse",
)
FOREIGN, WHOLE = mmf.DataFrame(schema=Strict()), mmf.Integer(ge=0)


@pytest.fixture
def client() -> FlaskClient:
    registry = mmf.Registry()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def rated(data: Any = RATED) -> Any:  # noqa: ARG001 - it rejects everything
        raise RejectedInput("no such thing")

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def foreign(data: Any = FOREIGN) -> Any:
        return data

    @registry.target(returns=mmf.Integer())
    def whole(number: Any = WHOLE) -> Any:
        return number

    return create_app(registry).test_client()


def counts(target: str) -> dict[tuple[str, str], float]:
    """Return the counts of a target by column and rule."""
    return {
        (sample.labels["column"], sample.labels["rule"]): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == NAME and sample.labels["target"] == target
    }


def difference(before: dict[tuple[str, str], float], target: str) -> dict[tuple[str, str], float]:
    after = counts(target)
    grown = {key: number - before.get(key, 0) for key, number in after.items()}
    return {key: number for key, number in grown.items() if number}


ROW = {"age": 1, "size": 0.5, "kind": "red"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{**ROW, "age": "old"}], {("age", "type"): 1}),
        ([{**ROW, "age": None}] * 2, {("age", "empty"): 2}),
        ([{**ROW, "age": -1}, {**ROW, "age": 1.5}], {("age", "bounds"): 1, ("age", "type"): 1}),
        ([{**ROW, "kind": "blue"}, {**ROW, "kind": None}], {("kind", "choices"): 1}),
        ([{"age": 1, "kind": "red"}], {("size", "missing"): 1}),
        ([{**ROW, "from a caller": 1, "another": 2}], {("", "unknown"): 2}),
        ([{**ROW, "age": -1}] * 50, {("age", "bounds"): 50}),
        (
            [{**ROW, "age": "x", "size": "y", "z": 1}],
            {("", "unknown"): 1, ("age", "type"): 1, ("size", "type"): 1},
        ),
        ([ROW], {("", "model"): 1}),
        ([], {("", "other"): 1}),
    ],
)
def test_invalid_values_are_counted_by_column_and_rule(
    rows: list[dict[str, Any]], expected: dict[tuple[str, str], float], client: FlaskClient
) -> None:
    before = counts("rated")
    assert client.post("/rated", json=rows).status_code == 422
    assert difference(before, "rated") == expected


def test_infinity_and_repeated_columns_are_counted(client: FlaskClient) -> None:
    before = counts("rated")
    for body in ("age,size,kind\n1,inf,red\n", "age,size,size,kind\n1,2,3,red\n"):
        assert client.post("/rated", data=body, content_type="text/csv").status_code == 422
    assert difference(before, "rated") == {("size", "finite"): 1, ("size", "duplicate"): 1}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/invocations/rated", {"dataframe_records": [{**ROW, "age": -1}]}),
        (
            "/v2/models/rated/infer",
            {
                "inputs": [
                    {"name": "age", "shape": [1], "datatype": "INT64", "data": [-1]},
                    {"name": "size", "shape": [1], "datatype": "FP64", "data": [1.0]},
                    {"name": "kind", "shape": [1], "datatype": "BYTES", "data": ["red"]},
                ]
            },
        ),
    ],
)
def test_every_protocol_counts_invalid_values(path: str, body: object, client: FlaskClient) -> None:
    before = counts("rated")
    assert client.post(path, json=body).status_code in {400, 422}
    assert difference(before, "rated") == {("age", "bounds"): 1}


def test_foreign_schema_is_counted_by_its_columns(client: FlaskClient) -> None:
    before = counts("foreign")
    assert client.post("/foreign", json=[{"a": -1}, {"a": -2}]).status_code == 422
    assert difference(before, "foreign") == {
        ("a", "greater_than(0)"): 2,
        ("b", "missing"): 1,
        ("", "column_in_schema"): 1,
    }


def test_scalar_is_counted_without_a_column(client: FlaskClient) -> None:
    before = counts("whole")
    assert client.post("/whole", json=-1).status_code == 422
    assert difference(before, "whole") == {("", "other"): 1}


def test_valid_values_are_not_counted(client: FlaskClient) -> None:
    before = counts("whole")
    assert client.post("/whole", json=1).status_code == 200
    assert difference(before, "whole") == {}


def test_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_metrics, "_rules", set())
    monkeypatch.setattr(request_metrics, "_MOST_RULES", 3)
    context = RequestContext("id")
    context.target = "many"
    error = mmf.InvalidValue("wrong").failing(
        FailedCheck(f"column {number}", "type") for number in range(10)
    )
    RequestMetrics().rejected(context, error)
    assert len(counts("many")) == 4
    assert counts("many")["", "other"] == 7
