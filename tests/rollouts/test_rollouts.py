"""Rollouts in a running service: started, changed, rolled back and ended without a lost request."""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
import requests
from rollout_services import Rollout, serving, write_model, write_plan

from commands import wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    write_model(folder / "model.json", "v1")
    write_model(folder / "new.json", "v2")
    (folder / "new.json.profile").write_text("that of v2")
    return folder


@pytest.fixture
def rollout(folder: Path, tmp_path: Path) -> Iterator[Rollout]:
    with serving(folder, tmp_path / "log") as running:
        yield running


def begin(rollout: Rollout, *options: str) -> None:
    done = rollout.command("start", "v2", "model.json=new.json", *options)
    assert done.returncode == 0, done.stderr
    rollout.until(candidate="v2")


def test_share_grows_until_the_candidate_is_promoted(rollout: Rollout) -> None:
    """No request is lost, and the header names the version that responded."""
    stop, responses = Event(), []

    def call_on() -> None:
        while not stop.is_set():
            responses.append(rollout.call())

    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(call_on) for _ in range(2)]
        try:
            begin(rollout, "--traffic", "40")
            rollout.until(traffic=40)
            shares = rollout.calls(400)
            assert 110 < shares["v2"] < 210  # 160 ± 5 standard deviations
            assert shares["v2"] + shares["v1"] == 400
            assert rollout.command("set", "--traffic", "0").returncode == 0
            rollout.until(traffic=0)
            assert rollout.calls(50) == {"v1": 50}
            assert rollout.calls(10, X_Model_Version="v2") == {"v2": 10}, "a dark launch"
            assert rollout.command("promote").returncode == 0
            rollout.until(traffic=100, status="promoted")
            assert rollout.calls(50) == {"v2": 50}
            assert [rollout.infer(version) for version in rollout.v2_versions()] == [404, 200]
        finally:
            stop.set()
    for each in calls:
        each.result()
    assert all(response.status_code == 200 for response in responses)
    assert all(response.headers["X-Model-Version"] for response in responses)
    assert json.loads((rollout.folder / "model.json").read_text())["by"] == "v2"
    assert (rollout.folder / "model.json.profile").read_text() == "that of v2"
    assert json.loads((rollout.folder / "model.old-1.json").read_text())["by"] == "v1"


@pytest.mark.long
def test_same_caller_gets_the_same_version(rollout: Rollout) -> None:
    begin(rollout, "--traffic", "50", "--sticky", "X-User-Id", "--strategy", "ab")
    rollout.until(traffic=50)
    versions = {user: rollout.calls(5, X_User_Id=f"user {user}") for user in range(30)}
    assert all(len(each) == 1 for each in versions.values())
    first = [next(iter(each)) for each in versions.values()]
    assert 5 < first.count("v2") < 25
    rollout.command("set", "--traffic", "60")
    rollout.until(traffic=60)
    for user, version in enumerate(first):
        if version == "v2":
            assert rollout.calls(2, X_User_Id=f"user {user}") == {"v2": 2}, "nobody goes back"


@pytest.mark.long
def test_callers_keep_their_version_while_the_service_is_reloaded(rollout: Rollout) -> None:
    """New workers and old ones serve together for a while; an invalid plan changes nothing."""
    begin(rollout, "--traffic", "50", "--sticky", "X-User-Id", "--strategy", "ab")
    rollout.until(traffic=50)
    users = [f"user {number}" for number in range(20)]
    first = {user: rollout.call(X_User_Id=user).json()["by"] for user in users}
    plan = rollout.folder / "rollout.toml"
    good = plan.read_text()
    for text in (good, "[broken"):
        plan.write_text(text)
        os.kill(rollout.service.process.pid, signal.SIGHUP)
        end = time.monotonic() + 8
        while time.monotonic() < end:
            for user in users:
                assert rollout.call(X_User_Id=user).json()["by"] == first[user], user
    assert rollout.state()["traffic"] == 50
    assert "rollout.toml: not TOML" in str(rollout.readiness())


