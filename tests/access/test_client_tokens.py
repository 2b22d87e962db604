"""Unmodified third-party clients call a service whose callers need tokens."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from baking import PAYLOAD
from commands import free_port
from mmf_core.access.api_keys import hash_of, new_api_key
from services import serve
from tensor_targets import run_client

MISSING = "a token is missing: send it in the header Authorization, after the word Bearer"
APP = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.Array(), default=True)
def twice(x=mmf.Array(example=[[1.0, 2.0]])):
    return 2 * x


app = create_app(registry)
"""


class ProtectedService(NamedTuple):
    """A service, and a token for it."""

    url: str
    grpc_port: int
    token: str


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProtectedService]:
    """Yield a service with HTTP and gRPC whose callers need tokens."""
    folder, port, key = tmp_path_factory.mktemp("protected"), free_port(), new_api_key()
    settings = {
        "MMF_API_KEYS": f"client {hash_of(key)} targets=twice groups=predict,docs",
        "MMF_GRPC_PORT": str(port),
    }
    with (
        (folder / "log").open("wb") as log,
        serve("gunicorn", folder, log, APP, **settings) as service,
    ):
        yield ProtectedService(service.url, port, key)
    text = (folder / "log").read_text(encoding="utf-8")
    print(text)
    assert key not in text


@pytest.mark.long
def test_triton_clients_send_a_token_as_a_header(protected: ProtectedService) -> None:
    addresses = [protected.url.removeprefix("http://"), f"127.0.0.1:{protected.grpc_port}"]
    reports = run_client("triton_tokens.py", *addresses, protected.token)
    for protocol, status in (("http", "401"), ("grpc", "StatusCode.UNAUTHENTICATED")):
        assert reports[protocol] == {
            "live": True,
            "name": "twice",
            "result": [[3.0, 5.0]],
            "refusal": [status, MISSING],
        }


def test_mlflow_sends_its_tracking_token(
    protected: ProtectedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scoring client sends no token; its requests to a tracking server do."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.exceptions import MlflowException  # after the setting; it takes seconds
    from mlflow.tracking._tracking_service.utils import get_default_host_creds
    from mlflow.utils.rest_utils import http_request, verify_rest_response

    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", protected.token)
    call = {"endpoint": "/invocations", "method": "POST", "json": {"inputs": [[1.5, 2.5]]}}
    response = http_request(get_default_host_creds(protected.url), **call)
    assert verify_rest_response(response, "/invocations").json() == {"predictions": [[3.0, 5.0]]}
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
    refused = http_request(get_default_host_creds(protected.url), **call)
    with pytest.raises(MlflowException, match=MISSING) as error:
        verify_rest_response(refused, "/invocations")
    assert error.value.error_code == "UNAUTHENTICATED"


@pytest.mark.long
def test_locust_sends_its_token(protected: ProtectedService, tmp_path: Path) -> None:
    shutil.copytree(PAYLOAD / "loadtests", tmp_path / "loadtests")
    options = ("--headless", "--only-summary", "--users", "1", "--run-time", "30s")
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", *options]
    limits = {"LOAD_REQUESTS": "20", "LOAD_P95_MS": "60000", "PYTHONPATH": str(PAYLOAD)}

    def run(token: str) -> str:
        done = subprocess.run(
            [*command, "--host", protected.url],
            cwd=tmp_path,
            env=os.environ | limits | {"LOAD_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout + done.stderr

    printed = run(protected.token)
    assert "load test passed: 20 requests" in printed
    assert protected.token not in printed
    assert "401" in run("")
