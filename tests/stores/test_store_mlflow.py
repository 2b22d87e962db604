"""Models from MLflow's registry, and services while it is down or hangs."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import count
from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
from mmf_core.artifact_commands.files import lock_file
from mmf_core.errors import ArtifactError, MissingPackage, StoreError
from mmf_core.stores import cache, lockfile
from mmf_core.stores.mlflow_store import MlflowStore
from mmf_core.web import create_app

_numbers = count()
pytestmark = pytest.mark.filterwarnings("ignore")  # raised by MLflow itself


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Yield a server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that registers a model in a file-based registry and returns its run id."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow
    from mlflow import sklearn

    uri = (tmp_path / "mlruns").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    client = mlflow.MlflowClient(uri)
    client.create_registered_model("wine")

    def register(slope: float, *requirements: str) -> str:
        folder = tmp_path / f"saved-{next(_numbers)}"
        model = LinearRegression().fit([[1.0], [2.0]], [slope, 2 * slope])
        sklearn.save_model(
            model,
            str(folder),
            serialization_format="cloudpickle",
            pip_requirements=list(requirements),
        )
        run = client.create_run("0")
        client.log_artifacts(run.info.run_id, str(folder), "model")
        source = f"{run.info.artifact_uri}/model"
        version = client.create_model_version("wine", source, run.info.run_id).version
        client.set_registered_model_alias("wine", "best", version)
        client.transition_model_version_stage("wine", version, "Production")
        run_id: str = run.info.run_id
        return run_id

    return register


@pytest.fixture
def registry(registered: Callable[..., str]) -> str:
    """Return the run id of the first version of wine."""
    return registered(2.0)


def predicts(uri: str, sha256: str = "") -> float:
    value: float = mmf.Registry().artifact(uri, sha256=sha256).load().predict([[3.0]])[0]
    return value


def test_every_uri_form(registry: str, folder: Path) -> None:
    for uri in (
        "models:/wine/1",
        "models:/wine/Production",
        "models:/wine@best",
        f"runs:/{registry}/model",
    ):
        for _ in range(2):
            assert predicts(uri) == pytest.approx(6.0)
    assert not list(folder.parent.glob("cache/*/new"))
    for uri in ("models:/wine/1", "models:/wine@best"):
        declared = mmf.Registry()
        declared.artifact(uri).load()
        declared.load_artifacts()
        assert declared.version == "1"
    with pytest.raises(StoreError, match="models:/beer/1 cannot be fetched"):
        predicts("models:/beer/1")


@pytest.fixture(params=["down", "hangs"])
def connection_error(
    request: pytest.FixtureRequest, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Return a function that replaces the registry with another server."""

    def leave() -> None:
        port = listener.getsockname()[1]
        if request.param == "down":
            listener.close()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("MMF_STORE_TIMEOUT", "1")

    return leave


@pytest.mark.usefixtures("registry")
def test_unreachable_registry(connection_error: Callable[[], None]) -> None:
    declared = mmf.Registry()
    declared.artifact("models:/wine/1").verify()
    client = create_app(declared).test_client()
    assert client.get("/health/ready").get_json() == {"ready": True}
    connection_error()
    declared = mmf.Registry()
    assert declared.artifact("models:/wine/1").load().predict([[3.0]]) == pytest.approx([6.0])
    (note,) = create_app(declared).test_client().get("/health/ready").get_json()["warnings"]
    assert note.startswith("models:/wine/1 cannot be fetched; using the copy")
    with pytest.raises(StoreError, match="models:/wine@best cannot be fetched"):
        predicts("models:/wine@best")
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ


@pytest.mark.usefixtures("registry")
def test_new_version_is_used_at_the_next_start(
    registered: Callable[[float], str], connection_error: Callable[[], None]
) -> None:
    assert predicts("models:/wine@best") == pytest.approx(6.0)
    registered(5.0)
    assert predicts("models:/wine@best") == pytest.approx(15.0)
    connection_error()
    assert predicts("models:/wine@best") == pytest.approx(15.0)


@pytest.mark.usefixtures("registry")
def test_locked_model_does_not_follow_the_alias(
    registered: Callable[[float], str], connection_error: Callable[[], None], folder: Path
) -> None:
    uri = "models:/wine@best"
    lock_file(uri)
    locked = lockfile.read()[uri].sha256
    registered(5.0)
    assert predicts(uri) == pytest.approx(6.0)
    cache.release_all()
    shutil.rmtree(folder.parent / "cache" / locked)
    with pytest.raises(StoreError, match=f"expected sha256 {locked}, got"):
        predicts(uri)
    connection_error()
    with pytest.raises(StoreError, match="cannot be fetched"):
        predicts(uri)


def test_emptied_cache_is_fetched_again(
    registry: str, connection_error: Callable[[], None], folder: Path
) -> None:
    uri = f"runs:/{registry}/model"
    predicts(uri)
    cache.release_all()
    for model in folder.parent.glob("cache/*/model"):
        shutil.rmtree(model)
    connection_error()
    with pytest.raises(StoreError, match="MLFLOW_TRACKING_URI"):
        predicts(uri)


def test_registry_is_read_only(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is read-only"):
        MlflowStore().upload(tmp_path, "models:/wine/1", {})
    with pytest.raises(StoreError, match="is a folder in MLflow's registry"):
        MlflowStore().versions("models:/wine/1")


def test_missing_mlflow_names_the_pip_command(without: Callable[..., None]) -> None:
    without("mlflow")
    with pytest.raises(MissingPackage, match=r"models:/wine/1 needs: pip install mlflow-skinny"):
        predicts("models:/wine/1")


def compared(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "mmf.models"]


@pytest.mark.usefixtures("registry")
def test_library_versions_of_the_model_are_compared(
    registered: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = f"scikit-learn=={version('scikit-learn')}"
    registered(2.0, here, "mlflow", "pandas>1  # newer ones do", 'gone; python_version < "3"')
    monkeypatch.setenv("MMF_MLFLOW_STRICT", "1")
    predicts("models:/wine@best")
    registered(2.0, "scikit-learn==0.1", "no-such-package")
    with pytest.raises(ArtifactError, match="MMF_MLFLOW_STRICT") as caught:
        predicts("models:/wine@best")
    monkeypatch.delenv("MMF_MLFLOW_STRICT")
    assert compared(caplog) == []
    predicts("models:/wine@best")
    (warning,) = compared(caplog)
    for text in (warning, str(caught.value)):
        assert f"scikit-learn==0.1 ({version('scikit-learn')} is installed)" in text
        assert "no-such-package (none is installed)" in text
