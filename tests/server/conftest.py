"""Workers of the service's own kind, ended with the test that has made them."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from harness import Harness, closing


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give gunicorn's settings of a certificate that is its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    options = ("-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2")
    files = {"keyfile": str(folder / "key"), "certfile": str(folder / "certificate")}
    output = ("-keyout", files["keyfile"], "-out", files["certfile"])
    subprocess.run(["openssl", "req", *options, *output], check=True, capture_output=True)
    return files


@pytest.fixture
def harness() -> Iterator[Callable[..., Harness]]:
    """Give a function that makes a worker for an application; it is ended with the test."""
    with ExitStack() as stack:

        def make(app: Any, **settings: Any) -> Harness:
            return stack.enter_context(closing(Harness(app, **settings)))

        yield make
