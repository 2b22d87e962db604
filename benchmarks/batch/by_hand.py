"""What one would write by hand: python by_hand.py MODEL IN OUT, in chunks of pandas."""

import sys
import time
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 65_536


def predict(model: Any, table: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions for a chunk."""
    return pd.DataFrame({"prediction": model.predict(table[model.feature_names_in_])})


def parquet(model: Any, source: str, target: str) -> None:
    """From Parquet to Parquet."""
    writer = None
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(ROWS):
            table = pa.Table.from_pandas(predict(model, batch.to_pandas()), preserve_index=False)
            writer = writer or pq.ParquetWriter(target, table.schema)
            writer.write_table(table)
    writer.close()


def csv(model: Any, source: str, target: str) -> None:
    """From CSV to CSV."""
    with Path(target).open("w", encoding="utf-8", newline="") as file:
        for number, table in enumerate(pd.read_csv(source, chunksize=ROWS)):
            predict(model, table).to_csv(file, index=False, header=not number)


def xlsx(model: Any, source: str, target: str) -> None:
    """From XLSX to XLSX, whole: pandas cannot do it in chunks."""
    table = pd.read_excel(source, engine="calamine")
    predict(model, table).to_excel(target, index=False)


model_file, source, target = sys.argv[1:]
model = joblib.load(model_file)
started = time.perf_counter()
{"parquet": parquet, "csv": csv, "xlsx": xlsx}[source.rpartition(".")[2]](model, source, target)
print(time.perf_counter() - started)
