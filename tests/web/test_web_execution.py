"""Limits of a target over HTTP: 503, 504, replacement of stuck workers, logged timings."""

# ruff: noqa: B008 - a target's arguments and their descriptors

import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests
from log_output import Output

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.web import create_app
from services import serve

LONGEST = 10
APP = """
import os
import time

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.Integer(), timeout=0.3)
def sleep(seconds=mmf.Float()):
    time.sleep(seconds)
    return os.getpid()


@registry.target(returns=mmf.Integer())
def pid(seconds=mmf.Float(default=0.0)):
    time.sleep(seconds)
    return os.getpid()


@registry.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
def double(data=mmf.DataFrame()):
    time.sleep(0.02)
    return data * 2


app = create_app(registry)
"""

UNLUCKY = """
import time

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
def double(data=mmf.DataFrame(schema={"a": float})):
    if (data["a"] == 13).any():
        raise ValueError("unlucky")
    time.sleep(0.005)
    return data * 2


app = create_app(registry)
"""


def test_overload_is_an_immediate_503(registry: mmf.Registry) -> None:
    gate, inside = Event(), Event()

    @registry.target(returns=mmf.String(), max_concurrency=1, max_queue=0)
    def score() -> str:
        inside.set()
        assert gate.wait(LONGEST)
        return "done"

    client = create_app(registry).test_client()
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(client.post, "/score")
        assert inside.wait(LONGEST)
        response = client.application.test_client().post("/score")
        assert_problem(response, 503, "score", "later")
        assert response.headers["Retry-After"] == "1"
        gate.set()
        assert held.result(LONGEST).json == {"result": "done"}


def test_timed_out_call_is_504(registry: mmf.Registry, caplog: pytest.LogCaptureFixture) -> None:
    gate = Event()

    @registry.target(timeout=0.05)
    def score() -> None:
        assert gate.wait(LONGEST)

    response = create_app(registry).test_client().post("/score")
    assert_problem(response, 504, "score", "0.05 seconds")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    gate.set()


def test_output_of_a_call_with_timeout_has_the_request_id(
    output: Output, registry: mmf.Registry
) -> None:
    @registry.target(timeout=LONGEST)
    def score() -> None:
        print("here")

    create_app(registry).test_client().post("/score", headers={"X-Request-ID": "abc"})
    (line,) = [entry for entry in output.json() if entry["logger"] == "mmf.stdout"]
    assert (line["message"], line["request_id"]) == ("here", "abc")


def test_access_log_has_stage_timings(output: Output, registry: mmf.Registry) -> None:
    @registry.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
    def score(data: Any = mmf.DataFrame()) -> Any:
        time.sleep(0.02)
        return data

    create_app(registry).test_client().post("/score", json=[{"a": 1}])
    (line,) = [entry for entry in output.json() if entry["logger"] == "mmf.access"]
    assert line["batch_size"] == 1
    assert line["call_ms"] >= 20
    parts = [line[f"{part}_ms"] for part in ("decode", "queue", "call", "encode")]
    assert all(part >= 0 for part in parts)
    assert sum(parts) <= line["ms"]


def test_server_timing_is_sent_only_at_debug_level(
    registry: mmf.Registry, caplog: pytest.LogCaptureFixture
) -> None:
    @registry.target(returns=mmf.String())
    def score() -> str:
        return ""

    client = create_app(registry).test_client()
    caplog.set_level(logging.INFO, "mmf.access")
    assert "Server-Timing" not in client.post("/score").headers
    caplog.set_level(logging.DEBUG, "mmf.access")
    assert "call;dur=" in client.post("/score").headers["Server-Timing"]


def test_stuck_worker_is_replaced_without_losing_requests(tmp_path: Path) -> None:
    log = tmp_path / "log"
    variables = {"WEB_CONCURRENCY": "1", "MMF_ABANDONED_CALL_TIMEOUT": "0.5"}
    with (
        log.open("wb") as stream,
        serve("gunicorn", tmp_path, stream, app=APP, **variables) as service,
    ):

        def post(route: str, seconds: float) -> requests.Response:
            return requests.post(f"{service.url}/{route}", json=seconds, timeout=30)

        first = post("pid", 0.0).json()["result"]
        with ThreadPoolExecutor(4) as threads:
            stuck = threads.submit(post, "sleep", 60)
            beside = threads.submit(post, "pid", 2)  # still running when the worker is replaced
            assert_problem(stuck.result(), 504, "sleep")
            assert beside.result().json() == {"result": first}
        end = time.monotonic() + 20
        while post("pid", 0).json()["result"] == first and time.monotonic() < end:
            time.sleep(0.1)
        assert post("pid", 0).json()["result"] != first
    assert "is still running" in log.read_text()


