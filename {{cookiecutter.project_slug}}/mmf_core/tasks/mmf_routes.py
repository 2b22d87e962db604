"""MMF's API of tasks, over the same queue: `?as_task=true`, `/task`, `/log/`."""

from __future__ import annotations

import math

from flask import Blueprint, Response, request

from ..errors import Overloaded
from ..target import FORMAT_QUERY
from ..web.authorization import ALL, check_target
from ..web.http.responses import json_response
from . import requests
from .responses import cancel, check_query, find, flag, log_of, respond, result_of, wait_for
from .service import TaskService
from .task import Task


def mmf_blueprint(tasks: TaskService) -> Blueprint:
    """Return the routes; the header `TASK-ID` names the task."""
    routes = Blueprint("mmf_tasks", __name__)

    def named() -> Task:
        return find(tasks, requests.task_id(request, is_needed=True))

    @routes.get("/task")
    def wait_and_fetch() -> Response:
        check_query("auto_remove", FORMAT_QUERY)
        is_removed = flag("auto_remove", default=True)
        task = wait_for(tasks, named(), math.inf)
        if not task.is_done:
            raise Overloaded("too many requests wait for tasks, or the service is shutting down")
        response = result_of(tasks, task)
        if is_removed and request.method != "HEAD":
            response.call_on_close(lambda: tasks.store.forget(task))
        return response

    @routes.delete("/task")
    def cancel_() -> Response:
        check_query()
        return respond(tasks, cancel(tasks, named()), 200)

    @routes.delete("/tasks")
    def remove() -> Response:
        check_query("only_done")
        check_target(ALL)
        return json_response(
            {"removed": tasks.store.clear(only_done=flag("only_done", default=False))}
        )

    @routes.get("/log/")
    def log() -> Response:
        check_query("task_id")
        task_id = request.args.get("task_id", "")
        return log_of(tasks, find(tasks, task_id))

    return routes
