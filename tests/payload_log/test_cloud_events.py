"""The payload log as CloudEvents, to a receiver that accepts, rejects, or is unreachable."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from prometheus_client import REGISTRY

import mmf_core as mmf
from commands import free_port
from mmf_core.payload_log.writer import Writer
from mmf_core.web import create_app

TABLE = mmf.DataFrame(schema={"a": float})


class Receiver(ThreadingHTTPServer):
    """Keeps received events, and responds with `status`."""

    status = 202

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: list[tuple[str, dict[str, str], Any]] = []
        self.connections: set[Any] = set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.events.append((self.path, headers, json.loads(body)))
        self.server.connections.add(self.client_address)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def call(monkeypatch: pytest.MonkeyPatch, url: str, *values: object) -> list[int]:
    """Call a service that logs to a URL; return the statuses once all is sent."""
    made: list[Writer] = []
    start = Writer._start
    monkeypatch.setattr(Writer, "_start", lambda self: (start(self), made.append(self)))
    monkeypatch.setenv("MMF_PAYLOAD_LOG", url)
    registry = mmf.Registry()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def оценка(data: Any = TABLE) -> Any:  # noqa: PLC2401
        return data["a"] + 1

    client = create_app(registry).test_client()
    registry.version = "2024-Ж"
    statuses = [
        client.post("/оценка", json=[{"a": value}], headers={"X-Request-ID": f"id-{index}"})
        for index, value in enumerate(values)
    ]
    for each in made:
        each.close()
    return [response.status_code for response in statuses]


def outcome(name: str) -> float:
    labels = {"outcome": name}
    return REGISTRY.get_sample_value("mmf_payload_log_records_total", labels) or 0.0


def test_call_is_two_events_with_one_id(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = outcome("written")
    url = f"http://127.0.0.1:{receiver.server_port}/events?token=x"
    assert call(monkeypatch, url, 1.5, "strong") == [200, 422]
    assert [path for path, _, _ in receiver.events] == ["/events?token=x"] * 4
    headers = [each for _, each, _ in receiver.events]
    kinds = ["request", "response"] * 2
    assert [each["ce-type"] for each in headers] == [
        f"org.kubeflow.serving.inference.{kind}" for kind in kinds
    ]
    assert [each["ce-id"] for each in headers] == ["id-0", "id-0", "id-1", "id-1"]
    assert [each["ce-statuscode"] for each in headers] == ["200", "200", "422", "422"]
    for each in headers:
        assert each["ce-specversion"] == "1.0"
        assert each["content-type"] == "application/json"
        assert unquote(each["ce-source"]) == "/оценка"
        assert unquote(each["ce-modelversion"]) == "2024-Ж"
        assert each["ce-component"] == "predictor"
        assert each["ce-time"].endswith("Z")
    bodies = [body for _, _, body in receiver.events]
    assert bodies[:3] == [{"data": [{"a": 1.5}]}, [{"a": 2.5}], {"data": [{"a": "strong"}]}]
    assert bodies[3]["status"] == 422
    assert bodies[3]["errors"][0]["column"] == "a"
    assert len(receiver.connections) == 1
    assert outcome("written") == written + 2


def test_receiver_that_rejects_events_fails_no_request(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status, failed = 503, outcome("failed")
    assert call(monkeypatch, f"http://127.0.0.1:{receiver.server_port}", 1, 2, 3) == [200] * 3
    assert outcome("failed") == failed + 3
    assert caplog.text.count("the payload log cannot be written") == 1
    assert "503" in caplog.text


def test_unreachable_receiver_fails_no_request(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed = outcome("failed")
    assert call(monkeypatch, f"http://127.0.0.1:{free_port()}", 1, 2) == [200, 200]
    assert outcome("failed") == failed + 2
    assert "refused" in caplog.text
