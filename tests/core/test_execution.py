"""Running a target: checks, defaults, failures, results."""

# ruff: noqa: ARG001, B008 - a target's arguments and their descriptors

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core.descriptors import Descriptor
from mmf_core.errors import (
    ArtifactError,
    InvalidValue,
    MMFError,
    RequestError,
    ResultError,
    TargetError,
)
from mmf_core.execution import Execution
from mmf_core.target import Target


def run(target: Target, values: dict[str, Any]) -> Any:
    return Execution(target)(values)


def _returning(result: object, returns: Descriptor[Any] | None) -> Target:
    def score() -> object:
        return result

    return Target.of(score, returns=returns)


def _raising(error: BaseException) -> Target:
    def score() -> None:
        raise error

    return Target.of(score)


def _add(a: Any = mmf.Integer(), b: Any = mmf.Integer(default=10)) -> Any:
    return a + b


ADD = Target.of(_add, returns=mmf.Integer())


def test_arguments_are_validated_and_the_result_serialized() -> None:
    assert run(ADD, {"a": "1", "b": 2.0}) == 3


def test_missing_argument_gets_its_default() -> None:
    assert run(ADD, {"a": 1}) == 11


def test_none_as_default_reaches_the_function() -> None:
    def score(data: Any = mmf.DataFrame(default=None)) -> Any:
        return data is None

    assert run(Target.of(score, returns=mmf.Bool()), {}) is True


def test_null_is_not_a_missing_argument() -> None:
    with pytest.raises(InvalidValue):
        run(ADD, {"a": 1, "b": None})


@pytest.mark.parametrize(
    ("descriptor", "change"),
    [
        (mmf.Dict(default={"seen": []}), lambda value: value["seen"].append(1)),
        (mmf.JsonFile(default=[]), lambda value: value.append(1)),
        (mmf.DataFrame(default=[{"a": 1}]), lambda value: value.insert(0, "b", 2)),
        (mmf.Array(default=[1, 2]), lambda value: value.fill(9)),
    ],
)
def test_defaults_are_copied_for_each_call(
    descriptor: Descriptor[Any], change: Callable[[Any], None]
) -> None:
    def score(value: Any = descriptor) -> Any:
        before = str(value)
        change(value)
        return before

    target = Target.of(score, returns=mmf.String())
    assert run(target, {}) == run(target, {})


def test_errors_of_all_arguments_are_reported_together() -> None:
    def score(
        n: Any = mmf.Integer(),
        data: Any = mmf.DataFrame(schema={"a": float}),
        label: Any = mmf.String(),
        ok: Any = mmf.String(),
    ) -> None:
        raise AssertionError

    table = pd.DataFrame({"a": ["x", "1", "y"]})
    with pytest.raises(InvalidValue) as caught:
        run(Target.of(score), {"n": "many", "data": table, "ok": "fine"})
    positions = [(error.where, error.row, error.column) for error in caught.value.errors]
    assert positions == [
        ("n", None, None),
        ("data", 0, "a"),
        ("data", 2, "a"),
        ("label", None, None),
    ]
    assert "many" in caught.value.detail
    assert "label: missing" in caught.value.detail


@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret"),
        KeyError("secret"),
        SystemExit(3),
        NotImplementedError(),
        asyncio.CancelledError("secret"),
    ],
)
def test_exceptions_become_target_errors(error: BaseException) -> None:
    with pytest.raises(TargetError) as caught:
        run(_raising(error), {})
    assert caught.value.__cause__ is error
    assert caught.value.status == 500
    assert "score" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_keyboard_interrupt_propagates() -> None:
    with pytest.raises(KeyboardInterrupt):
        run(_raising(KeyboardInterrupt()), {})


@pytest.mark.parametrize(
    "error",
    [
        mmf.InvalidValue("send hex or rgb", [mmf.ErrorDetail("no", where="notation")]),
        RequestError("not so"),
        ArtifactError("not loaded"),
    ],
)
def test_request_errors_of_the_function_propagate(error: MMFError) -> None:
    with pytest.raises(type(error)) as caught:
        run(_raising(error), {})
    assert caught.value is error


@pytest.mark.parametrize(
    ("returns", "result"),
    [
        (mmf.DataFrame(), "text"),
        (mmf.DataFrame(), None),
        (mmf.DataFrame(schema={"a": float}), pd.DataFrame({"b": [1.0]})),
        (mmf.DataFrame(), pd.DataFrame({"a": [1]}, index=pd.Index([1], name="a"))),
        (mmf.Dict(), np.zeros(2)),
        (mmf.Array(), [[1], [1, 2]]),
        (mmf.Array(), ["x"]),
        (mmf.Image(), np.zeros((2, 2))),
        (mmf.String(), 5),
        (mmf.Integer(), "5"),
        (mmf.File(), "path.txt"),
        (None, "something"),
        (None, 0),
    ],
)
def test_invalid_result_raises_result_error(
    returns: Descriptor[Any] | None, result: object
) -> None:
    with pytest.raises(ResultError, match="score") as caught:
        run(_returning(result, returns), {})
    assert caught.value.status == 500


def test_rejects_generator_as_result() -> None:
    def score() -> Iterator[int]:
        return (piece for piece in [1])

    with pytest.raises(ResultError, match="generator"):
        run(Target.of(score, returns=mmf.Dict()), {})


@pytest.mark.parametrize("prediction", [np.array([1, 0]), pd.Series([1, 0]), [1, 0]])
def test_prediction_becomes_a_table(prediction: object) -> None:
    table = run(_returning(prediction, mmf.DataFrame()), {})
    assert table.to_dict("list") == {"prediction": [1, 0]}


def test_target_without_returns_returns_none() -> None:
    assert run(_returning(None, None), {}) is None


def test_missing_argument_error_names_its_type() -> None:
    with pytest.raises(InvalidValue) as caught:
        run(ADD, {})
    (error,) = caught.value.errors
    assert error.where == "a"
    assert "Integer" in error.message
