"""Streams over HTTP: immediate items, errors midway, clients that disconnect or do not read."""

# ruff: noqa: B008 - a target's arguments and their descriptors

import gc
import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient
from log_output import Output
from openapi_spec_validator import OpenAPIV31SpecValidator

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.client import Busy, Client, InvalidValue, ServerError, Unreachable
from services import Service, serve

TEXT = {"Accept": "text/plain"}
LINES = {"Accept": "application/x-ndjson"}
WORDS = b"data: one \n\ndata: two \n\nevent: done\ndata: \n\n"
APP = """
import asyncio
import time

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
events = []


@registry.target(returns=mmf.Stream(mmf.String()))
def tick(seconds=mmf.Float(), size=mmf.Integer(default=1), to=mmf.Integer(default=1000)):
    events.append("begun")
    try:
        for number in range(to):
            yield f"{number} " + "x" * size
            time.sleep(seconds)
    finally:
        events.append("closed")


@registry.target(returns=mmf.Stream(mmf.Dict()))
async def wait(seconds=mmf.Float()):
    try:
        yield {"state": "begun"}
        await asyncio.sleep(seconds)
        yield {"state": "done"}
    finally:
        events.append("closed")


@registry.target(returns=mmf.Stream(mmf.String()), timeout=0.5)
def slow(seconds=mmf.Float()):
    yield "one "
    time.sleep(seconds)
    yield "two"


@registry.target(returns=mmf.Stream(mmf.String()))
def broken(error=mmf.String()):
    yield "one "
    if error == "invalid":
        raise mmf.InvalidValue("not that word")
    raise RuntimeError("a secret of the author")


@registry.target(returns=mmf.JsonFile())
def history():
    return list(events)


app = create_app(registry)
"""


def words(text: Any = mmf.String()) -> Iterator[str]:
    for word in text.split():
        yield word + " "


@pytest.fixture
def client(serve_function: Callable[..., FlaskClient]) -> FlaskClient:
    return serve_function(words, returns=mmf.Stream(mmf.String()))


def post(client: FlaskClient, path: str = "/words", body: Any = "one two", **headers: str) -> Any:
    """Return a response after reading and closing its body."""
    response = client.post(path, json=body, headers=headers)
    response.get_data()
    response.close()
    return response


def test_events_text_and_lines(client: FlaskClient) -> None:
    response = post(client)
    assert response.data == WORDS
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Vary"] == "Accept"
    assert "Content-Length" not in response.headers
    assert post(client, Accept="text/event-stream").data == WORDS
    response = post(client, **TEXT)
    assert (response.data, response.mimetype) == (b"one two ", "text/plain")
    response = post(client, "/words?format=jsonl")
    assert (response.data, response.mimetype) == (b'"one "\n"two "\n', "application/x-ndjson")
    assert_problem(post(client, Accept="application/json"), 406, "text/event-stream")


def test_stream_may_be_empty(client: FlaskClient) -> None:
    assert post(client, body=" ").data == b"event: done\ndata: \n\n"
    assert post(client, body=" ", **TEXT).data == b""


@pytest.mark.parametrize(
    ("item", "piece", "line"),
    [
        (mmf.Dict(), {"a": [1, None]}, b'{"a":[1,null]}'),
        (mmf.JsonFile(), [1], b"[1]"),
        (mmf.Integer(), 2**53 + 1, b"9007199254740993"),
        (mmf.Float(), float("nan"), b"null"),
        (mmf.Bool(), True, b"true"),
        (mmf.Datetime(), datetime(2026, 1, 31, tzinfo=UTC), b'"2026-01-31T00:00:00+00:00"'),
    ],
)
def test_other_items_are_json(
    serve_function: Callable[..., FlaskClient], item: Any, piece: Any, line: bytes
) -> None:
    def score() -> Iterator[Any]:
        yield piece

    client = serve_function(score, returns=mmf.Stream(item))
    assert client.post("/score").data == b"data: %b\n\nevent: done\ndata: \n\n" % line
    assert client.post("/score", headers=LINES).data == line + b"\n"
    assert_problem(client.post("/score", headers=TEXT), 406, "application/x-ndjson")


