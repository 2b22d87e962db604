"""Workers of the service's class, ended with the test that created them."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from harness import Harness, closing


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return gunicorn settings for a self-signed certificate."""
    folder = tmp_path_factory.mktemp("tls")
    options = ("-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2")
    files = {"keyfile": str(folder / "key"), "certfile": str(folder / "certificate")}
    output = ("-keyout", files["keyfile"], "-out", files["certfile"])
    subprocess.run(["openssl", "req", *options, *output], check=True, capture_output=True)
    return files


@pytest.fixture
def harness() -> Iterator[Callable[..., Harness]]:
    """Yield a function that creates a worker for an application, ended with the test."""
    with ExitStack() as stack:

        def make(app: Any, **settings: Any) -> Harness:
            return stack.enter_context(closing(Harness(app, **settings)))

        yield make
