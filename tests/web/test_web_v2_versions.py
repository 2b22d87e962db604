"""Versions of the Open Inference Protocol: of one artifact or of all artifacts combined."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from mmf_core.artifact_commands.files import lock_file
from mmf_core.web import create_app

NUMBER = mmf.Integer()
INPUTS = {"inputs": [{"name": "n", "shape": [1], "datatype": "INT64", "data": [4]}]}
Declare = Callable[[mmf.Registry], Any]
MODEL = b"a model"
SUM = sha256(MODEL).hexdigest()[:12]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with a model and an encoder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.bin").write_bytes(MODEL)
    (tmp_path / "encoder.bin").write_bytes(b"an encoder")
    return tmp_path


def serve(*declare: Declare, ready: bool = True) -> FlaskClient:
    """Serve a target with these artifacts."""
    registry = mmf.Registry()
    for declaration in declare:
        declaration(registry)

    @registry.target(returns=mmf.Integer())
    def predict(n: Any = NUMBER) -> Any:
        return n + 1

    return create_app(registry, ready=ready).test_client()


def version(client: FlaskClient) -> str:
    """Return the version in every response, after checking that they agree."""
    about = client.get("/v2/models/predict").get_json()
    response = client.post("/v2/models/predict/infer", json=INPUTS).get_json()
    (state,) = client.post("/v2/repository/index").get_json()
    versions: list[str] = about.get("versions", [])
    assert [response[key] for key in ("model_version",) if key in response] == versions
    assert [state[key] for key in ("version",) if key in state] == versions
    return "".join(versions)


def model(registry: mmf.Registry) -> Any:
    return registry.artifact("model.bin")


def encoder(registry: mmf.Registry) -> Any:
    return registry.artifact("encoder.bin", "rb", name="words")


def loader(registry: mmf.Registry) -> Any:
    return registry.artifact("model.bin")(lambda: 1)


def test_version_is_the_checksum_of_the_artifact(folder: Path) -> None:
    assert version(serve(model)) == version(serve(loader)) == SUM
    (folder / "model.bin").write_bytes(b"another")
    assert version(serve(model)) == sha256(b"another").hexdigest()[:12]


def test_several_artifacts_have_a_combined_version(folder: Path) -> None:
    both = version(serve(model, encoder))
    assert both == version(serve(encoder, model))
    assert len(both) == 12
    assert both not in {SUM, version(serve(encoder))}
    (folder / "encoder.bin").write_bytes(b"another")
    assert version(serve(model, encoder)) != both


def test_no_version_without_artifacts() -> None:
    client = serve()
    assert version(client) == ""
    response = client.get("/v2/models/predict/versions/1")
    assert (response.status_code, response.get_json()) == (
        404,
        {"error": "unknown version 1 of predict; available: none"},
    )


def test_large_file_of_a_loader_has_a_version_if_locked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MMF_MAX_ARTIFACT_MIB", "0.000001")
    assert version(serve(loader)) == ""
    lock_file("model.bin")
    assert version(serve(loader)) == SUM
    assert version(serve(lambda registry: registry.artifact("elsewhere")(lambda: 1))) == ""


def test_version_is_the_pinned_checksum() -> None:
    whole = sha256(MODEL).hexdigest()
    pinned = serve(lambda registry: registry.artifact("model.bin", sha256=whole))
    assert version(pinned) == SUM


def test_version_is_that_of_the_loaded_file(folder: Path) -> None:
    client = serve(loader)
    (folder / "model.bin").write_bytes(b"trained again")
    assert version(client) == SUM


def test_version_is_the_mlflow_registry_version(folder: Path) -> None:
    (folder / "wine").mkdir()
    (folder / "wine" / "registered_model_meta").write_text("model_name: wine\nmodel_version: '3'\n")
    assert version(serve(lambda registry: registry.artifact("wine"))) == "3"


def test_served_version_has_the_model_routes() -> None:
    client = serve(model)
    model_ = f"/v2/models/predict/versions/{SUM}"
    assert client.get(model_).get_json() == client.get("/v2/models/predict").get_json()
    assert client.get(f"{model_}/ready").get_json() == {"name": "predict", "ready": True}
    response = client.post(f"{model_}/infer", json=INPUTS).get_json()
    assert (response["model_version"], response["outputs"][0]["data"]) == (SUM, [5])


@pytest.mark.parametrize("other", ["1", SUM[:11], SUM.upper() + "0", "%20"])
def test_unknown_version_is_404(other: str) -> None:
    client = serve(model)
    for method, path in (("GET", ""), ("GET", "/ready"), ("POST", "/infer")):
        response = client.open(f"/v2/models/predict/versions/{other}{path}", method=method)
        assert response.status_code == 404
        assert list(response.get_json()) == ["error"]
        assert f"available: {SUM}" in response.get_json()["error"]
    assert client.get(f"/v2/models/none/versions/{SUM}").status_code == 404


def test_no_version_until_ready() -> None:
    client = serve(loader, ready=False)
    assert client.get(f"/v2/models/predict/versions/{SUM}/ready").status_code == 503
    assert "versions" not in client.get("/v2/models/predict").get_json()
    assert client.get(f"/v2/models/none/versions/{SUM}/ready").status_code == 404
