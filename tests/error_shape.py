"""The shape of every error of the service, and its check."""

import json
import sys
from http import HTTPStatus
from typing import Any

from baking import ROOT

MEMBERS = ["type", "title", "status", "detail", "instance", "request_id", "errors"]
FAULT_MEMBERS = {"where", "row", "column", "message", "value"}
LEAKS = ("Traceback", 'File "', ".py", "site-packages", "<html", "<!doctype", str(ROOT), sys.prefix)


def body_of(response: Any) -> bytes:
    """Return the bytes of a response of Werkzeug or `requests`."""
    body: bytes = response.data if hasattr(response, "data") else response.content
    return body


def assert_problem(
    response: Any, status: int, *words: str, path: str | None = None
) -> dict[str, Any]:
    """Check that a response is an RFC 9457 problem whose detail has these words; return it."""
    body = body_of(response)
    assert response.status_code == status, body
    assert response.headers["Content-Type"] == "application/problem+json"
    text = body.decode()
    for leak in LEAKS:
        assert leak.lower() not in text.lower()
    problem: dict[str, Any] = json.loads(text)
    assert list(problem) == MEMBERS
    assert problem["type"] == "about:blank"
    assert problem["title"] == HTTPStatus(status).phrase
    assert problem["status"] == status
    assert problem["instance"].startswith("/")
    assert path is None or problem["instance"] == path
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert problem["detail"]
    for word in words:
        assert word.lower() in problem["detail"].lower()
    for fault in problem["errors"]:
        assert fault["message"]
        assert fault.keys() <= FAULT_MEMBERS
    return problem
