"""Concurrency: a limit of running calls, a limit of queued ones, and a 503 for the others."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock
from typing import Any

import pytest

from mmf_core.errors import ClientGone, Overloaded
from mmf_core.execution import Timings, limits
from mmf_core.execution.limits import ConcurrencyLimiter, Slots

LONGEST = 10


class Held:
    """A call that waits for a gate and counts how many run at once."""

    def __init__(self) -> None:
        self.gate = Event()
        self.lock = Lock()
        self.running = 0
        self.most = 0

    def __call__(self, arguments: dict[str, Any], _measures: Timings) -> Any:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.gate.wait(LONGEST)
        with self.lock:
            self.running -= 1
        if "error" in arguments:
            raise arguments["error"]
        return arguments


def fill(
    limited: ConcurrencyLimiter, threads: ThreadPoolExecutor, count: int, **arguments: Any
) -> list[Future[Any]]:
    futures = [threads.submit(limited, arguments, Timings()) for _ in range(count)]
    slots = limited._slots
    while slots._running + len(slots._queue) < count:
        assert not any(future.done() for future in futures)
    return futures


def test_rejects_calls_beyond_limit_and_queue_immediately() -> None:
    held = Held()
    limited = ConcurrencyLimiter(held, "score", limit=2, queue=3)
    with ThreadPoolExecutor(8) as threads:
        futures = fill(limited, threads, 5)
        with pytest.raises(Overloaded, match="score"):
            limited({}, Timings())
        held.gate.set()
        assert [future.result(LONGEST) for future in futures] == [{}] * 5
    assert held.most == 2
    assert limited({}, Timings()) == {}


def test_failed_call_releases_its_slot() -> None:
    held = Held()
    limited = ConcurrencyLimiter(held, "score", limit=1, queue=0)
    with ThreadPoolExecutor(1) as threads:
        (future,) = fill(limited, threads, 1, error=ValueError())
        held.gate.set()
        assert isinstance(future.exception(LONGEST), ValueError)
    assert limited({}, Timings()) == {}


def test_queue_is_first_in_first_out() -> None:
    slots, order = Slots(1, 5, "full"), []

    def call(number: int) -> None:
        with slots.take(Timings()):
            order.append(number)

    with ThreadPoolExecutor(5) as threads, slots.take(Timings()):
        for number in range(5):
            threads.submit(call, number)
            while len(slots._queue) <= number:
                pass
    assert order == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("has_come", [False, True])
def test_disconnected_call_leaves_the_queue(
    monkeypatch: pytest.MonkeyPatch, has_come: bool
) -> None:
    """Even if its turn comes at the same moment."""
    monkeypatch.setattr(limits, "HANG_UP_POLL", 0.01)
    slots = Slots(1, 1, "full")
    first = slots.take(Timings())
    first.__enter__()

    def is_abandoned() -> bool:
        if has_come:
            first.__exit__(None, None, None)
        return True

    with pytest.raises(ClientGone, match="gone"), slots.take(Timings(is_abandoned=is_abandoned)):
        pytest.fail("nobody waits")
    if not has_come:
        first.__exit__(None, None, None)
    with slots.take(Timings()):
        assert (slots._running, len(slots._queue)) == (1, 0)
