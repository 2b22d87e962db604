"""Deadlines: a response in time, and the log records how the call ended."""

# ruff: noqa: B008 - a target's arguments and their descriptors

import logging
import time
from contextvars import ContextVar
from hashlib import pbkdf2_hmac
from threading import Event
from typing import Any

import pytest

import mmf_core as mmf
from mmf_core.call_options import CallOptions
from mmf_core.errors import DeadlineExceeded, InvalidValue, TargetError
from mmf_core.execution import Execution, Timings
from mmf_core.settings import Settings
from mmf_core.target import Target

LONGEST = 10


def execution(
    function: Any, timeout: float | None = 0.1, abandoned_call_timeout: float = 60, **more: Any
) -> Execution:
    target = Target.of(function, returns=mmf.String(), call_options=CallOptions(timeout=timeout))
    return Execution(target, Settings(abandoned_call_timeout=abandoned_call_timeout), **more)


def eventually(text: str, caplog: pytest.LogCaptureFixture) -> bool:
    end = time.monotonic() + LONGEST
    while text not in caplog.text and time.monotonic() < end:
        time.sleep(0.01)
    return text in caplog.text


def test_fast_call_returns_its_result() -> None:
    def score(word: Any = mmf.String()) -> Any:
        return word.upper()

    run = execution(score, timeout=LONGEST)
    assert [run({"word": word}) for word in "abc"] == ["A", "B", "C"]


@pytest.mark.parametrize("error", [InvalidValue("no"), ValueError("broken")])
def test_errors_propagate(error: Exception) -> None:
    def score() -> None:
        raise error

    with pytest.raises(InvalidValue if isinstance(error, InvalidValue) else TargetError):
        execution(score, timeout=LONGEST)({})


def test_context_variables_are_visible_in_the_call() -> None:
    variable: ContextVar[str] = ContextVar("variable")

    def score() -> str:
        return variable.get()

    variable.set("of the request")
    assert execution(score, timeout=LONGEST)({}) == "of the request"


def test_blocked_call_is_abandoned_and_its_end_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Event()

    def score() -> str:
        assert gate.wait(LONGEST)
        return "late"

    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"score took longer than 0\.1 seconds"):
        execution(score)({})
    assert time.monotonic() - started < LONGEST / 2
    gate.set()
    assert eventually("abandoned call ended after", caplog)


def test_c_code_is_abandoned() -> None:
    def score() -> str:
        return pbkdf2_hmac("sha256", b"", b"", 2_000_000).hex()

    with pytest.raises(DeadlineExceeded):
        execution(score)({})


def test_other_calls_continue_beside_an_abandoned_one() -> None:
    gate = Event()

    def score(wait: Any = mmf.Bool()) -> str:
        if wait:
            assert gate.wait(LONGEST)
        return "done"

    run = execution(score)
    with pytest.raises(DeadlineExceeded):
        run({"wait": True})
    assert run({"wait": False}) == "done"
    gate.set()


def test_stuck_call_logs_its_stack_and_restarts_the_worker(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate, replaced = Event(), Event()

    def score() -> str:
        assert gate.wait(LONGEST)
        return ""

    with pytest.raises(DeadlineExceeded):
        execution(score, abandoned_call_timeout=0.05, replace_worker=replaced.set)({})
    assert replaced.wait(LONGEST)
    assert "assert gate.wait(LONGEST)" in caplog.text
    gate.set()


def test_call_that_ends_in_time_does_not_restart_the_worker() -> None:
    gate, replaced = Event(), Event()

    def score() -> str:
        assert gate.wait(LONGEST)
        return ""

    with pytest.raises(DeadlineExceeded):
        execution(score, abandoned_call_timeout=0.3, replace_worker=replaced.set)({})
    gate.set()
    assert not replaced.wait(0.6)


def test_service_timeout_is_the_default() -> None:
    gate = Event()

    def score() -> str:
        assert gate.wait(LONGEST)
        return ""

    target = Target.of(score, returns=mmf.String())
    with pytest.raises(DeadlineExceeded):
        Execution(target, Settings(timeout=0.05))({})
    gate.set()


def test_threads_are_reused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    names = set()

    def score() -> str:
        from threading import current_thread

        names.add(current_thread().ident)
        return ""

    run = execution(score, timeout=LONGEST)
    for _ in range(20):
        run({})
    assert len(names) < 5


def test_request_that_expired_during_decoding_is_not_executed() -> None:
    calls = []

    def score(word: Any = mmf.String()) -> Any:
        calls.append(word)
        return word

    timings = Timings(received=time.perf_counter() - 1)
    with pytest.raises(DeadlineExceeded):
        execution(score, timeout=0.5)({"word": "a"}, timings)
    assert not calls
    assert execution(score, timeout=LONGEST)({"word": "a"}, timings) == "a"


def test_timeout_counts_from_arrival() -> None:
    def score(word: Any = mmf.String()) -> Any:
        time.sleep(0.4)
        return word

    run = execution(score, timeout=0.5)
    assert run({"word": "a"}, Timings(received=time.perf_counter())) == "a"
    with pytest.raises(DeadlineExceeded):
        run({"word": "a"}, Timings(received=time.perf_counter() - 0.3))
