"""A file takes no more memory the larger it is."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from baking import PAYLOAD
from mmf_core.processes import process_tree, pss

MIB = 2**20
MOST = 450 * MIB
MAIN = """
import mmf_core as mmf


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema=dict.fromkeys("abcdefgh", float))):
    return data.sum(axis="columns")
"""
ROWS = 250_000


def peak(folder: Path, source: str, target: str, *options: str) -> int:
    """Return the most memory that a run has taken, in bytes."""
    command = [sys.executable, "-m", "mmf_core", "predict", "-i", source, "-o", target, *options]
    environment = {**os.environ, "PYTHONPATH": str(PAYLOAD)}
    most = 0
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            with suppress(OSError, ValueError):  # it ends just now
                most = max(most, sum(map(pss, process_tree(process.pid))))
            time.sleep(0.01)
        assert process.returncode == 0, process.communicate()
    return most


def write(path: Path, times: int) -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(ROWS, 8)), columns=[*"abcdefgh"])
    match path.suffix:
        case ".csv" | ".jsonl":
            is_csv = path.suffix == ".csv"
            text = (
                table.to_csv(index=False) if is_csv else table.to_json(orient="records", lines=True)
            )
            header, _, rows = text.partition("\n") if is_csv else ("", "", text)
            with path.open("w") as file:
                file.write(header + "\n" * is_csv)
                for _ in range(times):
                    file.write(rows)
        case ".parquet":
            pd.concat([table] * times).to_parquet(path, index=False)
        case ".arrow":  # a single batch, which is larger than a chunk
            (batch,) = (
                pa.Table.from_pandas(pd.concat([table] * times)).combine_chunks().to_batches()
            )
            with pa.ipc.new_stream(path, batch.schema) as stream:
                stream.write_batch(batch)


@pytest.mark.long
@pytest.mark.parametrize("options", [(), ("--keep-all",)], ids=["predictions", "all columns"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "arrow"])
def test_eight_times_the_rows_take_the_same_memory(
    suffix: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    target = "parquet" if suffix in {"parquet", "arrow"} else "csv"
    peaks = []
    for times in (1, 8):
        write(tmp_path / f"{times}.{suffix}", times)
        peaks.append(peak(tmp_path, f"{times}.{suffix}", f"out{times}.{target}", *options))
    print([f"{size / MIB:.0f} MiB" for size in peaks])
    assert max(peaks) < MOST
    assert peaks[1] < 1.25 * peaks[0]  # some pages of larger row groups; all rows would be 1.6
