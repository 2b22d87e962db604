"""Calls as WSGI requests, and the listening workers, without a running server."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from flask import Flask

import mmf_core as mmf
from mmf_core.grpc import listeners as listeners_module
from mmf_core.grpc.calls import SERVICE, Call, Reply, respond
from mmf_core.grpc.listeners import Counts, Listeners
from mmf_core.grpc.messages import message_class
from mmf_core.grpc.server import CannotListen, GrpcServer
from mmf_core.grpc.settings import GrpcSettings
from mmf_core.grpc.transfers import status_of
from mmf_core.web import create_app
from mmf_core.web.request_context import current_context

TWICE = mmf.Integer()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Return an application whose targets are called over gRPC."""
    monkeypatch.setenv("MMF_GRPC_PORT", "1")
    registry = mmf.Registry()

    @registry.target(returns=mmf.Integer())
    def twice(number: Any = TWICE) -> Any:
        return 2 * number

    @registry.target(returns=mmf.Dict())
    def environ() -> Any:
        context = current_context()
        assert context
        names = ("HTTP_", "REMOTE_ADDR", "wsgi.url_scheme", "SERVER_PORT")
        items = context.environ.items()
        return {name: value for name, value in items if name.startswith(names)}

    return create_app(registry)


def call(model: str, **changes: Any) -> Call:
    """Return a call of a target, with some fields changed."""
    request = message_class("inference.ModelInferRequest")(model_name=model)
    if model == "twice":
        contents = {"int64_contents": [21]}
        request.inputs.add(name="number", datatype="INT64", shape=[1], contents=contents)
    defaults = {
        "path": f"/{SERVICE}/ModelInfer",
        "message": request.SerializeToString(),
        "metadata": (),
        "peer": "ipv4:192.0.2.1:4321",
        "is_gone": lambda: False,
    }
    return Call(**{**defaults, **changes})


def reply_to(app: Any, sent: Call) -> Reply:
    """Return the application's response."""
    return respond(app, sent, port=9000, is_secure=True)


def test_call_is_a_wsgi_request(app: Flask) -> None:
    reply = reply_to(app, call("twice"))
    assert reply.status == 200
    response = message_class("inference.ModelInferResponse").FromString(reply.body)
    assert list(response.outputs[0].contents.int64_contents) == [42]
    assert [name for name, _ in reply.metadata] == ["x-request-id"]


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.1:4321", "192.0.2.1"),
        ("ipv6:%5B2001:db8::1%5D:4321", "2001:db8::1"),
        ("unix:/socket", ""),
    ],
)
def test_metadata_become_http_headers(app: Flask, peer: str, address: str) -> None:
    metadata = [
        ("x-key", "one"),
        ("x-key", "two"),
        ("x_key", "another"),
        ("content-length", "1"),
        ("transfer-encoding", "chunked"),
        ("host", "evil.example"),
        ("secret-bin", b"\0"),
    ]
    reply = reply_to(app, call("environ", peer=peer, metadata=metadata))
    response = message_class("inference.ModelInferResponse").FromString(reply.body)
    (text,) = [*response.raw_output_contents]
    variables = json.loads(text[4:])
    assert variables == {
        "HTTP_X_KEY": "one,two",
        "HTTP_HOST": "127.0.0.1",
        "REMOTE_ADDR": address,
        "SERVER_PORT": "9000",
        "wsgi.url_scheme": "https",
    }


def test_call_is_not_started_if_its_client_is_gone(app: Flask) -> None:
    assert reply_to(app, call("twice", is_gone=lambda: True)).status == 499


def test_wsgi_middleware_applies_to_calls(app: Flask) -> None:
    inner = app.wsgi_app

    def require_key(environ: Any, start_response: Any) -> Any:
        if environ.get("HTTP_X_KEY") == "open sesame":
            return inner(environ, start_response)
        start_response("401 Unauthorized", [("Content-Type", "text/plain")])
        return [b"no key: who are you?"]

    app.wsgi_app = require_key  # type: ignore[method-assign]
    assert reply_to(app, call("twice", metadata=[("x-key", "open sesame")])).status == 200
    refused = reply_to(app, call("twice"))
    assert status_of(refused)[0] is grpc.StatusCode.UNAUTHENTICATED


