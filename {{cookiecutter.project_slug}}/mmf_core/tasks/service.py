"""The tasks of one service, shared by its routes and its task workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from flask import Flask, current_app

from ..capabilities import Gauge, parts
from ..web.protocols import Service
from .calls import TaskCalls, executions
from .database import Database, SQLite
from .errors import TasksUnavailable
from .file_storage import Bucket, FileStorage, Folder
from .files import Files
from .listing import Listing
from .outbox import Outbox
from .postgres import PostgreSQL
from .settings import TaskSettings
from .store import Store
from .task import STATES

_KEY = "mmf_tasks"


class TaskService:
    """The queue of a service, and how each of its targets is called from it.

    `latest` is the application that this process created last, without the author's wrappers.
    """

    latest: ClassVar[Flask | None] = None

    def __init__(self, service: Service) -> None:
        self.registry = service.registry
        self.settings = TaskSettings.from_env()
        database = _database(self.settings)
        self.files = files = Files(database, _file_storage(self.settings))
        self.store = Store(database, files, self.settings.max_tasks, self.settings.max_input)
        self.listing = Listing(database)
        self.outbox = Outbox(database)
        train = next((make_trainer(service) for make_trainer in parts("trainer")), None)
        self.calls = {
            route: TaskCalls(service, execution, self.settings, train)
            for route, execution in executions(service).items()
        }

    def install(self, app: Flask) -> None:
        """Register this service for `of`, and its application for gunicorn's master."""
        app.extensions[_KEY] = self
        TaskService.latest = app

    @staticmethod
    def of(app: Any) -> TaskService:
        """Return the tasks of an application."""
        tasks: TaskService = app.extensions[_KEY]
        return tasks


def _database(settings: TaskSettings) -> Database:
    if settings.uri:
        return PostgreSQL(settings.uri)
    return SQLite(Path(settings.folder).absolute(), is_safe=settings.sync == "full")


def _file_storage(settings: TaskSettings) -> FileStorage:
    if "://" in settings.files:
        return Bucket(settings.files.rstrip("/"))
    if settings.files:
        return Folder(Path(settings.files).absolute(), "MMF_TASK_FILES")
    return Folder(Path(settings.folder).absolute() / "files", "MMF_TASKS_DIR")


@contextmanager
def reimporting(_modules: Iterable[ModuleType]) -> Iterator[None]:
    """Restore the previous application if a new version of the project fails."""
    before = TaskService.latest
    try:
        yield
    except BaseException:
        TaskService.latest = before
        raise


def gauges() -> Iterator[Gauge]:
    """Yield the number of tasks in each state; nothing while the queue is unavailable."""
    try:
        counts = TaskService.of(current_app).store.counts()
    except TasksUnavailable:
        return
    values = {status: counts.get(status, 0) for status in STATES}
    yield Gauge("mmf_tasks", "Tasks by their status.", "status", values)
