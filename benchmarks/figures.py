"""Measurements: kept as JSON, and condensed to medians and ratios."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from paths import FIGURES
from servers import SERVERS, Server
from workloads import Workload

Figures = dict[str, Any]


@dataclass
class Run:
    """Every round of one run, and the cost of each start.

    A round is {"work", "others", "samples"}: the workload's name, the share of a core that other
    processes used right before, and the figures of each server by its name, ours among them.
    """

    rounds: list[dict[str, Any]] = field(default_factory=list)
    starts: list[dict[str, Any]] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def of(self, server: str, workload: str) -> list[Figures]:
        """Return all measurements of a server at a workload."""
        return [samples[server] for samples in self._samples(workload) if server in samples]

    def median(self, server: str, workload: str, figure: str) -> float:
        """Return the median of one figure."""
        values: list[float] = [sample[figure] for sample in self.of(server, workload)]
        return statistics.median(values)

    def ratio(self, server: str, workload: str, figure: str = "rps") -> float | None:
        """Return our figure ÷ this server's, round by round; their median."""
        ratios = self.ratios(server, workload, figure)
        return statistics.median(ratios) if ratios else None

    def ratios(self, server: str, workload: str, figure: str = "rps") -> list[float]:
        """Return the same of every round, in ascending order."""
        return sorted(
            samples["ours"][figure] / samples[server][figure]
            for samples in self._samples(workload)
            if server in samples and samples[server][figure]
        )

    def others(self, *workloads: str) -> float:
        """Return the largest share of a core that others used before a round of these workloads."""
        shares = (each["others"] for each in self.rounds if each["work"] in workloads)
        return max(shares, default=0.0)

    def relative(self, server: Server, workload: str) -> float:
        """Return a server's requests/s by ours: more is faster, ours is 1, not measured is 0.

        From rounds, so that it stands where the machine was slower at one time than at another.
        """
        if server.name == "ours":
            return 1.0
        ratio = self.ratio(server.name, workload)
        return 1 / ratio if ratio else 0.0

    def best(self, family: str, workload: str) -> Server | None:
        """Return the fastest variant of a family, if any was measured."""
        variants = [
            server for server in SERVERS if server.kin == family and self.relative(server, workload)
        ]
        return max(variants, key=lambda server: self.relative(server, workload), default=None)

    def start(self, server: str, figure: str) -> float | None:
        """Return the median over all starts of "seconds" or "bytes"."""
        values = [start[figure] for start in self.starts if start["server"] == server]
        return statistics.median(values) if values else None

    def servers(self, workload: Workload) -> list[Server]:
        """Return the best variant of each family, the fastest first and the ceilings last."""
        families = dict.fromkeys(server.kin for server in SERVERS)
        best = [fastest for family in families if (fastest := self.best(family, workload.name))]
        return sorted(
            best, key=lambda server: (server.ceiling, -self.relative(server, workload.name))
        )

    def _samples(self, workload: str) -> Iterator[dict[str, Figures]]:
        return (each["samples"] for each in self.rounds if each["work"] == workload)


def save(name: str, content: object) -> None:
    """Save figures for the report."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"{name}.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def kept(name: str) -> Any:
    """Return the figures saved under a name, or None."""
    file = FIGURES / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