@pytest.mark.long
def test_another_file_under_the_same_name_is_loaded(rollout: Rollout) -> None:
    """The file that `start` has tested is served, not an earlier one."""
    begin(rollout, "--traffic", "100")
    rollout.until(traffic=100)
    assert rollout.call(3.0).json()["factor"] == 3
    write_model(rollout.folder / "new.json", "v2", factor=2)
    begin(rollout, "--traffic", "100")
    wait_until(lambda: rollout.call(3.0).json()["factor"] == 6)
    assert {rollout.call(3.0).json()["factor"] for _ in range(20)} == {6}


@pytest.mark.long
def test_canary_that_ends_its_workers_is_rolled_back(folder: Path, tmp_path: Path) -> None:
    """Such calls never return, and count as failed all the same."""
    write_model(folder / "new.json", "v2", is_killed=0.3)
    with serving(folder, tmp_path / "log", MMF_WARM_UP="0") as rollout:
        write_plan(folder, candidate={"traffic": 50}, gates={"requests": 20})
        rollout.until(candidate="v2", traffic=50)

        def is_rolled_back() -> bool:
            with suppress(requests.ConnectionError):
                rollout.call()
            with suppress(requests.ConnectionError):
                return bool(rollout.state()["status"].startswith("errors: "))
            return False

        wait_until(is_rolled_back)
        assert rollout.until(traffic=0)
        assert rollout.calls(40) == {"v1": 40}


@pytest.mark.long
def test_bad_canary_is_rolled_back(folder: Path, tmp_path: Path) -> None:
    write_model(folder / "new.json", "v2", fails=0.3)
    with serving(folder, tmp_path / "log", MMF_WARM_UP="0") as rollout:
        write_plan(folder, candidate={"traffic": 50}, gates={"requests": 20})
        rollout.until(candidate="v2", traffic=50)
        wait_until(lambda: rollout.calls(40) and rollout.state()["status"] != "running")
        assert rollout.state()["status"].startswith("errors: ")
        rollout.until(traffic=0)
        assert rollout.calls(40) == {"v1": 40}
        assert "v2 was rolled back: errors: " in rollout.readiness()["warnings"][0]
        assert "rolled back: errors" in rollout.command("status").stdout
    with serving(folder, tmp_path / "log", MMF_WARM_UP="0") as rollout:
        assert rollout.until(traffic=0)["status"].startswith("errors: "), "after a restart, too"


@pytest.mark.long
def test_good_canary_advances_by_itself(rollout: Rollout) -> None:
    write_plan(rollout.folder, steps={"traffic": [10, 50, 100], "minutes": 0.02, "requests": 5})
    rollout.until(candidate="v2")
    wait_until(lambda: rollout.calls(40) and rollout.state()["traffic"] == 100)
    assert rollout.calls(20) == {"v2": 20}
    assert rollout.state()["status"] == "running"


@pytest.mark.parametrize("what", ["fails", "ends", "is_killed", "grows", "hangs"])
@pytest.mark.long
def test_silent_version_serves_no_caller(folder: Path, tmp_path: Path, what: str) -> None:
    write_model(folder / "new.json", "v2", **{what: 1.0})
    with serving(folder, tmp_path / "log", MMF_WARM_UP="0") as rollout:
        write_plan(folder, candidate={"strategy": "silent", "mirror": 100})
        rollout.until(candidate="v2", mirror=100)
        for _ in range(30):
            response = rollout.call(1.0)
            assert response.json() == {"x": 1.0, "by": "v1", "factor": 1.0}
            assert response.elapsed.total_seconds() < 5
        copies = rollout.state()["copies"]
        assert copies["sent"] + copies["dropped"] == 30
        assert copies["sent"]


