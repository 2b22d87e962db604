"""Malicious servers for boto3 and MLflow: each causes a StoreError, within limits."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from store_helpers import cached, checksum

import s3_server
from mmf_core.errors import StoreError
from mmf_core.stores import Version, store_for, transfer

CONTENT = b"a model" * 100
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 700\r\n"
BOMB = (
    b'<!DOCTYPE a [<!ENTITY a "' + b"x" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 + b'"><!ENTITY c'
    b' "' + b"&b;" * 1000 + b'">]><Error><Code>&c;</Code></Error>'
)


def _drip() -> Iterator[bytes]:
    yield OK + LENGTH + b"\r\n"
    while True:
        time.sleep(0.05)
        yield b"x"


def _endless() -> Iterator[bytes]:
    yield OK + b"Transfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"10000\r\n" + b"x" * 65536 + b"\r\n"


def _endless_error() -> Iterator[bytes]:
    yield b"HTTP/1.1 404 A\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(10):
        yield b"10000\r\n" + b"x" * 65536 + b"\r\n"


def _elsewhere(status: bytes, body: bytes = b"") -> bytes:
    return (
        b"HTTP/1.1 %b A\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: %d\r\n\r\n%b"
        % (status, len(body), body)
    )


ATTACKS: dict[str, tuple[Any, str]] = {
    "a body cut short": (OK + LENGTH + b"\r\n" + CONTENT[:9], "ends after 9 of 700 bytes"),
    "another length": (
        OK + b"Content-Length: 9\r\n\r\n" + CONTENT[:9],
        "expected 700 bytes, got 9",
    ),
    "a negative length": (OK + b"Content-Length: -7\r\n\r\n" + CONTENT, "invalid Content-Length"),
    "a length of many digits": (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", "digits"),
    "other content": (OK + LENGTH + b"\r\n" + CONTENT[:-1] + b"?", "expected sha256"),
    "a body without end": (_endless, "more than the expected 700"),
    "an error cut short": (_endless_error, "connection failed"),
    "a drip": (_drip, "slower than"),
    "301": (_elsewhere(b"301"), "redirected too many times"),
    "307": (_elsewhere(b"307"), "redirected too many times"),
    "307 in XML": (
        _elsewhere(b"307", b"<Error><Endpoint>169.254.169.254</Endpoint></Error>"),
        "redirected too many times",
    ),
    "500": (b"HTTP/1.1 500 A\r\nContent-Length: 0\r\n\r\n", "500"),
    "a wait of a day": (
        b"HTTP/1.1 503 A\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n",
        "503",
    ),
    "entities": (b"HTTP/1.1 400 A\r\nContent-Length: %d\r\n\r\n%b" % (len(BOMB), BOMB), "400"),
    "not HTTP": (b"220 ready\r\n", "connection failed"),
}


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set credentials and short timeouts."""
    for name, value in s3_server.KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("MMF_STORE_TIMEOUT", "5")
    monkeypatch.setattr(transfer, "MIN_SPEED_AFTER", 0.5)


@pytest.mark.parametrize("attack", ATTACKS)
def test_malicious_s3_server_is_reported_and_leaves_nothing(
    attack: str, serve_bytes: Callable[..., str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    response, reason = ATTACKS[attack]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", serve_bytes(response).removesuffix("/model.bin"))
    expected = Version(sha256=checksum(CONTENT), size=len(CONTENT))
    started = time.monotonic()
    with pytest.raises(StoreError, match=reason):
        store_for("s3://a/b").fetch("s3://a/b", expected, "model.bin")
    assert time.monotonic() - started < 30
    assert [name for name in cached(folder) if not name.endswith(".part")] == []


def test_s3_etag_is_not_trusted(
    serve_bytes: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = OK + b'ETag: "' + b"0" * 32 + b'"\r\n' + LENGTH + b"\r\n"
    monkeypatch.setenv(
        "AWS_ENDPOINT_URL_S3", serve_bytes(head + CONTENT).removesuffix("/model.bin")
    )
    expected = Version(sha256=checksum(CONTENT), size=len(CONTENT))
    path = store_for("s3://a/b").fetch("s3://a/b", expected, "model.bin")
    assert path.read_bytes() == CONTENT


@pytest.mark.filterwarnings("ignore")  # raised by MLflow itself
@pytest.mark.parametrize("attack", ["500", "a wait of a day", "entities", "not HTTP"])
def test_malicious_mlflow_server_is_reported(
    attack: str, serve_bytes: Callable[..., str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv(
        "MLFLOW_TRACKING_URI", serve_bytes(ATTACKS[attack][0]).removesuffix("/model.bin")
    )
    started = time.monotonic()
    with pytest.raises(StoreError, match="cannot be fetched"):
        store_for("models:/wine/1").fetch("models:/wine/1", Version(), "wine")
    assert time.monotonic() - started < 40
    assert cached(folder) == []
