"""A project whose target predicts by rows, and what runs `mmfmeta predict` in it."""

import sys
from functools import partial
from pathlib import Path

import pytest
from batch_project import MAIN, Predict
from click.testing import CliRunner, Result

from mmf_core.batch_prediction import job
from mmf_core.batch_prediction.chunks import Limits
from mmf_core.cli import main
from mmf_core.registry import default
from working_project import make_current


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project, whose folder is the current one, and a default registry without targets."""
    return make_current(tmp_path, MAIN, monkeypatch)


@pytest.fixture
def predict(project: Path) -> Predict:  # noqa: ARG001 - it is the current folder
    """Give a function that runs the command and checks its exit code."""

    def run(*arguments: str, code: int = 0, stdin: bytes | None = None) -> Result:
        default.targets.clear()
        default.artifacts.clear()
        result = CliRunner().invoke(main, ["predict", *arguments], input=stdin)
        sys.modules.pop("main", None)
        assert result.exit_code == code, (result.output, result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files read a kilobyte at a time."""
    monkeypatch.setattr(job, "Limits", partial(Limits, size=1024))
