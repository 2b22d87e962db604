"""Task faults: each fault is repeated while clients submit tasks."""

import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from task_clients import MAIN, TaskClients, TaskTally, task_clients

from commands import free_port, wait_until
from live_load import APP, Live, kill
from postgres import postgres_server, programs
from services import serve

PROCESSES = "2"  # for tasks
ROOM = 300  # MiB of the disk that fills up
BETWEEN = 10  # tasks that are done between two faults
OUTAGE = 2.0  # seconds without a disk or a database
WITH_LARGE, WITH_LONG = 25, 40  # one task in so many
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
WATCH = """
CREATE TABLE ended (seq INTEGER);
CREATE TRIGGER ended AFTER UPDATE OF status ON tasks WHEN new.completed_at IS NOT NULL
BEGIN INSERT INTO ended VALUES (new.seq); END;
"""
WATCH_POSTGRESQL = """
CREATE TABLE mmf_tasks.ended (seq BIGINT);
CREATE FUNCTION mmf_tasks.note() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN INSERT INTO mmf_tasks.ended VALUES (new.seq); RETURN NULL; END';
CREATE TRIGGER ended AFTER UPDATE OF status ON mmf_tasks.tasks
FOR EACH ROW WHEN (new.completed_at IS NOT NULL) EXECUTE FUNCTION mmf_tasks.note();
"""
TWICE = "SELECT seq FROM {} GROUP BY seq HAVING count(*) > 1"


@dataclass
class TaskEnv:
    """A folder, the duration of a repeated fault, and the outcome."""

    folder: Path
    seconds: float
    times: int = 0
    stops: int = 0  # which may have requeued running tasks
    tally: TaskTally = field(default_factory=TaskTally)
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.runs = self.folder / "runs"
        self.runs.mkdir()
        (self.folder / "main.py").write_text(MAIN)
        self.settings |= {"PORT": str(free_port()), "MMF_TASK_WORKERS": PROCESSES}
        # No function is called for warm-up: some end their process.
        self.settings |= {"MMF_TASKS_DIR": str(self.folder / "queue"), "MMF_WARM_UP": "0"}
        self.log = self.folder / "log"
        self._service = ExitStack()

    def start(self) -> None:
        """Start the service, or start it again."""
        log = self._service.enter_context(self.log.open("ab"))
        service = serve("gunicorn", self.folder, log, APP, **self.settings)
        self.live = Live(self.folder, self._service.enter_context(service))

    def close(self) -> None:
        """Stop the service, or its remaining processes."""
        self._service.close()

    @contextmanager
    def clients(self, kinds: Callable[[int], tuple[str, Any]]) -> Iterator[TaskClients]:
        """Run the service, and submit tasks until the block ends; then check them all again."""
        self.start()
        try:
            with task_clients(int(self.settings["PORT"]), kinds) as clients:
                self.tally = clients.tally
                wait_until(lambda: self.tally.count("succeeded") > 0)
                self.watch()
                yield clients
            clients.check(self.runs, self.stops)
            self.tally.problems["twice"] += self.twice()
        finally:
            self.close()

    def repeat(self) -> Iterator[None]:
        """Yield at least once until the time is over, each time when more tasks are done."""
        end = time.monotonic() + self.seconds
        while not self.times or time.monotonic() < end:
            self.times += 1
            done = self.done
            yield
            wait_until(lambda done=done: self.done >= done + BETWEEN)
            time.sleep(random.uniform(0, 0.5))

    @property
    def done(self) -> int:
        """How many tasks are done, as seen by the clients."""
        return sum(bool(task.status) for task in self.tally.accepted)

    def watch(self) -> None:
        """Have the database record each end of a task."""
        if uri := self.settings.get("MMF_TASKS"):
            _ask_postgresql(uri, WATCH_POSTGRESQL)
        else:
            with closing(sqlite3.connect(self.database, timeout=60)) as connection:
                connection.executescript(WATCH)

    def twice(self) -> list[str]:
        """Return the tasks whose end was stored more than once."""
        if uri := self.settings.get("MMF_TASKS"):
            rows = _ask_postgresql(uri, TWICE.format("mmf_tasks.ended"))
        else:
            with closing(sqlite3.connect(self.database, timeout=60)) as connection:
                rows = connection.execute(TWICE.format("ended")).fetchall()
        return [f"the end of task {seq} was stored more than once" for (seq,) in rows]

    @property
    def database(self) -> Path:
        """The file of the queue."""
        return Path(self.settings["MMF_TASKS_DIR"]) / "tasks.db"

    @property
    def runner(self) -> psutil.Process:
        """A process that runs a task, or has just run one."""

        def alive() -> psutil.Process | None:
            workers = self.live.workers
            newest = sorted(self.runs.iterdir(), key=lambda path: path.stat().st_mtime)[-20:]
            for _, pid, parent, _ in (path.name.split(".") for path in reversed(newest)):
                with suppress(psutil.NoSuchProcess):
                    if int(parent) in workers and psutil.pid_exists(int(pid)):
                        return psutil.Process(int(pid))
            return None

        wait_until(alive)
        return alive() or self.runner


