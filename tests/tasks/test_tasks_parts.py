"""The parts of tasks by themselves: settings, log, progress, the command, rejections."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Timer
from types import FrameType, ModuleType
from typing import Any

import pytest
from task_services import APP, ASYNC, Queue, declare, end_of, started, state_of, submit, until
from test_tasks_processes import serving

import mmf_core as mmf
from baking import PAYLOAD
from mmf_core import sqlite_file
from mmf_core.call_options import CallOptions
from mmf_core.errors import DeclarationError, MissingPackage, SettingError
from mmf_core.tasks import database, log, queue_limits, worker
from mmf_core.tasks.errors import TasksUnavailable
from mmf_core.tasks.postgres import PostgreSQL
from mmf_core.tasks.service import TaskService, reimporting
from mmf_core.tasks.settings import TaskSettings
from mmf_core.tasks.task import Outcome
from mmf_core.tasks.worker import TaskWorker
from mmf_core.web import create_app
from services import serve


def test_settings_are_read_in_their_units() -> None:
    settings = TaskSettings.from_env({})
    assert (settings.folder, settings.workers, settings.timeout) == (".tasks", 1, 0)
    assert (settings.sync, settings.keep, settings.max_kept) == ("normal", 86400, 1 << 30)
    assert (settings.max_tasks, settings.max_input) == (100_000, 10 << 30)
    settings = TaskSettings.from_env({"MMF_TASK_KEEP_HOURS": "0.5", "MMF_TASK_KEEP_MIB": "0.5"})
    assert (settings.keep, settings.max_kept) == (1800, 1 << 19)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("MMF_TASK_WORKERS", "-1"),
        ("MMF_TASK_WORKERS", "257"),
        ("MMF_TASK_WORKERS", "²"),
        ("MMF_MAX_TASKS", "0"),
        ("MMF_MAX_TASKS", "10000001"),
        ("MMF_MAX_TASKS_MIB", "0"),
        ("MMF_TASK_KEEP_HOURS", "0"),
        ("MMF_TASK_KEEP_HOURS", "9000"),
        ("MMF_TASK_KEEP_HOURS", "nan"),
        ("MMF_TASK_SYNC", "off"),
        ("MMF_TASK_TIMEOUT", "-1"),
        ("MMF_TASK_FILES", "https://host/files"),
        ("MMF_TASK_FILES", "s3://"),
    ],
)
def test_invalid_settings_are_rejected(variable: str, text: str) -> None:
    with pytest.raises(SettingError, match=variable):
        TaskSettings.from_env({variable: text})


def test_full_sync_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path))
    for sync, pragma in (("normal", 1), ("full", 2)):
        monkeypatch.setenv("MMF_TASK_SYNC", sync)
        queue = Queue(create_app(declare()))
        assert queue.store._database.rows("PRAGMA synchronous") == [(pragma,)]
        assert queue.store._database.rows("PRAGMA journal_mode") == [("wal",)]
        queue.store.close()


@pytest.mark.parametrize(
    "options",
    [
        {"background": 1},
        {"task_timeout": 0},
        {"task_timeout": "2"},
        {"retries": -1},
        {"retries": 1.5},
    ],
)
def test_invalid_options_are_rejected(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=next(iter(options))):
        CallOptions(**options)


def test_nothing_runs_in_the_background_without_this_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = mmf.Registry()
    registry.target(background=True)(_nothing)
    monkeypatch.setattr("mmf_core.web.app.parts", lambda _name: [])
    with pytest.raises(DeclarationError, match="background=True needs an extra"):
        create_app(registry)


def test_target_that_trains_is_left_out_without_its_extra(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mmf_core.web.app.parts", lambda _name: [])
    registry = mmf.Registry()
    registry.target(returns=mmf.ModelFile("model.joblib"))(_nothing)
    create_app(registry)
    assert "_nothing" not in registry.targets
    assert "_nothing is not served: returns=mmf.ModelFile(…) needs an extra" in caplog.text
    registry.target(returns=mmf.ModelFile("model.joblib"), schedule="@daily")(_nothing)
    with pytest.raises(DeclarationError, match=r"_nothing: returns=mmf.ModelFile\(…\) needs"):
        create_app(registry)


def _nothing() -> None: ...


def test_call_outside_a_task_has_no_progress() -> None:
    mmf.progress(0.5, "half")
    assert mmf.cancelled() is False
    for fraction in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            mmf.progress(fraction)


def test_log_has_the_lines_of_the_author_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_TOKEN", "very-secret-indeed")
    handler = log.TaskLog()
    for name, text in (
        ("mmf.stdout", "printed"),
        ("author", "my very-secret-indeed"),
        ("mmf.errors", "Traceback"),
        ("gunicorn.error", "Booting"),
    ):
        record = logging.LogRecord(name, logging.INFO, "", 0, text, (), None)
        handler.handle(record)
    printed, logged = handler.text().splitlines()
    assert printed == "printed"
    assert logged.startswith("INFO author: my ")
    assert "very-secret" not in logged
    handler.clear()
    assert handler.text() == ""


def test_long_log_keeps_its_ends() -> None:
    handler = log.TaskLog()
    for number in range(20_000):
        text = f"{number:06d} {'x' * 92}"
        handler.handle(logging.LogRecord("mmf.stdout", logging.INFO, "", 0, text, (), None))
    lines = handler.text().splitlines()
    gap = next(index for index, line in enumerate(lines) if "left out" in line)
    assert [int(line[:6]) for line in lines[:gap]] == list(range(gap))
    assert [int(line[:6]) for line in lines[gap + 1 :]] == list(
        range(20_001 - len(lines) + gap, 20_000)
    )
    assert len(handler.text()) <= log.MAX_LOG + 100
    assert lines[gap] == f"… {100 * (20_001 - len(lines))} characters left out …"
    handler.clear()
    handler.handle(logging.LogRecord("mmf.stdout", logging.INFO, "", 0, "y" * 10**7, (), None))
    half = log.MAX_LOG // 2
    beginning = "y" * (half - 1)
    assert handler.text() == f"{beginning}\n… {10**7 + 1 - half} characters left out …\n"
    handler.handle(logging.LogRecord("mmf.stdout", logging.INFO, "", 0, "z" * 10**7, (), None))
    assert handler.text().endswith(f" characters left out …\n{'z' * (half - 1)}\n")


def test_reload_that_fails_keeps_the_application_before_it(queue: Queue) -> None:
    assert TaskService.latest is queue.app
    with suppress(RuntimeError), reimporting([]):
        create_app(declare())
        raise RuntimeError
    assert TaskService.latest is queue.app


def test_process_that_has_lost_its_task_cannot_store_a_result(queue: Queue) -> None:
    queue.submit("nothing")
    task = queue.store.claim("first", 1)
    assert task
    queue.store.requeue(task, "killed")
    again = queue.store.claim("second", 1)
    assert again
    assert not queue.store.report(task, 0.5, "", "")
    assert not queue.store.finish(task, Outcome("succeeded", b"1"))
    assert queue.store.finish(again, Outcome("succeeded", b"2"))
    assert not queue.store.finish(again, Outcome("succeeded", b"3"))
    stored = queue.store.find(task.id)
    assert stored
    assert queue.store.open_result(stored).read() == b"2"


def test_waiting_task_takes_two_statements(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a round trip to a server, and all but the claim wait for its disk."""
    for _ in range(3):
        queue.submit("nothing")
    assert queue.store.claim("worker", 1)  # finds a queue that is not empty
    rows, statements = queue.store._database.rows, []

    def counted(sql: str, *values: Any) -> list[tuple[Any, ...]]:
        statements.append(sql)
        return rows(sql, *values)

    monkeypatch.setattr(queue.store._database, "rows", counted)
    assert queue.work() == 2
    assert [sql.split()[0] for sql in statements] == ["UPDATE"] * 5
    statements.clear()
    assert queue.work() == 0
    assert [sql.split()[0] for sql in statements] == ["SELECT"]  # an idle worker takes no lock