def test_batched_requests_get_their_own_responses(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        log.open("wb") as stream,
        serve(
            "gunicorn", tmp_path, stream, app=APP, WEB_CONCURRENCY="1", WEB_THREADS="8"
        ) as service,
    ):

        def post(number: int) -> requests.Response:
            headers = {"X-Request-ID": f"id-{number}"}
            body = [{"a": number}, {"a": -number}]
            return requests.post(f"{service.url}/double", json=body, headers=headers, timeout=30)

        with ThreadPoolExecutor(16) as threads:
            responses = list(threads.map(post, range(200)))
    for number, response in enumerate(responses):
        assert response.json() == [{"a": 2 * number}, {"a": -2 * number}]
        assert response.headers["X-Request-ID"] == f"id-{number}"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    joined = [
        line["batch_size"]
        for line in lines
        if line["logger"] == "mmf.access" and "batch_size" in line
    ]
    assert len(joined) == 200
    assert max(joined) > 1


def test_invalid_requests_in_a_batch_do_not_affect_others(tmp_path: Path) -> None:
    """One has an invalid type, one raises, one is huge, and one client disconnects."""
    log = tmp_path / "log"
    bad: dict[str, tuple[bytes, int]] = {
        "type": (b'[{"a": "x"}]', 422),
        "raise": (b'[{"a": 13}]', 500),
        "huge": (b'[{"a": 1}]' + b" " * (51 << 20), 413),
        "shape": (b"[1, 2]", 422),
        "broken": (b'[{"a": ', 400),
    }
    with (
        log.open("wb") as stream,
        serve("gunicorn", tmp_path, stream, app=UNLUCKY, WEB_CONCURRENCY="1") as service,
    ):

        def post(body: bytes) -> requests.Response:
            headers = {"Content-Type": "application/json"}
            return requests.post(f"{service.url}/double", body, headers=headers, timeout=30)

        def leave(number: int) -> None:
            body = b'[{"a": %d}]' % number
            head = f"POST /double HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            with socket.create_connection(("127.0.0.1", service.port), 30) as client:
                client.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)

        with ThreadPoolExecutor(16) as threads:
            good, wrong, left = {}, {}, []
            for number in range(100, 200):
                good[number] = threads.submit(post, b'[{"a": %d}]' % number)
                if number % 10 == 0:
                    left.append(threads.submit(leave, number))
                    for name, (body, _) in bad.items():
                        if name != "huge" or number == 150:
                            wrong[number, name] = threads.submit(post, body)
            for number, response in good.items():
                assert response.result().json() == [{"a": 2 * number}]
            for (_, name), response in wrong.items():
                assert_problem(response.result(), bad[name][1])
            for future in left:
                future.result()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert max(line.get("batch_size", 1) for line in lines) > 1
    assert max(line.get("ms", 0) for line in lines if line.get("status") == 200) < 5000


def test_artifacts_without_preload_load_in_each_worker(tmp_path: Path) -> None:
    log = tmp_path / "log"
    app = """
import os

import mmf_core as mmf
from mmf_core.registry import default
from mmf_core.web import create_app


@mmf.artifact("shared")
def shared():
    return [os.getpid()]


@mmf.artifact("own", preload=False)
def own():
    return [os.getpid()]


@mmf.target(returns=mmf.Dict())
def pids():
    return {"here": os.getpid(), "shared": shared[0], "own": own[0]}


app = create_app(default)
"""
    with (
        log.open("wb") as stream,
        serve("gunicorn", tmp_path, stream, app=app, WEB_CONCURRENCY="1") as service,
    ):
        pids = requests.post(f"{service.url}/pids", timeout=30).json()
    assert pids["own"] == pids["here"]
    assert pids["shared"] == service.process.pid
