"""Folders written to S3 by MLflow: `s3://bucket/…/`, with a slash at the end."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
import s3_server
from mmf_core.errors import StoreError
from mmf_core.stores.s3_store import client
from mmf_core.web import create_app

pytestmark = pytest.mark.filterwarnings("ignore")  # raised by MLflow itself


@pytest.fixture
def model(tmp_path: Path, bucket: str) -> str:
    """Return the URI of a model's folder in a bucket."""
    from mlflow import sklearn

    folder = tmp_path / "saved"
    sklearn.save_model(
        LinearRegression().fit([[1.0], [2.0]], [2.0, 4.0]),
        str(folder),
        serialization_format="cloudpickle",
        pip_requirements=[],
    )
    for file in (path for path in folder.rglob("*") if path.is_file()):
        key = f"runs/1/model/{file.relative_to(folder).as_posix()}"
        client().upload_file(str(file), bucket.removeprefix("s3://"), key)
    return f"{bucket}/runs/1/model/"


def test_cached_folder_is_served_while_s3_is_down(
    model: str, gate: Callable[..., s3_server.Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = mmf.Registry()
    assert declared.artifact(model).load().predict([[3.0]]) == pytest.approx([6.0])
    declared.load_artifacts()
    assert len(declared.version) == 12
    with pytest.raises(StoreError, match="cannot be fetched"):
        mmf.Registry().artifact(model.replace("model/", "none/")).load()
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    # By this variable: MLflow caches a client for each of its values.
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", gate(0, cut=True).url)
    again = mmf.Registry()
    assert again.artifact(model).load().predict([[3.0]]) == pytest.approx([6.0])
    (note,) = create_app(again).test_client().get("/health/ready").get_json()["warnings"]
    assert note.startswith(f"{model} cannot be fetched; using the copy")
    assert again.version == declared.version
