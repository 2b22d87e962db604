"""Targets with a `schedule`: each is queued at its times, once over all workers of a queue.

The time is a part of the task's id, and the queue accepts an id once: the first worker queues it.
A worker covers the time since its last check, or `CATCH_UP` seconds after a start or when the
clock was set back, so that a restart misses nothing and nothing is queued twice; of several due
times it queues the last. Times are UTC, in which no hour is repeated or skipped.
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
CHECK_INTERVAL = 1.0
_log = logging.getLogger("mmf.tasks")


class Schedules:
    """The schedules of a service, as one of its workers checks them."""

    def __init__(self, tasks: TaskService) -> None:
        self._tasks = tasks
        self._schedules = {
            route: CronSchedule.parse(schedule)
            for route, calls in tasks.calls.items()
            if (schedule := calls.target.call_options.schedule)
        }
        self._until = time.time() - CATCH_UP
        self._checked = 0.0

    def queue_due(self) -> None:
        """Queue the tasks that are due. TasksUnavailable if that fails; the next check retries."""
        now = time.monotonic()
        if not self._schedules or now - self._checked < CHECK_INTERVAL:
            return
        self._checked, until = now, time.time()
        after = self._until if self._until <= until else until - CATCH_UP
        for route, schedule in self._schedules.items():
            if (due := schedule.latest(after, until)) is not None:
                self._queue(route, due)
        self._until = until

    def _queue(self, route: str, due: float) -> None:
        time_due = datetime.fromtimestamp(due, UTC)
        task_id = f"{requests.OWN_IDS}{route}:{time_due:%Y-%m-%dT%H:%MZ}"
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
            _log.info("%s queued by its schedule, as task %s", route, task_id)
