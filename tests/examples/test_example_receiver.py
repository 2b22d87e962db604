"""examples/receiver: its README, and each row counted once whatever fails."""

import json
import math
import os
import random
import runpy
import shlex
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from baking import PAYLOAD, ROOT
from commands import Project, free_port, stop, wait_until
from services import Service, serve
from test_readme import blocks

EXAMPLE = ROOT / "examples" / "receiver"
API_MODULE = runpy.run_path(str(EXAMPLE / "api.py"))
API, Handler = API_MODULE["API"], API_MODULE["Handler"]
WINES = 178
ROWS = 100
KILLS = 5

APP = """
import os

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema={"x": float})):
    values = data["x"].to_numpy()
    if not os.path.exists("mended"):
        if -2 in values:
            os._exit(1)
        if -1 in values:
            raise RuntimeError
    return 2 * values


app = create_app(registry)
"""


class FlakyHandler(Handler):  # type: ignore[misc,valid-type]
    """Fails before or after a request has had its effect, as the server says."""

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        if not self._failed("before"):
            super().do_GET()

    def do_POST(self) -> None:  # noqa: N802
        if not self._failed("before"):
            super().do_POST()

    def respond(self, status: int, document: object = None) -> None:
        if not self._failed("after"):
            super().respond(status, document)

    def _failed(self, when: str) -> bool:
        match self.server.fault(self.command, when):
            case "500":
                self.send_error(500)
            case "drop":
                self.close_connection = True
            case "cut":
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b'{"data": {')
                self.close_connection = True
            case "hang":
                self.server.is_hanging.set()
                self.server.goes_on.wait(30)
                self.close_connection = True
            case _:
                return False
        return True


class FlakyAPI(API):  # type: ignore[misc,valid-type]
    """Hands out rows that it has handed out before, and fails as `fault` says."""

    def __init__(self, folder: Path, rows: list[dict[str, Any]]) -> None:
        super().__init__(rows, str(folder / "predictions.db"))
        self.RequestHandlerClass = FlakyHandler
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.random = random.Random(23)
        self.faults = Counter[str]()
        self.bodies: dict[int, list[str]] = {}
        self.statuses: dict[int, list[int]] = {}
        self.is_hanging, self.goes_on = threading.Event(), threading.Event()

    def fault(self, method: str, when: str) -> str:
        """Return what goes wrong with a request, if anything."""
        return ""

    def record(self, prediction: dict[str, Any]) -> int:
        status: int = super().record(prediction)
        index = prediction["row_index"]
        self.bodies.setdefault(index, []).append(json.dumps(prediction))
        self.statuses.setdefault(index, []).append(status)
        return status

    def handle_error(self, *_: object) -> None:
        """Say nothing of connections that a killed receiver has left."""


class Nameless(FlakyAPI):
    """Hands out a row without an index."""

    def next_rows(self, limit: int) -> list[dict[str, Any]]:
        return [{"data": self.rows[0], "index": None}]


class Dateless(FlakyAPI):
    """Sends no Date."""

    def __init__(self, folder: Path, rows: list[dict[str, Any]]) -> None:
        super().__init__(folder, rows)
        self.RequestHandlerClass = DatelessHandler


class DatelessHandler(FlakyHandler):
    """Leaves the header out."""

    def send_header(self, keyword: str, value: str) -> None:
        if keyword != "Date":
            super().send_header(keyword, value)


class OftenFailing(FlakyAPI):
    """Fails every third request."""

    def next_rows(self, limit: int) -> list[dict[str, Any]]:
        if self.random.random() < 0.2:  # a repeated batch
            self.faults["repeated"] += 1
            return [{"data": row, "index": index} for index, row in enumerate(self.rows[:limit])]
        rows: list[dict[str, Any]] = super().next_rows(limit)
        return rows

    def fault(self, method: str, when: str) -> str:
        kinds = ("500", "drop", "cut") if method == "GET" else ("500", "drop")
        if self.random.random() > 0.15:
            return ""
        kind = self.random.choice(kinds)
        self.faults[f"{method} {kind} {when}"] += 1
        return kind


class Rejecting(FlakyAPI):
    """Fails for the prediction of one row, and rejects that of another."""

    def __init__(self, folder: Path, rows: list[dict[str, Any]]) -> None:
        super().__init__(folder, rows)
        self.refusals = {1: 500, 2: 400}

    def record(self, prediction: dict[str, Any]) -> int:
        return self.refusals.get(prediction["row_index"]) or super().record(prediction)


