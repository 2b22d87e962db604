"""Figures, limits, the search for the knee, and their settings."""

import pytest

from loadtests.settings import Settings, weights
from loadtests.steps import KneeSearch
from loadtests.verdict import Figures, percentile, problems, verdict

GOOD = Figures(requests=1000, failures=10, rps=200, p50=5, p95=50, p99=90)


def test_figures_are_computed_from_a_histogram() -> None:
    times = {10: 90, 20: 5, 30: 4, 1000: 1}
    figures = Figures.of(times, requests=100, failures=25, seconds=4)
    assert (figures.p50, figures.p95, figures.p99, figures.rps, figures.fail_ratio) == (
        10,
        20,
        30,
        25,
        0.25,
    )


def test_percentiles_of_few_times() -> None:
    assert percentile({}, 0.95) == 0
    assert percentile({7: 1}, 0.5) == percentile({7: 1}, 0.99) == 7
    assert percentile({9: 1, 3: 1}, 0.5) == 3
    assert percentile({9: 1, 3: 1}, 0.51) == 9


@pytest.mark.parametrize(
    ("limits", "messages"),
    [
        (Settings(p95_ms=50, fail_ratio=0.01, min_rps=200), []),
        (Settings(p95_ms=49.9, fail_ratio=1), ["p95 50 ms > LOAD_P95_MS=49.9"]),
        (Settings(fail_ratio=0.009), ["failed 1.00% > LOAD_FAIL_RATIO=0.009"]),
        (Settings(fail_ratio=1, min_rps=201), ["200.0 requests/s < LOAD_MIN_RPS=201"]),
    ],
)
def test_exceeded_limits_are_reported(limits: Settings, messages: list[str]) -> None:
    assert problems(GOOD, limits) == messages
    assert verdict(GOOD, limits)[0] == (not messages)


def test_load_test_without_requests_fails() -> None:
    passed, line = verdict(Figures(), Settings(p95_ms=1e9, fail_ratio=1))
    assert not passed
    assert line.startswith("load test FAILED: nothing was requested")


def climb(search: KneeSearch, *steps: Figures) -> list[int]:
    """Pass a search the figures of each step; return the numbers of users that it requested."""
    users = [1]
    for figures in steps:
        next_users = search.next(users[-1], figures)
        if next_users is None:
            break
        users.append(next_users)
    return users


def step(rps: float, p95: float = 10, failures: int = 0) -> Figures:
    return Figures(requests=100, failures=failures, rps=rps, p50=5, p95=p95, p99=p95)


@pytest.mark.parametrize(
    ("steps", "users", "knee", "why"),
    [
        (
            [step(100), step(190), step(200)],
            [1, 2, 4],
            2,
            "200.0 requests/s are less than a tenth more",
        ),
        ([step(100), step(190, p95=1001)], [1, 2], 1, "p95 1001 ms > LOAD_P95_MS=1000"),
        ([step(100), step(200, failures=1)], [1, 2], 1, "failed 1.00% > LOAD_FAIL_RATIO=0"),
        ([step(100), Figures()], [1, 2], 1, "nothing was requested"),
    ],
)
def test_search_stops_at_the_knee(
    steps: list[Figures], users: list[int], knee: int, why: str
) -> None:
    search = KneeSearch(Settings(min_rps=150))
    assert climb(search, *steps) == users
    assert search.figures == steps[users.index(knee)]
    assert f"\nknee: {knee} users; stopped: {why}" in str(search)


def test_search_without_a_knee_fails() -> None:
    search = KneeSearch(Settings(p95_ms=5))
    assert climb(search, step(100)) == [1]
    assert "no knee; stopped: p95 10 ms" in str(search)
    assert not verdict(search.figures, search.limits)[0]


def test_interrupted_search_reports_its_last_step() -> None:
    search = KneeSearch(Settings())
    search.stop("interrupted")
    assert search.figures == Figures()
    climb(search, step(100))
    assert "knee: 1 users; stopped: interrupted" in str(search)


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
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
    expected = Settings(2.5, 0.1, 7, 1000, {"score": 5, "xlsx": 0}, "steps", 1)
    assert Settings.from_environment() == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LOAD_P95_MS", "fast", "LOAD_P95_MS: expected a number of at least 0, got 'fast'"),
        ("LOAD_MIN_RPS", "-1", "LOAD_MIN_RPS: expected a number of at least 0, got '-1'"),
        ("LOAD_MIN_RPS", "1_0", "LOAD_MIN_RPS: expected a number of at least 0, got '1_0'"),
        ("LOAD_FAIL_RATIO", "nan", "LOAD_FAIL_RATIO: expected a number of at least 0, got 'nan'"),
        ("LOAD_REQUESTS", "inf", "LOAD_REQUESTS: expected a number of at least 0, got 'inf'"),
        ("LOAD_WEIGHTS", "score", "LOAD_WEIGHTS: expected score=5,xlsx=3, got 'score'"),
        ("LOAD_WEIGHTS", "a=-1", "LOAD_WEIGHTS: expected score=5,xlsx=3, got 'a=-1'"),
        ("LOAD_SHAPE", "spike", "LOAD_SHAPE: expected steps or nothing, got 'spike'"),
    ],
)
def test_invalid_settings_are_reported(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refusal:
        Settings.from_environment()
    assert refusal.value.code == message


def test_empty_weights_are_accepted() -> None:
    assert weights("") == weights(" , ") == {}
