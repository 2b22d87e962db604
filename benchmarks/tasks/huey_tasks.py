"""The same model as tasks of huey, used bare: the function gets the body and returns a table.

Prints how many tasks are submitted in a second, how many are run by processes for each core, and
what each of these costs of CPU. huey keeps them in SQLite, by default without any fsync, checks no
request, and writes no log line and no metric; a process that is killed loses the task that it has.

    python huey_tasks.py TASKS
"""

from __future__ import annotations

import io
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from huey import SqliteHuey
from sklearn.linear_model import ElasticNet

COLUMNS = [f"c{number}" for number in range(11)]
BODY = (",".join(COLUMNS) + "\n" + ",".join(["1.5"] * len(COLUMNS)) + "\n").encode()
folder = tempfile.TemporaryDirectory()
huey = SqliteHuey(filename=str(Path(folder.name, "huey.db")), utc=True)
rows = np.random.default_rng(0).normal(size=(100, len(COLUMNS)))
model = ElasticNet().fit(rows, rows.sum(axis=1))


@huey.task(retries=1)
def score(body: bytes) -> pd.DataFrame:
    """Predict a row."""
    table = pd.read_csv(io.BytesIO(body))
    return pd.DataFrame({"prediction": model.predict(table.to_numpy())})


def consume(processes: int) -> None:
    """Run tasks until a signal."""
    consumer = huey.create_consumer(workers=processes, worker_type="process", periodic=False)
    consumer.run()


def main() -> None:
    """Submit tasks, run them, print both rates."""
    tasks, cores = int(sys.argv[1]), os.cpu_count() or 1
    started = time.perf_counter()
    for _ in range(tasks):
        score(BODY)
    submitted = time.perf_counter()
    huey.storage.close()
    if not (pid := os.fork()):
        consume(cores)
        os._exit(0)
    while huey.result_count() < tasks:
        time.sleep(0.05)
    ran = time.perf_counter()
    os.kill(pid, signal.SIGINT)
    os.waitpid(pid, 0)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (usage.ru_utime + usage.ru_stime) / tasks * 1e6
    print(f"huey {'.'.join(map(str, version()))}, bare, a file that is not synced")
    print(f"  {tasks / (submitted - started):.0f} tasks/s are submitted, one after the other")
    print(f"  {tasks / (ran - submitted):.0f} tasks/s are run by {cores} processes, ", end="")
    print(f"each for {cpu:.0f} µs of CPU")


def version() -> list[str]:
    """Return huey's version."""
    import importlib.metadata

    return importlib.metadata.version("huey").split(".")


if __name__ == "__main__":
    main()