@pytest.mark.long
def test_responses_of_a_silent_version_are_compared(folder: Path, tmp_path: Path) -> None:
    write_model(folder / "new.json", "v1", factor=2)
    with serving(folder, tmp_path / "log") as rollout:
        write_plan(folder, candidate={"strategy": "silent", "mirror": 100})
        rollout.until(mirror=100)
        for x in (0.0, 1.0, 0.0):
            rollout.call(x)
            wait_until(lambda: rollout.state()["copies"]["compared"])
        wait_until(lambda: rollout.state()["copies"]["compared"] == 3)
        copies = rollout.state()["copies"]
        assert (copies["different"], copies["failed"]) == (1, 0)
        metrics = rollout.get("/metrics").text
        assert 'mmf_rollout_copies{outcome="compared"} 3' in metrics
        assert 'mmf_rollout_calls{version="v2"} 3' in metrics


@pytest.mark.long
def test_invalid_plan_changes_nothing(rollout: Rollout) -> None:
    begin(rollout, "--traffic", "100")
    rollout.until(traffic=100)
    plan = rollout.folder / "rollout.toml"
    good = plan.read_text()
    for text, reason in {
        good.replace("traffic = 100", "traffic = 101"): "traffic = 101: expected a number from 0",
        "[candidate": "not TOML",
        "[kandidat]": "kandidat: unknown table",
    }.items():
        plan.write_text(text)
        wait_until(lambda reason=reason: reason in str(rollout.readiness()))
        assert rollout.calls(20) == {"v2": 20}
    plan.write_text(good)
    wait_until(lambda: rollout.readiness() == {"ready": True})


@pytest.mark.long
@pytest.mark.parametrize(
    ("main", "reason"),
    [
        ("raise RuntimeError('broken')", "RuntimeError"),
        ("import os\nos._exit(4)", "the process that tried it ended, exit code 4"),
        ("import mmf_core as mmf\n", "declares no target"),
    ],
)
def test_candidate_that_cannot_be_loaded_is_rejected(
    rollout: Rollout, main: str, reason: str
) -> None:
    (rollout.folder / "other.py").write_text(main)
    done = rollout.command("start", "v2", "main.py=other.py", "--traffic", "50")
    assert done.returncode == 1
    assert reason in done.stderr
    write_plan(rollout.folder, candidate={"main": "other.py", "traffic": 50, "artifacts": {}})
    wait_until(lambda: reason in str(rollout.readiness()))
    assert rollout.calls(20) == {"v1": 20}


@pytest.mark.long
def test_rollout_is_changed_over_http(rollout: Rollout) -> None:
    assert rollout.put({"traffic": 1}).status_code == 409
    begin(rollout, "--dark")
    assert rollout.put({"traffic": 100}).status_code == 202
    rollout.until(traffic=100)
    for body in ({}, {"traffic": 101}, {"traffic": "x"}, {"action": "explode"}, {"mirorr": 1}, []):
        assert rollout.put(body).status_code == 422, body
    assert rollout.put({"action": "abort"}).status_code == 202
    rollout.until(traffic=0, status="aborted")
    assert "warnings" not in rollout.readiness()
    assert rollout.calls(10, X_Model_Version="v2") == {"v1": 10}
    assert rollout.put({"action": "abort"}).status_code == 409


@pytest.mark.long
def test_routes_are_forbidden_without_the_setting(folder: Path, tmp_path: Path) -> None:
    with serving(folder, tmp_path / "log", MMF_ADMIN_HTTP="0") as rollout:
        assert rollout.get("/rollout").status_code == 403
        assert rollout.put({"traffic": 1}).status_code == 403


@pytest.mark.long
def test_rejected_candidate_is_reported_until_it_is_aborted(rollout: Rollout) -> None:
    write_plan(rollout.folder, candidate={"traffic": 50, "artifacts": {"model.json": "none.json"}})
    wait_until(lambda: "v2 is not loaded: none.json" in str(rollout.readiness().get("reload")))
    assert "not served: none.json: no such file" in rollout.command("status").stdout
    assert rollout.put({"action": "promote"}).status_code == 409
    assert rollout.command("abort").returncode == 0
    wait_until(lambda: rollout.readiness() == {"ready": True})
    assert rollout.calls(20) == {"v1": 20}
