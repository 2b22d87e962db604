"""Connector tests: the files that the service needs, present, absent and broken."""

import pickle
from pathlib import Path
from unittest import mock

import pytest

import mmf_core as mmf
from mmf_core.errors import ArtifactError
from mmf_core.registry import load

MODEL, *_ = load("main").artifacts.values()


def test_model_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"weights": [1.0, 2.0]}))

    assert mmf.load_model(tmp_path / "model.pkl") == {"weights": [1.0, 2.0]}


def test_model_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / MODEL.path.name
    path.touch()
    with mock.patch("mmf_core.artifact.load_model", return_value="a model") as load:
        assert mmf.Registry().artifact(path).load() == "a model"

    load.assert_called_once()
    assert load.call_args.args == (path,)


def test_missing_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / f"absent{MODEL.path.suffix}"

    with pytest.raises(ArtifactError, match=r"absent\.\w+ not found"):
        mmf.Registry().artifact(path).load()


def test_broken_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / f"broken{MODEL.path.suffix}"
    path.write_bytes(b"not a model")

    with pytest.raises(ArtifactError, match=r"broken\.\w+ cannot be loaded"):
        mmf.Registry().artifact(path).load()
