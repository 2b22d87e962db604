"""Tokens in a service under gunicorn: its workers, tasks, log and clients."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from signing import AUDIENCE, Signer

from mmf_core.client import Busy, Client, RequestRejected
from services import Service, serve

APP = """
import mmf_core as mmf
from mmf_core.web import create_app

app = create_app()
"""
MAIN = """
import mmf_core as mmf


@mmf.target(returns=mmf.Float())
def score(x=mmf.Float()):
    return 2 * x


@mmf.target(returns=mmf.Float())
def score2(x=mmf.Float()):
    return 3 * x
"""
TIMEOUT = 20.0


@dataclass(frozen=True)
class RunningService:
    """A service, the signer of its tokens, its log and the file of revoked tokens."""

    service: Service
    signer: Signer
    log: Path
    revoked: Path

    def post(self, path: str = "/score", **claims: Any) -> requests.Response:
        """Call the service on a new connection."""
        headers = self.signer.headers(**claims)
        return requests.post(f"{self.service.url}{path}", json={"x": 1.5}, headers=headers)


@pytest.fixture
def running(signer: Signer, tmp_path: Path) -> Iterator[RunningService]:
    """Yield a service with two workers and a process for tasks."""
    (tmp_path / "main.py").write_text(MAIN)
    log, revoked = tmp_path / "log.txt", tmp_path / "revoked.txt"
    revoked.write_text("")
    settings = {
        "MMF_TOKEN_KEYS": str(signer.file),
        "MMF_TOKEN_AUDIENCE": AUDIENCE,
        "MMF_TOKEN_REVOKED": str(revoked),
        "MMF_TASK_WORKERS": "1",
    }
    with log.open("wb") as output, serve("gunicorn", tmp_path, output, APP, **settings) as service:
        yield RunningService(service, signer, log, revoked)


def test_rate_limit_is_shared_by_workers_and_kept_by_a_reload(running: RunningService) -> None:
    rate = {"sub": "busy", "rate": "20/hour"}
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(
            response.status_code for response in pool.map(lambda _: running.post(**rate), range(60))
        )
    assert statuses == {200: 20, 429: 40}
    workers = pids(running)
    assert len(workers) == 2
    running.service.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + TIMEOUT
    while len(new := pids(running) - workers) < 2 and time.monotonic() < deadline:
        running.post(sub="other")
    assert len(new) == 2
    assert running.post(**rate).status_code == 429


def access_lines(running: RunningService) -> list[str]:
    return [line for line in running.log.read_text().splitlines() if '"mmf.access"' in line]


def pids(running: RunningService) -> set[str]:
    return {line.split('"pid":')[1].split(",")[0] for line in access_lines(running)}


def test_log_names_callers_but_no_tokens(running: RunningService) -> None:
    assert running.post().status_code == 200
    assert running.post("/score2", targets=["score"]).status_code == 403
    text = running.log.read_text()
    assert f"tokens for {AUDIENCE} are accepted, by keys: 1" in text
    assert "open:" not in text
    assert '"caller":"ci"' in text
    assert "refused ci: POST /score2" in text
    assert "eyJ" not in text


def test_log_warns_that_a_service_without_keys_is_open(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    log = tmp_path / "log.txt"
    with log.open("wb") as output, serve("gunicorn", tmp_path, output, APP) as service:
        assert requests.post(f"{service.url}/score", json={"x": 1.5}).status_code == 200
    (line,) = [line for line in log.read_text().splitlines() if "MMF_TOKEN_KEYS" in line]
    assert "open: any client that reaches the port can call everything" in line


def test_every_worker_refuses_a_revoked_token_within_seconds(running: RunningService) -> None:
    assert running.post(jti="lost").status_code == 200
    running.revoked.write_text("lost\n")
    time.sleep(2)  # each worker checks the file once a second
    assert {running.post(jti="lost").status_code for _ in range(20)} == {401}
    assert running.post(jti="kept").status_code == 200


def test_client_sends_its_token(running: RunningService) -> None:
    url, signer = running.service.url, running.signer
    limited = signer.token(targets=["score"], groups=["predict", "tasks"])
    with Client(url, token=limited) as client:
        assert client.score(x=1.5) == 3.0
        assert client.submit("score", x=2.5).result() == 5.0  # run by another process
        with pytest.raises(RequestRejected) as refused:
            client.score2(x=1.5)
        assert refused.value.status == 403
    with Client(url) as client, pytest.raises(RequestRejected) as refused:
        client.score(x=1.5)
    assert refused.value.status == 401
    with Client(url, token=signer.token(rate="1/hour"), retries=0) as client:
        with pytest.raises(Busy) as busy:
            client.score(x=1.5)
        assert busy.value.retry_after > 60


def test_probes_and_page_shells_are_open(running: RunningService) -> None:
    for path in ("/health", "/health/live", "/health/ready", "/v2/health/ready", "/", "/docs"):
        assert requests.get(f"{running.service.url}{path}").status_code == 200, path
    assert requests.get(f"{running.service.url}/metrics").status_code == 401
    response = requests.get(
        f"{running.service.url}/metrics", headers=running.signer.headers(groups=["metrics"])
    )
    assert "mmf_requests_total{" in response.text


def test_repeated_or_long_authorization_headers_are_refused(running: RunningService) -> None:
    """Gunicorn joins repeated headers, and refuses a header of more than 8190 bytes."""
    import http.client

    host = running.service.url.removeprefix("http://")
    valid = running.signer.headers()["Authorization"]
    for values, status in (
        ([valid], 200),
        ([valid, valid], 400),
        (["Bearer x", valid], 400),
        (["Bearer " + "a" * 10_000], 431),
        (["Bearer " + "a" * 5_000], 401),
    ):
        connection = http.client.HTTPConnection(host, timeout=TIMEOUT)
        connection.putrequest("POST", "/score?x=1.5")
        for value in values:
            connection.putheader("Authorization", value)
        connection.putheader("Content-Length", "0")
        connection.endheaders()
        assert connection.getresponse().status == status, values
        connection.close()
