"""examples/feast: a training set in point of time, and the same features online for ids."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import joblib
import pandas as pd
import pytest
import requests
from pandas.testing import assert_frame_equal

from baking import ROOT, make_project
from commands import LONGEST_COMMAND, free_port, stop, wait_until_ready
from services import serve
from test_readme import blocks

EXAMPLE = ROOT / "examples" / "feast"
FEATURES = ["alcohol", "flavanoids", "proline"]
WINES = 178
CALLS = 50
# What training would get today, for every wine.
HISTORICAL = f"""
import pandas as pd
from feast import FeatureStore

store = FeatureStore("feature_repo")
wines = pd.DataFrame({{"wine_id": range({WINES})}}).assign(event_timestamp=pd.Timestamp.now("UTC"))
features = store.get_feature_service("cultivar")
store.get_historical_features(wines, features).to_df().to_csv("historical.csv", index=False)
"""
ONLINE = f"""
import pandas as pd

import main

main.online_features(pd.Series(range({WINES}))).to_csv("online.csv", index=False)
"""


@contextmanager
def feast_serve(folder: Path, command: str) -> Iterator[str]:
    """Run the README's last command until the block ends, on another port; gives its URL."""
    port = str(free_port())
    with (folder / "feast.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command.replace('6566', port)}"],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)
        print((folder / "feast.log").read_text())


def read(file: Path) -> pd.DataFrame:
    """Return the features of all wines, by their ids."""
    return pd.read_csv(file).set_index("wine_id").sort_index()[FEATURES]


@pytest.mark.long
def test_ids_get_the_features_that_the_model_was_trained_on(
    tmp_path: Path,
    example_environment: Callable[[str], Path],
    figure: Callable[[str, float, str], None],
) -> None:
    programs = example_environment("feast")
    folder = make_project(tmp_path / "output", {})
    subprocess.run(["cp", "-r", f"{EXAMPLE}/.", folder], check=True)
    (folder.parent / "feast").symlink_to(programs.parent)
    first, service_commands, call = (block.text for block in blocks(EXAMPLE / "README.md", "bash"))
    _, environment, *commands, last = [
        line.partition("  #")[0] for line in first.strip().splitlines()
    ]

    def run(*lines: str) -> None:
        subprocess.run(
            ["bash", "-euc", "\n".join(lines)], cwd=folder, check=True, timeout=LONGEST_COMMAND
        )

    run(environment, *commands)
    run(environment, f"python - <<'END'\n{HISTORICAL}\nEND")

    # Each label has the features of its time, though later ones were there already.
    measured = pd.read_parquet(folder / "feature_repo" / "data" / "measurements.parquet")
    earlier, later = (
        part.set_index("wine_id")[FEATURES] for _, part in measured.groupby("measured_at")
    )
    assert (earlier["alcohol"] != later["alcohol"]).all()
    assert_frame_equal(read(folder / "training.csv"), earlier, check_exact=True)
    assert_frame_equal(read(folder / "historical.csv"), later, check_exact=True)

    assert ".venv/bin/python train.py" in service_commands
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True, timeout=LONGEST_COMMAND)
    model = joblib.load(folder / "model.joblib")
    app = (folder / "app.py").read_text()
    with (
        (folder / "service.log").open("wb") as log,
        feast_serve(folder, f"env {environment.removeprefix('export ')} {last}") as feast,
        serve("gunicorn", folder, log, app, FEAST_URL=feast) as service,
    ):
        subprocess.run(
            [sys.executable, "-c", ONLINE], cwd=folder, env={"FEAST_URL": feast}, check=True
        )
        assert_frame_equal(read(folder / "online.csv"), later, check_exact=True)

        def score(*ids: int) -> requests.Response:
            rows = [{"wine_id": wine_id} for wine_id in ids]
            return requests.post(f"{service.url}/score", json=rows, timeout=30)

        expected = [{"prediction": label} for label in model.predict(later)]
        assert score(*range(WINES)).json() == expected
        assert "POST" not in call
        assert '[{"wine_id": 17}, {"wine_id": 170}]' in call

        response = score(17, 1000, 170)
        assert response.status_code == 422
        (error,) = response.json()["errors"]
        assert (error["row"], error["column"]) == (1, "wine_id")

        seconds = []
        for _ in range(CALLS):
            began = time.monotonic()
            assert score(17).status_code == 200
            seconds.append(time.monotonic() - began)
        figure("a call with one id, with Feast's part", 1000 * median(seconds), "ms")
