"""Write scikit-learn's wines as a warehouse would have them: each one measured twice.

feature_repo/data/measurements.parquet: all measurements, with their times. labels.parquet: the
cultivar of each wine, with the time of the label, between the two.
"""

from pathlib import Path

import pandas as pd
from sklearn.datasets import load_wine

FEATURES = ["alcohol", "flavanoids", "proline"]
DATA = Path("feature_repo", "data")
FIRST, LABEL, SECOND = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"], utc=True)

wines = load_wine(as_frame=True)
first = wines.data[FEATURES].assign(wine_id=wines.data.index, measured_at=FIRST)
second = first.assign(
    measured_at=SECOND, alcohol=first["alcohol"] + 0.1, proline=0.9 * first["proline"]
)
DATA.mkdir(exist_ok=True)
pd.concat([first, second]).to_parquet(DATA / "measurements.parquet")
labels = first[["wine_id"]].assign(event_timestamp=LABEL, cultivar=wines.target_names[wines.target])
labels.to_parquet(DATA / "labels.parquet")
