"""A task as callers see it, in the fields of Cog and Replicate."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import IO, Any
from urllib.parse import quote

from ..codecs import json
from ..errors import problem_document

QUEUED, PROCESSING = "queued", "processing"
SUCCEEDED, FAILED, CANCELED = "succeeded", "failed", "canceled"
STATES = (QUEUED, PROCESSING, SUCCEEDED, FAILED, CANCELED)


@dataclass(frozen=True, slots=True)
class Task:
    """A row of the queue, without its contents. Times are seconds since 1970.

    `seq` is its position in the queue. `request` and `error` are JSON. `fingerprint` is that of its
    request. `worker` and its process `runner` are those that run it, or are about to release it.
    `removed`: its result was deleted.
    """

    seq: int
    id: str
    target: str
    status: str
    fingerprint: str
    request: str
    created_at: float
    started_at: float | None
    completed_at: float | None
    seconds: float | None
    progress: float | None
    message: str
    attempts: int
    retries: int
    timeout: float
    worker: str | None
    runner: int | None
    error: str | None
    removed: int
    input_file: str | None
    result_file: str | None

    @property
    def is_done(self) -> bool:
        """Whether it has ended, with any status."""
        return self.status not in (QUEUED, PROCESSING)

    @property
    def is_large(self) -> bool:
        """Whether its request is too large for memory: see `large_tables`."""
        return bool(json.loads(self.request).get("is_large"))

    def url(self, root: str) -> str:
        """Return its address; `root` is the path under which the service is mounted."""
        return f"{root}/tasks/{quote(self.id, safe='')}"

    def document(self, root: str, position: int | None) -> dict[str, Any]:
        """Return the task ready for JSON."""
        url = self.url(root)
        return {
            "id": self.id,
            "target": self.target,
            "status": self.status,
            "created_at": _time(self.created_at),
            "started_at": _time(self.started_at),
            "completed_at": _time(self.completed_at),
            "progress": self.progress,
            "message": self.message,
            "position": position,
            "attempts": self.attempts,
            "error": json.loads(self.error) if self.error else None,
            "metrics": {"predict_time": self.seconds},
            "urls": {
                "self": url,
                "result": f"{url}/result",
                "log": f"{url}/log",
                "cancel": f"{url}/cancel",
            },
        }


@dataclass(frozen=True, slots=True)
class ClaimedTask(Task):
    """A task that a runner has, with the body of its request, unless that is in a file."""

    input: bytes | None


COLUMNS = ", ".join(field.name for field in fields(Task))
"""The columns of the table that make up a Task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task to be queued: see `Task`."""

    id: str
    target: str
    fingerprint: str
    request: str
    retries: int
    timeout: float
    webhook: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a task: `error` is a problem in JSON, `content` its result or a file of it.

    `retry_after`: seconds until another attempt may succeed, if an upstream of the target did not
    respond.
    """

    status: str
    content: bytes | IO[bytes] = b""
    error: str | None = None
    seconds: float | None = None
    retry_after: float | None = None

    @property
    def detail(self) -> str:
        """What the error says; empty without one."""
        return str(json.loads(self.error)["detail"]) if self.error else ""

    def close(self) -> None:
        """Close the file of a result, which is stored now."""
        if not isinstance(self.content, bytes):
            self.content.close()

    @classmethod
    def failed(cls, task: Task, status: int, detail: str) -> Outcome:
        """Return the outcome of a task that has not reported its own."""
        request_id = json.loads(task.request).get("request_id")
        problem = problem_document(status, detail, f"/tasks/{task.id}", request_id)
        return cls(FAILED, error=json.dumps(problem).decode())


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
