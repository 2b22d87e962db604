"""Values of prometheus_client's metrics in files, which each process has for itself."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, values
from prometheus_client.multiprocess import MultiProcessCollector

from mmf_core.metrics.shared_values import SharedValues

MODES = {"livesum": 5.0, "max": 3.0, "min": 2.0, "mostrecent": 3.0}


class Owner:
    """Stands in for the process id: a fork has another number."""

    number = 0

    def __call__(self) -> int:
        return self.number


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Owner]:
    owner = Owner()
    shared = SharedValues(owner, tmp_path)
    monkeypatch.setattr(values, "ValueClass", shared)
    yield owner
    for file in shared._files.values():
        file.close()


def scrape(folder: Path) -> dict[str, float]:
    """Return the values that another process reads, by name and labels."""
    files = [str(file) for file in folder.glob("*.db")]
    return {
        "".join([sample.name, *(f" {value}" for value in sample.labels.values())]): sample.value
        for metric in MultiProcessCollector.merge(files)
        for sample in metric.samples
    }


@pytest.mark.usefixtures("owner")
def test_every_kind_of_metric_is_stored_in_files(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    counter = Counter("counter", "A.", ["label"], registry=registry)
    counter.labels("a").inc()
    counter.labels("a").inc(0.5)
    histogram = Histogram("histogram", "A.", buckets=[1, 2], registry=registry)
    histogram.observe(1)
    histogram.observe(1.5, exemplar={"trace": "x"})
    summary = Summary("summary", "A.", registry=registry)
    summary.observe(4)
    gauge = Gauge("gauge", "A.", multiprocess_mode="livesum", registry=registry)
    gauge.inc(3)
    gauge.dec()
    samples = scrape(tmp_path)
    assert samples["counter_total a"] == 1.5
    assert [samples[f"histogram_bucket {bound}"] for bound in ("1.0", "2.0", "+Inf")] == [1, 2, 2]
    assert (samples["histogram_sum"], samples["summary_sum"], samples["summary_count"]) == (
        2.5,
        4,
        1,
    )
    assert (samples["gauge"], registry.get_sample_value("gauge")) == (2, 2)


@pytest.mark.parametrize("mode", MODES)
def test_fork_counts_in_files_of_its_own(owner: Owner, tmp_path: Path, mode: Any) -> None:
    counter = Counter("counter", "A.", registry=None)
    gauge = Gauge("gauge", "A.", multiprocess_mode=mode, registry=None)
    counter.inc(2)
    gauge.set(2)
    owner.number = 1
    counter.inc(3)
    gauge.set(3)
    samples = scrape(tmp_path)
    assert (samples["counter_total"], samples["gauge"]) == (5, MODES[mode])
    owner.number = 0  # its slot is free again, and another worker continues
    counter.inc(4)
    assert scrape(tmp_path)["counter_total"] == 9


def test_values_are_kept_when_their_file_grows(owner: Owner, tmp_path: Path) -> None:
    counter = Counter("counter", "A.", ["label"], registry=None)
    labels = [f"{number}" * 20 for number in range(2_000)]
    for _ in range(2):
        for label in labels:
            counter.labels(label).inc()
    assert len({*(tmp_path.glob("*.db"))}) == 1
    samples = scrape(tmp_path)
    assert [samples[f"counter_total {label}"] for label in labels] == [2] * len(labels)
    owner.number = 1
    counter.labels(labels[0]).inc()
    assert scrape(tmp_path)[f"counter_total {labels[0]}"] == 3


@pytest.mark.usefixtures("owner")
def test_threads_lose_no_count(tmp_path: Path) -> None:
    counter = Counter("counter", "A.", registry=None)
    add: Any = values.ValueClass.add  # type: ignore[attr-defined]
    pairs = [(counter._value, 1)] * 10

    def count(_: int) -> None:
        for _ in range(1_000):
            add(pairs)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert scrape(tmp_path)["counter_total"] == 80_000


@pytest.mark.usefixtures("owner")
def test_counts_of_a_killed_process_are_kept(tmp_path: Path) -> None:
    counter = Counter("counter", "A.", registry=None)
    pid = os.fork()
    if not pid:
        counter.inc(7)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert scrape(tmp_path)["counter_total"] == 7
