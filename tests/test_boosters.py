"""LightGBM, XGBoost and CatBoost: their declared inputs and their errors.

`make test-all` installs them beside the test packages.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from baking import ROOT
from commands import LONGEST_COMMAND

HERE = Path(__file__).resolve().parent
PACKAGES = ["catboost", "lightgbm", "xgboost-cpu"]
FOLDER = ROOT / ".cache" / "boosters"


@pytest.mark.long
def test_boosters() -> None:
    if not (FOLDER / "catboost").exists():
        # Without dependencies: these are installed already or not imported.
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--target", str(FOLDER), *PACKAGES], check=True)
    files = [HERE / "core" / "test_booster_files.py", HERE / "core" / "test_rejections.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "--no-cov", "-q", *map(str, files)],
        env={**os.environ, "PYTHONPATH": str(FOLDER)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_COMMAND,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout
