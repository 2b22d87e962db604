"""Example calls: certain and guessed examples, failure messages, and the warm-up."""

# ruff: noqa: ARG001, B008 - a target's arguments and their descriptors

from threading import Event, get_ident
from typing import Any

import pytest

import mmf_core as mmf
from mmf_core.errors import ArtifactError
from mmf_core.example_calls import CallStatus, Failure, call, failed_example, warm_up

LONG = 30.0


class Anything:
    """A schema that accepts everything."""

    def validate(self, table: Any) -> Any:
        return table


SURE = {
    "table of numbers": mmf.DataFrame(schema={"a": float, "b": int, "c": bool}),
    "table of choices": mmf.DataFrame(schema={"b": mmf.Column(str, choices=["x"])}),
    "array by columns": mmf.Array(columns=["a"]),
    "array by shape": mmf.Array(shape=(None, 2)),
    "number": mmf.Float(),
    "yes or no": mmf.Bool(),
    "bounded": mmf.Integer(ge=1),
    "choice": mmf.String(choices=["red"]),
}
GUESSED = {
    "table": mmf.DataFrame(),
    "table with a text": mmf.DataFrame(schema={"a": float, "b": str}),
    "table of another's schema": mmf.DataFrame(schema=Anything()),
    "array": mmf.Array(),
    "whole number": mmf.Integer(),
    "text": mmf.String(),
    "tree": mmf.Dict(),
    "file": mmf.File(),
    "picture": mmf.Img(),
    "moment": mmf.Datetime(),
}


@pytest.mark.parametrize("kind", SURE | GUESSED)
@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (None, {True: CallStatus.OK, False: CallStatus.OK}),
        (ValueError("no"), {True: CallStatus.FAILED, False: CallStatus.REJECTED}),
        (mmf.InvalidValue("no"), {True: CallStatus.REJECTED, False: CallStatus.REJECTED}),
        (ArtifactError("no"), {True: CallStatus.FAILED, False: CallStatus.FAILED}),
    ],
    ids=["answers", "raises", "refuses", "is not loaded"],
)
def test_only_a_certain_example_counts_as_failure(
    registry: mmf.Registry, kind: str, error: Exception | None, ending: dict[bool, CallStatus]
) -> None:
    @registry.target
    def score(data: Any = (SURE | GUESSED)[kind]) -> None:
        if error:
            raise error

    assert call(registry.targets["score"]).status is ending[kind in SURE]


def test_public_reason_omits_details() -> None:
    error = ArtifactError("m.bin cannot be loaded: KeyError: 'secret'; is it whole?")
    error.__cause__ = KeyError("secret")
    assert Failure.of(error).public == "m.bin cannot be loaded: KeyError"
    assert "secret" in Failure.of(error).detail
    assert Failure.of(OSError("a secret")) == Failure("OSError", "OSError: a secret")
    assert Failure.of(ArtifactError("m.bin is absent")).public == "m.bin is absent"


def test_warm_up_calls_targets_with_arguments_in_a_thread(registry: mmf.Registry) -> None:
    called: dict[str, int] = {}

    @registry.target(timeout=0.001, batch=False)
    def good(x: Any = mmf.Float()) -> None:
        called["good"] = get_ident()

    @registry.target
    def bad(x: Any = mmf.Float()) -> None:
        raise ValueError("a secret")

    @registry.target
    def guessed(text: Any = mmf.String()) -> None:
        raise ValueError("not this text")

    @registry.target
    def purge(text: Any = mmf.String(default="all")) -> None:
        called["purge"] = 1

    warm_up(registry, LONG)
    assert list(called) == ["good"]
    assert called["good"] != get_ident()
    assert registry.pending_warmups == {"bad": "bad fails on its example: ValueError"}
    assert not registry.is_ready


def test_service_is_ready_although_its_upstream_is_down(
    registry: mmf.Registry, caplog: pytest.LogCaptureFixture
) -> None:
    @registry.target
    def score(x: Any = mmf.Float()) -> None:
        raise mmf.Unavailable("the feature store does not respond")

    warm_up(registry, LONG)
    assert registry.is_ready
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.message == (
        "score fails on its example: Unavailable: the feature store does not respond"
    )
    assert failed_example(registry, lambda _route: None) is None


def test_long_warm_up_continues_in_the_background(registry: mmf.Registry) -> None:
    gate, ended = Event(), Event()

    @registry.target
    def slow(x: Any = mmf.Float()) -> None:
        gate.wait(LONG)

    @registry.target
    def last(x: Any = mmf.Float()) -> None:
        ended.set()

    warm_up(registry, 0.01)
    assert registry.not_ready_reason == "slow is being warmed up; last is being warmed up"
    gate.set()
    assert ended.wait(LONG)
