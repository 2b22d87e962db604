"""How many requests share a call of a forest, without and with the wait for those of the last call.

    python benchmarks/batches.py

In this process: as many threads as a worker would have, each posts one row after another to the
application as a WSGI server calls it. Both ways take turns, and what is printed are medians.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

from one_row import send
from paths import PAYLOAD

sys.path.insert(0, str(PAYLOAD))
os.environ |= {"OMP_NUM_THREADS": "1", "MMF_LOG_LEVEL": "warning", "MMF_MAX_ARTIFACT_MIB": "100"}

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

import mmf_core as mmf
from mmf_core.execution import batching
from mmf_core.web import create_app

THREADS = (4, 16, 32)
ROUNDS, SECONDS = 7, 2.0
COLUMNS = [f"column {place}" for place in range(11)]
HEADER = (
    "threads",
    *("requests a call", "CPU µs a request", "requests/s"),
    *("with the wait: requests a call", "CPU µs a request", "requests/s"),
)


def make_application(folder: Path, sizes: list[int]) -> tuple[Callable[..., Any], bytes]:
    """Return a service of a forest, and a body of one row; `sizes` gets the rows of each call."""
    rows = np.random.default_rng(0).random((1600, len(COLUMNS)))
    table = pd.DataFrame(rows, columns=COLUMNS)
    forest = RandomForestRegressor(100, random_state=0).fit(table, rows.sum(axis=1))
    mmf.save_model(forest, folder / "forest.joblib", example=table)
    registry = mmf.Registry()
    model = mmf.fast_path(registry.artifact(folder / "forest.joblib").load())
    columns = mmf.DataFrame(schema=dict.fromkeys(COLUMNS, float))

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
    def score(data: Any = columns) -> Any:
        sizes.append(len(data))
        return model.predict(data)

    return create_app(registry).wsgi_app, json.dumps(table.head(1).to_dict("records")).encode()


def measure(call: Callable[[], None], threads: int, sizes: list[int]) -> list[float]:
    """Return the requests a call, the CPU time of a request, and requests a second."""
    barrier, ends, sent = Barrier(threads + 1), [0.0], [0] * threads

    def client(number: int) -> None:
        barrier.wait()
        while time.perf_counter() < ends[0]:
            call()
            sent[number] += 1

    clients = [Thread(target=client, args=(number,)) for number in range(threads)]
    for each in clients:
        each.start()
    sizes.clear()
    started, cpu = time.perf_counter(), time.process_time()
    ends[0] = started + SECONDS
    barrier.wait()
    for each in clients:
        each.join()
    requests = sum(sent)
    return [
        statistics.mean(sizes),
        (time.process_time() - cpu) / requests * 1e6,
        requests / (time.perf_counter() - started),
    ]


def formatted(rounds: list[list[float]]) -> list[str]:
    """Return the medians of some rounds."""
    size, cpu, rate = (statistics.median(column) for column in zip(*rounds, strict=True))
    return [f"{size:.1f}", f"{cpu:,.0f}", f"{rate:,.0f}"]


def main() -> None:
    """Print a line for each number of threads."""
    sizes: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        application, body = make_application(Path(folder), sizes)
    waits = (0.0, batching.MAX_WAIT)
    print(f"| {' | '.join(HEADER)} |")
    print("|---" * len(HEADER) + "|")
    for threads in THREADS:
        rounds: dict[float, list[list[float]]] = {wait: [] for wait in waits}
        for _ in range(ROUNDS):
            for wait in waits:
                batching.MAX_WAIT = wait
                rounds[wait].append(measure(lambda: send(application, body), threads, sizes))
        cells = [cell for wait in waits for cell in formatted(rounds[wait])]
        print(f"| {threads} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
