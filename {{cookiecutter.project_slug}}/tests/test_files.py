"""Existence tests: the files that a deployment needs exist and are not empty."""

from pathlib import Path

import pytest

from mmf_core.artifact import Artifact
from mmf_core.registry import load

PROJECT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "name",
    [
        "app.py",
        "main.py",
        "requirements.txt",
        "gunicorn.conf.py",
        "Procfile",
        "Dockerfile",
    ],
)
def test_file_is_there_and_not_empty(name: str) -> None:
    assert (PROJECT / name).stat().st_size > 0


@pytest.mark.parametrize("artifact", load("main").artifacts.values(), ids=lambda file: file.name)
def test_artifact_is_not_empty(artifact: Artifact) -> None:
    path = artifact.path  # fetched, if it is in a store
    assert list(path.iterdir()) if path.is_dir() else path.stat().st_size > 0


def test_every_requirement_has_an_exact_version() -> None:
    lines = (PROJECT / "requirements.txt").read_text().splitlines()

    assert [line for line in lines if line and not line.startswith("#") and "==" not in line] == []
