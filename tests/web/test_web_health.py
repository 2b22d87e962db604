"""Liveness, readiness and version."""

from typing import Any

import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.errors import ArtifactError
from mmf_core.web import create_app

PATHS = ["/health/live", "/health/ready", "/ping", "/health", "/version"]


def declare(registry: mmf.Registry) -> list[str]:
    """Declare a target that uses a loaded artifact; return a list that records each load."""
    loads: list[str] = []

    @registry.artifact("model.bin", name="the model")
    def model() -> list[int]:
        loads.append("loaded")
        return [1, 2, 3]

    @registry.target(returns=mmf.Integer())
    def count() -> int:
        return len(model)

    return loads


@pytest.mark.parametrize(
    ("path", "body", "media_type"),
    [
        ("/health/live", b'{"live":true}', "application/json"),
        ("/health/ready", b'{"ready":true}', "application/json"),
        ("/ping", b"\n", "application/json"),
        ("/health", b"\n", "application/json"),
        ("/version", mmf.__version__.encode(), "text/plain"),
    ],
)
def test_ready_service(client: FlaskClient, path: str, body: bytes, media_type: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.data, response.mimetype) == (200, body, media_type)


@pytest.mark.parametrize("path", PATHS)
def test_head_of_health_checks(client: FlaskClient, path: str) -> None:
    response = client.head(path)
    assert (response.status_code, response.data) == (200, b"")
    assert response.content_length == len(client.get(path).data)


@pytest.mark.parametrize("accept", ["image/png", "text/plain", "*/*;q=0"])
@pytest.mark.parametrize("path", PATHS)
def test_probes_ignore_accept(client: FlaskClient, path: str, accept: str) -> None:
    assert client.get(path, headers={"Accept": accept}).status_code == 200


def test_live_before_ready(registry: mmf.Registry) -> None:
    loads = declare(registry)
    client = create_app(registry, ready=False).test_client()
    assert client.get("/health/live").status_code == 200
    assert client.get("/version").status_code == 200
    for path, word in [("/health/ready", "the model"), ("/ping", "loaded"), ("/health", "loaded")]:
        response = client.get(path)
        assert_problem(response, 503, word, path=path)
        assert response.headers["Retry-After"].isdecimal()
        assert client.head(path).status_code == 503
    assert not loads, "probes load nothing"


def test_ready_after_the_first_use(registry: mmf.Registry) -> None:
    loads = declare(registry)
    client = create_app(registry, ready=False).test_client()
    assert client.get("/count").status_code == 200
    assert client.post("/count").get_json() == {"result": 3}
    for path in ("/health/ready", "/ping", "/health"):
        assert client.get(path).status_code == 200
    client.post("/count")
    assert loads == ["loaded"]


def test_artifacts_are_loaded_at_startup(registry: mmf.Registry) -> None:
    loads = declare(registry)
    client = create_app(registry).test_client()
    assert loads == ["loaded"]
    assert client.get("/health/ready").get_json() == {"ready": True}


def test_rejected_reload_is_reported(registry: mmf.Registry) -> None:
    client = create_app(registry).test_client()
    registry.last_reload_error.write(failed="model.bin is not there", at="now")
    assert client.get("/health/ready").get_json() == {
        "ready": True,
        "reload": {"failed": "model.bin is not there", "at": "now"},
    }


def test_not_ready_until_the_examples_have_succeeded(registry: mmf.Registry) -> None:
    client = create_app(registry).test_client()
    registry.pending_warmups = {"score": "score fails on its example: ValueError"}
    for path in ("/health/ready", "/ping", "/health"):
        assert_problem(client.get(path), 503, "score fails on its example", path=path)
    assert client.get("/health/live").status_code == 200


def broken(registry: mmf.Registry, error: Exception) -> None:
    @registry.artifact("model.bin")
    def model() -> Any:
        raise error

    @registry.target(returns=mmf.Integer())
    def count() -> int:
        return len(model)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("a bad magic number"), ["model.bin", "ValueError", "a bad magic number"]),
        (FileNotFoundError(2, "No such file", "weights.bin"), ["weights.bin not found"]),
        (FileNotFoundError("nothing"), ["model.bin not found"]),
        (ArtifactError("the author's own words"), ["the author's own words"]),
    ],
)
def test_invalid_artifact_prevents_startup(
    registry: mmf.Registry, error: Exception, words: list[str]
) -> None:
    broken(registry, error)
    with pytest.raises(ArtifactError) as refusal:
        create_app(registry)
    for word in words:
        assert word in str(refusal.value)


def test_invalid_artifact_is_never_ready(registry: mmf.Registry) -> None:
    broken(registry, ValueError("a secret"))
    client = create_app(registry, ready=False).test_client()
    response = client.post("/count")
    assert_problem(response, 503, "not loaded")
    assert "secret" not in response.text
    assert response.headers["Retry-After"].isdecimal()
    assert_problem(client.get("/health/ready"), 503, "model.bin")
    assert client.get("/health/live").status_code == 200
