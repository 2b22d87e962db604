"""The targets, and whether a run reaches them."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from figures import Run, kept

TIMES = "\N{MULTIPLICATION SIGN}"
SHOWN = 6
"""Ratios that a row of the table has room for; of more, those that miss the target."""


@dataclass(frozen=True)
class Measured:
    """A ratio: the median of the rounds, and from which round to which it went."""

    name: str
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, name: str, ratios: list[float]) -> Measured:
        """Condense the ratio of every round."""
        return cls(name, statistics.median(ratios), min(ratios), max(ratios))

    def __str__(self) -> str:
        return f"{self.name} **{self.median:.2f}{TIMES}**".strip()

    @property
    def range(self) -> str:
        """The least and the largest of the rounds."""
        return f"{self.low:.2f} to {self.high:.2f}"


@dataclass(frozen=True)
class Target:
    """So much of something, at least, or with `most` at most, at these workloads."""

    work: str
    against: str
    level: float
    reach: Callable[[Run], list[Measured]]
    most: bool = False
    workloads: tuple[str, ...] = ()

    @property
    def required(self) -> str:
        """The level, in words."""
        return f"{'at most' if self.most else 'at least'} {self.level:g}{TIMES}"

    def holds(self, ratio: Measured) -> bool:
        """Return whether the whole range reaches the level."""
        return ratio.high <= self.level if self.most else ratio.low >= self.level


def speed(level: float, workload: str, label: str, **families: str) -> Target:
    """Compare requests/s with the best variant of each family, by its label."""

    def reach(run: Run) -> list[Measured]:
        return [
            Measured.of(family if len(families) > 1 else "", ratios)
            for family in families
            if (best := run.best(family.replace("_", "-"), workload))
            and (ratios := run.ratios(best.name, workload))
        ]

    return Target(label, ", ".join(families.values()), level, reach, workloads=(workload,))


def latency(level: float, workload: str, label: str, figure: str) -> Target:
    """Compare a time with FastAPI's."""

    def reach(run: Run) -> list[Measured]:
        ratios = run.ratios("fastapi", workload, figure)
        return [Measured.of("", ratios)] if ratios else []

    against = f"{FASTAPI}, {figure.removesuffix('_ms')}"
    return Target(label, against, level, reach, most=True, workloads=(workload,))


def one_copy(_: Run) -> list[Measured]:
    """Return the memory of four workers relative to that of one."""
    memory = (kept("memory") or {}).get("ours", {})
    return [Measured.of("", [memory["4"] / memory["1"]])] if {"1", "4"} <= memory.keys() else []


def formats(_: Run) -> list[Measured]:
    """Return our time of each format relative to the fastest library."""
    return [Measured.of(name, ratios) for name, ratios in (kept("codecs") or {}).items()]


def own_part(_: Run) -> list[Measured]:
    """Return our own instructions of a one-row request relative to those before."""
    counted = kept("instructions")
    return [Measured.of("", [counted["own"] / counted["own_before"]])] if counted else []


FASTAPI, LABEL = "FastAPI + uvicorn[standard]", "one row, 32 connections"
FOREST, ONNX = (
    "random forest, one row, 32 connections",
    "the forest as ONNX, one row, 32 connections",
)
BATCHING = {"litserve": "LitServe", "bentoml": "BentoML", "mlserver": "MLServer, with batching"}
BEFORE = "9b57c50"
"""The commit that our own part of a request is compared with."""
TARGETS = (
    speed(3, "one-row-32", LABEL, fastapi=FASTAPI),
    speed(2.5, "one-row-32", LABEL, **BATCHING),
    speed(12, "one-row-32", LABEL, mlflow="`mlflow models serve`"),
    speed(0.75, "one-row-32", LABEL, empty_view="the same server with an empty view"),
    latency(0.5, "one-row-1", "one row, 1 connection", "p50_ms"),
    latency(0.5, "open-500", "one row, 500 requests/s", "p99_ms"),
    speed(7, "forest-32", FOREST, fastapi=FASTAPI),
    speed(2.5, "forest-32", FOREST, mlserver="MLServer, with batching"),
    speed(10, "onnx-32", ONNX, fastapi=f"{FASTAPI} with joblib"),
    speed(2, "onnx-32", ONNX, fastapi_onnx=f"{FASTAPI} with onnxruntime"),
    speed(3, "thousand-rows-4", "1,000 rows JSON, 4 connections", fastapi=FASTAPI),
    Target("4 workers with a 300 MB model", "1 worker, PSS", 1.2, one_copy, most=True),
    Target(
        "100,000 rows, in and out", "the fastest library to or from pandas", 1.2, formats, most=True
    ),
    Target(
        "our own part of a one-row request", f"instructions at {BEFORE}", 0.5, own_part, most=True
    ),
)


def verdict(target: Target, run: Run) -> tuple[str, str, str]:
    """Return the medians, the ranges, and whether the whole range of each reaches the target."""
    measured = target.reach(run)
    if not measured:
        return "not measured", "", ""
    missed = [ratio for ratio in measured if not target.holds(ratio)]
    shown, before = measured, ""
    if len(measured) > SHOWN:
        shown, before = missed, f"{len(measured) - len(missed)} of {len(measured)} reach it"
    medians = " · ".join(filter(None, (before, *map(str, shown))))
    return medians, " · ".join(r.range for r in shown), "not reached" if missed else "reached"
