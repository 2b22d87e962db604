"""What counting costs a request, and Prometheus's question the service: `make bench-metrics`.

CPU time in this process; the best of five runs. Beside it, the same counts by prometheus_client's
own `inc` and `observe`, in multiprocess mode as here.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mmf_core import metrics
from mmf_core.execution import Timings
from mmf_core.metrics.families import SECONDS, SIZES, STAGES
from mmf_core.web.request_context import RequestContext

RUNS = 5
TARGETS = 10


def microseconds(call: Callable[[], object], calls: int) -> float:
    """Return the CPU time of one call: the best run's mean."""
    best = float("inf")
    call()
    for _ in range(RUNS):
        started = time.process_time()
        for _ in range(calls):
            call()
        best = min(best, (time.process_time() - started) / calls)
    return best * 1e6


def ours(target: str) -> None:
    """Count one request."""
    exchange = RequestContext("-", status=200, rows_in=1, rows_out=1)
    exchange.enter(target)
    exchange.measures = Timings(0.0001, 0.00001, 0.0006, 0.0001, batch=1)
    metrics.record(exchange, "native")


def no_counting() -> None:
    """Do what is done anyway."""
    exchange = RequestContext("-", status=200, rows_in=1, rows_out=1)
    exchange.target = "score"
    exchange.measures = Timings(0.0001, 0.00001, 0.0006, 0.0001, batch=1)


def theirs() -> Callable[[], None]:
    """Return a function that counts the same by prometheus_client's own means."""
    from prometheus_client import Counter, Gauge, Histogram

    requests = Counter("a", "a", ["target", "protocol", "status"]).labels("score", "native", "200")
    rows = [Counter("b", "b", ["target", "way"]).labels("score", way) for way in ("in",)]
    rows.append(rows[0])
    duration = Histogram("c", "c", ["target"], buckets=SECONDS).labels("score")
    stage = Histogram("d", "d", ["target", "stage"], buckets=SECONDS)
    stages = [stage.labels("score", one) for one in STAGES]
    batch = Histogram("e", "e", ["target"], buckets=SIZES).labels("score")
    flying = Gauge("f", "f", ["target"], multiprocess_mode="livesum").labels("score")

    def count() -> None:
        flying.inc()
        requests.inc()
        for one in rows:
            one.inc(1)
        duration.observe(0.001)
        for one in stages:
            one.observe(0.0001)
        batch.observe(1)
        flying.dec()

    return count


def main() -> None:
    """Print a table."""
    metrics.prepare()  # as gunicorn.conf.py does, before prometheus_client is imported
    import mmf_core as mmf
    from mmf_core.web import create_app

    client = create_app(mmf.Registry()).test_client()
    bare = microseconds(no_counting, 10_000)
    rows = {
        "counting a request": microseconds(lambda: ours("score"), 10_000) - bare,
        "the same by prometheus_client's `inc` and `observe`": microseconds(theirs(), 10_000),
    }
    for target in range(TARGETS):
        ours(f"target_{target}")
    scraped = f"`GET /metrics`, {TARGETS} targets, one worker"
    rows[scraped] = microseconds(lambda: client.get("/metrics"), 20)
    print("| what | CPU µs |\n|---|---|")
    for what, value in rows.items():
        print(f"| {what} | {value:.1f} |")


if __name__ == "__main__":
    main()
