"""examples/kedro: its README as printed; the pipeline gives the same numbers in both places."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pandas as pd
import pytest
import requests

from baking import ROOT
from commands import Project
from pages import Reader

pytestmark = pytest.mark.long
README = ROOT / "examples" / "kedro" / "README.md"
UNTRACKED = {"DO_NOT_TRACK": "1"}
CALLS = 50


def test_readme_works_and_the_service_runs_the_pipeline(
    example_project: Callable[..., Project], figure: Callable[[str, float, str], None]
) -> None:
    project = example_project("kedro", sample="none")
    reader = Reader(project.folder, project.bin, UNTRACKED, elsewhere=("make add",))
    reader.follow(README)
    data, log = project.folder / "data", project.folder / ".server.log"
    assert json.loads((data / "metrics.json").read_text())["accuracy"] > 0.9

    with reader.serving("make run"):
        url = f"http://127.0.0.1:{reader.port}"
        check_same_numbers(project, url)
        check_log(log.read_text(encoding="utf-8"))
        report = json.loads(project.run("python", "ask.py", url, **UNTRACKED))
        predictions = pd.read_csv(data / "predictions.csv")["prediction"]
        assert report["predict"] == predictions[:3].tolist()
        assert report["row_index"] == [0, 1, 2]
        assert report["predict_date"].endswith("GMT")
        figure("a request of one row", milliseconds(url, data / "test.csv"), "ms")


def check_same_numbers(project: Project, url: str) -> None:
    """Compare what the service responds with what `kedro run --pipeline=predict` has written."""
    project.run("kedro", "run", "--pipeline=predict", **UNTRACKED)
    sent = (project.folder / "data" / "test.csv").read_bytes()
    response = requests.post(
        f"{url}/predict",
        sent,
        headers={"Content-Type": "text/csv", "Accept": "application/json"},
        timeout=60,
    )
    assert response.status_code == 200, response.text
    written = pd.read_csv(project.folder / "data" / "predictions.csv")
    pd.testing.assert_frame_equal(pd.DataFrame(response.json()), written, check_exact=True)


def check_log(log: str) -> None:
    """Fail unless requests are logged as JSON, and Kedro does not report each node."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert [line["status"] for line in lines if line.get("path") == "/predict"] == [200]
    assert "Completed" not in log


def milliseconds(url: str, rows: Path) -> float:
    """Return the median time of a request of one row."""
    header, row, *_ = rows.read_bytes().splitlines()
    durations = []
    with requests.Session() as session:
        session.headers["Content-Type"] = "text/csv"
        for _ in range(CALLS):
            started = time.perf_counter()
            assert session.post(f"{url}/predict", header + b"\n" + row, timeout=60).ok
            durations.append(time.perf_counter() - started)
    return median(durations) * 1000
