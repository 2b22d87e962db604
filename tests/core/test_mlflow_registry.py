"""Models from MLflow's registry, and what becomes of a service when it is down or hangs."""

import socket
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

from mmf_core.errors import ArtifactError
from mmf_core.models import load_model
from mmf_core.models.mlflow_registry import fetch

pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow's own making


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Give a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the id of a run whose model is registered, in a registry of files."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path)
    import mlflow
    from mlflow import sklearn

    uri = (tmp_path / "mlruns").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = mlflow.MlflowClient(uri)
        folder = tmp_path / "saved"
        model = LinearRegression().fit([[1.0], [2.0]], [2.0, 4.0])
        sklearn.save_model(
            model, str(folder), serialization_format="cloudpickle", pip_requirements=[]
        )
        run = client.create_run("0")
        client.log_artifacts(run.info.run_id, str(folder), "model")
        client.create_registered_model("wine")
        source = f"{run.info.artifact_uri}/model"
        client.create_model_version("wine", source, run.info.run_id)
        client.set_registered_model_alias("wine", "best", "1")
        client.transition_model_version_stage("wine", "1", "Production")
    run_id: str = run.info.run_id
    return run_id


def test_every_form_of_address(registry: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for uri in (
        "models:/wine/1",
        "models:/wine/Production",
        "models:/wine@best",
        f"runs:/{registry}/model",
    ):
        for _ in range(2):
            assert load_model(fetch(uri, cache)).predict([[3.0]]) == pytest.approx([6.0])
    assert len(list(cache.iterdir())) == 4
    with pytest.raises(ArtifactError, match="models:/beer/1 cannot be fetched"):
        fetch("models:/beer/1", cache)


@pytest.mark.usefixtures("registry")
def test_a_registry_that_is_down_or_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: socket.socket
) -> None:
    cache = tmp_path / "cache"
    kept = fetch("models:/wine/1", cache)
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    for port in (closed, listener.getsockname()[1]):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        assert fetch("models:/wine/1", cache) == kept
        assert load_model(kept).predict([[3.0]]) == pytest.approx([6.0])
        with pytest.raises(ArtifactError, match="models:/wine@best cannot be fetched"):
            fetch("models:/wine@best", cache)