def test_before_request_hook_applies_to_calls(app: Flask) -> None:
    @app.before_request
    def refuse() -> Any:
        raise mmf.InvalidValue("not today")

    code, message, _ = status_of(reply_to(app, call("twice")))
    assert (code, message) == (grpc.StatusCode.INVALID_ARGUMENT, "not today")


def test_method_paths_are_not_served_over_http(app: Flask) -> None:
    response = app.test_client().post(f"/{SERVICE}/ServerLive", headers={"mmf.grpc": "1"})
    assert response.status_code == 404


# The server's own errors


@pytest.fixture
def server(app: Flask) -> GrpcServer:
    """Return a server for an address that does not exist."""
    del app
    return GrpcServer(Flask("any"), None, GrpcSettings(port=1), "127.0.0.300", Listeners())  # type: ignore[arg-type]


def test_unavailable_port_is_reported(server: GrpcServer) -> None:
    async def bind() -> None:
        server._bind(grpc.aio.server())

    with pytest.raises(CannotListen, match=r"127\.0\.0\.300:1"):
        asyncio.run(bind())


@pytest.mark.parametrize("error", [CannotListen("port 1 is taken"), RuntimeError("a bug")])
def test_only_a_bug_is_logged_with_its_traceback(
    server: GrpcServer,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        server._must_stop.set()
        raise error

    monkeypatch.setattr(server, "_serve", fail)
    server._run()
    (record,) = caplog.records
    assert record.getMessage().startswith("gRPC is not served")
    is_bug = isinstance(error, RuntimeError)
    assert bool(record.exc_info) is is_bug
    assert is_bug or "port 1 is taken" in record.getMessage()


# Listening workers


@pytest.fixture
def children() -> Iterator[list[int]]:
    """Yield a list for the ids of forked processes, which are killed after the test."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def fork(children: list[int], listeners: Listeners, *, listens: bool) -> int:
    """Fork a worker that starts and, if `listens`, listens."""
    reader, writer = os.pipe()
    if not (pid := os.fork()):
        listeners.announce()
        if listens:
            listeners.listen()
        os.write(writer, b"x")
        time.sleep(60)
        os._exit(0)
    children.append(pid)
    os.read(reader, 1)
    os.close(reader)
    os.close(writer)
    return pid


def test_socket_is_closed_if_another_worker_listens_and_none_starts(
    children: list[int],
) -> None:
    listeners, now = Listeners(), time.monotonic()
    assert not listeners.may_close(now), "its successor may not have been counted yet"
    assert listeners.may_close(now - listeners_module.LONGEST_FORK), "there is no successor"
    starting = fork(children, listeners, listens=False)
    assert not listeners.may_close(now - listeners_module.LONGEST_FORK)
    fork(children, listeners, listens=True)
    assert listeners.counts() == Counts(listening=1, starting=1)
    assert not listeners.may_close(now), "all workers are to share the connections"
    children.remove(starting)
    os.kill(starting, signal.SIGKILL)
    os.waitpid(starting, 0)
    assert listeners.counts() == Counts(listening=1, starting=0), "dead processes are not counted"
    assert listeners.may_close(now)


def test_process_of_another_user_is_not_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel reuses process ids."""
    listeners = Listeners()
    listeners._cells[0], listeners._cells[1] = 4321, -4322

    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr("mmf_core.grpc.listeners.os.kill", refuse)
    assert listeners.counts() == Counts(0, 0)


def test_worker_without_a_cell_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners_module, "MAX_WORKERS", 1)
    listeners = Listeners()
    listeners._cells[0] = os.getpid()
    monkeypatch.setattr("mmf_core.grpc.listeners.os.getppid", os.getpid)
    listeners.announce()
    listeners.listen()
    listeners.leave()
    assert listeners.counts() == Counts(1, 0)


def test_child_process_of_a_worker_does_not_listen() -> None:
    listeners = Listeners()
    listeners.announce()  # whose parent is not this process
    listeners.listen()
    assert listeners.counts() == Counts(0, 0)
