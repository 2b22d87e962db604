"""`/tasks`: calls of targets whose results are fetched later (RFC 7240's `respond-async`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path

from flask import Blueprint, Flask, Response, request
from flask.blueprints import BlueprintSetupState

from ..errors import quoted
from ..processes import release
from ..settings import MIB
from ..target import FORMAT_QUERY
from ..web.authorization import reachable
from ..web.http.bodies import BodyStream, read_whole
from ..web.http.responses import json_response
from ..web.protocols import Service
from ..web.request_context import current_context, enter_target
from . import requests
from .calls import TaskCalls
from .errors import QueueFull, TaskConflict
from .files import StoredFile
from .mmf_routes import mmf_blueprint
from .responses import (
    cancel,
    check_query,
    find,
    flag,
    forget,
    has_hung_up,
    invalid_query,
    log_of,
    respond,
    result_of,
    wait_for,
)
from .runner import JOB
from .service import TaskService
from .task import STATES, NewTask, Task

MAX_PAGE = 1_000
_LARGE = 4 * MIB
"""Bytes of a body; decoding takes many times as much, which is worth returning immediately."""


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Return the routes; those of targets also accept tasks."""
    tasks = TaskService(service)
    routes = _blueprint(tasks)
    routes.record(partial(_install, tasks))
    routes.before_app_request(partial(_run_job, tasks))
    return [routes, mmf_blueprint(tasks)]


def _install(tasks: TaskService, state: BlueprintSetupState) -> None:
    """Wrap the view of each target, which decides whether a call becomes a task.

    The view, not a hook before it: the author's hooks, which may reject a caller, come first.
    """
    app: Flask = state.app  # type: ignore[assignment] # it is the application itself
    tasks.install(app)
    for route, calls in tasks.calls.items():
        call: Callable[[], Response] = app.view_functions[f"{route}.call"]  # type: ignore[assignment]
        app.view_functions[f"{route}.call"] = partial(_call_or_submit, tasks, calls, call)


def _run_job(tasks: TaskService) -> Response | None:
    """Run the task if this request is one: see `runner`."""
    context = current_context()  # Flask's `request` takes ten times as long
    job = (context.environ if context else request.environ).get(JOB)
    return job.run(tasks) if job else None


def _call_or_submit(tasks: TaskService, calls: TaskCalls, call: Callable[[], Response]) -> Response:
    context = current_context()
    target, environ = calls.target, context.environ if context else request.environ
    may_be_mmf = "as_task=" in environ.get("QUERY_STRING", "")
    if not (may_be_mmf or "HTTP_PREFER" in environ or target.call_options.background):
        return call()
    is_mmf = (
        may_be_mmf
        and requests.AS_TASK not in target.arguments
        and flag(requests.AS_TASK, default=False)
    )
    is_preferred, wait = requests.preferences(request)
    if is_mmf:
        return _submit(tasks, calls, is_mmf=True)
    if not (is_preferred or target.call_options.background):
        return call()
    response = _submit(tasks, calls, wait)
    if is_preferred:
        response.headers["Preference-Applied"] = "respond-async"
    return response


def _submit(
    tasks: TaskService, calls: TaskCalls, wait: float = 0.0, *, is_mmf: bool = False
) -> Response:
    enter_target(calls.target)
    task, has_own_id = _queue(tasks, calls, is_mmf=is_mmf)
    task = wait_for(tasks, task, wait)
    if not (task.is_done and wait):
        if wait and not has_own_id and has_hung_up():
            tasks.store.cancel(task)
        response = respond(tasks, task, 200 if is_mmf else 202)
    else:
        response = result_of(tasks, task)
        if not has_own_id:  # it cannot be requested again
            forget(tasks, task)
            return response
    response.headers["Location"] = task.url(request.root_path)
    return response


