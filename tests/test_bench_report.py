"""RESULTS.md on a busy machine: the ranges and the share of CPU, not "run it again"."""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from baking import ROOT

FOLDER = ROOT / "benchmarks"


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, ModuleType]]:
    """Import the report as its command does, and forget its modules afterwards."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    import figures
    import report

    yield report, figures
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def _pairs(*ratios: float) -> list[dict[str, Any]]:
    """Measure the forest beside FastAPI's in some rounds, so many times as fast."""
    beside = {"work": "forest-32", "server": "fastapi", "beside": "ours"}
    return [
        {"round": number, **beside, "one": _figures(100), "other": _figures(100 * ratio)}
        for number, ratio in enumerate(ratios)
    ]


def _figures(rps: float) -> dict[str, Any]:
    return {"rps": rps, "p50_ms": 1, "p99_ms": 2, "cpu_us": 3, "failed": 0, "shares": []}


@pytest.mark.parametrize(
    ("ratios", "verdict"), [((5.5, 6, 7), "reached"), ((4.9, 6, 7), "not reached")]
)
def test_target_is_reached_by_its_whole_range(
    benchmarks: tuple[ModuleType, ModuleType], ratios: tuple[float, ...], verdict: str
) -> None:
    report, figures = benchmarks
    about = report.about(2, 3, 1) | {"minutes": 1, "others": [0.02, 0.31]}
    page = list(report.page(figures.Run(_pairs(*ratios), [], about)))
    (line,) = [line for line in page if line.startswith("| random forest")]
    ranges, share, reached = (cell.strip() for cell in line.split("|")[5:8])
    assert (ranges, share, reached) == (f"{ratios[0]:.2f} to {ratios[-1]:.2f}", "31%", verdict)
    assert "Other processes used 2% to 31% of one core" in "\n".join(page)


def test_results_do_not_ask_for_another_run() -> None:
    assert "run it again" not in (FOLDER / "RESULTS.md").read_text(encoding="utf-8")
