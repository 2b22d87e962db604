"""Rate limits of callers, over all workers, and the responses beyond them."""

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from signing import Signer, bearer

from error_shape import assert_problem
from mmf_core.access import rate_limiter, shared_counters
from mmf_core.access.api_keys import hash_of, new_api_key
from mmf_core.access.rates import Rate, parse_rate
from mmf_core.access.shared_counters import SharedCounters

BODY = {"x": 1.5}
HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")


@pytest.fixture(autouse=True)
def _reset_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counters._Shared, "counters", None)


def call(client: FlaskClient, headers: dict[str, str], **environ: Any) -> Any:
    return client.post("/score", json=BODY, headers=headers, **environ)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/minute", (100, 60)),
        ("5/second", (5, 1)),
        ("1 / hour", (1, 3600)),
        ("999999999/day", (999_999_999, 86_400)),
    ],
)
def test_rate_is_parsed(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    ["", "0/minute", "-1/minute", "1.5/minute", "1/week", "1_0/day", "1e3/day", "\u0661/day"],
)
def test_invalid_rate_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="100/minute"):
        parse_rate(text)


def test_rate_in_a_token_limits_its_caller(client: FlaskClient, signer: Signer) -> None:
    headers = signer.headers(rate="3/minute")
    for remaining in (2, 1, 0):
        response = call(client, headers)
        assert response.status_code == 200
        assert response.headers["RateLimit-Limit"] == "3"
        assert response.headers["RateLimit-Remaining"] == str(remaining)
        assert 1 <= int(response.headers["RateLimit-Reset"]) <= 60
        assert response.headers["RateLimit-Policy"] == "3;w=60"
    response = call(client, headers)
    assert_problem(response, 429, "3 requests in 60 seconds")
    assert response.headers["RateLimit-Remaining"] == "0"
    assert response.headers["Retry-After"] == response.headers["RateLimit-Reset"]
    assert "WWW-Authenticate" not in response.headers
    assert call(client, signer.headers(sub="another", rate="3/minute")).status_code == 200
    other_token = signer.headers(jti="two", rate="3/minute")  # of the same caller
    assert call(client, other_token).status_code == 429


def test_caller_without_a_rate_gets_no_rate_headers(client: FlaskClient, signer: Signer) -> None:
    response = call(client, signer.headers())
    assert not set(HEADERS) & set(dict(response.headers))


