"""`mmfmeta predict` from one S3 object to another."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from baking import PAYLOAD
from mmf_core.stores.s3_store import client

MAIN = """
import mmf_core as mmf


@mmf.target(returns=mmf.DataFrame())
def double(data=mmf.DataFrame(schema={"a": int})):
    return 2 * data["a"]
"""


@pytest.mark.long
def test_reads_from_and_writes_to_s3(bucket: str, tmp_path: Path) -> None:
    name = bucket.removeprefix("s3://")
    client().put_object(Bucket=name, Key="in/rows.csv", Body=b"a\n1\n2\n")
    (tmp_path / "main.py").write_text(MAIN)
    command = [sys.executable, "-m", "mmf_core", "predict", "-i", f"{bucket}/in/rows.csv"]

    def predict(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "-o", f"{bucket}/out/rows.jsonl", *options],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PAYLOAD), "MMF_CACHE": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    done = predict()
    assert done.returncode == 0, done.stderr
    body = client().get_object(Bucket=name, Key="out/rows.jsonl")["Body"].read()
    assert body == b'{"a":2}\n{"a":4}\n'
    assert not list(tmp_path.glob(".*.parts"))
    again = predict()
    assert again.returncode == 2
    assert f"{bucket}/out/rows.jsonl exists; write --overwrite to replace it" in again.stderr
    assert predict("--overwrite").returncode == 0
