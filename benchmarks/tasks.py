"""What a task costs beside a call, and how many a machine runs: `make bench-tasks`.

CPU time of a one-row request in this process, and of the same request as a task, in turns, without
a server; each figure is the best round's mean. Then `TASKS` tasks are submitted one after the
other, and run by a worker with a process for each core: their rates, and what each costs of CPU in
the worker. huey does the same with the bare model (tasks/huey_tasks.py), in an environment of its
own. With `MMF_TASKS=postgresql://…` tasks are measured in that database, too. Last, callgrind
counts the instructions of a request beside `QUEUED` tasks that wait (instructions.py). Ends with 1
if they cost it more than `MOST_BESIDE`.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import environments
import instructions
import numpy as np
from paths import BUILD, HERE, PAYLOAD
from sklearn.linear_model import ElasticNet
from werkzeug.test import EnvironBuilder, run_wsgi_app

import mmf_core as mmf
from mmf_core.tasks.service import TaskService
from mmf_core.tasks.worker import TaskWorker
from mmf_core.web import create_app

ROUNDS = 5
CALLS = 300
TASKS = int(os.environ.get("TASKS", "3000"))
QUEUED = 10_000
MOST_BESIDE = 0.05
COLUMNS = [f"c{number}" for number in range(11)]
BODY = (",".join(COLUMNS) + "\n" + ",".join(["1.5"] * len(COLUMNS)) + "\n").encode()


def registry() -> mmf.Registry:
    """Declare a target with a small fitted model."""
    rows = np.random.default_rng(0).normal(size=(100, len(COLUMNS)))
    model = ElasticNet().fit(rows, rows.sum(axis=1))
    table = mmf.DataFrame(schema=dict.fromkeys(COLUMNS, float))
    declared = mmf.Registry()

    @declared.target(returns=mmf.DataFrame(format=mmf.CSV))
    def score(data: Any = table) -> Any:
        return model.predict(data.to_numpy())

    return declared


def caller(app: Any, headers: dict[str, str]) -> Callable[[], None]:
    """Return a function that sends the request to an application."""
    builder = EnvironBuilder("/score", method="POST", data=BODY, headers=headers)
    environ = builder.get_environ() | {"CONTENT_TYPE": "text/csv"}
    builder.close()

    def call() -> None:
        content, status, _ = run_wsgi_app(app, environ | {"wsgi.input": io.BytesIO(BODY)})
        if status[:3] not in ("200", "202"):
            raise SystemExit(b"".join(content).decode())

    return call


def microseconds(actions: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Return the CPU time of a call of each action, the actions in turns."""
    best = dict.fromkeys(actions, float("inf"))
    for _ in range(ROUNDS):
        for name, action in actions.items():
            started = time.process_time()
            for _ in range(CALLS):
                action()
            best[name] = min(best[name], (time.process_time() - started) / CALLS * 1e6)
    return best


def drained(app: Any, processes: int) -> float:
    """Run tasks in a worker of its own until none is left; return its CPU time."""
    store, before = TaskService.of(app).store, children_cpu()
    store.close()
    if not (pid := os.fork()):
        TaskWorker(app, processes, grace=5).run()
        os._exit(0)
    counts = store.counts()
    while counts.get("queued", 0) + counts.get("processing", 0):
        time.sleep(0.05)
        counts = store.counts()
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    if counts.keys() != {"succeeded"}:
        raise SystemExit(f"expected tasks that have succeeded, got {counts}")
    return children_cpu() - before


def children_cpu() -> float:
    """Return the CPU time of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(title: str) -> None:
    """Print the costs and the rates of one way to keep tasks."""
    app, cores = create_app(registry()), os.cpu_count() or 1
    store = TaskService.of(app).store
    call, submit = caller(app, {}), caller(app, {"Prefer": "respond-async"})
    costs = microseconds({"call": call, "task": submit})
    store.clear(only_done=False)
    started = time.perf_counter()
    for _ in range(TASKS):
        submit()
    submitted = time.perf_counter()
    cpu = drained(app, cores)
    ran = time.perf_counter()
    store.clear(only_done=True)
    print(title)
    print(f"  a call takes {costs['call']:.0f} µs of CPU, submitting it as a task ", end="")
    print(f"{costs['task']:.0f}, {costs['task'] / costs['call']:.1f} times that")
    print(f"  {TASKS / (submitted - started):.0f} tasks/s are submitted, one after the other")
    print(f"  {TASKS / (ran - submitted):.0f} tasks/s are run by {cores} processes, ", end="")
    print(f"each for {cpu / TASKS * 1e6:.0f} µs of CPU")
    store.close()


def beside_a_queue() -> bool:
    """Print what queued tasks cost a call, in instructions; return whether that is little."""
    alone, beside = (
        instructions.measure(PAYLOAD, queued=queued, processes=1) for queued in (0, QUEUED)
    )
    more = beside.total / alone.total - 1
    print(f"beside {QUEUED:,} queued tasks a call takes {beside.total:,.0f} instructions, ", end="")
    print(f"without them {alone.total:,.0f}: {more:+.1%}, at most {MOST_BESIDE:.0%} are allowed")
    return more <= MOST_BESIDE


def bare_huey() -> None:
    """Run the same tasks by huey, in an environment of its own."""
    environments.install("tasks", HERE / "tasks" / "requirements.txt")
    interpreter = str(BUILD / "tasks" / ".venv" / "bin" / "python")
    script = str(HERE / "tasks" / "huey_tasks.py")
    subprocess.run([interpreter, script, str(TASKS)], check=True)


def main() -> int:
    """Measure each way to keep tasks."""
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    os.environ["MMF_LOG_LEVEL"] = "error"
    server = os.environ.pop("MMF_TASKS", "")
    with tempfile.TemporaryDirectory() as folder:
        for sync in ("normal", "full"):
            os.environ |= {"MMF_TASKS_DIR": f"{folder}/{sync}", "MMF_TASK_SYNC": sync}
            measure(f"a file, MMF_TASK_SYNC={sync}")
        bare_huey()
        if server:
            os.environ |= {"MMF_TASKS": server, "MMF_TASK_FILES": f"{folder}/shared"}
            measure("PostgreSQL")
    return 0 if beside_a_queue() else 1


if __name__ == "__main__":
    sys.exit(main())
