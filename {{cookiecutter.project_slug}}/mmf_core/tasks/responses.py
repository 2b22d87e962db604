"""What both APIs of tasks do: find a task, wait for it, cancel it, fetch its result."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import BoundedSemaphore

from flask import Response, request

from ..codecs import json
from ..errors import PROBLEM_MEDIA_TYPE, ErrorDetail, InvalidValue, quoted, shortened
from ..readiness import server_status
from ..web.authorization import check_target
from ..web.http.responses import json_response
from ..web.request_context import current_context
from .errors import ResultGone, TaskConflict, TasksUnavailable, UnknownTask
from .service import TaskService
from .task import FAILED, SUCCEEDED, Task

MAX_WAITING = 8
"""Requests of a worker that wait for tasks; any more get an immediate response (RFC 7240)."""
FLAGS = {"true": True, "false": False, "1": True, "0": False}
_MIN_POLL, _MAX_POLL = 0.01, 0.25  # seconds between two polls of a task
_waiting = BoundedSemaphore(MAX_WAITING)


def find(tasks: TaskService, task_id: str) -> Task:
    """Return a task whose target the caller may use; UnknownTask if it does not exist."""
    task = tasks.store.find(task_id)
    if task is None:
        raise UnknownTask(f"no task has the id {quoted(task_id)}")
    check_target(task.target)
    return task


def respond(tasks: TaskService, task: Task, status: int) -> Response:
    """Respond with a task."""
    try:
        (position,) = tasks.listing.positions([task])
    except TasksUnavailable:  # it is accepted all the same
        position = None
    document = task.document(request.root_path, position)
    response = json_response(document, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def log_of(tasks: TaskService, task: Task) -> Response:
    """Respond with a task's log."""
    return Response(tasks.store.log(task), content_type="text/plain; charset=utf-8")


def cancel(tasks: TaskService, task: Task) -> Task:
    """Cancel a task; TaskConflict if it is done."""
    cancelled = tasks.store.cancel(task)
    if cancelled is None:
        raise TaskConflict(f"the task is {find(tasks, task.id).status} already")
    return cancelled


def wait_for(tasks: TaskService, task: Task, seconds: float) -> Task:
    """Wait until a task is done, for `seconds` at most; return its latest state.

    A waiting request takes a thread of its worker, so only a few may wait.
    """
    if task.is_done or not seconds or not _waiting.acquire(blocking=False):
        return task
    try:
        end, interval = time.monotonic() + seconds, _MIN_POLL
        while (remaining := end - time.monotonic()) > 0:
            if server_status.must_end() or has_hung_up():
                break
            time.sleep(min(interval, remaining))
            interval = min(interval * 1.5, _MAX_POLL)
            with suppress(TasksUnavailable):  # until the next poll
                if (task := find(tasks, task.id)).is_done:
                    break
        return task
    finally:
        _waiting.release()


def has_hung_up() -> bool:
    """Report whether the client of this request has disconnected."""
    context = current_context()
    return context is not None and context.has_hung_up()


def forget(tasks: TaskService, task: Task) -> None:
    """Remove a task that is done, now if possible, otherwise when it expires."""
    with suppress(TasksUnavailable):
        tasks.store.forget(task)


def result_of(tasks: TaskService, task: Task) -> Response:
    """Respond with the result of a task in the format of this request, or with its error.

    TaskConflict if it has none, ResultGone if it was removed.
    """
    if task.status == FAILED and task.error:
        status = int(json.loads(task.error)["status"])
        return Response(task.error, status, content_type=PROBLEM_MEDIA_TYPE)
    if task.status != SUCCEEDED:
        raise TaskConflict(f"the task is {task.status}: it has no result")
    if task.removed:
        raise ResultGone("the result was removed (set MMF_TASK_KEEP_HOURS, MMF_TASK_KEEP_MIB)")
    calls = tasks.calls.get(task.target)
    if calls is None:
        raise ResultGone(f"this version of the service has no target {task.target}")
    return calls.respond(tasks.store.open_result(task), request)


def flag(name: str, *, default: bool) -> bool:
    """Return a boolean parameter of the query."""
    text = request.args.get(name, "true" if default else "false")
    if text not in FLAGS:
        raise invalid_query(name, f"expected true or false, got {quoted(text)}")
    return FLAGS[text]


def check_query(*expected: str) -> None:
    """Reject parameters of the query that would be ignored: unknown and repeated ones."""
    for name, values in request.args.lists():
        if name not in expected:
            reason = f"unknown parameter; expected {', '.join(expected) or 'none'}"
            raise invalid_query(shortened(name), reason)
        if len(values) > 1:
            raise invalid_query(name, f"expected one value, got {len(values)}")


def invalid_query(name: str, expected: str) -> InvalidValue:
    """Return an error about a parameter of the query."""
    detail = f"?{name}=: {expected}"
    return InvalidValue(detail, [ErrorDetail(expected, where=name)])
