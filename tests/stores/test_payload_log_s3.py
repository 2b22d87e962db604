"""The payload log in an S3 bucket."""

import io
from typing import Any

import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core.payload_log.writer import Writer
from mmf_core.stores.s3_store import client
from mmf_core.web import create_app

NUMBER = mmf.Integer()


def test_files_are_uploaded_to_the_bucket(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    writers: list[Writer] = []
    start = Writer._start
    monkeypatch.setattr(Writer, "_start", lambda self: (start(self), writers.append(self)))
    monkeypatch.setenv("MMF_PAYLOAD_LOG", f"{bucket}/log/")
    registry = mmf.Registry()

    @registry.target(returns=mmf.Integer())
    def double(x: Any = NUMBER) -> Any:
        return 2 * x

    service = create_app(registry).test_client()
    assert service.post("/double", json=4).get_json() == {"result": 8}
    writers[0].close()
    s3, name = client(), bucket.removeprefix("s3://")
    (entry,) = s3.list_objects_v2(Bucket=name)["Contents"]
    assert entry["Key"].startswith("log/20")
    assert entry["Key"].endswith(".parquet")
    content = s3.get_object(Bucket=name, Key=entry["Key"])["Body"].read()
    (line,) = pd.read_parquet(io.BytesIO(content)).to_dict("records")
    assert (line["inputs"], line["result"]) == ('{"x":4}', "8")
