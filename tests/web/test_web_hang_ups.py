"""Clients that disconnect while their calls wait: the calls leave the queue and never run."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from services import Service, serve

APP = """
import time

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
calls = []


@registry.target(returns=mmf.Integer(), max_concurrency=1, max_queue=1)
def limited(seconds=mmf.Float()):
    calls.append(seconds)
    time.sleep(seconds)
    return len(calls)


@registry.target(returns=mmf.Integer(), max_concurrency=1, max_queue=1, timeout=0.5)
def timed(seconds=mmf.Float()):
    calls.append(seconds)
    time.sleep(seconds)
    return len(calls)


@registry.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
def batched(data=mmf.DataFrame(schema={"a": float})):
    calls.append(len(data))
    time.sleep(data["a"].max())
    return data


@registry.target(returns=mmf.JsonFile())
def called():
    return list(calls)


app = create_app(registry)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture(params=["gunicorn", "flask"])
def service(request: pytest.FixtureRequest, tmp_path: Path, log: Path) -> Iterator[Service]:
    with (
        log.open("wb") as stream,
        serve(request.param, tmp_path, stream, APP, WEB_CONCURRENCY="1") as running,
    ):
        yield running


def send(service: Service, path: str, body: Any) -> socket.socket:
    """Send a request, and return its socket without reading."""
    client = socket.create_connection(("127.0.0.1", service.port), 30)
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    client.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    return client


def called(service: Service) -> list[float]:
    calls: list[float] = requests.post(f"{service.url}/called", timeout=30).json()
    return calls


def wait_for(condition: Callable[[], Any], seconds: float = 10) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def access(log: Path, status: int) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    return [line for line in lines if line.get("status") == status and "ms" in line]


def test_disconnected_client_leaves_the_queue(service: Service, log: Path) -> None:
    with send(service, "/limited", 4.0):
        wait_for(lambda: called(service) == [4.0])
        send(service, "/limited", 0.25).close()
        (line,) = wait_for(lambda: access(log, 499), 3)
        assert (line["target"], line["call_ms"]) == ("limited", 0)
        assert line["ms"] < 2_500
        with send(service, "/limited", 0.5):  # occupies the place in the queue
            wait_for(lambda: called(service) == [4.0, 0.5])


def test_disconnected_client_is_not_in_the_next_batch(service: Service, log: Path) -> None:
    with send(service, "/batched", [{"a": 2.0}]):
        wait_for(lambda: called(service) == [1])
        send(service, "/batched", [{"a": 0.0}] * 5).close()
        with send(service, "/batched", [{"a": 0.0}] * 2) as waiting:
            (line,) = wait_for(lambda: access(log, 499), 3)
            assert line["target"] == "batched"
            assert b"200 OK" in waiting.recv(100)
    assert called(service) == [1, 2]


def test_timed_out_request_leaves_the_queue(service: Service, log: Path) -> None:
    with send(service, "/timed", 3.0) as first:
        wait_for(lambda: called(service) == [3.0])
        with send(service, "/timed", 0.1) as second:
            assert b"504" in first.recv(100)
            assert b"504" in second.recv(100)
        lines = wait_for(lambda: len(access(log, 504)) == 2 and access(log, 504))
        assert all(500 <= line["ms"] < 1_000 for line in lines), "the actual milliseconds"
        wait_for(lambda: log.read_text().count("abandoned call ended") == 2)
    assert called(service) == [3.0]