def test_only_a_claim_does_not_wait_for_the_disk(queue: Queue) -> None:
    if isinstance(queue.store._database, PostgreSQL):
        queue.submit("nothing")
        assert queue.store.claim("worker", 1)
        assert queue.store._database.rows("SHOW synchronous_commit") == [("on",)]


@contextmanager
def calls_of_tasks() -> Iterator[list[str]]:
    """Yield the names of functions of tasks, and of its database, as any thread calls them."""
    called: list[str] = []
    parts = (str(PAYLOAD / "mmf_core" / "tasks"), sqlite_file.__file__)

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(parts):
            called.append(frame.f_code.co_qualname)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def test_call_does_not_look_at_the_queue(queue: Queue) -> None:
    """So it takes as long beside ten thousand tasks that wait; `make bench-tasks` counts that."""
    by_length = []
    for length in (0, 1, 50):
        while sum(queue.store.counts().values()) < length:
            queue.submit("nothing")
        with calls_of_tasks() as called:
            assert queue.client.post("/nothing").status_code == 204
        by_length.append(called)
    assert by_length == [["_run_job", "_call_or_submit"]] * 3
    with calls_of_tasks() as called:
        queue.submit("nothing")
    assert {"Store.add", f"{type(queue.store._database).__name__}.rows"} <= {*called}


