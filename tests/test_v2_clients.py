"""Triton's own client, unchanged, against a service under gunicorn."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baking import ROOT
from running import make_environment
from services import serve

CLIENTS = ROOT / "tests" / "clients"
APP = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema={"a": float, "word": str})):
    return data.assign(double=2 * data["a"])[["double", "word"]]


@registry.target(returns=mmf.Array())
def twice(x=mmf.Array()):
    return 2 * x


app = create_app(registry)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Give what Triton's client says of the service."""
    folder = tmp_path_factory.mktemp("triton")
    python = make_environment("clients", CLIENTS / "requirements.txt") / "python"
    with Path(folder, "log").open("wb") as log, serve("gunicorn", folder, log, APP) as service:
        command = [str(python), str(CLIENTS / "triton.py"), f"127.0.0.1:{service.port}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)


def test_triton_finds_the_server_and_its_models(told: dict[str, Any]) -> None:
    assert (told["live"], told["ready"], told["model ready"]) == (True, True, True)
    assert told["extensions"] == ["binary_tensor_data"]
    assert told["inputs"] == [
        {"name": "a", "datatype": "FP64", "shape": [-1]},
        {"name": "word", "datatype": "BYTES", "shape": [-1]},
    ]
    assert told["index"] == ["score", "twice"]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("packed", [None, "gzip", "deflate"])
def test_triton_infers(told: dict[str, Any], binary: bool, packed: str | None) -> None:
    assert told[f"infer {binary} {packed}"] == ["7", [3.0, 5.0], ["вино", ""]]


def test_triton_sends_half_precision(told: dict[str, Any]) -> None:
    assert told["half"] == ["float16", [[2.0, 4.0]]]


def test_triton_understands_our_errors(told: dict[str, Any]) -> None:
    status, message = told["error"]
    assert status == "404"
    assert message == "no model is called none; there are: score, twice"
