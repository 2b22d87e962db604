"""Who gets which version, when a candidate is rolled back, and which results are the same."""

import math
import os
import tracemalloc
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmf_core.rollouts import gates
from mmf_core.rollouts.comparison import same
from mmf_core.rollouts.counters import CANDIDATE, STABLE, Calls, Copies, Counters
from mmf_core.rollouts.mirror import MAX_COPY_BYTES, Mirror
from mmf_core.rollouts.plan import Gates, Plan, of
from mmf_core.rollouts.rollout import position
from mmf_core.rollouts.strategies import STRATEGIES, BothRewards, Figures, Progress

CANARY: Plan = of(
    {
        "candidate": {"name": "v2", "artifacts": {"m": "n"}},
        "steps": {"traffic": [5, 20, 100], "minutes": 1, "requests": 10},
    }
)


def calls(count: float, failed: float = 0, seconds: float = 0.01) -> Calls:
    counters = Counters()
    for number in range(int(count)):
        counters.add_call(STABLE, seconds, failed=number < failed)
    return counters.calls(STABLE)


def _lists(cell: list[float] | None) -> pd.DataFrame:
    """Return a table with a list in a cell, as an Arrow file gives it."""
    array = None if cell is None else np.array(cell)
    return pd.DataFrame({"a": pd.Series([array], dtype=object)})


def figures(stable: Calls, candidate: Calls, copies: Copies | None = None) -> Figures:
    return Figures(stable, candidate, copies or Copies())


@given(st.lists(st.text(max_size=20), unique=True, min_size=1, max_size=50))
def test_positions_of_callers(users: list[str]) -> None:
    places = [position("v2", user) for user in users]
    assert all(0 <= place < 100 for place in places)
    assert places == [position("v2", user) for user in users]


def test_callers_are_spread_evenly_and_differently_for_each_candidate() -> None:
    users = [f"user {number}" for number in range(10_000)]
    chosen = {user for user in users if position("v2", user) < 20}
    assert 1_800 < len(chosen) < 2_200  # 2,000 ± 5 standard deviations
    again = {user for user in users if position("v3", user) < 20}
    assert 280 < len(chosen & again) < 520  # 400 ± 6


@pytest.mark.parametrize(
    ("stable", "candidate", "reason"),
    [
        (calls(400), calls(400, failed=20), "errors: 20 of 400 calls failed, and 0 of 400"),
        (calls(400), calls(400, failed=8), ""),
        (calls(400, failed=20), calls(400, failed=20), ""),
        (calls(400), calls(40, failed=40), ""),  # too few to say
        (calls(400, seconds=0.01), calls(400, seconds=0.03), "slower: the 95th percentile is"),
        (calls(400, seconds=0.01), calls(400, seconds=0.012), ""),
        (calls(400, seconds=0.0004), calls(400, seconds=0.0011), ""),  # what nobody notices
        (calls(10, seconds=0.01), calls(400, seconds=0.03), ""),
    ],
)
def test_gates_name_the_reason_of_a_breach(stable: Calls, candidate: Calls, reason: str) -> None:
    result = gates.breach(Gates(), figures(stable, candidate))
    assert result.startswith(reason)
    assert bool(result) == bool(reason)


def test_few_slow_calls_are_chance() -> None:
    """Of a hundred calls five are always slow, and eight may be."""
    stable = calls(400, seconds=0.01)
    for slow, is_breached in ((5, False), (8, False), (16, True)):
        fast, late = calls(100 - slow, seconds=0.01), calls(slow, seconds=0.1)
        buckets = tuple(map(sum, zip(fast.buckets, late.buckets, strict=True)))
        result = gates.breach(Gates(), figures(stable, Calls(100, 0, buckets)))
        assert bool(result) == is_breached, slow


def test_gate_of_differences_closes() -> None:
    limits = Gates(different=0.1)
    copies = Copies(sent=200, compared=200, different=60)
    assert gates.breach(limits, figures(calls(1), calls(1), copies)).startswith("different: 60 of")
    assert not gates.breach(limits, figures(calls(1), calls(1), Copies(compared=200, different=15)))