def test_long_queue_is_not_counted_for_each_task(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_limits, "MARGIN_TASKS", 3)
    monkeypatch.setattr(queue_limits, "RECOUNT_INTERVAL", 1_000.0)
    limits = queue.store.limits
    limits.max_tasks, rows, counts = 8, queue.store._database.rows, []

    def counted(sql: str, *values: Any) -> list[tuple[Any, ...]]:
        if "sum(size)" in sql:
            counts.append(sql)
        return rows(sql, *values)

    monkeypatch.setattr(queue.store._database, "rows", counted)
    for number in range(5):
        queue.submit("nothing")
        assert len(counts) == 1, number
    for _ in range(3):  # others may have filled it meanwhile
        queue.submit("nothing")
    assert len(counts) == 4
    assert queue.client.post("/nothing", headers=ASYNC).status_code == 503
    queue.work()
    monkeypatch.setattr(limits, "_recount_at", 0.0)
    counts.clear()
    for _ in range(5):
        queue.submit("nothing")
    assert len(counts) == 1


def test_task_is_started_as_often_as_its_retries_allow(queue: Queue) -> None:
    queue.submit("nothing")  # retries=1
    for attempt in (1, 2):
        task = queue.store.claim("worker", 1)
        assert task
        assert task.attempts == attempt
        queue.store.requeue(task, "the process that ran it ended: SIGKILL")
    stored = queue.store.find(task.id)
    assert stored
    assert (stored.status, stored.attempts) == ("failed", 2)
    assert stored.error
    assert "SIGKILL" in stored.error


def test_requeueing_does_not_count_as_an_attempt(queue: Queue) -> None:
    queue.submit("nothing")
    for _ in range(5):
        task = queue.store.claim("worker", 1)
        assert task
        assert task.attempts == 1
        queue.store.requeue(task, "", counts=False)


