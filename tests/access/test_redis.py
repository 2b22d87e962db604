"""Rate limits that machines share through a real Redis server, if it is installed."""

import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from signing import Signer

from commands import free_port
from mmf_core.access import rate_limiter, shared_counters

BODY = {"x": 1.5}
START_TIMEOUT = 10.0
pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="no Redis: apt-get install redis-server"
)


@contextmanager
def redis(folder: Path, port: int) -> Iterator[None]:
    """Run a Redis server without persistence."""
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen([*command, "--dir", str(folder)], stdout=log)
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.02)
        yield
    finally:
        server.terminate()
        server.wait()


def test_machines_share_counts_except_while_redis_is_down(
    signer: Signer,
    make_service: Callable[[], Flask],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    port = free_port()
    monkeypatch.setenv("MMF_RATE_LIMIT_REDIS", f"redis://127.0.0.1:{port}/0")
    headers = signer.headers(rate="4/minute")

    def machine() -> Callable[[], int]:
        monkeypatch.setattr(shared_counters._Shared, "counters", None)  # machines share no memory
        client = make_service().test_client()
        return lambda: client.post("/score", json=BODY, headers=headers).status_code

    with redis(tmp_path, port):
        first, second = machine(), machine()
        assert [call() for call in (first, second) * 3] == [200] * 4 + [429] * 2
    monkeypatch.setattr(rate_limiter, "PAUSE", 0.0)
    assert Counter(first() for _ in range(6)) == {200: 4, 429: 2}
    with redis(tmp_path, port):  # started again, and empty
        assert [call() for call in (first, second, first, second, second)] == [200] * 4 + [429]
