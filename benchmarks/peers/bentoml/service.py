"""BentoML: a service with one API, batchable or not."""

import os

import bentoml
import joblib
import pandas as pd

BATCHING = os.environ["BENCH_BATCHING"] == "1"
WORKERS = int(os.environ["WEB_CONCURRENCY"])


# 1.4.39 cannot join DataFrames: its container gives a table's shape for its number of rows.
@bentoml.service(workers=WORKERS, logging={"access": {"enabled": False}})
class Wines:
    """One prediction per record."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["BENCH_MODEL"])

    @bentoml.api(batchable=BATCHING, max_batch_size=2000)
    def predict(self, wines: list[dict[str, float]]) -> list[float]:
        return self.model.predict(pd.DataFrame(wines)).tolist()
