"""Figures, limits, the steps to the knee, and the variables that set them."""

import pytest

from loadtests.settings import Settings, weights
from loadtests.steps import Ladder
from loadtests.verdict import Figures, percentile, problems, verdict

GOOD = Figures(requests=1000, failures=10, rps=200, p50=5, p95=50, p99=90)


def test_figures_of_a_histogram() -> None:
    times = {10: 90, 20: 5, 30: 4, 1000: 1}
    seen = Figures.of(times, requests=100, failures=25, seconds=4)
    assert (seen.p50, seen.p95, seen.p99, seen.rps, seen.fail_ratio) == (10, 20, 30, 25, 0.25)


def test_percentiles_of_little() -> None:
    assert percentile({}, 0.95) == 0
    assert percentile({7: 1}, 0.5) == percentile({7: 1}, 0.99) == 7
    assert percentile({9: 1, 3: 1}, 0.5) == 3
    assert percentile({9: 1, 3: 1}, 0.51) == 9


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Settings(p95_ms=50, fail_ratio=0.01, min_rps=200), []),
        (Settings(p95_ms=49.9, fail_ratio=1), ["p95 50 ms > LOAD_P95_MS=49.9"]),
        (Settings(fail_ratio=0.009), ["failed 1.00% > LOAD_FAIL_RATIO=0.009"]),
        (Settings(fail_ratio=1, min_rps=201), ["200.0 requests/s < LOAD_MIN_RPS=201"]),
    ],
)
def test_limits(limits: Settings, said: list[str]) -> None:
    assert problems(GOOD, limits) == said
    assert verdict(GOOD, limits)[0] == (not said)


def test_nothing_requested_is_no_success() -> None:
    passed, line = verdict(Figures(), Settings(p95_ms=1e9, fail_ratio=1))
    assert not passed
    assert line.startswith("load test FAILED: nothing was requested")


def climb(ladder: Ladder, *steps: Figures) -> list[int]:
    """Show a ladder what each step brings; return the users that it asked for."""
    users = [1]
    for seen in steps:
        following = ladder.next(users[-1], seen)
        if following is None:
            break
        users.append(following)
    return users


def step(rps: float, p95: float = 10, failures: int = 0) -> Figures:
    return Figures(requests=100, failures=failures, rps=rps, p50=5, p95=p95, p99=p95)


@pytest.mark.parametrize(
    ("steps", "users", "knee", "why"),
    [
        ([step(100), step(190), step(200)], [1, 2, 4], 2, "200.0 requests/s are not a tenth more"),
        ([step(100), step(190, p95=1001)], [1, 2], 1, "p95 1001 ms > LOAD_P95_MS=1000"),
        ([step(100), step(200, failures=1)], [1, 2], 1, "failed 1.00% > LOAD_FAIL_RATIO=0"),
        ([step(100), Figures()], [1, 2], 1, "nothing was requested"),
    ],
)
def test_knee(steps: list[Figures], users: list[int], knee: int, why: str) -> None:
    ladder = Ladder(Settings(min_rps=150))
    assert climb(ladder, *steps) == users
    assert ladder.figures == steps[users.index(knee)]
    assert str(ladder).endswith(f"knee: {knee} users; then: {why}")


def test_no_knee() -> None:
    ladder = Ladder(Settings(p95_ms=5))
    assert climb(ladder, step(100)) == [1]
    assert "no knee; then: p95 10 ms" in str(ladder)
    assert not verdict(ladder.figures, ladder.limits)[0]


def test_steps_that_were_stopped() -> None:
    ladder = Ladder(Settings())
    ladder.end("it was stopped")
    assert ladder.figures == Figures()
    climb(ladder, step(100))
    assert "knee: 1 users; then: it was stopped" in str(ladder)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment() == Settings()
    for name, value in {
        "LOAD_P95_MS": "2.5",
        "LOAD_FAIL_RATIO": "0.1",
        "LOAD_MIN_RPS": "7",
        "LOAD_REQUESTS": "1000",
        "LOAD_WEIGHTS": "score=5, xlsx=0",
        "LOAD_SHAPE": "steps",
        "LOAD_STEP_SECONDS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    wanted = Settings(2.5, 0.1, 7, 1000, {"score": 5, "xlsx": 0}, "steps", 1)
    assert Settings.from_environment() == wanted


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LOAD_P95_MS", "fast", "LOAD_P95_MS must be a number, 0 or more, not 'fast'"),
        ("LOAD_MIN_RPS", "-1", "LOAD_MIN_RPS must be a number, 0 or more, not '-1'"),
        ("LOAD_FAIL_RATIO", "nan", "LOAD_FAIL_RATIO must be a number, 0 or more, not 'nan'"),
        ("LOAD_REQUESTS", "inf", "LOAD_REQUESTS must be a number, 0 or more, not 'inf'"),
        ("LOAD_WEIGHTS", "score", "LOAD_WEIGHTS is written as score=5,xlsx=3, not 'score'"),
        ("LOAD_WEIGHTS", "a=-1", "LOAD_WEIGHTS is written as score=5,xlsx=3, not 'a=-1'"),
        ("LOAD_SHAPE", "spike", "LOAD_SHAPE is steps or nothing, not 'spike'"),
    ],
)
def test_bad_values(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refusal:
        Settings.from_environment()
    assert refusal.value.code == said


def test_weights_of_nothing() -> None:
    assert weights("") == weights(" , ") == {}
