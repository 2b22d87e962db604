"""The same models in every format: the file's size, loading it, predicting one row of a table.

`make bench-models` prints the table. Each figure is that of the shortest call in some runs, which
go through the formats in turns. Formats whose libraries, or Java, are not there are left out.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sklearn.base
from paths import PAYLOAD
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(PAYLOAD))

import mmf_core as mmf
from mmf_core.errors import MMFError

SUFFIXES = (".joblib", ".pkl", ".skops", ".onnx", ".pmml", ".mlflow")
MODELS = {
    "scaler, logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest of 100 trees": RandomForestClassifier(100, random_state=0),
}
RUNS = 7
LEAST = 0.1  # seconds of a measurement, at least
# The newest that sklearn2pmml 0.133 supports; its output is compared with the model's predictions.
KNOWN_TO_SKLEARN2PMML = "1.9.0"


def seconds(call: Callable[[], object]) -> float:
    """Return the shortest of as many calls as fill LEAST."""
    spent: list[float] = []
    while sum(spent) < LEAST:
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return min(spent)


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def saved(model: Any, folder: Path, rows: Any) -> list[Path]:
    """Save the model in every available format."""
    paths = []
    for suffix in SUFFIXES:
        path = folder / f"model{suffix}"
        try:
            mmf.save_model(model, path, example=rows)
        except MMFError as error:
            print(f"{suffix} is left out: {error}", file=sys.stderr)
        else:
            paths.append(path)
    return paths


def measure(name: str, model: Any, folder: Path) -> None:
    """Print the lines of one model."""
    rows, cultivars = load_wine(return_X_y=True, as_frame=True)
    paths = saved(model.fit(rows, cultivars), folder, rows)
    row, loaded = rows.head(1), {path: mmf.fast_path(mmf.load_model(path)) for path in paths}
    loads: dict[Path, list[float]] = {path: [] for path in paths}
    predicts: dict[Path, list[float]] = {path: [] for path in paths}
    for _ in range(RUNS):
        for path in paths:
            loads[path].append(seconds(lambda path=path: mmf.load_model(path)))
            predicts[path].append(seconds(lambda path=path: loaded[path].predict(row)))
    for path in paths:
        load, predict = (min(each[path]) for each in (loads, predicts))
        cells = (f"{size(path) / 1000:,.0f}", f"{load * 1e3:,.1f}", f"{predict * 1e6:,.0f}")
        print(f"| {name} | `{path.suffix}` | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print the table."""
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
    sklearn.base.__version__ = KNOWN_TO_SKLEARN2PMML
    warnings.simplefilter("ignore")  # of the exporters' own code
    print("| model | file | size, kB | load, ms | predict one row, µs |")
    print("|---|---|---|---|---|")
    for name, model in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            measure(name, model, Path(folder))


if __name__ == "__main__":
    main()
