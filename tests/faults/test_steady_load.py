"""The load detects wrong, lost, rejected and late responses, and growth."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import ClassVar

from soak import Soak

from commands import wait_until
from steady_load import BIAS, WEIGHTS, Tally, steady_load


class ResponseHandler(BaseHTTPRequestHandler):
    """Responds correctly, except for the faults that a test requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    every: ClassVar[str]
    count: ClassVar[int]
    lock: ClassVar[Lock] = Lock()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            ResponseHandler.count += 1
            fault = self.every if self.count % 5 == 0 else ""
        if fault == "silent":
            self.close_connection = True
            return
        content = json.dumps(_result(body, off=fault == "wrong")).encode()
        self.send_response(503 if fault == "refused" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: 1 if fault == "broken off" else None])
        self.close_connection = fault == "broken off"

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


def _result(body: object, *, off: bool) -> object:
    if isinstance(body, dict):
        return {"sum": body["a"] + body["b"] + off}
    assert isinstance(body, list)
    (row,) = body
    return [{"prediction": WEIGHTS[0] * row["a"] + WEIGHTS[1] * row["b"] + BIAS + off}]


@contextmanager
def server(every: str) -> Iterator[int]:
    ResponseHandler.every, ResponseHandler.count = every, 0
    with ThreadingHTTPServer(("127.0.0.1", 0), ResponseHandler) as running:
        thread = Thread(target=running.serve_forever)
        thread.start()
        try:
            yield running.server_address[1]
        finally:
            running.shutdown()
            thread.join()


def tally(every: str) -> Tally:
    """Return the outcomes of at least fifty requests."""
    with server(every) as port, steady_load(port, 200.0, 0.0) as load:
        wait_until(lambda: load.tally.sent >= 50)
    return load.tally


def test_no_faults() -> None:
    outcome = tally("")
    assert (outcome.wrong, outcome.lost, outcome.again) == ([], [], 0)
    assert outcome.rate > 0
    assert outcome.longest_gap > 0
    assert len(outcome.seconds) == outcome.right


def test_wrong_response_is_detected() -> None:
    outcome = tally("wrong")
    assert len(outcome.wrong) >= 10
    assert outcome.lost == []


def test_error_response_counts_as_lost() -> None:
    outcome = tally("refused")
    assert len(outcome.lost) >= 10
    assert all(" 503 " in response for response in outcome.lost)


def test_interrupted_response_counts_as_lost() -> None:
    outcome = tally("broken off")
    assert len(outcome.lost) >= 10
    assert outcome.again == 0


def test_request_on_a_closed_keep_alive_connection_is_retried() -> None:
    outcome = tally("silent")
    assert outcome.again + len(outcome.lost) >= 10
    assert outcome.again > 0


def test_growth_is_distinguished_from_noise() -> None:
    minutes = [0.0, 1.0, 2.0, 3.0]
    assert Soak(Tally(), minutes, [100, 101, 99, 100], [9, 12, 12, 9]).faults() == []
    (growth,) = Soak(Tally(), minutes, [100, 102, 104, 106], [9, 9, 9, 9]).faults()
    assert growth == "6.0 MiB more at the end"
    (growth,) = Soak(Tally(), minutes, [100, 100, 100, 100], [9, 10, 10, 11]).faults()
    assert growth == "1.8 open files more at the end"
