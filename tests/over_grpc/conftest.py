"""A service with two workers and gRPC, shared by the tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from grpc_service import Stub, connected, running

from services import Service


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, int, Path]]:
    """Yield a running service, its gRPC port, and its log."""
    folder = tmp_path_factory.mktemp("grpc")
    with running(folder) as (service, port):
        yield service, port, folder / "log"


@pytest.fixture(scope="module")
def stub(served: tuple[Service, int, Path]) -> Iterator[Stub]:
    """Yield a client that is built from the service's reflection."""
    with connected(served[1]) as stub:
        yield stub
