"""A service's metrics, as numbers by name and labels."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from live_load import wait_until


@dataclass(frozen=True)
class Scrape:
    """All samples of one scrape."""

    samples: list[Sample]
    labels: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for sample in self.samples:
            self.labels[sample.name].update(sample.labels)

    def values(self, name: str, *by: str, **where: str) -> dict[Any, float]:
        """Return the sums of a metric's samples by these labels."""
        sums: dict[Any, float] = defaultdict(float)
        for sample in self.samples:
            if sample.name == name and where.items() <= sample.labels.items():
                key = tuple(sample.labels[label] for label in by)
                sums[key if len(by) > 1 else "".join(key)] += sample.value
        return dict(sums)

    def value(self, name: str, **where: str) -> float:
        """Return the sum of all samples with these labels."""
        return self.values(name, **where).get("", 0.0)


def scrape(url: str) -> Scrape:
    """Scrape a service, as Prometheus does."""
    response = requests.get(f"{url}/metrics", timeout=60)
    assert response.status_code == 200, response.text
    families = text_string_to_metric_families(response.text)
    return Scrape([sample for family in families for sample in family.samples])


def folder_of(pid: int) -> Path:
    """Return a worker's metrics directory; its files appear after a moment."""
    parents = [Path("/dev/shm"), Path(gettempdir())]

    def directories() -> list[Path]:
        locks = [lock for parent in parents for lock in parent.glob("mmf-metrics-*/*.lock")]
        return [lock.parent for lock in locks if lock.read_text("ascii") == str(pid)]

    wait_until(directories)
    (directory,) = directories()
    return directory


def metrics_in(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric that a PromQL expression names, with the labels that it uses."""
    grouped = {
        label for group in _GROUPED.findall(expression) for label in re.findall(r"\w+", group)
    }
    for name, matchers in _METRIC.findall(expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) | grouped


_GROUPED = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_METRIC = re.compile(r"\b(mmf_\w+|up)\b(?:\{([^}]*)\})?")