def test_worker_takes_the_tasks_of_workers_without_a_heartbeat(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEASE", 10.0)
    queue.submit("nothing")
    task = queue.store.claim("other", 1)
    assert task
    watching = TaskWorker(queue.app, 1, 0)
    for now, beats, status in (
        (0.0, True, "processing"),
        (9.0, True, "processing"),
        (18.0, False, "processing"),
        (18.9, False, "processing"),
        (19.0, False, "queued"),
    ):
        if beats:
            queue.store.heartbeats.beat("other")
        watching._recover(now)
        stored = queue.store.find(task.id)
        assert stored
        assert stored.status == status, now
    assert queue.store.heartbeats.others(watching._id) == {}


def test_worker_waits_for_a_database_that_has_gone_away(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watching = TaskWorker(queue.app, 1, 0)
    failures = iter([TasksUnavailable("gone"), TasksUnavailable("gone"), None])
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    }

    def step() -> None:
        if failure := next(failures):
            raise failure
        watching._stop(0)

    monkeypatch.setattr(watching, "_step", step)
    try:
        watching.run()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert [record.message for record in caplog.records] == ["gone"]  # said once


def test_statement_waits_for_another_process_that_writes(
    file_queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = file_queue.submit("double", json=[{"a": 1}])
    file = TaskSettings.from_env().folder + "/tasks.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = Timer(0.3, other.rollback)
        end.start()
        assert file_queue.store.cancel(file_queue.store.find(task["id"]))
        end.join()
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(sqlite_file, "_BUSY_TIMEOUT", 0.1)
        with pytest.raises(TasksUnavailable, match="database is locked"):
            file_queue.store.clear(only_done=True)
        other.rollback()


def test_worker_runs_without_a_web_server(tmp_path: Path) -> None:
    main = APP.replace("registry = mmf.Registry()", "").replace("registry.target", "mmf.target")
    (tmp_path / "main.py").write_text(main.replace("app = create_app(registry)", ""))
    app = 'from mmf_core.web import create_app\n\napp = create_app("main")\n'
    with (
        (tmp_path / "log").open("wb") as output,
        (tmp_path / "worker.log").open("wb") as log,
        serve("gunicorn", tmp_path, output, app, MMF_WARM_UP="0") as service,
    ):
        task = submit(service.url, "double", [{"a": 2}])
        command = [sys.executable, "-m", "mmf_core", "worker", "-n", "2"]
        environment = {**os.environ, "PYTHONPATH": str(PAYLOAD)}
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            assert end_of(service.url, task)["status"] == "succeeded"
            assert "until SIGTERM, 2 at a time" in (tmp_path / "worker.log").read_text()
            file = tmp_path / "go"
            running = [submit(service.url, "wait", str(file)) for _ in range(2)]
            until(lambda: len(started(file)) == 2)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            for each in running:
                assert state_of(service.url, each)["status"] == "queued"
        finally:
            process.kill()
            process.wait()


def test_queue_of_an_older_version_is_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:1])
        old = database.SQLite(tmp_path)
        old.rows(
            "INSERT INTO tasks (id, target, status, fingerprint, request, created_at, retries, "
            "timeout) VALUES ('a', 'nothing', 'queued', '', ?, 0, 1, 0)",
            '{"type": "", "disposition": "", "query": "", "request_id": "b"}',
        )
        old.close()
    queue = Queue(create_app(declare()))
    assert queue.work() == 1
    assert queue.client.get("/tasks/a").get_json()["status"] == "succeeded"
    queue.store.close()


def test_unreachable_server_is_a_503_and_the_service_is_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PostgreSQL, "requires", {})
    monkeypatch.setitem(sys.modules, "psycopg", FAKE)
    monkeypatch.setenv("MMF_TASKS", "postgresql://user:secret@127.0.0.1:1/none")
    monkeypatch.setenv("MMF_TASK_FILES", "files")
    client = create_app(declare()).test_client()
    response = client.post("/nothing", headers=ASYNC)
    assert response.status_code == 503
    assert "(set MMF_TASKS): the database does not respond" in response.text
    assert "secret" not in response.text
    assert client.get("/health/ready").status_code == 200
    assert client.post("/nothing").status_code == 204
    assert "mmf_tasks{" not in client.get("/metrics").text


class _Error(Exception):
    """psycopg's own."""


def _connect(*_: Any, **__: Any) -> None:
    raise _Error("connection to server at 127.0.0.1 failed for user:secret")


FAKE: Any = ModuleType("psycopg")
FAKE.Error, FAKE.connect = _Error, _connect


def test_server_needs_its_package_and_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PostgreSQL, "requires", {"no_such_module": "psycopg[binary]"})
    with pytest.raises(MissingPackage, match=r"pip install psycopg\[binary\]"):
        PostgreSQL("postgresql://host/name")
    with pytest.raises(SettingError, match="postgresql://user:password@host/database"):
        TaskSettings.from_env({"MMF_TASKS": "redis://host"})