@pytest.mark.parametrize("text", ["", " ", "\n", "a\nb\n", ": a", "data: a", "\u2028é\x00", "{}"])
def test_texts_round_trip_in_every_format(
    serve_function: Callable[..., FlaskClient], text: str
) -> None:
    def score() -> Iterator[str]:
        yield text
        yield text

    client = serve_function(score, returns=mmf.Stream(mmf.String()))
    assert list(events_of(client.post("/score").text)) == [text, text]
    assert client.post("/score", headers=TEXT).text == text * 2
    lines = client.post("/score", headers=LINES).data.splitlines()
    assert [json.loads(line) for line in lines] == [text, text]


def events_of(stream: str) -> Iterator[str]:
    """Parse events as in HTML 9.2.6, up to the last one."""
    *events, last = stream.removesuffix("\n\n").split("\n\n")
    for event in events:
        yield "\n".join(line.removeprefix("data:").removeprefix(" ") for line in event.split("\n"))
    assert last == "event: done\ndata: "


def test_rejects_text_that_an_event_cannot_carry(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def score() -> Iterator[str]:
        yield "a\r\nb"

    client = serve_function(score, returns=mmf.Stream(mmf.String()))
    assert_problem(client.post("/score"), 406, "carriage return", "application/x-ndjson")
    assert client.post("/score", headers=LINES).data == b'"a\\r\\nb"\n'
    assert client.post("/score", headers=TEXT).data == b"a\r\nb"


def test_error_before_the_first_item_is_a_problem(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def score(text: Any = mmf.String()) -> Iterator[str]:
        if not text:
            raise mmf.InvalidValue("say something")
        yield text

    client = serve_function(score, returns=mmf.Stream(mmf.String()))
    assert_problem(post(client, "/score", ""), 422, "say something")
    assert_problem(post(client, "/score", 5), 422, "expected text")


def half(text: Any = mmf.String()) -> Iterator[str]:
    yield "one "
    raise mmf.InvalidValue(text) if text else RuntimeError("a secret")


@pytest.mark.parametrize(("detail", "status"), [("x" * 5000, 422), ("", 500)])
def test_error_after_the_first_item_is_the_last_event(
    serve_function: Callable[..., FlaskClient], output: Output, detail: str, status: int
) -> None:
    client = serve_function(half, returns=mmf.Stream(mmf.String()))
    response = post(client, "/half", detail, **{"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    first, last, rest = response.text.split("\n\n")
    assert (first, rest) == ("data: one ", "")
    event, data = last.split("\n")
    assert event == "event: error"
    problem = json.loads(data.removeprefix("data: "))
    assert (problem["status"], problem["instance"]) == (status, "/half")
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert detail in problem["detail"]
    assert "secret" not in response.text
    line = output.access()
    assert (line["status"], line["target"]) == (status, "half")
    assert line["bytes_out"] == len(response.data)


@pytest.mark.parametrize("headers", [TEXT, LINES])
def test_error_in_other_formats_aborts_the_response(
    serve_function: Callable[..., FlaskClient], headers: dict[str, str]
) -> None:
    client = serve_function(half, returns=mmf.Stream(mmf.String()))
    with pytest.raises(ConnectionResetError):
        post(client, "/half", "no", **headers)


def test_request_ends_with_the_stream(
    serve_function: Callable[..., FlaskClient], output: Output
) -> None:
    def score() -> Iterator[str]:
        for number in range(3):
            print("piece", number)
            time.sleep(0.02)
            yield "x"

    client = serve_function(score, returns=mmf.Stream(mmf.String()))
    response = client.post("/score", headers={"X-Request-ID": "abc", **TEXT}, buffered=False)
    assert not [entry for entry in output.json() if entry["logger"] == "mmf.access"]
    assert response.data == b"xxx"
    response.close()
    line = output.access()
    assert (line["status"], line["bytes_out"]) == (200, 3)
    assert line["ms"] >= line["call_ms"] >= 60
    printed = [entry for entry in output.json() if entry["logger"] == "mmf.stdout"]
    assert [entry["message"] for entry in printed] == ["piece 0", "piece 1", "piece 2"]
    assert {entry["request_id"] for entry in printed} == {"abc"}


def test_metrics_count_a_stream_when_it_ends(client: FlaskClient) -> None:
    def samples() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if 'target="words"' in line)
        return {name: float(value) for name, value in pairs}

    counter = 'mmf_requests_total{protocol="native",status="200",target="words"}'
    flight = 'mmf_requests_in_flight{target="words"}'
    gc.collect()  # responses that other tests have not closed
    before, others = samples().get(counter, 0), samples().get(flight, 0)
    response = client.post("/words", json="one two")
    assert samples()[flight] == others + 1
    assert samples().get(counter, 0) == before
    response.get_data()
    response.close()
    assert samples()[flight] == others
    assert samples()[counter] == before + 1


def test_other_protocols_reject_streams(client: FlaskClient) -> None:
    advice = "words streams its result: use POST /words"
    response = client.post("/v2/models/words/infer", json={"inputs": []})
    assert (response.status_code, response.json) == (400, {"error": advice})
    response = client.post("/invocations/words", json={"inputs": ["a"]})
    assert (response.status_code, response.get_json()["message"]) == (400, advice)
    assert client.post("/invocations", json={"inputs": ["a"]}).status_code == 404
    assert client.get("/v2/models").json == {"models": []}


def test_stream_descriptions(client: FlaskClient) -> None:
    returns = client.get("/words").get_json()["returns"]
    assert (returns["class_name"], returns["item"]["class_name"]) == ("Stream", "String")
    assert returns["formats"] == ["text/event-stream", "text/plain", "application/x-ndjson"]
    document = client.get("/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    paths = document["paths"]
    operation = paths["/words"]["post"]
    assert list(operation["responses"]["200"]["content"]) == returns["formats"]
    (query,) = [each for each in operation["parameters"] if each["name"] == "format"]
    assert query["schema"]["enum"] == ["events", "txt", "jsonl"]
    assert not [path for path in paths if path.endswith(("infer", "/words")) and path != "/words"]


# Over a socket


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def service(tmp_path: Path, log: Path) -> Iterator[Service]:
    variables = {"WEB_CONCURRENCY": "1", "MMF_CLIENT_TIMEOUT": "1", "MMF_MAX_STREAMS": "3"}
    with (
        log.open("wb") as stream,
        serve("gunicorn", tmp_path, stream, APP, WEB_GRACEFUL_TIMEOUT="3", **variables) as running,
    ):
        yield running


def send(service: Service, path: str, seconds: float) -> socket.socket:
    """Send a request, and return its socket without reading."""
    client = socket.create_connection(("127.0.0.1", service.port), 30)
    content = json.dumps({"seconds": seconds} if path.startswith("/tick") else seconds).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    client.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    return client


def recorded(service: Service) -> list[str]:
    events: list[str] = requests.post(f"{service.url}/history", timeout=30).json()
    return events


def wait_for(condition: Callable[[], Any], seconds: float = 10) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return value


def access(log: Path, target: str) -> dict[str, Any] | None:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    matching = [line for line in lines if line.get("target") == target and "ms" in line]
    return matching[-1] if matching else None


@pytest.mark.parametrize(("path", "seconds"), [("/tick", 0.05), ("/wait", 60.0)])
def test_generator_is_closed_on_disconnect(
    service: Service, log: Path, path: str, seconds: float
) -> None:
    with send(service, path, seconds) as client:
        assert b"200 OK" in client.recv(1000)
    wait_for(lambda: "closed" in recorded(service), 1)

    def ended() -> Any:
        line = access(log, path[1:])  # it may be that of an earlier request at first
        return line if line and line["status"] == 499 else None

    assert wait_for(ended)["ms"] < 2_000
    assert "Traceback" not in log.read_text()


def test_generator_is_closed_if_the_client_does_not_read(service: Service, log: Path) -> None:
    with send(service, "/tick?size=1000000", 0.0) as client:
        wait_for(lambda: "closed" in recorded(service), 10)
        line = wait_for(lambda: access(log, "tick"))
        assert line["ms"] < 6_000
        del client


def test_items_are_sent_immediately(service: Service) -> None:
    with send(service, "/tick?to=2", 1.0) as client:
        started = time.monotonic()
        received = b""
        while b"data: 0 x" not in received:
            received += client.recv(1000)
        assert time.monotonic() - started < 0.8
        while b"event: done" not in received:
            received += client.recv(1000)
        assert time.monotonic() - started >= 1
        assert b"Transfer-Encoding: chunked" in received
        assert b"data: 1 x\n\n" in received


def test_streams_beyond_the_limit_are_503(service: Service) -> None:
    streams = [send(service, "/tick", 0.2) for _ in range(3)]
    assert [b"200 OK" in stream.recv(1000) for stream in streams] == [True] * 3
    refused = requests.post(f"{service.url}/tick?seconds=0", timeout=30)
    assert_problem_over_http(refused, 503, "limit of 3 streams (set MMF_MAX_STREAMS)")
    assert refused.headers["Retry-After"] == "1"
    assert recorded(service).count("begun") == 3
    streams.pop().close()
    wait_for(lambda: requests.post(f"{service.url}/tick?seconds=0&to=1", timeout=30).ok, 2)
    for stream in streams:
        stream.close()


def assert_problem_over_http(response: requests.Response, status: int, words: str) -> None:
    assert response.status_code == status
    assert words in response.json()["detail"]


def test_shutdown_ends_long_streams_with_an_error(service: Service, log: Path) -> None:
    with send(service, "/tick", 0.1) as long, send(service, "/tick?to=10", 0.1) as short:
        long.recv(1000), short.recv(1000)
        service.process.send_signal(signal.SIGTERM)
        received = b"".join(iter(lambda: short.recv(10_000), b""))
        assert b"event: done" in received
        received = b"".join(iter(lambda: long.recv(10_000), b""))
    assert b"event: error" in received
    assert b'"status":503' in received
    assert b"the service is shutting down" in received
    assert wait_for(lambda: access(log, "tick"))["status"] == 503


# With our client


def test_client_reads_items(service: Service) -> None:
    with Client(service.url) as client:
        assert list(client.tick(0.0, to=3)) == ["0 x", "1 x", "2 x"]
        assert list(client.stream("wait", 0.0)) == [{"state": "begun"}, {"state": "done"}]
        assert b"".join(client.tick(0.0, to=2, format="txt")) == b"0 x1 x"
        assert list(client.tick(0.0, to=0)) == []
        with pytest.raises(TypeError, match="history returns no stream"):
            client.stream("history")


def test_client_raises_stream_errors(service: Service) -> None:
    with Client(service.url, retries=0) as client:
        pieces = client.broken("invalid")
        assert next(pieces) == "one "
        with pytest.raises(InvalidValue, match="not that word") as invalid:
            next(pieces)
        assert invalid.value.request_id
        with pytest.raises(ServerError, match="the service failed"):
            list(client.broken("x"))
        with pytest.raises(ServerError, match=r"slow took longer than 0\.5 seconds"):
            list(client.slow(1.0))
        assert list(client.slow(0.1)) == ["one ", "two"]
        with pytest.raises(Unreachable, match="broke off"):
            list(client.broken("x", format="txt"))


def test_client_raises_busy_beyond_the_stream_limit(service: Service) -> None:
    with Client(service.url, retries=0) as client:
        held = [client.tick(1.0) for _ in range(3)]
        with pytest.raises(Busy, match="3 streams"):
            client.tick(1.0)
        for pieces in held:
            pieces.close()


def test_client_that_stops_iterating_closes_the_stream(service: Service) -> None:
    with Client(service.url) as client:
        for piece in client.tick(0.05):
            assert piece == "0 x"
            break
        wait_for(lambda: "closed" in recorded(service), 2)