def _queue(tasks: TaskService, calls: TaskCalls, *, is_mmf: bool) -> tuple[Task, bool]:
    """Validate the request and queue it; return the task, and whether others may know its id.

    A large body is freed: both itself, while the response waits for the task, and the memory in
    which it was decoded for validation, while the task's process decodes it again.
    """
    target = calls.target
    names = [name for name in requests.OF_MMF if is_mmf and name not in target.arguments]
    task_id = requests.task_id(request, is_needed=is_mmf)
    webhook = requests.webhook(request, tasks.settings, names)
    content: bytes | StoredFile
    if calls.is_large(request, tasks.settings.max_body):
        stored = requests.stored_request(request, names, is_large=True)
        try:
            content, fingerprint = _receive(tasks, calls, stored)
        except QueueFull:
            if (known := tasks.store.find(task_id)) is None:
                raise
            _check_same(known, _read_fingerprint(calls, stored))
            return known, True
    else:
        content = read_whole(request)
        stored = requests.stored_request(request, names)
        _check(calls, stored, content)
        fingerprint = requests.fingerprint(target.route, stored, content)
    new = NewTask(
        id=task_id,
        target=target.route,
        fingerprint=fingerprint,
        request=stored,
        retries=target.call_options.retries,
        timeout=calls.timeout,
        webhook=webhook,
    )
    # A file has its place already.
    task, is_new = tasks.store.add(new, content, is_limited=isinstance(content, bytes))
    if not is_new:
        _check_same(task, fingerprint)
    return task, requests.has_id(request) or new.webhook is not None


def _check_same(task: Task, fingerprint: str) -> None:
    """Raise TaskConflict for the fingerprint of another request."""
    if task.fingerprint != fingerprint:
        raise TaskConflict(f"the id {quoted(task.id)} is that of another task; choose another id")


def _read_fingerprint(calls: TaskCalls, stored: str) -> str:
    """Return the fingerprint of a large body, which is not stored."""
    body = requests.Fingerprinted(calls.target.route, stored, BodyStream(request))
    while body.read(MIB):
        pass
    request.stream = BytesIO()
    return body.fingerprint


def _receive(tasks: TaskService, calls: TaskCalls, stored: str) -> tuple[StoredFile, str]:
    """Store a large body, if the queue has room for it; return its file and its fingerprint."""
    size = (request.content_length or 0) + len(stored)
    body = requests.Fingerprinted(calls.target.route, stored, BodyStream(request))

    def check(path: Path) -> None:
        with closing(requests.replayed(stored, b"")) as replayed:
            calls.check_large(request, replayed, path)

    name = tasks.files.receive(body, check, partial(tasks.store.limits.reserve, size))
    request.stream = BytesIO()
    release()
    return StoredFile(name, body.size), body.fingerprint


def _check(calls: TaskCalls, stored: str, body: bytes) -> None:
    """Reject a request that the target would reject; free what was decoded for it."""
    with closing(requests.replayed(stored, body)) as replayed:
        calls.check(request, replayed)
    del replayed
    request.stream = BytesIO()
    if len(body) > _LARGE:
        release()


def _blueprint(tasks: TaskService) -> Blueprint:
    routes = Blueprint("tasks", __name__)

    @routes.get("/tasks")
    def tasks_() -> Response:
        check_query("status", "target", "limit", "after")
        where = {name: request.args[name] for name in ("status", "target") if name in request.args}
        if (status := where.get("status", STATES[0])) not in STATES:
            raise invalid_query(
                "status", f"expected one of {', '.join(STATES)}, got {quoted(status)}"
            )
        limit, after = _limit(request.args.get("limit", "100")), request.args.get("after")
        last = None if after is None else find(tasks, after).seq
        page = tasks.listing.page(where, last, limit, reachable())
        positions = tasks.listing.positions(page)
        documents = [
            task.document(request.root_path, position)
            for task, position in zip(page, positions, strict=True)
        ]
        return json_response(
            {
                "tasks": documents,
                "next": page[-1].id if len(page) == limit else None,
                "done": [task.id for task in page if task.is_done],  # both are MMF's
                "pending": [task.id for task in page if not task.is_done],
            }
        )

    @routes.get("/tasks/<task_id>")
    def task_(task_id: str) -> Response:
        check_query()
        _, wait = requests.preferences(request)
        return respond(tasks, wait_for(tasks, find(tasks, task_id), wait), 200)

    @routes.get("/tasks/<task_id>/log")
    def log(task_id: str) -> Response:
        check_query()
        return log_of(tasks, find(tasks, task_id))

    @routes.get("/tasks/<task_id>/result")
    def result(task_id: str) -> Response:
        check_query(FORMAT_QUERY)
        _, wait = requests.preferences(request)
        return result_of(tasks, wait_for(tasks, find(tasks, task_id), wait))

    @routes.delete("/tasks/<task_id>")
    @routes.post("/tasks/<task_id>/cancel")
    def cancel_(task_id: str) -> Response:
        check_query()
        return respond(tasks, cancel(tasks, find(tasks, task_id)), 200)

    return routes


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= float(text) <= MAX_PAGE):
        raise invalid_query(
            "limit", f"expected a whole number, 1 to {MAX_PAGE}, got {quoted(text)}"
        )
    return int(text)
