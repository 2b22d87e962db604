"""A queue whose tasks run in this process, and a service that runs its own."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from task_services import APP, Queue, declare

from mmf_core.web import create_app
from postgres import postgres
from services import Service, serve


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return the settings of a queue in a PostgreSQL server."""
    with postgres() as uri:
        yield {"MMF_TASKS": uri, "MMF_TASK_FILES": str(tmp_path_factory.mktemp("files"))}


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)]
)
def engine(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the settings of an engine; `sqlite` needs none."""
    settings: dict[str, str] = {}
    if request.param != "sqlite":
        settings = request.getfixturevalue(request.param)
    return settings


@pytest.fixture
def own_engine(engine: dict[str, str]) -> dict[str, str]:
    """Return the settings of an engine with a database for one test only."""
    if not engine:
        return {}
    import psycopg

    server, name = engine["MMF_TASKS"].rpartition("/")[0], f"tasks_{uuid4().hex}"
    with closing(psycopg.connect(engine["MMF_TASKS"], autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return engine | {"MMF_TASKS": f"{server}/{name}"}


@pytest.fixture
def file_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """Yield an application with an empty queue in a file."""
    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path / "tasks"))
    with closing(Queue(create_app(declare()))) as queue:
        yield queue


@pytest.fixture
def queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: dict[str, str]
) -> Iterator[Queue]:
    """Yield an application with an empty queue in each engine."""
    folder = tmp_path / "tasks"
    files = {"MMF_TASK_FILES": str(folder / "files")} if engine else {}
    for name, text in (engine | files | {"MMF_TASKS_DIR": str(folder)}).items():
        monkeypatch.setenv(name, text)
    with closing(Queue(create_app(declare()))) as queue:
        if engine:
            queue.store._database.rows("DROP SCHEMA IF EXISTS mmf_tasks CASCADE")
            queue.close()
        yield queue


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, engine: dict[str, str]) -> Iterator[Service]:
    """Yield a service of two web workers, and one process for tasks."""
    folder = tmp_path_factory.mktemp("tasks")
    with (
        (folder / "log").open("wb") as log,
        serve(*("gunicorn", folder, log, APP), MMF_TASK_WORKERS="1", **engine) as running,
    ):
        yield running
