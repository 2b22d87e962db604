"""A service trains its own model: a good one is served, any other is rejected with a reason."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator
from retraining_service import MAIN, Retraining, mmfmeta, read_only, retraining, write_project
from task_services import LONGEST, end_of, submit, until


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retraining]:
    """Yield a service that has promoted version 2, whose accuracy is 0.9."""
    folder = tmp_path_factory.mktemp("retraining")
    write_project(folder)
    with retraining(folder) as running:
        assert running.version() == 1
        yield running


@pytest.fixture
def second(live: Retraining) -> Retraining:
    """Return it with version 2, whose accuracy is 0.9, in use."""
    if live.version() != 2:
        (live.folder / "artifacts.lock").unlink(missing_ok=True)
        task = live.train(version=2)
        assert task["status"] == "succeeded", task
        live.served(2)
    return live


@pytest.mark.long
def test_model_is_trained_under_load_and_no_request_is_lost(second: Retraining) -> None:
    lost: list[str] = []
    seen: list[int] = []
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            try:
                seen.append(second.version())
            except (requests.RequestException, AssertionError) as error:
                lost.append(repr(error))

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for version in (3, 4):
            task = second.train(version=version, accuracy=0.9)
            assert task["status"] == "succeeded", task
            until(lambda version=version: seen[-20:] == [version] * 20)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert lost == []
    assert {2, 3, 4} == set(seen)
    ready = f"{second.service.url}/health/ready"  # the last worker may be about to begin
    until(lambda: requests.get(ready, timeout=LONGEST).json() == {"ready": True})


@pytest.mark.long
def test_the_metadata_of_a_training_are_kept_and_shown(second: Retraining) -> None:
    task = submit(second.service.url, "retrain", {"version": 2, "accuracy": 0.95})
    assert end_of(second.service.url, task)["status"] == "succeeded"
    result = requests.get(second.service.url + task["urls"]["result"], timeout=LONGEST).json()
    entry = second.lock()
    assert result["sha256"] == entry["sha256"]
    assert (result["file"], result["promoted"], result["version"]) == ("model.joblib", True, None)
    assert result["metrics"] == entry["training"]["metrics"] == {"accuracy": 0.95}
    assert result["note"] == entry["training"]["note"] == ("ночь " * 20).rstrip()
    assert result["trained_at"] == entry["training"]["at"]
    line = second.command("versions", "model.joblib")
    assert line.startswith("* -  ")
    assert f"{result['trained_at']}  accuracy 0.95" in line
    assert "ночь ночь" in line
    assert (second.folder / "model.old-0.joblib").exists()
    profile = json.loads((second.folder / "model.joblib.profile").read_text())
    assert (profile["sha256"], profile["rows"]) == (entry["sha256"], 60)
    log = requests.get(second.service.url + task["urls"]["log"], timeout=LONGEST).text
    assert "training good" in log
    until(lambda: "new workers start with the new version" in second.log)
    metrics = requests.get(f"{second.service.url}/metrics", timeout=LONGEST).text
    assert 'mmf_retrainings_total{outcome="promoted",target="retrain"}' in metrics
    second.train(version=2, accuracy=0.94)  # within the tolerance


@pytest.mark.parametrize(
    ("kind", "accuracy", "status", "detail", "outcome"),
    [
        ("good", 0.5, 422, "accuracy is 0.5, but 0.9", "worse"),
        ("other columns", 0.99, 422, "it expects other columns: without b, with c", "columns"),
        ("regressor", 0.99, 422, "predict returns numbers, but texts from the current one", "type"),
        (
            "three classes",
            0.99,
            422,
            "predict_proba returns 3 numbers, but 2 ",
            "type",
        ),
        ("dict", 0.99, 422, "it is a dict of models", "type"),
        ("not fitted", 0.99, 422, "it fails on its example: NotFittedError", "columns"),
        ("forgets", 0.99, 422, "score fails on its example: RuntimeError", "example"),
        ("text", 0.9, 500, "expected a fitted model, which has predict, got str", "failed"),
        ("no metric", 0.9, 500, "expected the metric accuracy, got none", "failed"),
    ],
)
def test_any_other_model_is_rejected(
    second: Retraining, kind: str, accuracy: float, status: int, detail: str, outcome: str
) -> None:
    before = (second.folder / "model.joblib").read_bytes(), second.lock()
    position = len(second.log)
    task = second.train(kind=kind, accuracy=accuracy, version=9)
    assert (task["status"], task["error"]["status"]) == ("failed", status), task
    assert detail in task["error"]["detail"]
    assert "secret" not in task["error"]["detail"]
    assert ((second.folder / "model.joblib").read_bytes(), second.lock()) == before
    assert second.version() == 2
    line = next(line for line in second.log[position:].splitlines() if detail in line)
    assert '"level":"ERROR"' in line.replace('": "', '":"')
    metrics = requests.get(f"{second.service.url}/metrics", timeout=LONGEST).text
    assert f'mmf_retrainings_total{{outcome="{outcome}",target="retrain"}}' in metrics
    assert not list(second.folder.glob(".retraining-*"))


@pytest.mark.parametrize(
    ("rows", "status", "detail"),
    [
        ([], 422, "no rows"),
        ([{"a": 1, "b": 2, "label": "low"}] * 3, 422, "classes"),
        ([{"a": 1, "b": 2, "label": "low"}, {"a": 1, "b": 2, "label": None}], 422, "NaN"),
    ],
    ids=["no rows", "one class", "no label"],
)
def test_data_that_cannot_be_learnt_from(
    second: Retraining, rows: list[object], status: int, detail: str
) -> None:
    url = second.service.url
    response = requests.post(f"{url}/learn", json=rows, timeout=LONGEST)
    problem = response.json()
    if response.status_code == 202:
        problem = end_of(url, problem)["error"]
    assert (problem["status"], second.version()) == (status, 2)
    assert detail in problem["detail"]


def test_model_without_an_example_is_compared_on_a_generated_row(second: Retraining) -> None:
    rows = [{"a": x, "b": -x / 2, "label": "low" if x < 0 else "high"} for x in (-2, -1, 1, 2)]
    response = requests.post(f"{second.service.url}/learn", json=rows, timeout=LONGEST)
    task = end_of(second.service.url, response.json())
    assert task["status"] == "succeeded", task
    second.served(len(rows))


@pytest.mark.long
def test_file_is_trained_once_at_a_time(second: Retraining, tmp_path: Path) -> None:
    go = tmp_path / "go"
    task = submit(second.service.url, "retrain", {"go": str(go)})
    until(lambda: "training good" in _log_of(second, task))
    said = second.command("retrain", "retrain", code=1)
    assert "model.joblib is being trained already" in said
    go.touch()
    assert end_of(second.service.url, task)["status"] == "succeeded"
    second.served(2)


def _log_of(live: Retraining, task: dict[str, dict[str, str]]) -> str:
    return requests.get(live.service.url + task["urls"]["log"], timeout=LONGEST).text


def test_offering_needs_a_store_that_keeps_versions(second: Retraining) -> None:
    task = second.train("offer")
    assert task["error"]["status"] == 503
    assert "promote=False needs a store that keeps versions" in task["error"]["detail"]


@pytest.mark.long
def test_requests_train_only_if_allowed(tmp_path: Path) -> None:
    write_project(tmp_path)
    with retraining(tmp_path, MMF_RETRAIN_HTTP="0", MMF_RELOAD_SECONDS="0.2") as live:
        url = live.service.url
        for headers in ({}, {"Prefer": "respond-async"}):
            response = requests.post(f"{url}/retrain", json={}, headers=headers, timeout=LONGEST)
            assert response.status_code == 403
            assert "(set MMF_RETRAIN_HTTP=1)" in response.json()["detail"]
        assert requests.get(f"{url}/retrain", timeout=LONGEST).status_code == 200
        document = requests.get(f"{url}/openapi.json", timeout=LONGEST).json()
        assert "403" in document["paths"]["/retrain"]["post"]["responses"]
        OpenAPIV31SpecValidator(document).validate()
        (tmp_path / "rows.csv").write_text("a,b,label\n1,2,low\n3,4,high\n5,6,high\n")
        assert '"promoted":true' in live.command("retrain", "learn", "data=@rows.csv")
        live.served(3)  # by the command line, without a request


def test_full_disk_changes_nothing(tmp_path: Path) -> None:
    write_project(tmp_path)
    model = (tmp_path / "model.joblib").read_bytes()
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)); "
        "from mmf_core.cli import main; sys.argv[1:] = ['retrain', 'retrain', 'kind=large']; main()"
    )
    (tmp_path / "full.py").write_text(code)
    said = _python(tmp_path, "full.py")
    assert "the new model cannot be stored: File too large" in said or "cannot write" in said
    assert (tmp_path / "model.joblib").read_bytes() == model
    assert not (tmp_path / "artifacts.lock").exists()
    assert not list(tmp_path.glob(".retraining-*"))


def test_read_only_project_is_refused_before_the_training(tmp_path: Path) -> None:
    write_project(tmp_path)
    prefix = read_only(tmp_path)
    said = mmfmeta(tmp_path, "retrain", "retrain", code=1, prefix=prefix)
    assert "the folder of model.joblib is read-only: train where it is writable" in said
    assert "training good" not in said


def _python(folder: Path, script: str) -> str:
    import os
    import subprocess
    import sys

    from baking import PAYLOAD

    done = subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PAYLOAD)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ('mmf.ModelFile("other.joblib")', "expected a file that main.py loads: model.joblib"),
        *(
            pytest.param(declared, words, marks=pytest.mark.long)
            for declared, words in (
                ('mmf.ModelFile("../model.joblib")', "expected the path of a file in the project"),
                ('mmf.ModelFile("s3://b/m.joblib")', "expected the path of a file in the project"),
                ('mmf.ModelFile("model.joblib", tolerance=-1)', "expected a number, 0 or more"),
            )
        ),
    ],
)
def test_invalid_declarations(tmp_path: Path, declared: str, words: str) -> None:
    write_project(tmp_path, MAIN.replace('mmf.ModelFile("model.joblib", promote=False)', declared))
    assert words in mmfmeta(tmp_path, "retrain", "offer", code=1)


@pytest.mark.long
def test_service_trains_by_its_schedule_though_no_request_may(tmp_path: Path) -> None:
    by_request = '@mmf.target(returns=mmf.ModelFile("model.joblib"))'
    scheduled = '@mmf.target(returns=mmf.ModelFile("model.joblib"), schedule="* * * * *")'
    assert by_request in MAIN
    write_project(tmp_path, MAIN.replace(by_request, scheduled))
    with retraining(tmp_path, MMF_RETRAIN_HTTP="0") as live:
        live.served(60)  # rows, of the training without a request
        tasks = requests.get(f"{live.service.url}/tasks?target=learn", timeout=LONGEST).json()
        assert all(task["id"].startswith("schedule:learn:") for task in tasks["tasks"])
