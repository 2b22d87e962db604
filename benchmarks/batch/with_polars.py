"""The same with polars: python with_polars.py MODEL IN OUT."""

import sys
import time
from pathlib import Path
from typing import Any

import joblib
import polars as pl

ROWS = 65_536


def predict(model: Any, table: pl.DataFrame) -> pl.DataFrame:
    """Return the predictions for a chunk."""
    values = table.select(model.feature_names_in_.tolist()).to_numpy()
    return pl.DataFrame({"prediction": model.predict(values)})


def parquet(model: Any, source: str, target: str) -> None:
    """From Parquet to Parquet, by the streaming engine."""
    table = pl.scan_parquet(source)
    table.map_batches(
        lambda chunk: predict(model, chunk), schema={"prediction": pl.Float64}, streamable=True
    ).sink_parquet(target)


def csv(model: Any, source: str, target: str) -> None:
    """From CSV to CSV, in batches."""
    with Path(target).open("wb") as file:
        batches = pl.scan_csv(source).collect_batches(chunk_size=ROWS, maintain_order=True)
        for number, table in enumerate(batches):
            predict(model, table).write_csv(file, include_header=not number)


model_file, source, target = sys.argv[1:]
model = joblib.load(model_file)
started = time.perf_counter()
{"parquet": parquet, "csv": csv}[source.rpartition(".")[2]](model, source, target)
print(time.perf_counter() - started)
