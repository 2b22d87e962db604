"""Every route belongs to one group and requires it, for all methods and protocols."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from signing import Signer

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.capabilities import capabilities
from mmf_core.web import create_app
from mmf_core.web.authorization import GROUPS, OPEN, authorization
from mmf_core.web.blueprints import PREFIX
from mmf_core.web.request_context import INTERNAL

OPEN_ROUTES = {
    "/",
    "/docs",
    "/docs/colours.js",
    "/docs/start.css",
    "/docs/start.js",
    "/health",
    "/health/live",
    "/health/ready",
    "/ping",
    "/v2/health/live",
    "/v2/health/ready",
}
OPEN_FILES = ("/static/<version>/", "/docs/<any")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def routes(app: Flask) -> list[tuple[str, str, set[str]]]:
    return [(rule.rule, rule.endpoint, rule.methods or set()) for rule in app.url_map.iter_rules()]


def example_path(rule: str) -> str:
    """Return a path that matches a rule."""
    rule = re.sub(r"<any\(['\"]?([^'\",)]+)[^)]*\):\w+>", r"\1", rule)
    path = re.sub(r"<(target|model)>", "score", rule)
    return re.sub(r"<(\w+)>", r"\1", path)


@pytest.fixture
def app(signer: Signer, make_service: Callable[[], Flask]) -> Flask:
    del signer
    return make_service()


def test_every_route_has_exactly_one_group(app: Flask) -> None:
    installed = authorization(app)
    groups = {rule: installed.group_of(endpoint) for rule, endpoint, _ in routes(app)}
    assert {rule: group for rule, group in groups.items() if group not in {*GROUPS, OPEN}} == {}
    assert set(groups.values()) == {*GROUPS, OPEN}
    open_routes = {rule for rule, group in groups.items() if group == OPEN}
    assert {rule for rule in open_routes if not rule.startswith(OPEN_FILES)} == OPEN_ROUTES


def test_declared_groups_are_unique_and_used(
    make_service: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_GRPC_PORT", "1")  # gRPC methods are routes, too
    app = make_service()
    declared = [name for capability in capabilities().values() for name in capability.groups]
    assert len(set(declared)) == len(declared)
    endpoints = {endpoint for _, endpoint, _ in routes(app)}
    names = endpoints | {endpoint.rpartition(".")[0] for endpoint in endpoints}
    assert {f"{PREFIX}{name}" for name in declared} <= names
    values = {
        group for capability in capabilities().values() for group in capability.groups.values()
    }
    assert values <= {*GROUPS, OPEN}


def test_protected_routes_require_a_token(app: Flask) -> None:
    client, installed = app.test_client(), authorization(app)
    refused = 0
    for rule, endpoint, _ in routes(app):
        for method in METHODS:
            response = client.open(example_path(rule), method=method)
            response.close()  # a file
            if installed.group_of(endpoint) == OPEN and method in {"GET", "HEAD"}:
                assert response.status_code in {200, 404}, (method, rule)
            elif method not in {"GET", "HEAD", "OPTIONS"} or installed.group_of(endpoint) != OPEN:
                assert response.status_code == 401, (method, rule)
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
                refused += 1
    assert refused > 150


def test_each_route_requires_its_group_only(app: Flask, signer: Signer) -> None:
    client, installed = app.test_client(), authorization(app)
    for rule, endpoint, methods in routes(app):
        group = installed.group_of(endpoint)
        if group == OPEN:
            continue
        others = signer.headers(groups=[name for name in GROUPS if name != group])
        own = signer.headers(groups=[group])
        for method in methods - {"OPTIONS"}:
            response = client.open(example_path(rule), method=method, headers=others)
            assert response.status_code == 403, (method, rule)
            challenge = response.headers["WWW-Authenticate"]
            assert 'error="insufficient_scope", ' in challenge
            assert f'scope="{group}"' in challenge
            response = client.open(example_path(rule), method=method, headers=own)
            may_be_403 = group in {"admin", "feedback"}  # until the operator allows them
            assert response.status_code != 401, (method, rule)
            assert response.status_code != 403 or may_be_403, (method, rule, response.text)


def test_unknown_paths_require_a_token(client: FlaskClient, signer: Signer) -> None:
    for path in ("/nothing", "/score/", "/v2/nothing", "/invocations/", "/tasks/", "/SCORE"):
        assert client.get(path).status_code == 401, path
    assert client.get("/nothing", headers=signer.headers()).status_code == 404
    assert client.put("/score", headers=signer.headers()).status_code == 405


def test_404_lists_the_callers_targets_only(client: FlaskClient, signer: Signer) -> None:
    response = client.get("/nothing", headers=signer.headers(targets=["score"]))
    assert response.get_json()["detail"].endswith("targets: /score")


def test_custom_routes_require_the_admin_group(
    signer: Signer, make_service: Callable[[], Flask]
) -> None:
    app = make_service()
    names = ("mine", "health", "docs", "page", "score", "tasks")  # names of blueprints, too
    for name in names:
        app.add_url_rule(f"/own/{name}", name, lambda: "mine")
    client = app.test_client()
    others = signer.headers(groups=[group for group in GROUPS if group != "admin"])
    for name in names:
        assert client.get(f"/own/{name}").status_code == 401, name
        assert client.get(f"/own/{name}", headers=others).status_code == 403, name
        admin = signer.headers(groups=["admin"])
        assert client.get(f"/own/{name}", headers=admin).text == "mine"


def test_unknown_group_grants_nothing(client: FlaskClient, signer: Signer) -> None:
    for groups in (["everything"], ["*"], ["open"], "predict,docs", [], None):
        headers = signer.headers(groups=groups)
        assert client.post("/score", json={"x": 1}, headers=headers).status_code == 403, groups


def test_client_cannot_pose_as_the_service_itself(client: FlaskClient) -> None:
    for name in (INTERNAL, "Mmf-Internal", "mmf_internal", "mmf.task"):
        response = client.post("/score", json={"x": 1}, headers={name: "1"})
        assert response.status_code == 401


def test_preflight_response_is_the_same_for_every_path(
    signer: Signer, make_service: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "https://app.example.com"
    monkeypatch.setenv("MMF_CORS_ORIGINS", page)
    client = make_service().test_client()
    headers = {
        "Origin": page,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    responses = set()
    for path in ("/score", "/nothing", "/rollout"):
        response = client.options(path, headers=headers)
        allowed = response.headers["Access-Control-Allow-Headers"]
        assert "authorization" in allowed
        responses.add((response.status_code, response.data, allowed))
    assert responses == {(204, b"", "authorization, content-type")}
    call = client.post("/score", json={"x": 1}, headers={"Origin": page, **signer.headers()})
    assert call.headers["Access-Control-Allow-Origin"] == page


def test_service_without_keys_needs_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MMF_TOKEN_KEYS", "MMF_API_KEYS", "MMF_RATE_LIMIT"):
        monkeypatch.delenv(name, raising=False)
    registry = mmf.Registry()
    registry.target(returns=mmf.Float())(_half)
    app = create_app(registry)
    assert "-access" not in app.blueprints
    client = app.test_client()
    assert client.post("/_half", json={"x": 3}).get_json() == {"result": 1.5}
    document = client.get("/openapi.json").get_json()
    assert "securitySchemes" not in document["components"]
    assert "security" not in document
    assert "401" not in document["paths"]["/_half"]["post"]["responses"]
    assert "<form" in client.get("/").text
    assert_problem(client.get("/nothing"), 404)


NUMBER = mmf.Float()


def _half(x: Any = NUMBER) -> Any:
    return x / 2
