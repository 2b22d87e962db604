"""`mmfmeta rollout start` tests the candidate as the service will, before it writes the plan."""

import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from baking import PAYLOAD

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


def test_a_model_with_the_same_columns_is_accepted(folder: Path) -> None:
    """Their schema is the model's own, as main.py declares none."""
    fitted(folder / "new.joblib", "ab", 2)
    done = start(folder, "model.joblib=new.joblib", "--dark")
    assert done.returncode == 0, done.stderr
    assert 'name = "v2"' in (folder / "rollout.toml").read_text()


@pytest.mark.parametrize("other", ["ac", "ba"])
@pytest.mark.long
def test_a_model_with_other_columns_is_rejected(folder: Path, other: str) -> None:
    fitted(folder / "new.joblib", other, 2)
    done = start(folder, "model.joblib=new.joblib", "--dark")
    assert done.returncode == 1
    assert f"expected ['a', 'b'], got {list(other)}" in done.stderr
    assert not (folder / "rollout.toml").exists()


def test_a_missing_file_is_named(folder: Path) -> None:
    done = start(folder, "model.joblib=new.joblib", "--dark")
    assert done.returncode == 1
    assert "new.joblib: no such file" in done.stderr
    assert "Traceback" not in done.stderr
