"""RESULTS.md: the table of targets, with the range of each ratio and the others' share of CPU."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from baking import ROOT

Bench = Callable[[str], ModuleType]


def _rounds(work: str, server: str, *ratios: float) -> list[dict[str, Any]]:
    """Measure a server beside ours in some rounds, ours so many times as fast."""
    return [
        {
            "work": work,
            "others": 0.01 * number,
            "samples": {server: _figures(100), "ours": _figures(100 * ratio)},
        }
        for number, ratio in enumerate(ratios)
    ]


def _figures(value: float) -> dict[str, Any]:
    times = dict.fromkeys(("p50_ms", "p99_ms", "p999_ms"), value)
    return {"rps": value, **times, "late_ms": 0.02, "cpu_us": 3, "failed": 0}


def _line(bench: Bench, rounds: list[dict[str, Any]], start: str) -> list[str]:
    report, figures = bench("report"), bench("figures")
    about = report.about(3, 1) | {"minutes": 1}
    page = list(report.page(figures.Run(rounds, [], about)))
    (line,) = [line for line in page if line.startswith(start)]
    return [cell.strip() for cell in line.split("|")[3:-1]]


@pytest.mark.parametrize(
    ("ratios", "verdict"), [((7.5, 8, 9), "reached"), ((6.9, 8, 9), "not reached")]
)
def test_speed_is_reached_by_the_whole_range(
    bench: Bench, ratios: tuple[float, ...], verdict: str
) -> None:
    start = "| random forest, one row, 32 connections | FastAPI"
    assert _line(bench, _rounds("forest-32", "fastapi", *ratios), start) == [
        "at least 7\N{MULTIPLICATION SIGN}",
        "**8.00\N{MULTIPLICATION SIGN}**",
        f"{ratios[0]:.2f} to 9.00",
        "2%",
        verdict,
    ]


@pytest.mark.parametrize(
    ("ratios", "verdict"), [((0.3, 0.5), "reached"), ((0.3, 0.51), "not reached")]
)
def test_latency_is_reached_by_the_whole_range(
    bench: Bench, ratios: tuple[float, ...], verdict: str
) -> None:
    rounds = _rounds("open-500", "fastapi", *ratios)
    assert _line(bench, rounds, "| one row, 500 requests/s | FastAPI")[-1] == verdict


def test_best_variant_of_a_server_counts(bench: Bench) -> None:
    rounds = [
        *_rounds("thousand-rows-4", "mlserver", 4.0),
        *_rounds("thousand-rows-4", "mlserver-plain", 2.0),
    ]
    run = bench("figures").Run(rounds)
    assert run.best("mlserver", "thousand-rows-4").name == "mlserver-plain"


def test_what_was_not_measured_is_not_reached(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, figures = bench("targets"), bench("figures")
    monkeypatch.setattr(targets, "kept", lambda _: None)
    verdicts = [targets.verdict(target, figures.Run()) for target in targets.TARGETS]
    assert verdicts == [("not measured", "", "")] * len(targets.TARGETS)


def test_of_many_formats_the_ones_that_miss_are_shown(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, figures = bench("targets"), bench("figures")
    ratios = {f"{number} in": [1.0, 1.1] for number in range(8)} | {"ODS in": [1.1, 1.3]}
    monkeypatch.setattr(targets, "kept", lambda _: ratios)
    (target,) = [each for each in targets.TARGETS if each.reach is targets.formats]
    text = "8 of 9 reach it \N{MIDDLE DOT} ODS in **1.20\N{MULTIPLICATION SIGN}**"
    assert targets.verdict(target, figures.Run()) == (text, "1.10 to 1.30", "not reached")


def test_own_part_is_compared_with_the_instructions_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, figures = bench("targets"), bench("figures")
    monkeypatch.setattr(targets, "kept", lambda _: {"own": 240.0, "own_before": 500.0})
    (target,) = [each for each in targets.TARGETS if each.reach is targets.own_part]
    assert targets.verdict(target, figures.Run())[2] == "reached"


def test_chart_has_a_bar_for_each_server_but_not_for_its_variants(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chart, figures = bench("chart"), bench("figures")
    monkeypatch.setattr(chart, "CHART", tmp_path / "chart.svg")
    rounds = _rounds("one-row-32", "fastapi", 2.0) + _rounds("one-row-32", "ours-gthread-4", 1.0)
    chart.write(figures.Run(rounds + _rounds("one-row-32", "empty-view", 0.5)))
    bars = ElementTree.parse(tmp_path / "chart.svg").findall("{*}rect")
    widths = [float(bar.attrib["width"]) for bar in bars]
    assert widths == pytest.approx([widths[0], widths[0] / 2, widths[0] * 2], rel=1e-2)
    assert [bar.get("class") for bar in bars] == ["ours", "", "ceiling"]


def test_targets_name_servers_and_workloads_that_exist(bench: Bench) -> None:
    """A misspelled name would be "not measured" for ever."""
    targets, figures, servers = bench("targets"), bench("figures"), bench("servers")
    everything = {server.name: _figures(1.0) for server in servers.SERVERS}
    workloads = bench("workloads").WORKLOADS
    run = figures.Run(
        [{"work": work.name, "others": 0.0, "samples": everything} for work in workloads]
    )
    for target in targets.TARGETS:
        if target.workloads:
            assert target.reach(run), target.work
            names = {
                server.name
                for server in servers.SERVERS
                if {*target.workloads} & {*server.workloads}
            }
            assert names, target.work


def test_results_do_not_ask_for_another_run() -> None:
    results = ROOT / "benchmarks" / "RESULTS.md"
    assert "run it again" not in results.read_text(encoding="utf-8")
