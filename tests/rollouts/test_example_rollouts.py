"""examples/rollouts: each plan in a service, as its README describes."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rollout_services import APP, Rollout

from baking import PAYLOAD
from services import serve

EXAMPLES = Path(__file__).parents[2] / "examples" / "rollouts"
PLANS = sorted(path.name for path in EXAMPLES.glob("*.toml"))
CALLS = 200


@pytest.fixture(scope="module")
def rollout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollout]:
    folder = tmp_path_factory.mktemp("rollouts")
    for file in EXAMPLES.iterdir():
        shutil.copy(file, folder)
    environ = os.environ | {"PYTHONPATH": str(PAYLOAD)}  # with the folder of Python's caches
    subprocess.run([sys.executable, "train.py"], cwd=folder, env=environ, check=True, timeout=120)
    with (
        (folder / "log").open("ab") as log,
        serve("gunicorn", folder, log, APP, MMF_ADMIN_HTTP="1", MMF_FEEDBACK="1") as service,
    ):
        yield Rollout(folder, service)


def versions(rollout: Rollout, user: str = "") -> Counter[str]:
    """Send the wines repeatedly; count the versions that respond."""
    wines = (rollout.folder / "wines.csv").read_bytes()
    headers = {"Content-Type": "text/csv"} | ({"X-User-Id": user} if user else {})
    got = Counter[str]()
    for number in range(CALLS):
        names = headers if user else headers | {"X-User-Id": f"user {number}"}
        response = rollout.post("/score", wines, names)
        assert response.status_code == 200, response.text
        assert len(response.json()) == wines.count(b"\n") - 1
        got[response.headers["X-Model-Version"]] += 1
    return got


@pytest.mark.long
@pytest.mark.parametrize("plan", PLANS)
def test_each_plan_is_followed(rollout: Rollout, plan: str) -> None:
    shutil.copy(rollout.folder / plan, rollout.folder / "rollout.toml")
    document = tomllib.loads((rollout.folder / plan).read_text())
    candidate, steps = document["candidate"], document.get("steps", {})
    is_bandit = candidate["strategy"] == "bandit"  # half of the requests without rewards
    traffic = steps.get("traffic", [50 if is_bandit else candidate.get("traffic", 0)])[0]
    rollout.until(candidate="forest", strategy=candidate["strategy"], status="running")
    rollout.until(traffic=traffic, mirror=candidate.get("mirror", 0))
    got = versions(rollout)
    assert got["forest"] == 0 if not traffic else 0 < got["forest"] < CALLS
    if candidate.get("sticky"):
        assert len(versions(rollout, "anna")) == 1
    if candidate.get("mirror"):
        assert rollout.state()["copies"]["compared"]
    (rollout.folder / "rollout.toml").unlink()
    rollout.until(traffic=0, mirror=0)
    assert versions(rollout)["forest"] == 0
