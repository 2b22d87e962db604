"""Streams: valid declarations, and how generators end."""

# ruff: noqa: B008 - a target's arguments and their descriptors

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

import mmf_core as mmf
from mmf_core.errors import (
    ClientGone,
    DeadlineExceeded,
    DeclarationError,
    DescriptorError,
    InvalidValue,
    Overloaded,
    ResultError,
    TargetError,
)
from mmf_core.example_calls import CallStatus, call
from mmf_core.execution import Execution, Timings
from mmf_core.execution.streams import _worker_slots
from mmf_core.settings import Settings
from mmf_core.target import Target

LONGEST = 10
TEXTS = mmf.Stream(mmf.String())


def plain() -> Any:
    return "text"


def generating() -> Iterator[str]:
    yield "text"


async def generating_async() -> AsyncIterator[str]:
    yield "text"


async def coroutine() -> str:
    return "text"


@pytest.mark.parametrize(
    ("function", "returns", "message"),
    [
        (
            generating,
            None,
            r"generating: .* write .*mmf.Stream\(mmf.String",
        ),
        (generating, mmf.String(), "Stream"),
        (generating_async, mmf.String(), "Stream"),
        (plain, TEXTS, r"plain: .*yield each piece, or write returns=mmf.String\(\)"),
        (coroutine, TEXTS, "without async"),
    ],
)
def test_only_generators_return_streams(
    function: Callable[..., Any], returns: Any, message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        Target.of(function, returns=returns)


@pytest.mark.parametrize("item", [mmf.DataFrame(), mmf.Img(), mmf.File(), TEXTS, mmf.String, None])
def test_stream_items_must_be_json_values(item: Any) -> None:
    with pytest.raises(DescriptorError, match=r"such as mmf\.String"):
        mmf.Stream(item)


def test_stream_formats() -> None:
    assert mmf.Stream(mmf.String(), format="txt").output_format is mmf.Format.TEXT
    with pytest.raises(DescriptorError, match="one of events, jsonl"):
        mmf.Stream(mmf.Dict(), format="txt")


def test_rejects_stream_as_argument() -> None:
    def score(data: Any = TEXTS) -> None: ...

    with pytest.raises(DescriptorError, match="data: a stream can only be a result"):
        Target.of(score)


def test_rejects_batch_with_stream() -> None:
    def score(data: Any = mmf.DataFrame()) -> Iterator[str]:
        yield str(data)

    with pytest.raises(DeclarationError, match="batch="):
        mmf.Registry().target(returns=TEXTS, batch=True)(score)


class Log:
    """The events of a generator."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def __call__(self, *events: Any) -> None:
        self.events += events


def counting(log: Log, seconds: float = 0.0) -> Callable[..., Iterator[int]]:
    def count(to: Any = mmf.Integer()) -> Iterator[int]:
        try:
            for number in range(to):
                log(number)
                yield number
                time.sleep(seconds)
        finally:
            log("closed")

    return count


def counting_async(log: Log, seconds: float = 0.0) -> Callable[..., AsyncIterator[int]]:
    async def count(to: Any = mmf.Integer()) -> AsyncIterator[int]:
        try:
            for number in range(to):
                log(number)
                yield number
                await asyncio.sleep(seconds)
        finally:
            log("closed")

    return count


def execution(
    function: Callable[..., Any], settings: Settings | None = None, **limits: Any
) -> Execution:
    registry = mmf.Registry()
    registry.target(returns=mmf.Stream(mmf.Integer()), **limits)(function)
    (target,) = registry.targets.values()
    return Execution(target, settings)


@pytest.fixture(params=[counting, counting_async])
def counter(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("limits", [{}, {"timeout": LONGEST}, {"max_concurrency": 1}])
def test_yields_every_piece_and_closes_the_generator(counter: Any, limits: dict[str, Any]) -> None:
    log = Log()
    pieces = execution(counter(log), **limits)({"to": 3})
    assert log.events == [], "the generator starts on the first next()"
    assert list(pieces) == [0, 1, 2]
    assert log.events == [0, 1, 2, "closed"]


@pytest.mark.parametrize("limits", [{}, {"timeout": LONGEST}])
def test_closing_the_stream_closes_the_generator(counter: Any, limits: dict[str, Any]) -> None:
    log = Log()
    pieces = execution(counter(log), max_concurrency=1, **limits)({"to": 3})
    assert next(pieces) == 0
    pieces.close()
    end = time.monotonic() + LONGEST
    while "closed" not in log.events and time.monotonic() < end:
        time.sleep(0.01)
    assert log.events == [0, "closed"]


def test_arguments_are_validated_first(counter: Any) -> None:
    with pytest.raises(InvalidValue, match="a whole number"):
        execution(counter(Log()))({"to": "x"})


def failing(error: BaseException) -> Callable[..., Iterator[int]]:
    def score() -> Iterator[int]:
        yield 1
        raise error

    return score


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("secret"), TargetError),
        (SystemExit(1), TargetError),
        (asyncio.CancelledError("secret"), TargetError),
        (InvalidValue("not that"), InvalidValue),
    ],
)
def test_errors_are_mapped_as_for_calls(error: BaseException, expected: type[Exception]) -> None:
    pieces = execution(failing(error))({})
    assert next(pieces) == 1
    with pytest.raises(expected):
        next(pieces)


def test_invalid_piece_raises_result_error() -> None:
    def score() -> Iterator[Any]:
        yield 1
        yield "x"

    pieces = execution(score)({})
    assert next(pieces) == 1
    with pytest.raises(ResultError, match="score: expected a whole number, got str"):
        next(pieces)


def test_rejects_generator_return_value() -> None:
    def score() -> Iterator[int]:
        yield 1
        return 2

    with pytest.raises(ResultError, match="score returned a int; yield it"):
        list(execution(score)({}))


def test_error_while_closing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def score() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise ValueError("too late")

    pieces = execution(score)({})
    next(pieces)
    pieces.close()
    assert "score failed while its stream was closed" in caplog.text


def test_timeout_applies_to_each_piece(counter: Any) -> None:
    log = Log()
    pieces = execution(counter(log, seconds=0.2), timeout=0.5)({"to": 5})
    assert list(pieces) == [0, 1, 2, 3, 4], "one second in total"
    pieces = execution(counter(log, seconds=0.8), timeout=0.3)({"to": 5})
    assert next(pieces) == 0
    with pytest.raises(DeadlineExceeded, match=r"count took longer than 0\.3 seconds"):
        next(pieces)
    end = time.monotonic() + LONGEST
    while log.events.count("closed") < 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert log.events[5:] in (["closed", 0, "closed"], ["closed", 0, 1, "closed"])


def test_all_pieces_are_made_in_one_thread() -> None:
    threads = set()

    def score() -> Iterator[int]:
        for number in range(5):
            threads.add(threading.get_ident())
            yield number

    once = execution(score, timeout=LONGEST)
    streams = [once({}), once({})]
    for _ in range(5):
        for stream in streams:
            next(stream)
    assert len(threads) == 2


def test_stream_holds_its_slot_until_closed() -> None:
    limited = execution(counting(Log()), max_concurrency=1, max_queue=0)
    first = limited({"to": 3})
    next(first)
    with pytest.raises(Overloaded, match=r"count is at its limit of 1 call$"):
        next(limited({"to": 3}))
    first.close()
    assert list(limited({"to": 1})) == [0]


def test_streams_per_worker_are_limited() -> None:
    settings = Settings(max_streams=2)
    executions = [execution(counting(Log()), settings) for _ in range(3)]
    streams = [run({"to": 2}) for run in executions]
    assert [next(stream) for stream in streams[:2]] == [0, 0]
    with pytest.raises(Overloaded, match=r"limit of 2 streams \(set MMF_MAX_STREAMS\)"):
        next(streams[2])
    streams[0].close()
    assert list(executions[2]({"to": 2})) == [0, 1]
    streams[1].close()
    assert _worker_slots(2)._running == 0


def test_limit_message_for_one_stream() -> None:
    alone = execution(counting(Log()), Settings(max_streams=1))
    with closing(alone({"to": 2})) as stream:
        next(stream)
        with pytest.raises(Overloaded, match=r"limit of 1 stream \(set MMF_MAX_STREAMS\)"):
            next(alone({"to": 2}))


def test_async_generator_is_cancelled_on_disconnect() -> None:
    log, gone = Log(), threading.Event()

    async def score() -> AsyncIterator[int]:
        yield 1
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            log("cancelled")
            raise
        finally:
            log("closed")

    pieces = execution(score)({}, Timings(is_abandoned=gone.is_set))
    assert next(pieces) == 1
    threading.Timer(0.1, gone.set).start()
    started = time.monotonic()
    with pytest.raises(ClientGone):
        next(pieces)
    assert time.monotonic() - started < 1
    assert log.events == ["cancelled", "closed"]


def test_timings_include_the_generator() -> None:
    timings = Timings()
    list(execution(counting(Log(), seconds=0.05))({"to": 3}, timings))
    assert 0.15 <= timings.call < 1
    assert timings.queue < 0.1


def test_example_call_takes_only_the_first_piece(counter: Any) -> None:
    log = Log()
    registry = mmf.Registry()
    registry.target(returns=mmf.Stream(mmf.Integer()))(counter(log))
    (target,) = registry.targets.values()
    result = call(replace(target, arguments={"to": mmf.Integer(ge=10**9)}))
    assert (result.status, result.content) == (CallStatus.OK, b"0")
    assert log.events == [0, "closed"]


def test_example_call_reports_a_failing_stream() -> None:
    registry = mmf.Registry()
    registry.target(returns=TEXTS)(failing(ValueError("one is not a text")))
    (target,) = registry.targets.values()
    assert call(target).status is CallStatus.FAILED
