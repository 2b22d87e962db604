"""LitServe: a LitAPI with or without batching, and its server."""

import os
from itertools import accumulate, pairwise
from typing import Any

import joblib
import litserve as ls
import numpy as np
import pandas as pd

Records = list[dict[str, float]]


class Wines(ls.LitAPI):
    """One request at a time."""

    def setup(self, device: str) -> None:
        self.model = joblib.load(os.environ["BENCH_MODEL"])

    def predict(self, x: Any, **_: Any) -> Any:
        return self.model.predict(pd.DataFrame(x))

    def encode_response(self, output: np.ndarray, **_: Any) -> dict[str, list[float]]:
        return {"predictions": output.tolist()}


class BatchedWines(Wines):
    """Requests batched into one call: their records are concatenated, the results split again."""

    def batch(self, inputs: list[Records]) -> list[Records]:
        return inputs

    def predict(self, x: Any, **_: Any) -> Any:
        results = super().predict([record for records in x for record in records])
        ends = accumulate(map(len, x), initial=0)
        return [results[start:end] for start, end in pairwise(ends)]

    def unbatch(self, output: list[np.ndarray]) -> list[np.ndarray]:
        return output


def main() -> None:
    """Serve on PORT."""
    batched = os.environ["BENCH_BATCHING"] == "1"
    api = BatchedWines(max_batch_size=64, batch_timeout=0.002) if batched else Wines()
    server = ls.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=int(os.environ["WEB_CONCURRENCY"]),
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        log_level="warning",
        generate_client_file=False,
    )


if __name__ == "__main__":
    main()
