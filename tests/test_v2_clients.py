"""Triton's client and MLServer's codecs, unmodified, against a service under gunicorn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tensor_targets
from services import serve
from tensor_targets import MODEL, VERSION, run_client

pytestmark = pytest.mark.long
APP = (
    tensor_targets.APP
    + """
@registry.target(returns=mmf.Datetime())
def later(when=mmf.Datetime()):
    return when.replace(year=2027)


@registry.target(returns=mmf.File())
def copied(file=mmf.File()):
    return file


app = create_app(registry)
"""
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the host and port of a running service."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "model.bin").write_bytes(MODEL)
    with Path(folder, "log").open("wb") as log, serve("gunicorn", folder, log, APP) as service:
        yield f"127.0.0.1:{service.port}"
    print(Path(folder, "log").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def triton(service: str) -> dict[str, Any]:
    """Return the report of Triton's client about the service."""
    report: dict[str, Any] = run_client("triton.py", service)
    return report


@pytest.fixture(scope="module")
def mlserver(service: str) -> dict[str, Any]:
    """Return the report of MLServer's codecs about the service."""
    report: dict[str, Any] = run_client("mlserver_client.py", f"http://{service}")
    return report


def test_triton_server_and_model_metadata(triton: dict[str, Any]) -> None:
    assert (triton["live"], triton["ready"], triton["model ready"]) == (True, True, True)
    assert triton["extensions"] == ["binary_tensor_data"]
    assert triton["inputs"] == [
        {"name": "a", "datatype": "FP64", "shape": [-1]},
        {"name": "word", "datatype": "BYTES", "shape": [-1]},
    ]
    assert triton["index"] == ["score", "twice", "table", "shout", "later", "copied"]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_triton_inference(triton: dict[str, Any], binary: bool, compression: str | None) -> None:
    assert triton[f"infer {binary} {compression}"] == ["7", [3.0, 5.0], ["вино", ""]]


def test_triton_sends_half_precision(triton: dict[str, Any]) -> None:
    assert triton["half"] == ["float16", [[2.0, 4.0]]]


def test_triton_parses_errors(triton: dict[str, Any]) -> None:
    status, message = triton["error"]
    assert status == "404"
    models = "score, twice, table, shout, later, copied"
    assert message == f"unknown model none; available: {models}"


def test_mlserver_server_and_version_metadata(mlserver: dict[str, Any]) -> None:
    assert mlserver["extensions"] == ["binary_tensor_data"]
    assert mlserver["versions"] == [VERSION]
    assert mlserver["index"] == [[VERSION, "READY"]]
    assert mlserver["served by"] == VERSION
    status, message = mlserver["refused"]
    assert status == 404
    assert message == f"unknown version another of twice; available: {VERSION}"


def test_mlserver_pandas_codec_round_trip(mlserver: dict[str, Any]) -> None:
    columns = mlserver["columns"]
    assert columns["whole"] == [1, 2**53 + 1]
    assert [row[1:] for row in columns["cells"]] == [
        [1.5, "вино", True, {"a": [1]}],
        [None, "", False, "text"],
    ]
    assert columns["chosen"] == ["word", "whole"]


def test_mlserver_other_codecs(mlserver: dict[str, Any]) -> None:
    assert mlserver["values"] == {
        "matrix": [[3.0, 4.0], [6.0, 8.0]],
        "vector": [[2], [4]],  # MLServer returns it as a column
        "dtype": "int32",
        "id": "7",
        "word": ["ВИНО"],
        "whole word": ["ВИНО"],
        "moment": ["2027-01-31T12:00:00"],
        "file": [0, 255],
    }
