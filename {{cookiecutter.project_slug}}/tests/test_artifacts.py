"""Connector tests: what the service needs from outside, present, absent and broken."""

from pathlib import Path
from unittest import mock

import joblib
import pytest

import mmf_core as mmf
from mmf_core.errors import ArtifactError


def test_model_is_read_from_its_file(tmp_path: Path) -> None:
    joblib.dump({"weights": [1.0, 2.0]}, tmp_path / "model.joblib")

    assert mmf.load_model(tmp_path / "model.joblib") == {"weights": [1.0, 2.0]}


def test_model_is_read_once_and_by_joblib(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    path.touch()
    with mock.patch.object(joblib, "load", return_value="a model") as load:
        assert mmf.Registry().artifact(path).load() == "a model"

    load.assert_called_once_with(path)


def test_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"absent\.joblib is not there"):
        mmf.Registry().artifact(tmp_path / "absent.joblib").load()


def test_broken_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.joblib"
    path.write_bytes(b"not a model")

    with pytest.raises(ArtifactError, match=r"broken\.joblib cannot be loaded"):
        mmf.Registry().artifact(path).load()
