"""Connector tests: the files that the service needs, present, absent and broken."""

import pickle
from pathlib import Path
from unittest import mock

import pytest

import mmf_core as mmf
from mmf_core.artifact import Artifact
from mmf_core.errors import ArtifactError
from mmf_core.models import format_of
from mmf_core.registry import load

ARTIFACTS = load("main").artifacts.values()
# A folder that MLflow has written may have any name.
SUFFIXES = sorted(
    {
        artifact.path.suffix
        for artifact in ARTIFACTS
        if (model_format := format_of(artifact.path))
        and artifact.path.suffix.lower() in model_format.suffixes
    }
)


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda artifact: artifact.name)
def test_artifact_is_there_and_loaded(artifact: Artifact) -> None:
    artifact.verify()

    assert artifact.path.exists()
    assert artifact.is_loaded or not artifact.preload


def test_model_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"weights": [1.0, 2.0]}))

    assert mmf.load_model(tmp_path / "model.pkl") == {"weights": [1.0, 2.0]}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_model_is_read_once(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.touch()
    with mock.patch("mmf_core.artifact.load_model", return_value="a model") as load_model:
        assert mmf.Registry().artifact(path).load() == "a model"

    load_model.assert_called_once()
    assert load_model.call_args.args == (path,)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_model_is_named(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(ArtifactError, match=r"absent\.\w+ not found"):
        mmf.Registry().artifact(tmp_path / f"absent{suffix}").load()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_broken_model_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b"not a model")

    with pytest.raises(ArtifactError, match=r"broken\.\w+ cannot be loaded"):
        mmf.Registry().artifact(path).load()
