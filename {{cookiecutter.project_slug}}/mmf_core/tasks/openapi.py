"""`/tasks` in OpenAPI, and the additions of tasks to the description of every target."""

from __future__ import annotations

from typing import Any

from ..errors import PROBLEM_MEDIA_TYPE
from ..target import Target
from ..web.openapi.sections import ANYTHING, OpenAPISection, error_refs, ref, response
from ..web.protocols import Service
from .requests import MAX_ID, MAX_WAIT
from .responses import FLAGS
from .routes import MAX_PAGE
from .settings import TaskSettings
from .task import STATES

_TEXT = {"type": "string"}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_NUMBER = {"type": ["number", "null"]}
_MEMBERS = {
    "id": _TEXT,
    "target": _TEXT,
    "status": {"type": "string", "enum": list(STATES)},
    "created_at": {"type": "string", "format": "date-time"},
    "started_at": _TIME,
    "completed_at": _TIME,
    "progress": {**_NUMBER, "minimum": 0, "maximum": 1},
    "message": {**_TEXT, "description": "the last message that the function has reported"},
    "position": {
        "type": ["integer", "null"],
        "minimum": 0,
        "description": "how many tasks are ahead of it in the queue; null if it is not queued",
    },
    "attempts": {"type": "integer", "minimum": 0, "description": "how often it was started"},
    "error": {"anyOf": [ref("schemas", "Problem"), {"type": "null"}]},
    "metrics": {"type": "object", "properties": {"predict_time": _NUMBER}},
    "urls": {
        "type": "object",
        "properties": dict.fromkeys(("self", "result", "log", "cancel"), _TEXT),
    },
}
_TASK = {"type": "object", "properties": _MEMBERS, "required": list(_MEMBERS)}
_PAGE = {
    "type": "object",
    "properties": {
        "tasks": {"type": "array", "items": ref("schemas", "Task")},
        "next": {"type": ["string", "null"], "description": "the value of after for the next page"},
        "done": {"type": "array", "items": _TEXT},
        "pending": {"type": "array", "items": _TEXT},
    },
    "required": ["tasks", "next", "done", "pending"],
}
_REMOVED = {
    "type": "object",
    "properties": {"removed": {"type": "array", "items": _TEXT}},
    "required": ["removed"],
}
_REASONS = {
    404: "no task has this id",
    409: "the task's state does not allow this, or its id is that of another task",
    410: "the result was removed",
}
_TASK_RESPONSE = response("the task", ref("schemas", "Task"))
_LOG = response("what the function has printed and logged", _TEXT, "text/plain")


def section(_service: Service) -> OpenAPISection:
    """Describe the routes of tasks."""
    problem = ref("schemas", "Problem")
    return OpenAPISection(
        tag="tasks",
        description="Calls whose results are fetched later (Prefer, or MMF's ?as_task=true).",
        paths=_paths() | _mmf_paths(),
        components={
            "schemas": {"Task": _TASK},
            "responses": {
                f"Task{status}": response(reason, problem, PROBLEM_MEDIA_TYPE)
                for status, reason in _REASONS.items()
            },
        },
    )


def describe_call(_target: Target, operation: dict[str, Any]) -> None:
    """Add the options of tasks to the description of a target's `POST`.

    MMF's `as_task` is left out: with it a 200 would be a task or the result, and clients that are
    generated from this would have to find out which.
    """
    operation["parameters"] += [
        _parameter(
            "Prefer",
            "header",
            _TEXT,
            "respond-async: respond with a task immediately; respond-async, wait=5: with the "
            f"result if it is ready within 5 seconds, {MAX_WAIT:g} at most (RFC 7240)",
        ),
        _id_parameter("TASK-ID", "the task's id, chosen by the caller", is_needed=False),
        _id_parameter("Idempotency-Key", "the same as TASK-ID", is_needed=False),
    ]
    if TaskSettings.from_env().webhook_secret:
        operation["parameters"].append(
            _parameter("Webhook-URL", "header", _TEXT, "where the task is posted when it is done")
        )
    responses = operation["responses"]
    responses["202"] = {
        **_TASK_RESPONSE,
        "headers": {
            "Location": {"description": "the address of the task", "schema": _TEXT},
            "Preference-Applied": {"description": "respond-async, if requested", "schema": _TEXT},
        },
    }
    responses |= _errors(409) | error_refs("Problem", 503)


