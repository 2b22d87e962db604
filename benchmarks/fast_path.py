"""The cost of `predict` for a table of one row: scikit-learn's own, `mmf.fast_path`, on an array.

    python benchmarks/fast_path.py

Medians of µs of CPU; the models are measured in turns, a few calls each, so that whatever else the
machine does falls on each alike. The last column is of the array under `assume_finite`, which the
fast path does not use.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from paths import PAYLOAD
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(PAYLOAD))

import mmf_core as mmf

COLUMNS = [f"column {place}" for place in range(13)]
MODELS = {
    "StandardScaler, LogisticRegression": make_pipeline(StandardScaler(), LogisticRegression()),
    "ElasticNet": ElasticNet(alpha=0.1),
    "RandomForestRegressor(100)": RandomForestRegressor(100, random_state=0),
}
HEADER = ("scikit-learn", "fast path", "saved", "array", "assume_finite")
ROUNDS, CALLS = 60, 10


def microseconds(call: Callable[[], object]) -> float:
    """Return the mean CPU time of a few calls."""
    started = time.process_time_ns()
    for _ in range(CALLS):
        call()
    return (time.process_time_ns() - started) / CALLS / 1e3


def medians(model: Any) -> list[float]:
    """Return the median of each way to call a model."""
    rows = np.random.default_rng(0).random((500, len(COLUMNS)))
    numbers = rows @ np.arange(len(COLUMNS))
    labels = numbers > numbers.mean() if sklearn.base.is_classifier(model) else numbers
    own = clone(model).fit(pd.DataFrame(rows, columns=COLUMNS), labels)
    array, bare = rows[:1], clone(model).fit(rows, labels)
    table, fast = pd.DataFrame(array, columns=COLUMNS), mmf.fast_path(own)

    def without_checks() -> None:
        if np.isfinite(array).all():
            with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
                bare.predict(array)

    calls: list[Callable[[], object]] = [
        lambda: own.predict(table),
        lambda: fast.predict(table),
        lambda: bare.predict(array),
        without_checks,
    ]
    rounds = [[microseconds(call) for call in calls] for _ in range(ROUNDS)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def main() -> None:
    """Print a line for each model."""
    print(f"| one row, µs of CPU | {' | '.join(HEADER)} |")
    print("|---" * (len(HEADER) + 1) + "|")
    for name, model in MODELS.items():
        own, fast, array, unchecked = medians(model)
        cells = [f"{time:,.0f}" for time in (own, fast, own - fast, array, unchecked)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    main()
