"""docs/retraining.md, done as it stands in the sample's project; and the sample's own training."""

import re
import threading
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import requests
from sklearn.datasets import load_wine

from baking import ROOT, make_project
from commands import wait_until
from pages import Reader
from test_life import wine_records

PAGE = ROOT / "docs" / "retraining.md"
LONGEST = 120.0
SWAPPED = {"class_0": "class_1", "class_1": "class_0"}
CALL = """
from app import app
client = app.test_client()
response = client.post("/retrain")
print(response.status_code, response.get_json()["detail"], client.get("/health/ready").get_json())
"""
Bake = Callable[..., Path]


@pytest.mark.long
def test_every_block_works_as_printed(tmp_path: Path) -> None:
    reader = Reader(make_project(tmp_path / "output", {}))
    reader.follow(PAGE)


@pytest.mark.long
def test_retraining_the_sample_loses_no_request(tmp_path: Path) -> None:
    """With two labels swapped in the training data, so that the new version is recognizable."""
    reader = Reader(make_project(tmp_path / "output", {}), extra={"WEB_CONCURRENCY": "2"})
    url = f"http://127.0.0.1:{reader.port}"
    score = f"{url}/score?format=json"
    predictions: list[tuple[str, ...]] = []
    lost: list[str] = []
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            try:
                response = requests.post(score, json=wine_records(), timeout=LONGEST)
                predictions.append(tuple(row["prediction"] for row in response.json()))
            except (requests.RequestException, TypeError) as error:
                lost.append(repr(error))

    threads = [threading.Thread(target=call) for _ in range(2)]
    with reader.server:
        reader.bash("python train.py\nMMF_RETRAIN_HTTP=1 make run\n")
        wines = load_wine(as_frame=True)
        names = pd.Series(wines.target_names[wines.target]).replace(SWAPPED)
        table = wines.data.assign(cultivar=names).to_csv(index=False)
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: len(predictions) > 10 or lost)
            task = requests.post(
                f"{url}/retrain",
                headers={"Prefer": "respond-async"},
                files={"data": ("wines.csv", table)},
                timeout=LONGEST,
            ).json()
            wait_until(lambda: ended(url + task["urls"]["self"]))
            after = len(predictions)
            wait_until(lambda: len(predictions) > after + 20 and predictions[-1][0] == "class_1")
        finally:
            over.set()
            for thread in threads:
                thread.join()
    assert lost == []
    before = ("class_0", "class_1", "class_2")
    assert set(predictions) == {before, tuple(SWAPPED.get(name, name) for name in before)}


@pytest.mark.long
def test_requests_train_the_sample_only_if_allowed_and_with_the_extra(tmp_path: Path) -> None:
    reader = Reader(make_project(tmp_path / "output", {}))
    assert '"promoted":true' in reader.bash("python train.py\nmmfmeta retrain retrain\n")
    refused = "403 retrain may not be called by requests (set MMF_RETRAIN_HTTP=1)"
    assert refused in reader.run(["python", "-c", CALL])
    extras = "mmf_core/retraining mmf_core/tasks"
    said = reader.bash(f"rm -r {extras}\npython -c '{CALL}'\n")
    assert "retrain is not served: returns=mmf.ModelFile(…) needs an extra" in said
    assert re.search(r"^404 .*\{'ready': True\}$", said, re.MULTILINE), said


@pytest.mark.parametrize("answers", [{"extras": "core"}, {"model_format": "onnx"}])
def test_sample_that_cannot_train_has_no_such_target(
    baked: Path, bake: Bake, answers: dict[str, str]
) -> None:
    """Without the extra, or without scikit-learn in the service."""
    assert "def retrain(" in (baked / "main.py").read_text()
    assert "retrain" not in (bake(**answers) / "main.py").read_text()


def ended(url: str) -> bool:
    """Return whether a task is done, and check that it succeeded."""
    task = requests.get(url, timeout=LONGEST).json()
    assert task["status"] not in ("failed", "canceled"), task
    return bool(task["status"] == "succeeded")
