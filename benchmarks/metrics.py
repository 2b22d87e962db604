"""The cost of counting for a request, and of a scrape for the service: `make bench-metrics`.

CPU time in this process, in multi-process mode as under gunicorn. All cases take turns; each figure
is the best round's mean. Ended workers are forks that have counted as much as this process: by
prometheus_client's default they leave files of their own, with slots they share a few.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mmf_core.metrics import multiproc_dir
from mmf_core.metrics.slots import Slots

ROUNDS = 15
CALLS = 2_000
SCRAPES = 3
TARGETS = 10
ENDED_WORKERS = 100
ONE_ROW_REQUEST = 677  # µs of CPU, at 32 connections, by benchmarks/RESULTS.md


def microseconds(actions: dict[str, Callable[[], object]], calls: int) -> dict[str, float]:
    """Return the CPU time of a call of each action, the actions in turns."""
    best = dict.fromkeys(actions, float("inf"))
    for _ in range(ROUNDS):
        for name, action in actions.items():
            started = time.process_time()
            for _ in range(calls):
                action()
            best[name] = min(best[name], (time.process_time() - started) / calls * 1e6)
    return best


def in_forks(count: int, work: Callable[[], object]) -> None:
    """Do the work in several processes, one after the other."""
    for _ in range(count):
        pid = os.fork()
        if not pid:
            work()
            os._exit(0)
        os.waitpid(pid, 0)


def scrape_after(ended: int, directory: str, *, by_slot: bool) -> float:
    """Return the milliseconds of a scrape after workers have ended; call it in a fork."""
    from prometheus_client import CollectorRegistry, Histogram, generate_latest, values
    from prometheus_client.multiprocess import MultiProcessCollector

    from mmf_core.metrics.request_metrics import SECONDS

    identify = Slots(Path(directory)).current if by_slot else os.getpid
    values.ValueClass = values.MultiProcessValue(identify)
    histogram = Histogram("stages", "As mmf_core's largest.", ["target", "stage"], buckets=SECONDS)

    def count() -> None:
        for target in range(TARGETS):
            for stage in ("decode", "queue", "call", "encode", "all"):
                histogram.labels(str(target), stage).observe(0.001)

    def scrape() -> None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        generate_latest(registry)

    in_forks(ended, count)
    count()
    best = float("inf")
    for _ in range(SCRAPES):
        started = time.process_time()
        scrape()
        best = min(best, (time.process_time() - started) * 1e3)
    return best


def in_a_directory_of_its_own(ended: int, *, by_slot: bool) -> float:
    """Measure a scrape in a fork that counts in an empty directory."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        with tempfile.TemporaryDirectory() as directory:
            os.environ[multiproc_dir.VARIABLE] = directory
            spent = scrape_after(ended, directory, by_slot=by_slot)
            os.write(writer, str(spent).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as pipe:
        os.close(writer)
        return float(pipe.read())


def main() -> None:
    """Print a table."""
    multiproc_dir.setup()  # as gunicorn.conf.py does, before prometheus_client is imported
    from mmf_core.execution import Timings
    from mmf_core.metrics.request_metrics import RequestMetrics
    from mmf_core.web.request_context import RequestContext

    metrics = RequestMetrics()

    def request() -> RequestContext:
        context = RequestContext("-", protocol="native")
        context.target, context.status = "score", 200
        context.rows_in = context.rows_out = 1
        context.timings = Timings(0.0001, 0.00001, 0.0006, 0.0001, batch_leader=True)
        return context

    def counted() -> None:
        context = request()
        metrics.target_entered(context)
        metrics.finished(context)

    spent = microseconds({"bare": request, "counted": counted}, CALLS)
    cost = spent["counted"] - spent["bare"]
    share = cost / ONE_ROW_REQUEST
    print("| what | CPU |\n|---|---|")
    print(f"| counting a request | {cost:.1f} µs, {share:.1%} of a one-row request |")
    for ended in (0, ENDED_WORKERS):
        for name, by_slot in (("by slot", True), ("by process id", False)):
            spent_ms = in_a_directory_of_its_own(ended, by_slot=by_slot)
            print(f"| a scrape, {ended} ended workers, files {name} | {spent_ms:.0f} ms |")


if __name__ == "__main__":
    main()
