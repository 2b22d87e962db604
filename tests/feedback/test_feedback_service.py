"""Feedback in a running service: any worker accepts it immediately; all have the same metrics."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from commands import wait_until
from services import Service, serve

APP = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
def double(data=mmf.DataFrame(schema={"a": float})):
    return data["a"].to_numpy() * 2


app = create_app(registry)
"""
SETTINGS = {"MMF_FEEDBACK": "1", "MMF_TASK_WORKERS": "1"}
TIMEOUT = 60


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, APP, **SETTINGS) as running,
    ):
        yield running


def call(service: Service, number: float, **headers: str) -> requests.Response:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    body = [{"a": number}, {"a": number + 1}]
    return requests.post(f"{service.url}/double", json=body, headers=names, timeout=TIMEOUT)


def report(service: Service, response_id: str, row: int, truth: float) -> int:
    body = {"request_id": response_id, "rows": [{"row": row, "truth": truth, "reward": 0.5}]}
    return requests.post(f"{service.url}/feedback", json=body, timeout=TIMEOUT).status_code


def metrics(service: Service) -> tuple[str, ...]:
    text = requests.get(f"{service.url}/metrics", timeout=TIMEOUT).text
    return tuple(line for line in text.splitlines() if line.startswith("mmf_feedback"))


def test_every_worker_accepts_feedback_on_any_response_immediately(
    service: Service,
) -> None:
    def call_and_report(number: int) -> tuple[int, int]:
        response = call(service, number)
        reported = report(service, response.headers["X-Request-ID"], 1, 2 * number + 3)
        return response.status_code, reported

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call_and_report, range(200))) == {(200, 202)}
    task = call(service, 7, Prefer="respond-async").json()
    url = service.url + task["urls"]["self"]
    wait_until(lambda: requests.get(url, timeout=TIMEOUT).json()["status"] == "succeeded")
    assert report(service, task["id"], 0, 14) == 202
    wait_until(lambda: len({metrics(service) for _ in range(10)}) == 1)
    values = dict(line.rsplit(" ", 1) for line in metrics(service))
    labels = '{target="double",version=""}'
    assert float(values[f"mmf_feedback_truths{labels}"]) == 201
    assert float(values[f"mmf_feedback_reward_mean{labels}"]) == 0.5
    assert float(values[f"mmf_feedback_mae{labels}"]) == pytest.approx(200 / 201)
    assert float(values["mmf_feedback_dropped"]) == 0


def test_worker_records_its_responses_before_it_exits(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, APP, **SETTINGS) as service,
    ):
        for number in range(20):
            assert call(service, number).status_code == 200
    connection = sqlite3.connect(tmp_path / ".feedback" / "feedback.db")
    assert connection.execute("SELECT count(*) FROM responses").fetchone() == (20,)
    connection.close()