def _paths() -> dict[str, dict[str, Any]]:
    wait = _parameter("Prefer", "header", _TEXT, "wait=5: wait up to 5 seconds until it is done")
    task_id = _parameter("task_id", "path", _TEXT, "the task's id")
    page = [
        _parameter(
            "status",
            "query",
            {"type": "string", "enum": list(STATES)},
            "only tasks with this status",
        ),
        _parameter("target", "query", _TEXT, "only tasks of this target"),
        _parameter(
            "limit",
            "query",
            {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 100},
            "the maximum number",
        ),
        _parameter("after", "query", _TEXT, "only tasks before this one, by its id"),
    ]
    cancel = {"200": _TASK_RESPONSE, **_errors(404, 409), **_invalid()}
    result = {
        "description": "the result, in the format of ?format= or Accept, or the task's own error",
        "content": {ANYTHING: {"schema": {}}},
    }
    return {
        "/tasks": {
            "get": _operation(
                "list_tasks",
                "the newest tasks first",
                {"200": response("a page of tasks", _PAGE), **_errors(404), **_invalid()},
                page,
            ),
            "delete": _operation(
                "remove_tasks",
                "cancel the tasks that are not done, and remove all",
                {"200": response("the ids", _REMOVED), **_invalid()},
                [_flag("only_done", "false", "cancel none")],
            ),
        },
        "/tasks/{task_id}": {
            "get": _operation(
                "get_task",
                "a task",
                {"200": _TASK_RESPONSE, **_errors(404), **error_refs("Problem", 400, 422)},
                [task_id, wait],
            ),
            "delete": _operation("delete_task", "cancel a task", cancel, [task_id]),
        },
        "/tasks/{task_id}/cancel": {
            "post": _operation("cancel_task", "cancel a task", cancel, [task_id])
        },
        "/tasks/{task_id}/log": {
            "get": _operation(
                "get_log", "its log", {"200": _LOG, **_errors(404), **_invalid()}, [task_id]
            )
        },
        "/tasks/{task_id}/result": {
            "get": _operation(
                "get_result",
                "the result of a task",
                {"200": result, "204": {"description": "done"}, **_fetch_errors()},
                [task_id, wait, _parameter("format", "query", _TEXT, "the format")],
            )
        },
    }


def _mmf_paths() -> dict[str, dict[str, Any]]:
    task_id = _id_parameter("TASK-ID", "the task's id", is_needed=True)
    result = {"description": "the result", "content": {ANYTHING: {"schema": {}}}}
    log_id = {**_parameter("task_id", "query", _TEXT, "the task's id"), "required": True}
    return {
        "/task": {
            "get": _operation(
                "wait_for_task",
                "wait for the result of a task (MMF)",
                {"200": result, "204": {"description": "done"}, **_fetch_errors()},
                [task_id, _flag("auto_remove", "true", "remove the task then")],
            ),
            "delete": _operation(
                "cancel_mmf_task",
                "cancel a task (MMF)",
                {"200": _TASK_RESPONSE, **_errors(404, 409), **_invalid()},
                [task_id],
            ),
        },
        "/log/": {
            "get": _operation(
                "get_mmf_log",
                "the log of a task (MMF)",
                {"200": _LOG, **_errors(404), **_invalid()},
                [log_id],
            )
        },
    }


def _operation(
    name: str, summary: str, responses: dict[str, Any], parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {**responses, **error_refs("Problem", 503)},
    }


def _parameter(
    name: str, location: str, schema: dict[str, Any], description: str
) -> dict[str, Any]:
    return {
        "name": name,
        "in": location,
        "required": location == "path",
        "description": description,
        "schema": schema,
    }


def _id_parameter(name: str, description: str, *, is_needed: bool) -> dict[str, Any]:
    text = f"{description}; at most {MAX_ID} printable characters without /"
    return {**_parameter(name, "header", _TEXT, text), "required": is_needed}


def _flag(name: str, default: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "enum": [*FLAGS], "default": default}
    return _parameter(name, "query", schema, description)


def _errors(*statuses: int) -> dict[str, Any]:
    return error_refs("Task", *statuses)


def _invalid() -> dict[str, Any]:
    return error_refs("Problem", 422)


def _fetch_errors() -> dict[str, Any]:
    """Return the errors of a result: those of the task itself are its target's."""
    return {**_errors(404, 409, 410), **error_refs("Problem", 400, 406, 413, 415, 422, 500, 504)}
