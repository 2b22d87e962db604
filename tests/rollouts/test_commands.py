"""`mmfmeta rollout start` tests the candidate as the service will, before it writes the plan."""

import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LinearRegression

from baking import PAYLOAD
from mmf_core.rollouts.commands import rollout
from mmf_core.rollouts.plan import of, write

MAIN = """
import mmf_core as mmf

model = mmf.artifact("model.joblib").load()


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame()):
    return model.predict(data)
"""


def fitted(path: Path, columns: str, slope: float) -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 2)), columns=list(columns))
    joblib.dump(LinearRegression().fit(table, slope * table.sum(axis=1)), path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(MAIN)
    fitted(tmp_path / "model.joblib", "ab", 1)
    return tmp_path


def start(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mmf_core", "rollout", "start", "v2", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PAYLOAD)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_model_with_the_same_columns_is_accepted(folder: Path) -> None:
    """Their schema is the model's own, as main.py declares none."""
    fitted(folder / "new.joblib", "ab", 2)
    done = start(folder, "model.joblib=new.joblib", "--dark")
    assert done.returncode == 0, done.stderr
    assert 'name = "v2"' in (folder / "rollout.toml").read_text()


@pytest.mark.parametrize("other", ["ac", "ba"])
@pytest.mark.long
def test_model_with_other_columns_is_rejected(folder: Path, other: str) -> None:
    fitted(folder / "new.joblib", other, 2)
    done = start(folder, "model.joblib=new.joblib", "--dark")
    assert done.returncode == 1
    assert f"expected ['a', 'b'], got {list(other)}" in done.stderr
    assert not (folder / "rollout.toml").exists()


def test_missing_file_is_named(folder: Path) -> None:
    done = start(folder, "model.joblib=new.joblib", "--dark")
    assert done.returncode == 1
    assert "new.joblib: no such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_damaged_file_is_named_as_given(folder: Path) -> None:
    """The error named a copy in a temporary folder."""
    (folder / "new.joblib").write_bytes((folder / "model.joblib").read_bytes()[:100])
    done = start(folder, "model.joblib=new.joblib", "--dark")
    assert done.returncode == 1
    assert "Error: new.joblib cannot be loaded: " in done.stderr


def test_unknown_strategy_is_named_with_the_choices(folder: Path) -> None:
    done = start(folder, "model.joblib=new.joblib", "--strategy", "best")
    assert done.returncode == 2
    assert "'best' is not one of 'ab', 'bandit', 'canary', 'silent'" in done.stderr


@pytest.mark.parametrize("command", ["set --traffic 5", "promote", "status"])
def test_invalid_plan_is_named(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rollout.toml").write_text("[broken")
    result = CliRunner().invoke(rollout, command.split())
    assert result.exit_code == 1
    assert result.output.startswith("Error: rollout.toml: not TOML: ")


def test_status_has_entries_as_people_write_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"model.joblib": "new.joblib", "names.json": "new.json"}
    steps = {"traffic": [12.5, 50, 100]}
    candidate = {"name": "v2", "artifacts": files, "promoted": True}
    write(of({"candidate": candidate, "steps": steps}), Path("rollout.toml"))
    assert CliRunner().invoke(rollout, ["status"]).output.splitlines() == [
        "candidate.name: v2",
        "candidate.artifacts: model.joblib=new.joblib, names.json=new.json",
        "candidate.promoted: true",
        "steps.traffic: 12.5, 50, 100",
        "promoted: it serves every request",
    ]
