"""Unmodified gRPC clients of Triton and MLServer call a service under gunicorn."""

from collections.abc import Iterator
from typing import Any

import pytest
from grpc_service import MODELS, running

from tensor_targets import VERSION, run_client

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a service with gRPC."""
    with running(tmp_path_factory.mktemp("clients")) as (_, port):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def triton(address: str) -> dict[str, Any]:
    """Return the report of Triton's client."""
    report: dict[str, Any] = run_client("triton_grpc.py", address)
    return report


@pytest.fixture(scope="module")
def mlserver(address: str) -> dict[str, Any]:
    """Return the report of MLServer's client and codecs."""
    report: dict[str, Any] = run_client("mlserver_grpc.py", address)
    return report


def test_triton_finds_the_server_and_its_models(triton: dict[str, Any]) -> None:
    assert (triton["live"], triton["ready"], triton["model ready"]) == (True, True, True)
    assert triton["inputs"] == [
        {"name": "a", "datatype": "FP64", "shape": ["-1"]},
        {"name": "word", "datatype": "BYTES", "shape": ["-1"]},
    ]
    assert triton["index"] == MODELS


@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_triton_infers(triton: dict[str, Any], compression: str | None) -> None:
    assert triton[f"infer {compression}"] == ["7", [3.0, 5.0], ["вино", ""]]


def test_triton_sends_half_precision_and_an_empty_batch(triton: dict[str, Any]) -> None:
    assert triton["half"] == ["float16", [[2.0, 4.0]]]
    assert triton["empty"] == [0, 3]


def test_triton_reads_errors(triton: dict[str, Any]) -> None:
    message = f"unknown model none; available: {', '.join(MODELS)}"
    assert triton["error"] == ["StatusCode.NOT_FOUND", message]
    assert triton["stream"] == [[[3.0]], message, [[3.0]]]


def test_mlserver_finds_the_server_and_the_version(mlserver: dict[str, Any]) -> None:
    assert (mlserver["live"], mlserver["versions"]) == (True, [VERSION])
    code, message = mlserver["error"]
    assert code == "NOT_FOUND"
    assert message.startswith("unknown model none")


def test_values_round_trip_through_mlserver_codecs(mlserver: dict[str, Any]) -> None:
    assert mlserver["whole"] == [1, 2**53 + 1]
    assert [row[1:] for row in mlserver["cells"]] == [[1.5, "вино", True], [2.5, "", False]]
    for raw in (False, True):
        assert mlserver[f"array {raw}"] == [[3.0, 4.0], [6.0, 8.0]]
    assert mlserver["word"] == ["ВИНО"]
