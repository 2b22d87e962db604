"""Callers that send no message, or no token, do not block others."""

import time
from collections.abc import Iterator
from threading import Event
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_service import SERVICE, Stub, connected, running

from mmf_core.access.api_keys import hash_of, new_api_key

KEY = new_api_key()
BEARER = [("authorization", f"Bearer {KEY}")]
HEALTH = "grpc.health.v1.Health"
REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
PROTECTED = [
    *(f"/{SERVICE}/{name}" for name in ("ModelInfer", "ModelStreamInfer", "ModelReady")),
    f"/{HEALTH}/List",
]
OPEN = [
    *(f"/{SERVICE}/{name}" for name in ("ServerLive", "ServerReady")),
    *(f"/{HEALTH}/{name}" for name in ("Check", "Watch")),
    f"/{REFLECTION}/ServerReflectionInfo",
]
CALLERS = 50
"""More than a worker admits of any kind."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Yield the port of a single worker with few threads, whose callers need tokens."""
    keys = f"ci {hash_of(KEY)} targets=twice groups=predict"
    settings = {"MMF_API_KEYS": keys, "WEB_CONCURRENCY": "1", "MMF_GRPC_THREADS": "2"}
    with running(tmp_path_factory.mktemp("silent"), **settings) as (_, port):
        yield port


@pytest.fixture
def stub(port: int) -> Iterator[Stub]:
    """Yield a client with a connection of its own."""
    with connected(port) as stub:
        yield stub


@pytest.fixture
def silent(port: int) -> Iterator[Any]:
    """Yield a function that starts calls without a message on a connection of their own."""
    finished = Event()

    def nothing() -> Iterator[bytes]:
        finished.wait(60)
        yield from ()

    with connected(port) as stub:

        def call(path: str, number: int = CALLERS, **options: Any) -> list[Any]:
            method = stub.channel.stream_stream(path)
            return [method(nothing(), timeout=60, **options) for _ in range(number)]

        yield call
        finished.set()


def check_service(stub: Stub) -> None:
    """Check that probes and callers with a token get responses within seconds."""
    started = time.monotonic()
    health = health_pb2_grpc.HealthStub(stub.channel)
    assert health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
    assert next(iter(health.Watch(health_pb2.HealthCheckRequest(), timeout=5))).status == 1
    assert stub.call("ServerLive").live
    assert stub.call("ServerReady").ready
    assert stub.infer(stub.raw("twice", ("x", "FP64", [1.0])), metadata=BEARER).outputs
    assert stub.call("ModelReady", metadata=BEARER, name="twice").ready
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("path", PROTECTED)
def test_calls_without_a_token_are_refused_before_their_message(
    stub: Stub, silent: Any, path: str
) -> None:
    for call in silent(path):
        assert call.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "a token is missing" in call.details()
        assert "www-authenticate" in dict(call.trailing_metadata())
    check_service(stub)


@pytest.mark.parametrize("path", OPEN)
def test_silent_open_calls_make_room_for_others(stub: Stub, silent: Any, path: str) -> None:
    calls = silent(path)
    time.sleep(0.5)
    check_service(stub)
    first, last = calls[0], calls[-1]
    assert first.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "did not arrive in time" in first.details()
    if REFLECTION not in path:  # its clients may pause between messages
        assert last.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_probes_respond_while_callers_with_a_token_are_silent(stub: Stub, silent: Any) -> None:
    calls = [silent(path, metadata=BEARER) for path in PROTECTED]
    time.sleep(0.5)
    started = time.monotonic()
    health = health_pb2_grpc.HealthStub(stub.channel)
    assert health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
    assert stub.call("ServerLive").live
    assert time.monotonic() - started < 2
    assert not any(call.done() for call in calls[0])  # no call was ended to make room


def test_stream_without_a_token_is_refused_before_its_messages(stub: Stub) -> None:
    first_is_sent = Event()
    large = bytes(40 * 1024 * 1024)

    def messages() -> Iterator[bytes]:
        yield large
        first_is_sent.set()  # the client has sent the first one
        yield large

    call = stub.channel.stream_stream(f"/{SERVICE}/ModelStreamInfer")(messages(), timeout=30)
    assert call.code() is grpc.StatusCode.UNAUTHENTICATED
    assert not first_is_sent.is_set()