class HandingOutOnce(FlakyAPI):
    """Hands out rows once, and does not take the first prediction."""

    def fault(self, method: str, when: str) -> str:
        if when == "after":
            return ""
        self.faults[method] += 1
        return "500" if (self.faults[method] > 1) == (method == "GET") else ""


class HangingOnce(FlakyAPI):
    """Counts the first prediction, and sends no response to it."""

    def fault(self, method: str, when: str) -> str:
        is_first = method == "POST" and when == "after" and not self.is_hanging.is_set()
        return "hang" if is_first else ""


@contextmanager
def running(server: Any) -> Iterator[Any]:
    """Serve until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.goes_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def service_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def service(service_folder: Path) -> Iterator[Service]:
    log = service_folder / "log"
    with log.open("wb") as output, serve("gunicorn", service_folder, output, APP) as it:
        yield it


@pytest.fixture
def receive(tmp_path: Path, service: Service) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Give a function that starts the receiver, as a process of its own, until the test ends."""
    stack = ExitStack()

    def start(server: FlakyAPI, query: str = "?limit=20") -> subprocess.Popen[bytes]:
        source, sink = f"{server.url}/data{query}", f"{server.url}/predictions"
        options = ("--service", service.url, "--interval", "0.02")
        with (tmp_path / "receiver.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, EXAMPLE / "receiver.py", source, sink, *options],
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": str(PAYLOAD)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        stack.callback(stop, process)
        return process

    with stack:
        yield start


def check(server: FlakyAPI, expected: list[float]) -> None:
    """Check that the API has counted each row once, and was always sent the same bytes for it."""
    predictions = server.predictions()
    assert [entry["row_index"] for entry in predictions] == [*range(len(expected))]
    assert [entry["predict"] for entry in predictions] == expected
    assert all(parsedate_to_datetime(entry["predict_date"]) for entry in predictions)
    assert {len(set(bodies)) for bodies in server.bodies.values()} == {1}
    counted = [statuses.count(201) for statuses in server.statuses.values()]
    assert counted == [1] * len(expected)
    assert {status for some in server.statuses.values() for status in some} <= {200, 201}


@pytest.mark.long
def test_each_row_counts_once_for_an_api_that_fails_and_a_receiver_that_is_killed(
    tmp_path: Path, receive: Callable[..., subprocess.Popen[bytes]]
) -> None:
    rows = [{"x": float(number)} for number in range(ROWS)]
    with running(OftenFailing(tmp_path, rows)) as server:
        for kill in range(KILLS):
            process = receive(server)
            wait_until(lambda: len(server.statuses) > 10 * kill)  # noqa: B023
            time.sleep(server.random.uniform(0, 0.05))
            assert process.poll() is None, (tmp_path / "receiver.log").read_text()
            process.kill()
            process.wait()
        process = receive(server)
        wait_until(lambda: len(server.statuses) == ROWS)
        stop(process)
        check(server, [2.0 * number for number in range(ROWS)])
    assert len(server.faults) == 11, server.faults  # all kinds, before and after the effect
    assert any(len(statuses) > 1 for statuses in server.statuses.values())


def test_prediction_counts_once_if_the_receiver_is_killed_before_its_acknowledgement(
    tmp_path: Path, receive: Callable[..., subprocess.Popen[bytes]]
) -> None:
    with running(HangingOnce(tmp_path, [{"x": 1.0}, {"x": 2.0}])) as server:
        process = receive(server)
        assert server.is_hanging.wait(30)
        process.kill()
        process.wait()
        assert server.statuses == {0: [201]}
        process = receive(server)
        wait_until(lambda: len(server.statuses) == 2)
        stop(process)
        assert server.statuses == {0: [201, 200], 1: [201]}
        check(server, [2.0, 4.0])


def test_api_that_hands_out_no_more_rows_gets_the_predictions_of_those_before(
    tmp_path: Path, receive: Callable[..., subprocess.Popen[bytes]]
) -> None:
    with running(HandingOutOnce(tmp_path, [{"x": 1.0}, {"x": 2.0}])) as server:
        process = receive(server)
        wait_until(lambda: len(server.predictions()) == 2)
        stop(process)
        check(server, [2.0, 4.0])


@pytest.mark.parametrize("query", ["", "?limit=20"])
def test_invalid_row_holds_up_no_other(
    tmp_path: Path, receive: Callable[..., subprocess.Popen[bytes]], query: str
) -> None:
    rows: list[dict[str, Any]] = [{"x": 1.0}, {"x": "strong"}, {"x": math.nan}, {"x": 3.0}]
    with running(FlakyAPI(tmp_path, rows)) as server:
        server.record({"row_index": 3, "predict": "by hand", "predict_date": "today"})
        process = receive(server, query)
        wait_until(lambda: len(server.predictions()) == 4)
        stop(process)
        first, second, third, fourth = server.predictions()
    assert first["predict"] == 2.0
    assert second["predict"] is third["predict"] is None
    assert second["errors"][0]["message"] == 'expected a number, got "strong"'
    assert third["errors"][0]["message"] == "expected a number, got an empty cell"
    assert fourth["predict"] == "by hand"


@pytest.mark.parametrize("query", ["", "?limit=20"])
def test_row_for_which_the_service_fails_holds_up_no_other(
    tmp_path: Path,
    receive: Callable[..., subprocess.Popen[bytes]],
    service_folder: Path,
    query: str,
) -> None:
    mended = service_folder / "mended"
    mended.unlink(missing_ok=True)
    values = [1.0, -1.0, 3.0, 4.0, -2.0, 6.0, -1.0]
    with running(FlakyAPI(tmp_path, [{"x": value} for value in values])) as server:
        process = receive(server, query)
        wait_until(lambda: len(server.predictions()) == 4)
        assert [entry["row_index"] for entry in server.predictions()] == [0, 2, 3, 5]
        mended.touch()
        wait_until(lambda: len(server.predictions()) == len(values))
        stop(process)
        check(server, [2 * value for value in values])
    log = (tmp_path / "receiver.log").read_text()
    assert "row 1: 500 Internal Server Error: the service failed on this request" in log
    assert "row 4: " in log


def test_prediction_that_the_api_refuses_holds_up_no_other(
    tmp_path: Path, receive: Callable[..., subprocess.Popen[bytes]]
) -> None:
    with running(Rejecting(tmp_path, [{"x": float(number)} for number in range(4)])) as server:
        process = receive(server)
        wait_until(lambda: len(server.predictions()) == 2)
        server.refusals.clear()
        wait_until(lambda: len(server.predictions()) == 4)
        stop(process)
        check(server, [0.0, 2.0, 4.0, 6.0])
    log = (tmp_path / "receiver.log").read_text()
    assert "row 1: HTTP Error 500" in log
    assert "row 2: HTTP Error 400" in log


@pytest.mark.parametrize(("api", "column"), [(Nameless, "row_index"), (Dateless, "date")])
def test_row_without_an_index_or_a_date_is_neither_lost_nor_numbered(
    tmp_path: Path,
    receive: Callable[..., subprocess.Popen[bytes]],
    api: type[FlakyAPI],
    column: str,
) -> None:
    with running(api(tmp_path, [{"x": 1.0}])) as server:
        process = receive(server)
        assert process.wait(30) == 1
        assert server.predictions() == []
    reason = f"NOT NULL constraint failed: rows.{column}"
    assert reason in (tmp_path / "receiver.log").read_text()


@pytest.mark.long
def test_the_readme(
    example_project: Callable[..., Project], figure: Callable[[str, float, str], None]
) -> None:
    project = example_project("receiver")
    start, look = blocks(EXAMPLE / "README.md", "bash")
    api_port, service_port = str(free_port()), free_port()
    url = f"http://127.0.0.1:{api_port}"
    project.run(".venv/bin/python", "train.py")
    _, second, third = (line.partition("#")[0].strip() for line in start.text.splitlines())
    commands = [f"{second} {api_port}", third.replace("http://127.0.0.1:9876", url)]
    commands[1] += f" --service http://127.0.0.1:{service_port}"
    with ExitStack() as stack:
        stack.enter_context(
            project.serving(
                *(".venv/bin/gunicorn", "app:app"), port=service_port, PORT=str(service_port)
            )
        )
        began = time.monotonic()
        for command in commands:
            process = subprocess.Popen(
                shlex.split(command),
                cwd=project.folder,
                env=project.environment(),
                start_new_session=True,
            )
            stack.callback(stop, process)
        wait_until(lambda: len(predictions(url)) == WINES)
        figure("178 wines, each counted once", time.monotonic() - began, "s")
        assert look.text.split() == ["curl", "http://127.0.0.1:9876/predictions"]
        classes = Counter(entry["predict"] for entry in predictions(url))
    assert classes.keys() == {"class_0", "class_1", "class_2"}


def predictions(url: str) -> list[dict[str, Any]]:
    """Return the API's predictions; none before it listens."""
    with suppress(URLError), urlopen(f"{url}/predictions", timeout=10) as response:
        recorded: list[dict[str, Any]] = json.load(response)
        return recorded
    return []
