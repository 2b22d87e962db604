"""When another thread takes the lead, and which requests get a thread at once."""

import time
from typing import Any

import pytest

from mmf_core.server import leads
from mmf_core.server.leads import COMPUTED, OFTEN, WAITED, Lead, Look, Waiters
from mmf_core.turns import Turn, step_aside


class Clock:
    """Time that goes by as the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.computed = 1.0
        monkeypatch.setattr(leads.time, "monotonic", lambda: self.now)

    def lead(self) -> Lead:
        """Return a lead whose thread has computed as the test says."""
        lead = Lead()
        lead.processor_time = lambda: self.computed  # type: ignore[method-assign]
        return lead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize(
    ("passed", "computed", "over"),
    [
        (WAITED * 0.9, 0.0, False),
        (WAITED * 1.1, 0.0, True),
        (WAITED * 1.1, WAITED, False),
        (COMPUTED * 0.9, COMPUTED, False),
        (COMPUTED * 1.1, COMPUTED, True),
    ],
)
def test_a_lead_ends_when_its_thread_has_waited_or_computed_for_too_long(
    clock: Clock, passed: float, computed: float, over: bool
) -> None:
    lead = clock.lead()
    lead.at(Turn(print))
    look = Look(lead)
    clock.now += passed
    clock.computed += computed
    assert look.still_holds()
    assert look.end_the_lead() == over
    assert lead.over == over


def test_a_lead_does_not_end_once_its_thread_has_got_on(clock: Clock) -> None:
    lead = clock.lead()
    lead.at(Turn(print))
    look = Look(lead)
    lead.at(Turn(print))
    clock.now += COMPUTED * 2
    assert not look.still_holds()
    assert not look.end_the_lead()
    assert not Look(clock.lead()).still_holds()


def test_processor_time_goes_by_with_computing_alone() -> None:
    lead = Lead()
    before = lead.processor_time()
    time.sleep(0.05)
    slept = lead.processor_time() - before
    end = time.perf_counter() + 0.05
    while time.perf_counter() < end:
        sum(range(1000))
    assert lead.processor_time() - before - slept > slept


def test_where_nobody_tells_processor_time_all_counts_as_computing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(leads.time, "pthread_getcpuclockid")
    before = Lead().processor_time()
    assert 0 <= Lead().processor_time() - before < 10


def seen(waiters: Waiters, request: bytes, *passed: float, computed: float = 0.0) -> None:
    for seconds in passed:
        waiters.note(request, seconds, computed)


def test_what_waits_often_is_known_to_wait() -> None:
    waiters = Waiters()
    seen(waiters, b"POST /slow", *[0.01] * (OFTEN - 1))
    assert not waiters.has(b"POST /slow")
    seen(waiters, b"POST /slow", 0.01)
    assert waiters.has(b"POST /slow")
    assert not waiters.has(b"GET /slow")


@pytest.mark.parametrize(("passed", "computed"), [(0.001, 0.0), (0.1, 0.09)])
def test_what_is_quick_or_computes_is_not(passed: float, computed: float) -> None:
    waiters = Waiters()
    seen(waiters, b"POST /", *[passed] * 100, computed=computed)
    assert not waiters.has(b"POST /")


def test_what_waits_no_more_is_forgotten() -> None:
    waiters = Waiters()
    seen(waiters, b"POST /", *[0.01] * 100)
    asked = [waiters.has(b"POST /") for _ in range(100)]
    assert asked.count(False) == 3  # to see how it does
    seen(waiters, b"POST /", *[0.0001] * 100)
    assert not waiters.has(b"POST /")
    assert not waiters._seen


def test_only_so_many_are_known() -> None:
    waiters = Waiters()
    for number in range(1000):
        waiters.note(f"GET /{number}".encode(), 0.01, 0)
    assert len(waiters._seen) == 256


def test_there_is_nobody_to_step_aside_for_elsewhere() -> None:
    notes: list[Any] = []
    step_aside()
    turn = Turn(lambda: (notes.append(1), step_aside(), notes.append(2)))
    turn.switch()
    assert notes == [1]
    turn.switch()
    assert notes == [1, 2]
