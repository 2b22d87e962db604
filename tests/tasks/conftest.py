"""A queue whose tasks run in this process, and a service that runs its own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from task_services import APP, Queue, declare

from mmf_core.web import create_app
from services import Service, serve

sys.path.append(str(Path(__file__).parent.parent / "web"))  # for error_shape
pytest.register_assert_rewrite("error_shape")


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """Give an application with a queue of its own."""
    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path / "tasks"))
    queue = Queue(create_app(declare()))
    yield queue
    queue.store.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a service of two web workers, and one process for tasks."""
    folder = tmp_path_factory.mktemp("tasks")
    with (
        (folder / "log").open("wb") as log,
        serve(*("gunicorn", folder, log, APP), MMF_TASK_WORKERS="1") as running,
    ):
        yield running
