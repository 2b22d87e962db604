"""Fits the two models that every server serves, and saves their predictions.

`train.py FOLDER [CSV]` writes into FOLDER: elasticnet.joblib, forest.joblib and rows.json, which
holds 1,000 rows and each model's own predictions of them. Without the CSV of wine qualities, data
of the same shape is made up. Run by the interpreter of the generated project.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet

COLUMNS = (
    "fixed_acidity",
    "volatile_acidity",
    "citric_acid",
    "residual_sugar",
    "chlorides",
    "free_sulfur_dioxide",
    "total_sulfur_dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
)
QUALITY = "quality"
ROWS = 1000
MADE_UP = 4898


def wines(csv: Path) -> pd.DataFrame:
    """Read the wines; where there are none, make up as many."""
    if csv.is_file():
        table = pd.read_csv(csv)
        return table.rename(columns=lambda name: name.replace(" ", "_")).astype(float)
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.gamma(4, 2, (MADE_UP, len(COLUMNS))).round(3), columns=COLUMNS)
    quality = table["alcohol"] - table["volatile_acidity"] + random.normal(0, 2, MADE_UP)
    return table.assign(**{QUALITY: quality.round()})


def main() -> None:
    """Fit both, save both, and write down what they predict."""
    folder, *csv = map(Path, sys.argv[1:])
    table = wines(csv[0] if csv else Path("absent"))
    measurements, quality = table[list(COLUMNS)], table[QUALITY]
    models = {
        "elasticnet": ElasticNet(alpha=0.01, l1_ratio=0.5, max_iter=10_000),
        "forest": RandomForestRegressor(n_estimators=100, random_state=0),
    }
    sample = measurements.head(ROWS)
    expected: dict[str, object] = {"rows": sample.to_dict("records")}
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in models.items():
        model.fit(measurements, quality)
        joblib.dump(model, folder / f"{name}.joblib", compress=3)  # under 10 MiB
        expected[name] = model.predict(sample).tolist()
    (folder / "rows.json").write_text(json.dumps(expected), encoding="utf-8")


if __name__ == "__main__":
    main()