def _ask_postgresql(uri: str, sql: str) -> list[tuple[Any, ...]]:
    import psycopg

    with closing(psycopg.connect(uri, autocommit=True)) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def short_and_large(number: int) -> tuple[str, Any]:
    """Return the target of a task, and the seconds that it takes: few long ones, few large ones."""
    if number % WITH_LARGE == 0:
        return "large", None
    return "work", 3.0 if number % WITH_LONG == 0 else random.uniform(0, 0.1)


def badly_behaved(number: int) -> tuple[str, Any]:
    """Return the target of a task: one in four misbehaves; one floods its log, which takes long."""
    if number == 10:
        return "flood", None
    if number % 4 == 0:
        return ("leave", "allocate", "fork")[number // 4 % 3], None
    return "work", random.uniform(0, 0.1)


@dataclass(frozen=True)
class TaskFault:
    """A fault; `lacks` returns why it is unavailable on this machine."""

    title: str
    happen: Callable[[TaskEnv], None]
    lacks: Callable[[], str]


TASK_FAULTS: list[TaskFault] = []


def task_fault(
    title: str, lacks: Callable[[], str] = str
) -> Callable[[Callable[[TaskEnv], None]], Callable[[TaskEnv], None]]:
    """Register a function that causes a fault."""

    def register(happen: Callable[[TaskEnv], None]) -> Callable[[TaskEnv], None]:
        TASK_FAULTS.append(TaskFault(title, happen, lacks))
        return happen

    return register


@task_fault("`kill -9` of a random web worker")
def web_kills(env: TaskEnv) -> None:
    """Kill a web worker, repeatedly after it has been replaced."""
    with env.clients(short_and_large):
        for _ in env.repeat():
            task_worker, before = env.runner.ppid(), len(env.live.workers)
            kill(random.choice(sorted(env.live.workers - {task_worker})))
            wait_until(lambda before=before: len(env.live.workers) == before)


@task_fault("`kill -9` of a process that runs tasks")
def runner_kills(env: TaskEnv) -> None:
    """Kill a process in which a task runs."""
    with env.clients(short_and_large):
        for _ in env.repeat():
            kill(env.runner.pid)


@task_fault("`kill -9` of the task worker")
def worker_kills(env: TaskEnv) -> None:
    """Kill the process that starts task processes; they end, and a new one starts."""
    with env.clients(short_and_large):
        for _ in env.repeat():
            kill(env.runner.ppid())


@task_fault("`kill -9` of the master; start")
def master_kills(env: TaskEnv) -> None:
    """Kill only the master: its processes exit and requeue their tasks."""
    env.settings["WEB_GRACEFUL_TIMEOUT"] = "3"  # for orphaned web workers
    with env.clients(short_and_large):
        for _ in env.repeat():
            processes = _tree(env.live)
            kill(env.live.service.process.pid)
            env.stops += 1
            wait_until(lambda processes=processes: not any(map(_is_alive, processes)))
            env.close()
            env.start()


@task_fault("`kill -9` of all processes; start")
def service_kills(env: TaskEnv) -> None:
    """Kill all processes, as if the machine were switched off and on."""
    with env.clients(short_and_large):
        for _ in env.repeat():
            for process in _tree(env.live):
                kill(process.pid)
            env.close()
            env.start()


@task_fault("SIGTERM, with 2 seconds to end; start")
def stops(env: TaskEnv) -> None:
    """Stop the service while tasks run, some beyond the graceful timeout; start it again."""
    env.settings["WEB_GRACEFUL_TIMEOUT"] = "3"  # one of which is the margin of the master
    with env.clients(short_and_large):
        for _ in env.repeat():
            env.live.service.process.terminate()
            env.stops += 1
            assert env.live.service.process.wait(60) == 0
            env.close()
            env.start()


@task_fault("SIGHUP, after a change of main.py")
def reloads(env: TaskEnv) -> None:
    """Change main.py and reload; task processes are replaced when they are done."""
    with env.clients(short_and_large):
        for _ in env.repeat():
            # Of another length: Python compares compiled files by seconds and sizes.
            (env.folder / "main.py").write_text(MAIN + "#" * env.times)
            env.live.reload()


@task_fault("the queue's disk is full for 2 seconds")
def full_disk(env: TaskEnv) -> None:
    """Fill the file system of the queue; without permission to mount one, limit file sizes."""
    mount = env.folder / "queue"
    mount.mkdir()
    with _mounted(mount) as is_mounted, env.clients(short_and_large):
        for _ in env.repeat():
            if is_mounted:
                with suppress(OSError), (mount / "filler").open("wb", buffering=0) as filler:
                    while filler.write(bytes(4096)):
                        pass
                time.sleep(OUTAGE)
                (mount / "filler").unlink()
            else:
                _limit_files(env.live, (4096, resource.RLIM_INFINITY))
                time.sleep(OUTAGE)
                _limit_files(env.live, UNLIMITED)


@task_fault("functions that exit, are killed for memory, print 20 MB, or fork")
def bad_functions(env: TaskEnv) -> None:
    """Have a quarter of the tasks end or fork their process, and one flood its log."""
    env.log = Path("/dev/null")  # a flood is in the service's log, too
    with env.clients(badly_behaved):
        time.sleep(env.seconds)
        env.times = len([task for task in env.tally.accepted if task.target != "work"])


@task_fault(
    "PostgreSQL stops for 2 seconds, every other time as in a crash",
    lacks=lambda: "" if programs() else "PostgreSQL is missing: apt-get install postgresql",
)
def database_outages(env: TaskEnv) -> None:
    """Stop the database of the queue, ending all connections; start it again."""
    with postgres_server() as server:
        env.settings |= {"MMF_TASKS": server.uri, "MMF_TASK_FILES": str(env.folder / "files")}
        with env.clients(short_and_large):
            for _ in env.repeat():
                is_crash = bool(env.times % 2)
                env.stops += is_crash  # a claim of the last moment may be lost
                server.end(signal.SIGQUIT if is_crash else signal.SIGINT)
                time.sleep(OUTAGE)
                server.start()


def _tree(live: Live) -> list[psutil.Process]:
    """Return all processes of a service, the master first."""
    master = psutil.Process(live.service.process.pid)
    return [master, *master.children(recursive=True)]


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def _mounted(folder: Path) -> Iterator[bool]:
    """Mount a small file system until the block ends; yield False if that is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}m", "tmpfs", str(folder)]
    is_allowed = shutil.which("mount") and not subprocess.run(command, check=False).returncode
    try:
        yield bool(is_allowed)
    finally:
        if is_allowed:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _limit_files(live: Live, limits: tuple[int, int]) -> None:
    for process in _tree(live):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
