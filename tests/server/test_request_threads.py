"""Requests that contend for the GIL run a few at a time, others all at once."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mmf_core.server import request_threads
from mmf_core.server.request_threads import FEWEST, RequestThreads

THREADS = 16
LONGEST = 10.0


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how many cores the process seems to use, as a list of one number."""
    used = [1.0]
    monkeypatch.setattr(request_threads.time, "process_time", lambda: time.monotonic() * used[0])
    return used


@pytest.fixture
def threads(
    cores: list[float],  # noqa: ARG001 - before them
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[RequestThreads[int]]:
    monkeypatch.setattr(request_threads, "LONG", 10 * LONGEST)  # all may be busy at first
    threads = RequestThreads[int](THREADS)
    yield threads
    threads.shutdown(wait=True)


def adapted(threads: RequestThreads[int], condition: Callable[[], bool]) -> bool:
    """Poll the CPU usage, as the worker does, until a condition is met."""
    end = time.monotonic() + LONGEST
    while not condition() and time.monotonic() < end:
        threads.adapt()
        time.sleep(0.005)
    return condition()


class Gauge:
    """Counts how many requests run at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.running = self.most = self.done = 0
        self._lock = threading.Lock()

    def __call__(self, _number: int) -> None:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(self.seconds)
        with self._lock:
            self.running -= 1
            self.done += 1


def settle(threads: RequestThreads[int]) -> None:
    """Run requests until the number of threads is minimal."""
    many = Gauge(0.001)
    for number in range(1_000):
        threads.submit(many, number)
    assert adapted(threads, lambda: many.done == 1_000)


def test_gil_bound_requests_run_a_few_at_a_time(
    threads: RequestThreads[int], cores: list[float]
) -> None:
    settle(threads)
    short = Gauge(0.002)
    later = Gauge(0.002)
    for number in range(100):
        threads.submit(later, number)
    assert adapted(threads, lambda: later.done == 100)
    assert later.most == FEWEST
    cores[0] = 0.1  # and now they block without the GIL
    for number in range(2_000):
        threads.submit(short, number)
    assert adapted(threads, lambda: short.running > THREADS // 2)
    assert adapted(threads, lambda: short.done == 2_000)


@pytest.mark.parametrize("used", [0.1, 3.0])
def test_requests_that_release_the_gil_use_all_threads(
    used: float, threads: RequestThreads[int], cores: list[float]
) -> None:
    cores[0] = used
    gauge = Gauge(0.01)
    for number in range(200):
        threads.submit(gauge, number)
    assert adapted(threads, lambda: gauge.done == 200)
    assert gauge.most == THREADS


def test_long_request_does_not_block_others(
    threads: RequestThreads[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_threads, "LONG", 0.02)
    settle(threads)
    short = Gauge(0.001)
    over = threading.Event()
    for _ in range(FEWEST + 3):
        threads.submit(lambda _: over.wait(LONGEST), 0)
    threads.submit(short, 0)
    assert adapted(threads, lambda: short.done == 1)
    over.set()


def test_blocked_request_frees_its_slot(threads: RequestThreads[int]) -> None:
    settle(threads)
    waiting = threading.Barrier(THREADS, timeout=LONGEST)
    passed: list[int] = []

    def wait_for_all(number: int) -> None:
        assert threads.leave()
        waiting.wait()
        threads.resume()
        passed.append(number)

    for number in range(THREADS):
        threads.submit(wait_for_all, number)
    deadline = time.monotonic() + LONGEST
    while len(passed) < THREADS and time.monotonic() < deadline:
        time.sleep(0.005)  # no poll of the CPU usage
    assert sorted(passed) == list(range(THREADS))
    again = Gauge(0.002)
    for number in range(100):
        threads.submit(again, number)
    assert adapted(threads, lambda: again.done == 100)
    assert again.most == FEWEST


def test_leave_does_nothing_outside_a_request(threads: RequestThreads[int]) -> None:
    assert not threads.leave()


def test_request_is_rejected_if_no_thread_can_start(
    threads: RequestThreads[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="no thread can be started"):
            threads.submit(done.append, 1)
    assert not threads.is_any_waiting()
    threads.submit(done.append, 2)
    assert adapted(threads, lambda: done == [2])


def test_threads_that_waited_last_run_next(threads: RequestThreads[int]) -> None:
    together = threading.Barrier(THREADS, timeout=LONGEST)
    ran: list[int] = []

    def run(_number: int) -> None:
        ran.append(threading.get_ident())

    for number in range(THREADS):
        threads.submit(lambda _: together.wait() and None, number)
    assert adapted(threads, lambda: not together.n_waiting and not threads.is_any_waiting())
    time.sleep(0.1)  # they wait for the next request
    for number in range(20):
        threads.submit(run, number)
        assert adapted(threads, lambda expected=number + 1: len(ran) == expected)
        time.sleep(0.01)
    assert len(set(ran)) < THREADS // 2


def test_requests_that_were_taken_end_before_the_threads(cores: list[float]) -> None:
    del cores
    threads = RequestThreads[int](2)
    gauge = Gauge(0.01)
    for number in range(10):
        threads.submit(gauge, number)
    threads.shutdown(wait=True)
    assert gauge.done == 10


def test_request_waits_while_all_threads_are_blocked(cores: list[float]) -> None:
    del cores
    threads = RequestThreads[int](2)
    may_go, blocked = threading.Event(), threading.Semaphore(0)
    done: list[int] = []

    def wait(_number: int) -> None:
        assert threads.leave()
        blocked.release()
        may_go.wait(LONGEST)
        threads.resume()

    for number in range(2):
        threads.submit(wait, number)
    assert all(blocked.acquire(timeout=LONGEST) for _ in range(2))
    threads.submit(done.append, 3)
    assert not done
    may_go.set()
    assert adapted(threads, lambda: done == [3])
    threads.shutdown(wait=True)
