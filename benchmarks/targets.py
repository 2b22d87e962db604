"""The targets, and whether a run reaches them."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from figures import Run, kept

TIMES = "\N{MULTIPLICATION SIGN}"
MANY = ("one-row-32", "one-row-100")


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


Reached = list[Measured]


@dataclass(frozen=True)
class Target:
    """So much of something, at least, or with `most` at most."""

    workload: str
    against: str
    level: float
    reach: Callable[[Run], Reached]
    label: str = ""
    most: bool = False

    @property
    def required(self) -> str:
        """The level, in words."""
        return self.label or f"{self.level:g}{TIMES}"


def against(families: tuple[str, ...], workloads: tuple[str, ...]) -> Callable[[Run], Reached]:
    """Compare requests/s with the best variant of each family."""

    def reach(run: Run) -> Reached:
        return [
            Measured.of(f"{family} {workload.rpartition('-')[2]}", ratios)
            for family in families
            for workload in workloads
            if (best := run.best(family, workload)) and (ratios := run.ratios(best.name, workload))
        ]

    return reach


def latency(run: Run) -> Reached:
    """Say how many of our medians fit into one of FastAPI's."""
    ratios = run.ratios("fastapi", "one-row-1", "p50_ms")
    return [Measured.of("", [1 / ratio for ratio in ratios])] if ratios else []


def one_copy(_: Run) -> Reached:
    """Give the memory of four workers by that of one."""
    memory = (kept("memory") or {}).get("ours", {})
    return [Measured.of("", [memory["4"] / memory["1"]])] if {"1", "4"} <= memory.keys() else []


def deadline(run: Run) -> Reached:
    """Say what a deadline leaves of the requests/s of the service without one."""
    ratios = run.ratios("ours-deadline", "one-row-32")
    return [Measured.of("", [1 / ratio for ratio in ratios])] if ratios else []


def not_there(_: Run) -> Reached:
    """Measure nothing yet."""
    return []


TARGETS = (
    Target(
        "one row, 32 and 100 connections", "`mlflow models serve`", 20, against(("mlflow",), MANY)
    ),
    Target("", "FastAPI + uvicorn, plain", 3, against(("fastapi",), MANY)),
    Target(
        "",
        "LitServe, BentoML, MLServer with batching on",
        2.5,
        against(("litserve", "bentoml", "mlserver"), MANY),
    ),
    Target("", "the same service with an empty view", 0.7, against(("empty-view",), MANY)),
    Target("one row, 1 connection", "FastAPI + uvicorn, plain, p50", 2, latency, "half its time"),
    Target(
        "random forest, one row, 32 connections, batching",
        "FastAPI + uvicorn, plain",
        5,
        against(("fastapi",), ("forest-32",)),
    ),
    Target("the same forest as ONNX", "FastAPI + uvicorn with joblib", 10, not_there),
    Target(
        "1,000 rows JSON",
        "FastAPI + uvicorn, plain",
        2,
        against(("fastapi",), ("thousand-rows-4",)),
    ),
    Target(
        "4 workers with a 300 MB model",
        "1 worker, PSS",
        1.2,
        one_copy,
        f"at most 1.2{TIMES}",
        most=True,
    ),
    Target("deadline on, batching off", "deadline off", 0.97, deadline),
)


def verdict(target: Target, run: Run) -> tuple[str, str, str]:
    """Return the medians, the ranges, and whether the whole range reaches the target."""
    measured = target.reach(run)
    if not measured:
        return "not measured", "", ""
    medians = " · ".join(
        f"{ratio.name} **{ratio.median:.2f}{TIMES}**".strip() for ratio in measured
    )
    ranges = " · ".join(f"{ratio.low:.2f} to {ratio.high:.2f}" for ratio in measured)
    enough = all(
        ratio.high <= target.level if target.most else ratio.low >= target.level
        for ratio in measured
    )
    return medians, ranges, "reached" if enough else "not reached"