def test_good_candidate_is_not_rolled_back_by_chance() -> None:
    """Two equal versions, one per cent of errors each, checked each second for ten minutes."""
    random = np.random.default_rng(0)
    for _ in range(20):
        fails = random.random((2, 600 * 10)) < 0.01
        in_a_row = most = 0
        for second in range(1, 600):
            stable, candidate = (Calls(second * 10, each[: second * 10].sum()) for each in fails)
            breached = bool(gates.breach(Gates(), figures(stable, candidate)))
            in_a_row = in_a_row + 1 if breached else 0
            most = max(most, in_a_row)
        assert most < 3


def test_steps_need_time_and_requests() -> None:
    canary = STRATEGIES["canary"]
    enough = figures(calls(100), calls(10))
    assert canary.traffic(CANARY, Progress(), BothRewards()) == 5
    assert canary.next_step(CANARY, Progress(0, 59), enough) == 0
    assert canary.next_step(CANARY, Progress(0, 60), figures(calls(100), calls(9))) == 0
    assert canary.next_step(CANARY, Progress(0, 60), enough) == 1
    assert canary.next_step(CANARY, Progress(2, 600), enough) == 2
    assert canary.traffic(CANARY, Progress(2), BothRewards()) == 100
    assert canary.traffic(CANARY, Progress(7), BothRewards()) == 100, (
        "a plan that has become shorter"
    )


def test_quantile_is_estimated() -> None:
    counters = Counters()
    for number in range(1, 101):
        counters.add_call(CANDIDATE, number / 1000, failed=False)
    result = counters.calls(CANDIDATE).quantile(0.95)
    assert 0.095 <= result <= 0.095 * 2**0.25 * 1.01
    assert counters.calls(STABLE).quantile(0.95) == 0
    counters.add_call(CANDIDATE, 0, failed=False)
    counters.add_call(CANDIDATE, 1e9, failed=True)
    assert counters.calls(CANDIDATE).failed == 1


def test_nothing_is_lost_by_threads_or_processes_that_end() -> None:
    counters = Counters()

    def count() -> None:
        for _ in range(2_000):
            counters.add_call(STABLE, 0.001, failed=False)

    for generation in range(3):
        pid = os.fork()
        if not pid:
            for _ in range(100):
                counters.add_call(STABLE, 0.001, failed=True)
            os._exit(generation)
        os.waitpid(pid, 0)
    threads = [Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.calls(STABLE).count == 8_300
    assert counters.calls(STABLE).failed == 300


@pytest.mark.parametrize(
    ("expected", "actual", "is_same"),
    [
        (1.0, 1.0 + 1e-9, True),
        (1.0, 1.001, False),
        (math.nan, math.nan, True),
        (1.0, math.nan, False),
        (1, 1.0, False),
        ("text", "text", True),
        ({"a": [1.0, None]}, {"a": [1.0 + 1e-12, None]}, True),
        ({"a": 1}, {"b": 1}, False),
        ([1], [1, 2], False),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0]), np.array([1.0, 2.0]), False),
        (np.array(["a"]), np.array(["b"]), False),
        (pd.DataFrame({"a": [1.5, None]}), pd.DataFrame({"a": [1.5, None]}), True),
        (pd.DataFrame({"a": ["x", None]}), pd.DataFrame({"a": ["x", None]}), True),
        (pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": ["y"]}), False),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), False),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1, 2]}), False),
        (pd.DataFrame({"a": pd.Categorical(["x"])}), pd.DataFrame({"a": ["x"]}), True),
        (pd.DataFrame({"a": [1]}), {"a": [1]}, False),
        (b"bytes", b"bytes", True),
        (_lists([1.0, 2.0]), _lists([1.0, 2.0]), True),
        (_lists([1.0, 2.0]), _lists([1.0, 3.0]), False),
        (_lists([]), _lists(None), False),
    ],
)
def test_equal_results_are_recognised(expected: object, actual: object, *, is_same: bool) -> None:
    assert same(expected, actual) is is_same


def test_copy_that_is_too_large_is_dropped_early() -> None:
    """A request of 50 MiB took as much again, and twice, before it was dropped."""
    counters = Counters()
    copies = Mirror(counters)
    large = np.zeros(MAX_COPY_BYTES // 4)
    tracemalloc.start()
    try:
        assert copies.pickled({"data": large}) is None
        small = copies.pickled({"data": 1})
        for result in (large, 1):
            copies.send("predict", small, result)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        copies._receiver.close()
        copies._sender.close()
    assert peak < MAX_COPY_BYTES / 4
    assert (counters.copies().sent, counters.copies().dropped) == (1, 1)
