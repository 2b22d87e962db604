"""The payload log of a service with two versions: each record has the version that responded."""

import json
from pathlib import Path

import pandas as pd
from rollout_services import serving, write_model


def test_each_record_has_the_version_that_responded(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    write_model(folder / "model.json", "v1")
    write_model(folder / "new.json", "v2")
    with serving(folder, tmp_path / "output", MMF_PAYLOAD_LOG="log") as rollout:
        done = rollout.command("start", "v2", "model.json=new.json", "--traffic", "50")
        assert done.returncode == 0, done.stderr
        rollout.until(candidate="v2", traffic=50)
        responses = [rollout.call(float(x), X_Request_ID=f"id-{x}") for x in range(60)]
        expected = {
            response.headers["X-Request-ID"]: response.headers["X-Model-Version"]
            for response in responses
        }
    log = pd.read_parquet(folder / "log")
    assert dict(zip(log["request_id"], log["version"], strict=True)) == expected
    results = log["result"].map(json.loads)
    assert set(expected.values()) == {"v2", *set(log["version"])}
    for version, result in zip(log["version"], results, strict=True):
        assert (result["by"] == "v2") == (version == "v2")
