"""The folders and files of the benchmarks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PAYLOAD = ROOT / "{{cookiecutter.project_slug}}"
WINES = ROOT.parent / "shared" / "data" / "wine-quality.csv"
LOCK = ROOT / "templates" / "locks" / "joblib.txt"
LOCKS = (LOCK, LOCK.with_name("onnx.txt"))
BUILD = ROOT / "build" / "bench"
MODELS = BUILD / "models"
BODIES = BUILD / "bodies"
LOGS = BUILD / "logs"
FIGURES = BUILD / "figures"
RESULTS = HERE / "RESULTS.md"
CHART = HERE / "results.svg"

# cookiecutter copies everything in the payload, so what Python compiles must be elsewhere.
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(BUILD / "pycache")
