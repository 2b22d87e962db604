"""What the log says of callers: one line for each refused call, and never a token."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from signing import Signer, bearer

from mmf_core.access.api_keys import hash_of, new_api_key
from mmf_core.access.errors import missing_token
from mmf_core.access.http import write_audit_line

BODY = {"x": 1.5}


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return what the lines of the audit say, in order."""
    names = ("caller", "token_id", "client", "method", "path", "status", "reason")
    return [
        {name: vars(record)[name] for name in names if name in vars(record)}
        for record in caplog.records
        if record.name == "mmf.audit"
    ]


def test_each_refused_call_has_a_line(
    client: FlaskClient, signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    anybody = {"client": "127.0.0.1", "method": "POST", "path": "/score"}
    genuine = {**anybody, "caller": "ci", "token_id": "one"}
    calls = [
        ({}, {**anybody, "status": 401}, "missing"),
        (bearer("a.b.c"), {**anybody, "status": 401}, "not valid"),
        (signer.headers(exp=1), {**anybody, "status": 401}, "expired"),
        (signer.headers(targets=["score2"]), {**genuine, "status": 403}, 'target "score"'),
        (signer.headers(groups=["docs"]), {**genuine, "status": 403}, "group predict"),
    ]
    for headers, expected, reason in calls:
        caplog.clear()
        client.post("/score", json=BODY, headers=headers)
        (line,) = lines(caplog)
        assert reason in line.pop("reason")
        assert line == expected
    caplog.clear()
    client.post("/invocations", json={"inputs": 1}, headers=signer.headers(targets=["score2"]))
    (line,) = lines(caplog)
    assert line == {**genuine, "path": "/invocations", "status": 403, "reason": line["reason"]}
    caplog.clear()
    assert client.post("/score", json=BODY, headers=signer.headers()).status_code == 200
    assert lines(caplog) == []


def test_the_line_is_safe_for_a_terminal(
    client: FlaskClient, signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/%0A%1B[31m" + "x" * 5000)
    client.get("/nothing%0A", headers=signer.headers(sub="Ünïcode", groups=["docs"]))
    for record in caplog.records:
        assert record.getMessage().isprintable()
        assert len(record.getMessage()) < 600


def test_no_token_is_ever_logged(
    signer: Signer,
    serve_two: Callable[[], Flask],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = new_api_key()
    monkeypatch.setenv("MMF_API_KEYS", f"reports {hash_of(key)} targets=score groups=predict")
    client = serve_two().test_client()
    caplog.set_level(logging.DEBUG)
    tokens = [signer.token(), signer.token(exp=1), signer.token(targets=[]), key, f"{key}x"]
    for token in tokens:
        for sent in (token, f"{token}, Bearer {token}", f"Bearer {token}", f"{token} {token}"):
            client.post("/score", json=BODY, headers={"Authorization": f"Bearer {sent}"})
        client.post(f"/score?access_token={token}", json=BODY)
    text = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for token in tokens:
        assert token.rpartition(".")[2] not in text


def test_the_access_line_names_the_caller(client: FlaskClient, signer: Signer) -> None:
    with client.application.test_request_context():
        pass
    seen = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            from mmf_core.web.request_context import current_context

            context = current_context()
            seen.append(dict(context.log_fields) if context else {})

    handler = Handler()
    log = logging.getLogger("mmf.access")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        client.post("/score", json=BODY, headers=signer.headers(sub="nightly", jti=None))
        client.get("/health")
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
    assert seen == [{"caller": "nightly"}, {}]


def test_another_protocol_writes_the_same_line(caplog: pytest.LogCaptureFixture) -> None:
    write_audit_line(missing_token(), None, method="gRPC", path="/inference/ModelInfer")
    (line,) = lines(caplog)
    assert line == {
        "method": "gRPC",
        "path": "/inference/ModelInfer",
        "status": 401,
        "reason": missing_token().detail,
    }
