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
BY_NAME = {server.name: server for server in SERVERS}


@dataclass
class Run:
    """Every pair of measurements of one run, and what each start cost.

    A pair is {"round", "work", "server", "beside", "one", "other"}: `one` is the server's figures,
    `other` those of the server beside it, taken right before or after.
    """

    pairs: list[dict[str, Any]] = field(default_factory=list)
    starts: list[dict[str, Any]] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def of(self, server: str, workload: str) -> list[Figures]:
        """Return all measurements of a server at a workload."""
        ours = [pair["other"] for pair in self._pairs(workload) if pair["beside"] == server]
        return [pair["one"] for pair in self._pairs(workload, server)] + ours

    def median(self, server: str, workload: str, figure: str) -> float:
        """Return the median of one figure."""
        values: list[float] = [sample[figure] for sample in self.of(server, workload)]
        return statistics.median(values)

    def ratio(self, server: str, workload: str, figure: str = "rps") -> float | None:
        """Return the figure of the server beside ÷ this server's, pair by pair; their median."""
        ratios = self.ratios(server, workload, figure)
        return statistics.median(ratios) if ratios else None

    def ratios(self, server: str, workload: str, figure: str = "rps") -> list[float]:
        """Return the same of every pair, the least first."""
        return sorted(
            pair["other"][figure] / pair["one"][figure]
            for pair in self._pairs(workload, server)
            if pair["one"][figure]
        )

    def relative(self, server: Server, workload: str) -> float:
        """Return a server's requests/s by ours: more is faster, ours is 1, not measured is 0.

        From pairs, so that it stands where the machine was slower at one time than at another.
        """
        if server.name == "ours":
            return 1.0
        ratio = self.ratio(server.name, workload) if server.beside == "ours" else None
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

    def _pairs(self, workload: str, server: str = "") -> Iterator[dict[str, Any]]:
        for pair in self.pairs:
            if pair["work"] == workload and server in ("", pair["server"]):
                yield pair


def save(name: str, content: object) -> None:
    """Keep figures for the report."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"{name}.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def kept(name: str) -> Any:
    """Return what was kept under a name, or None."""
    file = FIGURES / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def kept_run() -> Run | None:
    """Return the last run."""
    content = kept("run")
    return Run(**content) if content else None
