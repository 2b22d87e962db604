"""Targets with a `schedule`: each is queued at its times, once over all workers of a queue.

The time is a part of the task's id, and the queue takes an id once: whichever worker is first
queues it. A worker looks back to its last look, or for `CATCH_UP` seconds after a start or when the
clock was set back, so that a restart misses nothing and nothing is queued twice; of several times
in that it queues the last. Times are UTC, in which no hour comes twice or is left out.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from ..cron import CronSchedule
from . import requests
from .service import TaskService
from .task import NewTask

CATCH_UP = 300.0
LOOK_INTERVAL = 1.0
_log = logging.getLogger("mmf.tasks")


class Schedules:
    """The schedules of a service, as one of its workers looks at them."""

    def __init__(self, tasks: TaskService) -> None:
        self._tasks = tasks
        self._schedules = {
            route: CronSchedule.parse(schedule)
            for route, calls in tasks.calls.items()
            if (schedule := calls.target.call_options.schedule)
        }
        self._until = time.time() - CATCH_UP
        self._looked = 0.0

    def queue_due(self) -> None:
        """Queue what is due. TasksUnavailable if it cannot be; the next look tries again."""
        now = time.monotonic()
        if not self._schedules or now - self._looked < LOOK_INTERVAL:
            return
        self._looked, until = now, time.time()
        after = self._until if self._until <= until else until - CATCH_UP
        for route, schedule in self._schedules.items():
            if (due := schedule.latest(after, until)) is not None:
                self._queue(route, due)
        self._until = until

    def _queue(self, route: str, due: float) -> None:
        moment = datetime.fromtimestamp(due, UTC)
        task_id = f"{requests.OWN_IDS}{route}:{moment:%Y-%m-%dT%H:%MZ}"
        calls = self._tasks.calls[route]
        stored = requests.stored_empty(task_id)
        new = NewTask(
            id=task_id,
            target=route,
            fingerprint=requests.fingerprint(route, stored, b""),
            request=stored,
            retries=calls.target.call_options.retries,
            timeout=calls.timeout,
        )
        _, is_new = self._tasks.store.add(new, b"", is_limited=False)
        if is_new:
            _log.info("%s is queued by its schedule, as task %s", route, task_id)
