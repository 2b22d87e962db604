"""Output of the servers: text in a terminal, one JSON object a line everywhere else."""

import json
import os
import pty
import select
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from error_shape import assert_problem
from services import serve

LONGEST_WAIT = 20.0
SERVERS = pytest.mark.parametrize("server", ["gunicorn", "flask"])


def call(url: str) -> None:
    """Send a valid request and an invalid one, each with an id."""
    for route, name in [("echo", "right"), ("broken", "wrong")]:
        headers = {"X-Request-ID": f"{name}-id"}
        requests.post(f"{url}/{route}", json="привет", headers=headers, timeout=30)


def objects(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text(encoding="utf-8").splitlines():
        if not line.startswith(" * "):  # the banner of `flask run`
            yield json.loads(line)


@SERVERS
def test_log_file_is_json(tmp_path: Path, server: str) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stream, serve(server, tmp_path, stream) as service:
        call(service.url)
    lines = list(objects(log))
    right = [line for line in lines if line["request_id"] == "right-id"]
    assert [(line["logger"], line["message"]) for line in right[:2]] == [
        ("mmf.stdout", "printed привет"),
        ("author", "logged привет"),
    ]
    assert right[2]["logger"] == "mmf.access"
    assert (right[2]["target"], right[2]["status"]) == ("echo", 200)
    wrong = [line for line in lines if line["request_id"] == "wrong-id"]
    assert [line["logger"] for line in wrong] == ["mmf.errors", "mmf.access"]
    assert "RuntimeError: a secret of the author" in wrong[0]["exc_info"]
    assert len(right) == 3, "a request has one access line"
    is_worker = right[2]["pid"] != service.process.pid
    assert is_worker == (server == "gunicorn")


def read_terminal(master: int, until: str) -> str:
    """Read terminal output until a text appears."""
    text = ""
    end = time.monotonic() + LONGEST_WAIT
    while until not in text:
        assert time.monotonic() < end, text
        if select.select([master], [], [], 0.1)[0]:
            text += os.read(master, 65_536).decode(errors="replace")
    return text


@SERVERS
@pytest.mark.long
def test_terminal_output_is_text(tmp_path: Path, server: str) -> None:
    master, slave = pty.openpty()
    try:
        with serve(server, tmp_path, slave) as service:
            call(service.url)
            text = read_terminal(master, "/broken 500")
    finally:
        os.close(slave)
        os.close(master)
    (line,) = [printed for printed in text.splitlines() if "POST /echo 200" in printed]
    assert line.rstrip().endswith("(right-id)")
    assert "printed привет (right-id)" in text
    assert "logged привет (right-id)" in text
    assert "RuntimeError: a secret of the author" in text
    assert "{" not in line


@SERVERS
def test_log_settings_apply_to_both_servers(tmp_path: Path, server: str) -> None:
    log = tmp_path / "log"
    settings = {"MMF_LOG_FORMAT": "text", "MMF_LOG_LEVEL": "warning", "MMF_MAX_BODY_MIB": "1"}
    with log.open("wb") as stream, serve(server, tmp_path, stream, **settings) as service:
        call(service.url)
        data = b"x" * 3 * 1024 * 1024
        response = requests.post(f"{service.url}/size", data=data, timeout=10)
        assert_problem(response, 413, "1 MiB", "MMF_MAX_BODY_MIB")
    text = log.read_text(encoding="utf-8")
    assert "WARNING" in text
    assert "logged привет (right-id)" in text
    assert "POST" not in text, "the access line is below the level"
    assert '"level"' not in text


@pytest.mark.parametrize("how", ["length", "chunked", "multipart"])
def test_flask_dev_server_responds_with_413(tmp_path: Path, how: str) -> None:
    """Its input does not end with the body: reading further would block forever."""
    log = tmp_path / "log"
    data = b"x" * 3 * 1024 * 1024
    with (
        log.open("wb") as stream,
        serve("flask", tmp_path, stream, MMF_MAX_BODY_MIB="1") as service,
    ):
        match how:
            case "length":
                content: dict[str, Any] = {"data": data}
            case "chunked":
                content = {"data": iter([data])}
            case _:
                content = {"files": {"file": data}}
        response = requests.post(f"{service.url}/size", timeout=10, **content)
        assert_problem(response, 413, "1 MiB", "MMF_MAX_BODY_MIB")
        response = requests.post(f"{service.url}/size", data=b"123", timeout=10)
        assert response.json() == {"result": 3}


def test_flask_dev_server_logs_each_request_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stream, serve("flask", tmp_path, stream) as service:
        requests.post(f"{service.url}/size", data=b"123", timeout=10)
    text = log.read_text()
    assert f"Running on {service.url}" in text
    assert text.count("POST /size") == 1
