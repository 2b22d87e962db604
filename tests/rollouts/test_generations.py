"""A candidate gets traffic when the last worker without it has ended."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mmf_core.rollouts import generations, service
from mmf_core.rollouts.rollout import Rollout


def child(generation: int) -> int:
    """Fork a worker of a generation; return its process id."""
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            generations.join(generation)
            os.write(writer, b"1")
            time.sleep(60)
        finally:
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 1)
    os.close(reader)
    return pid


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_older_worker_is_seen_until_it_has_ended() -> None:
    first, second, own = child(3), child(4), child(5)
    try:
        assert [generations.has_older(number) for number in (0, 3, 4, 5)] == [
            False,
            False,
            True,
            True,
        ]
        end(first)
        assert [generations.has_older(number) for number in (4, 5)] == [False, True]
        end(second)
        assert not generations.has_older(5)
    finally:
        end(own)


def test_failed_reload_starts_no_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service._Current, "generation", 7)
    with suppress(KeyError), service.reimporting([]):
        service._Current.generation += 1
        raise KeyError
    assert service._Current.generation == 7
    with service.reimporting([]):
        service._Current.generation += 1
    assert service._Current.generation == 8


def test_process_that_runs_tasks_follows_no_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[Rollout | None] = []
    monkeypatch.setenv("SERVER_SOFTWARE", "gunicorn/1")
    monkeypatch.setenv("MMF_ROLLOUT", str(tmp_path / "rollout.toml"))
    monkeypatch.setattr(
        service.controller, "watch", lambda rollout, *_, **__: followed.append(rollout)
    )
    monkeypatch.setattr(service.generations, "join", lambda _: None)
    monkeypatch.setattr(service._Current, "rollout", None)
    monkeypatch.setattr(service._Current, "loaded_by", os.getpid())
    service.start()
    assert followed == []
    monkeypatch.setattr(service._Current, "loaded_by", os.getppid())
    service.start()
    assert followed == [None]
