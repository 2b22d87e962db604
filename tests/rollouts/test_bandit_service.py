"""A bandit in a running service: feedback by any worker, the share in all of them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests
from rollout_services import Rollout, serving, write_model

from commands import wait_until

SETTINGS = {"MMF_FEEDBACK": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    write_model(folder / "model.json", "v1")
    write_model(folder / "new.json", "v2")
    return folder


def reward(rollout: Rollout, means: dict[str, float], counts: Counter[str]) -> None:
    """Call the target, reward each response by its version's mean; count the versions."""
    for _ in range(20):
        response = rollout.call()
        by = response.json()["by"]
        counts[by] += 1
        is_good = counts[by] * means[by] % 1 < means[by]  # as often as the mean says
        body = {
            "request_id": response.headers["X-Request-ID"],
            "rows": [{"row": 0, "reward": int(is_good)}],
        }
        response = requests.post(f"{rollout.service.url}/feedback", json=body, timeout=30)
        assert response.status_code == 202, response.text


def samples(rollout: Rollout) -> dict[str, str]:
    lines = rollout.get("/metrics").text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if line.startswith("mmf_feedback_rew"))
    return {name: value for name, _, value in pairs}


@pytest.mark.long
def test_better_version_gets_the_requests(folder: Path, tmp_path: Path) -> None:
    with serving(folder, tmp_path / "log", **SETTINGS) as rollout:
        done = start(rollout, MMF_FEEDBACK="0")
        assert done.returncode == 1
        assert "needs rewards: set MMF_FEEDBACK=1" in done.stderr
        assert not (folder / "rollout.toml").exists()
        done = start(rollout, **SETTINGS)
        assert done.returncode == 0, done.stderr
        rollout.until(candidate="v2", traffic=50)
        counts: Counter[str] = Counter()

        def is_decided() -> bool:
            reward(rollout, {"v1": 0.1, "v2": 0.9}, counts)
            return bool(rollout.state()["traffic"] == 99)

        wait_until(is_decided)
        assert rollout.calls(100)["v2"] > 85
        wait_until(lambda: len({str(samples(rollout)) for _ in range(10)}) == 1)
        total = sum(float(value) for name, value in samples(rollout).items() if "rewards" in name)
        assert total == counts.total(), "both workers say the same"
        shown = rollout.command("status", **SETTINGS).stdout
        assert f"v2: {counts['v2']} rewards" in shown
        assert "99 %" in shown
        assert rollout.command("set", "--traffic", "5", **SETTINGS).returncode == 1
    with serving(folder, tmp_path / "log", **SETTINGS) as rollout:
        assert rollout.until(traffic=99)["strategy"] == "bandit", "after a restart, too"
    with serving(folder, tmp_path / "log") as rollout:
        assert "needs rewards: set MMF_FEEDBACK=1" in str(rollout.readiness())
        assert rollout.calls(20) == {"v1": 20}
        assert "set MMF_FEEDBACK=1 to see them here" in rollout.command("status").stdout
        assert rollout.command("abort").returncode == 0
        wait_until(lambda: rollout.readiness() == {"ready": True})


def start(rollout: Rollout, **environment: Any) -> Any:
    return rollout.command(
        "start", "v2", "model.json=new.json", "--strategy", "bandit", **environment
    )