def test_default_rate_limits_tokens_without_one(
    signer: Signer, make_service: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_RATE_LIMIT", "2/hour")
    client = make_service().test_client()
    statuses = [call(client, signer.headers()).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert [call(client, signer.headers(rate="9/day")).status_code for _ in range(4)] == [200] * 4
    assert client.get("/health", headers=signer.headers()).status_code == 200
    assert call(client, {}).status_code == 401  # not counted for the caller
    assert client.get("/nothing", headers=signer.headers()).status_code == 429


def test_refused_requests_count_towards_the_rate(client: FlaskClient, signer: Signer) -> None:
    headers = signer.headers(rate="2/minute", targets=["score2"])
    assert [call(client, headers).status_code for _ in range(3)] == [403, 403, 429]


def test_rate_of_an_api_key_limits_its_caller(
    signer: Signer, make_service: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    del signer
    key = new_api_key()
    line = f"reports {hash_of(key)} targets=* groups=predict rate=1/day"
    monkeypatch.setenv("MMF_API_KEYS", line)
    client = make_service().test_client()
    assert [call(client, bearer(key)).status_code for _ in range(2)] == [200, 429]


def test_without_tokens_each_address_is_limited(
    signer: Signer, make_service: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    del signer
    monkeypatch.delenv("MMF_TOKEN_KEYS")
    monkeypatch.setenv("MMF_RATE_LIMIT", "2/minute")
    client = make_service().test_client()
    a, b = {"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": "192.0.2.2"}
    assert [call(client, {}, environ_base=a).status_code for _ in range(3)] == [200, 200, 429]
    assert call(client, {}, environ_base=b).status_code == 200
    mapped = {"REMOTE_ADDR": "::ffff:192.0.2.1"}  # the same address, on an IPv6 socket
    assert call(client, {}, environ_base=mapped).status_code == 429
    first, second = {"REMOTE_ADDR": "2001:db8::1"}, {"REMOTE_ADDR": "2001:db8::2"}
    for address, status in ((first, 200), (second, 200), (first, 429)):  # the same /64 network
        assert call(client, {}, environ_base=address).status_code == status
    assert client.get("/", environ_base=a).status_code == 200
    document = client.get("/openapi.json", environ_base=b).get_json()
    assert "securitySchemes" not in document["components"]
    responses = document["paths"]["/score"]["post"]["responses"]
    assert "429" in responses
    assert "401" not in responses


def test_window_starts_with_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("mmf_core.access.shared_counters.time.time", lambda: now)
    counters, rate = SharedCounters(), Rate(5, 60)
    assert [counters.hit("a", rate) for _ in range(2)] == [(1, 1060.0), (2, 1060.0)]
    now = 1059.9
    assert counters.hit("a", rate) == (3, 1060.0)
    now = 1060.0
    assert counters.hit("a", rate) == (1, 1120.0)
    now = 10.0  # the clock was set back
    assert counters.hit("a", rate) == (1, 70.0)


def test_callers_are_counted_separately() -> None:
    counters, rate = SharedCounters(), Rate(5, 60)
    for name in map(str, range(5000)):
        assert counters.hit(name, rate)[0] == 1
    second_counts = [counters.hit(name, rate)[0] for name in map(str, range(5000))]
    assert second_counts.count(2) > 4900  # a few were replaced by others
    for name in map(str, range(60_000)):
        counters.hit(f"flood {name}", rate)


def test_no_count_is_lost_by_processes_or_threads() -> None:
    counters, rate = SharedCounters(), Rate(1_000_000, 3600)
    hits = 2000

    def work() -> None:
        with ThreadPoolExecutor(4) as pool:
            for _ in pool.map(lambda _: counters.hit("all", rate), range(hits)):
                pass

    children = []
    for _ in range(3):
        if not (child := os.fork()):
            try:
                work()
            finally:
                os._exit(0)
        children.append(child)
    work()
    for child in children:
        os.waitpid(child, 0)
    assert counters.hit("all", rate)[0] == 4 * hits + 1


def test_lock_of_a_dead_process_is_released() -> None:
    counters, rate = SharedCounters(), Rate(5, 60)
    if not (child := os.fork()):
        counters._count = lambda *_: os._exit(0)  # type: ignore[method-assign]
        counters.hit("a", rate)
    os.waitpid(child, 0)
    assert counters.hit("a", rate)[0] == 1


@pytest.fixture
def serve_with_redis(
    signer: Signer, make_service: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], FlaskClient]:
    """Return a function that serves with Redis on a port, and returns a client."""
    del signer

    def serve(port: int) -> FlaskClient:
        monkeypatch.setenv("MMF_RATE_LIMIT_REDIS", f"redis://:hush@127.0.0.1:{port}/0")
        return make_service().test_client()

    return serve


def test_each_machine_counts_locally_without_redis(
    serve_with_redis: Callable[[int], FlaskClient],
    signer: Signer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client, headers = serve_with_redis(port), signer.headers(rate="2/minute")
    started = time.perf_counter()
    assert [call(client, headers).status_code for _ in range(3)] == [200, 200, 429]
    assert time.perf_counter() - started < 3
    (line,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "127.0.0.1" in line.getMessage()
    assert "hush" not in line.getMessage()


def test_unresponsive_redis_delays_few_requests(
    serve_with_redis: Callable[[int], FlaskClient], signer: Signer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = serve_with_redis(silent.getsockname()[1])
        headers = signer.headers(rate="200/minute")
        started = time.perf_counter()
        assert {call(client, headers).status_code for _ in range(100)} == {200}
        assert time.perf_counter() - started < 8 * rate_limiter.TIMEOUT
