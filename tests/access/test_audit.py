"""The audit log: one line for each refused call, and never a token."""

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


def audit_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the fields of the audit log's lines, in order."""
    names = ("caller", "token_id", "client", "method", "path", "status", "reason")
    return [
        {name: vars(record)[name] for name in names if name in vars(record)}
        for record in caplog.records
        if record.name == "mmf.audit"
    ]


def test_each_refused_call_has_an_audit_line(
    client: FlaskClient, signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    anonymous = {"client": "127.0.0.1", "method": "POST", "path": "/score"}
    authenticated = {**anonymous, "caller": "ci", "token_id": "one"}
    calls = [
        ({}, {**anonymous, "status": 401}, "missing"),
        (bearer("a.b.c"), {**anonymous, "status": 401}, "not valid"),
        (signer.headers(exp=1), {**anonymous, "status": 401}, "expired"),
        (signer.headers(targets=["score2"]), {**authenticated, "status": 403}, 'target "score"'),
        (signer.headers(groups=["docs"]), {**authenticated, "status": 403}, "group predict"),
    ]
    for headers, expected, reason in calls:
        caplog.clear()
        client.post("/score", json=BODY, headers=headers)
        (line,) = audit_lines(caplog)
        assert reason in line.pop("reason")
        assert line == expected
    caplog.clear()
    client.post("/invocations", json={"inputs": 1}, headers=signer.headers(targets=["score2"]))
    (line,) = audit_lines(caplog)
    assert line == {
        **authenticated,
        "path": "/invocations",
        "status": 403,
        "reason": line["reason"],
    }
    caplog.clear()
    assert client.post("/score", json=BODY, headers=signer.headers()).status_code == 200
    assert audit_lines(caplog) == []


def test_audit_line_is_safe_for_a_terminal(
    client: FlaskClient, signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/%0A%1B[31m" + "x" * 5000)
    client.get("/nothing%0A", headers=signer.headers(sub="Ünïcode", groups=["docs"]))
    for record in caplog.records:
        assert record.getMessage().isprintable()
        assert len(record.getMessage()) < 600


def test_tokens_are_never_logged(
    signer: Signer,
    make_service: Callable[[], Flask],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = new_api_key()
    monkeypatch.setenv("MMF_API_KEYS", f"reports {hash_of(key)} targets=score groups=predict")
    client = make_service().test_client()
    caplog.set_level(logging.DEBUG)
    tokens = [signer.token(), signer.token(exp=1), signer.token(targets=[]), key, f"{key}x"]
    for token in tokens:
        for sent in (token, f"{token}, Bearer {token}", f"Bearer {token}", f"{token} {token}"):
            client.post("/score", json=BODY, headers={"Authorization": f"Bearer {sent}"})
        client.post(f"/score?access_token={token}", json=BODY)
    text = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for token in tokens:
        assert token.rpartition(".")[2] not in text


def test_access_log_names_the_caller(client: FlaskClient, signer: Signer) -> None:
    with client.application.test_request_context():
        pass
    logged_fields = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            from mmf_core.web.request_context import current_context

            context = current_context()
            logged_fields.append(dict(context.log_fields) if context else {})

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
    assert logged_fields == [{"caller": "nightly"}, {}]


def test_grpc_writes_the_same_audit_line(caplog: pytest.LogCaptureFixture) -> None:
    write_audit_line(missing_token(), None, method="gRPC", path="/inference/ModelInfer")
    (line,) = audit_lines(caplog)
    assert line == {
        "method": "gRPC",
        "path": "/inference/ModelInfer",
        "status": 401,
        "reason": missing_token().detail,
    }
