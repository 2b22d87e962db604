"""Load balancing: each worker takes its share of keep-alive connections."""

import fcntl
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import requests

from mmf_core import shared_memory
from mmf_core.server import scoreboard as module
from mmf_core.server.scoreboard import SLACK, Scoreboard
from services import serve

APP = """
import fcntl
import os

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.Integer())
def pid():
    return os.getpid()


app = create_app(registry)
"""


def test_min_connections_excludes_own_slot() -> None:
    board = Scoreboard()
    assert board.min_connections(1) == float("inf")
    board.publish(1, 5)
    assert board.min_connections(1) == float("inf")
    board.publish(2, 9)
    board.publish(3, 7)
    assert board.min_connections(1) == 7
    assert board.min_connections(3) == 5


def test_ended_and_stuck_workers_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Scoreboard()
    board.publish(1, 5)
    board.publish(2, 0)
    board.clear(2)
    assert board.min_connections(3) == 5
    later = time.monotonic() + module.FRESH + 1
    monkeypatch.setattr(module.time, "monotonic", lambda: later)
    assert board.min_connections(3) == float("inf")


def test_slots_beyond_capacity_are_reused() -> None:
    board = Scoreboard()
    for slot in (255, 256, 600):
        board.publish(slot, slot)
    assert board.available() == 3
    assert [board.min_connections(slot) for slot in (255, 256, 600)] == [256, 255, 255]


def connect(url: str, count: int) -> list[requests.Session]:
    sessions = [requests.Session() for _ in range(count)]
    for session in sessions:
        session.post(f"{url}/pid", timeout=30).raise_for_status()
    return sessions


def served(url: str, sessions: list[requests.Session]) -> Counter[int]:
    return Counter(session.post(f"{url}/pid", timeout=30).json()["result"] for session in sessions)


def test_keep_alive_connections_are_balanced(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        log.open("wb") as stream,
        serve("gunicorn", tmp_path, stream, app=APP, WEB_CONCURRENCY="2") as service,
    ):
        time.sleep(1)  # until each worker's loop has run
        counts = served(service.url, connect(service.url, 32))
    assert len(counts) == 2
    assert max(counts.values()) - min(counts.values()) <= SLACK + 1


def test_connections_of_a_killed_worker_are_redistributed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        log.open("wb") as stream,
        serve("gunicorn", tmp_path, stream, app=APP, WEB_CONCURRENCY="2") as service,
    ):
        first = served(service.url, connect(service.url, 8))
        os.kill(next(iter(first)), signal.SIGKILL)
        second = served(service.url, connect(service.url, 16))
        assert sum(second.values()) == 16
        assert service.process.poll() is None


def test_shared_lock_works_without_memfd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)  # macOS
    file = shared_memory.shared_file()
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(file)
