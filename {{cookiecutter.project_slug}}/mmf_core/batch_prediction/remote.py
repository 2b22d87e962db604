"""The part of a run that a worker of a cluster does, where the project has been sent to.

It keeps the project of the last plan loaded.
"""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path

from ..registry import default
from .chunk_work import Encoded, Failure, Task, predict_chunk
from .plan import Plan, Prepared
from .summary import versions
from .workers import attempt

_prepared: dict[bytes, Prepared] = {}


def library_versions(_folder: str) -> dict[str, str]:
    """Return the versions of Python and of libraries here."""
    return versions()


def work(folder: str, plan: bytes, task: bytes) -> bytes:
    """Do a task, both pickled; return the pickled pair that `attempt` returns."""
    return pickle.dumps(attempt(partial(_predict, folder, plan), task))


def _predict(folder: str, plan: bytes, task: bytes) -> Encoded | Failure:
    if plan not in _prepared:
        _prepared.clear()
        _prepared[plan] = _load(folder, plan)
    prepared = _prepared[plan]
    content: Task = pickle.loads(task)  # noqa: S301 - of the run that the cluster works for
    return predict_chunk(prepared.predictor, prepared.output, content)


def _load(folder: str, plan: bytes) -> Prepared:
    default.folder = Path(folder)  # where the files of artifacts are
    content: Plan = pickle.loads(plan)  # noqa: S301 - of the run that the cluster works for
    return content.prepare()
