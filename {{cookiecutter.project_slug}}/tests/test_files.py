"""Existence tests: the files that a deployment needs, each with something in it."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "name",
    [
        "app.py",
        "main.py",
        "model.joblib",
        "requirements.txt",
        "gunicorn.conf.py",
        "Procfile",
        "Dockerfile",
    ],
)
def test_file_is_there_and_not_empty(name: str) -> None:
    assert (PROJECT / name).stat().st_size > 0


def test_every_requirement_has_an_exact_version() -> None:
    lines = (PROJECT / "requirements.txt").read_text().splitlines()

    assert [line for line in lines if line and not line.startswith("#") and "==" not in line] == []
