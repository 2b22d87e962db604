"""A service whose model is one small file, and callers that send requests continuously."""

import http.client
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import requests

from commands import wait_until
from services import Service, serve

LONGEST = 60.0
APP = """
from mmf_core.web import create_app

app = create_app("main")
"""
MAIN = """
import gc
import json
import os
import signal
import sys
import time
import weakref
from pathlib import Path

import mmf_core as mmf
import helper

models = sys.__dict__.setdefault("_models", [])


class Model(dict):
    pass


@mmf.artifact("model.json")
def model():
    content = Model(json.loads(Path("model.json").read_text()))
    if content.get("crashes"):
        os.kill(os.getpid(), signal.SIGSEGV)
    models.append(weakref.ref(content))
    return content


@mmf.target(returns=mmf.Dict())
def score(x=mmf.Float()):
    time.sleep(0.002)
    if model.get("raises"):
        raise RuntimeError("a secret")
    return {
        "version": model["version"],
        "helper": helper.VERSION,
        "pid": os.getpid(),
        "frozen": gc.get_freeze_count(),
        "models": sum(model() is not None for model in models),
    }


@mmf.target(returns=mmf.Integer())
def length(text=mmf.String()):
    if model.get("mute"):
        raise RuntimeError("a secret")
    return len(text)


@mmf.target(returns=mmf.String())
def picky(text=mmf.String()):
    raise RuntimeError("not this text")
"""


@dataclass
class Live:
    """A running service, its folder and its log."""

    folder: Path
    service: Service

    @property
    def log(self) -> str:
        """All that it has written so far."""
        return (self.folder / "log").read_text()

    @property
    def workers(self) -> set[int]:
        """The processes that the master has started."""
        master = self.service.process.pid
        ids = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii")
        return {int(child) for child in ids.split()}

    def put(self, **model: Any) -> None:
        """Replace the model atomically."""
        new = self.folder / "model.new"
        new.write_text(json.dumps(model))
        new.replace(self.folder / "model.json")

    def score(self) -> dict[str, Any]:
        """Return its response."""
        answer = requests.post(f"{self.service.url}/score", json=1.0, timeout=LONGEST)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def ready(self) -> requests.Response:
        """Return the response of its readiness probe."""
        return requests.get(f"{self.service.url}/health/ready", timeout=LONGEST)

    def reload(self) -> None:
        """Send SIGHUP, and wait until other workers serve."""
        old = self.workers
        self.service.process.send_signal(signal.SIGHUP)
        self.wait_for_others(old)

    def refuse(self) -> str:
        """Send SIGHUP, wait until the new version is rejected, and return that log line."""
        before, old = len(self.log), self.workers
        self.service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reload rejected" in self.log[before:])
        assert old <= self.workers, "no worker notices"
        (line,) = [line for line in self.log[before:].splitlines() if "reload rejected" in line]
        return line

    def wait_for_others(self, old: set[int]) -> None:
        """Wait until none of these workers is left."""
        wait_until(lambda: self.workers and not self.workers & old)


@contextmanager
def living(folder: Path, main: str = MAIN, **options: Any) -> Iterator[Live]:
    """Serve `main` with its model from `folder`; its log is printed afterwards.

    `options` go to `serve`.
    """
    (folder / "main.py").write_text(main)
    (folder / "helper.py").write_text("VERSION = 1\n")
    if not (folder / "model.json").exists():
        (folder / "model.json").write_text('{"version": 1}')
    try:
        with (
            (folder / "log").open("ab") as log,  # as a log that is truncated must be
            serve("gunicorn", folder, log, app=APP, **options) as service,
        ):
            yield Live(folder, service)
    finally:
        lines = (folder / "log").read_text().splitlines()
        print("\n".join(line for line in lines if "mmf.access" not in line))


@dataclass
class Callers:
    """Responses in order; `lost` are the requests without a response."""

    responses: list[dict[str, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def more(self, count: int = 20) -> None:
        """Wait until this many more requests have responses."""
        enough = len(self.responses) + count
        wait_until(lambda: self.lost or len(self.responses) >= enough)

    def note(self, response: http.client.HTTPResponse) -> None:
        content = response.read()
        if response.status == 200:
            self.responses.append(json.loads(content))
        else:
            self.lost.append(f"{response.status} {content!r}")


@contextmanager
def calling(service: Service) -> Iterator[Callers]:
    """Send requests continuously, on kept and new connections, until the block ends."""
    callers, over = Callers(), Event()
    asks = [_fresh, _fresh, _kept, _kept]
    threads = [Thread(target=_ask, args=(ask, service.port, callers, over)) for ask in asks]
    for thread in threads:
        thread.start()
    try:
        callers.more()
        yield callers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _ask(
    ask: Callable[[http.client.HTTPConnection, Callers], None],
    port: int,
    callers: Callers,
    over: Event,
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST)
    while not over.is_set():
        try:
            ask(connection, callers)
        except (OSError, http.client.HTTPException) as error:
            callers.lost.append(repr(error))
            connection.close()
    connection.close()


def _fresh(connection: http.client.HTTPConnection, callers: Callers) -> None:
    connection.close()
    _send(connection)
    callers.note(connection.getresponse())


def _kept(connection: http.client.HTTPConnection, callers: Callers) -> None:
    """Send on the same connection, or on a new one if it was closed before any response.

    A server may close an idle connection at any time, so clients do this (RFC 9112, 9.3.1).
    """
    kept = connection.sock is not None
    try:
        _send(connection)
        response = connection.getresponse()
    except (ConnectionResetError, BrokenPipeError):  # RemoteDisconnected is the first
        if not kept:
            raise
        connection.close()
        _send(connection)
        response = connection.getresponse()
    callers.note(response)


def _send(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/score", b"1.0", {"Content-Type": "application/json"})


def kill(pid: int) -> None:
    """Kill a process as the system does when memory is exhausted."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