def test_outage_of_the_server_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker without tasks logged ten lines a second."""
    monkeypatch.setattr(PostgreSQL, "requires", {})
    monkeypatch.setitem(sys.modules, "psycopg", FAKE)
    server = PostgreSQL("postgresql://host/name")
    reasons = ["refused", "refused", "", "refused", "starting up"]

    def run(*_: object) -> list[tuple[Any, ...]]:
        if reason := reasons.pop(0):
            raise FAKE.Error(reason)
        return [(1,)]

    monkeypatch.setattr(server, "_run", run)
    for reason in [*reasons]:
        if reason:
            with pytest.raises(TasksUnavailable, match="the database does not respond"):
                server.rows("SELECT 1")
        else:
            assert server.rows("SELECT 1") == [(1,)]
    logged = [record.getMessage() for record in caplog.records]
    assert logged == [f"PostgreSQL: {reason}" for reason in ("refused", "refused", "starting up")]


def test_server_needs_a_place_for_files_that_all_machines_have() -> None:
    server = {"MMF_TASKS": "postgresql://host/name"}
    with pytest.raises(SettingError) as raised:
        TaskSettings.from_env(server)
    assert str(raised.value) == (
        "MMF_TASKS needs MMF_TASK_FILES: set it to s3://bucket/prefix, or to a folder that all "
        "machines with workers share"
    )
    for place in ("/mnt/shared", "s3://bucket", "s3://bucket/prefix/"):
        assert TaskSettings.from_env(server | {"MMF_TASK_FILES": place}).files == place
    with pytest.raises(SettingError, match="MMF_TASK_FILES='ftp://there': expected s3://"):
        TaskSettings.from_env(server | {"MMF_TASK_FILES": "ftp://there"})


def test_start_says_in_one_line_that_files_need_a_place(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("")
    environment = {**os.environ, "PYTHONPATH": str(PAYLOAD), "MMF_TASKS": "postgresql://host/name"}
    service = ["gunicorn", "--config", str(PAYLOAD / "gunicorn.conf.py"), "app:app"]
    for command in (["mmf_core", "worker"], service):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode, done.stdout
        assert "MMF_TASKS needs MMF_TASK_FILES" in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_work_longer_than_a_heartbeat_is_done_by_other_processes(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = queue.submit("double", data=b"a\n1\n", content_type="text/csv")
    queue.work()
    monkeypatch.setattr(queue.tasks.store, "expire", lambda *_: time.sleep(60))
    watching = TaskWorker(queue.app, 1, 0)
    start = time.monotonic()
    watching._help()
    watching._help()
    assert time.monotonic() - start < 30
    (pid,) = watching._helpers.values()
    os.kill(pid, signal.SIGKILL)
    until(lambda: (watching._help(), not watching._helpers)[1])
    monkeypatch.undo()
    monkeypatch.setenv("MMF_TASK_KEEP_HOURS", "0.0000001")
    watching._settings, watching._expired = TaskSettings.from_env(), 0.0
    watching._help()
    until(lambda: (watching._help(), not watching._helpers)[1])
    assert queue.client.get(task["urls"]["result"]).status_code in (404, 410)


@pytest.mark.long
def test_server_that_restarts_loses_no_task(tmp_path: Path, postgresql: dict[str, str]) -> None:
    with serving(tmp_path, **postgresql) as service:
        file = tmp_path / "go"
        task = submit(service.url, "wait", str(file))
        until(lambda: started(file))
        queued = submit(service.url, "double", [{"a": 4}])
        with psycopg_connection(postgresql["MMF_TASKS"]) as connection:
            for _ in range(20):  # as often as a restart would
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
                time.sleep(0.1)
        file.touch()
        done = end_of(service.url, task)
        assert (done["status"], done["attempts"]) == ("succeeded", 1)
        assert end_of(service.url, queued)["status"] == "succeeded"
        assert len(started(file)) == 1


@contextmanager
def psycopg_connection(uri: str) -> Iterator[Any]:
    import psycopg

    with closing(psycopg.connect(uri, autocommit=True)) as connection:
        yield connection
