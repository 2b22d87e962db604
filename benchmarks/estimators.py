"""The cost of a scikit-learn model's `predict` for one row: as loaded, quickened, on an array.

    python benchmarks/estimators.py

All are timed in turns, so that whatever else the machine does falls on each alike.
"""

from __future__ import annotations

import copy
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).parents[1] / "{{cookiecutter.project_slug}}"))

from mmf_core.models.estimators import enable_fast_path

COLUMNS = [f"column {place}" for place in range(11)]
ROUNDS, CALLS = 40, 25


def microseconds(call: Callable[[Any], Any], value: Any) -> float:
    """Return the mean time of a few calls."""
    started = time.perf_counter()
    for _ in range(CALLS):
        call(value)
    return (time.perf_counter() - started) / CALLS * 1e6


def main() -> None:
    """Print a line for each model."""
    rows = np.random.default_rng(0).random((500, len(COLUMNS)))
    table, numbers = pd.DataFrame(rows, columns=COLUMNS), rows @ np.arange(len(COLUMNS))
    models = {
        "StandardScaler, LogisticRegression": make_pipeline(StandardScaler(), LogisticRegression()),
        "ElasticNet": ElasticNet(alpha=0.1),
        "RandomForestRegressor(100)": RandomForestRegressor(100, random_state=0),
    }
    print(f"{'µs for one row (median)':36} {'as it is':>9} {'quickened':>9} {'array':>9}")
    for name, model in models.items():
        answers = numbers > numbers.mean() if "Logistic" in name else numbers
        as_it_is, bare = model.fit(table, answers), copy.deepcopy(model).fit(rows, answers)
        quick = enable_fast_path(copy.deepcopy(as_it_is))
        calls = [(as_it_is, table.head(1)), (quick, table.head(1)), (bare, rows[:1])]
        times = [[microseconds(m.predict, value) for m, value in calls] for _ in range(ROUNDS)]
        medians = [statistics.median(column) for column in zip(*times, strict=True)]
        print(f"{name:36} " + " ".join(f"{median:9.0f}" for median in medians))


if __name__ == "__main__":
    main()
