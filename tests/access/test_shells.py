"""Open routes of a service with tokens reveal no targets; OpenAPI has the security scheme."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from signing import Signer

from mmf_core.page.files import ALL_FILES, FILES
from mmf_core.page.translations import LANGUAGES
from mmf_core.tasks.service import TaskService
from mmf_core.web.authorization import OPEN, authorization

SECRETS = ("score", "score2", "wide", "secret_column", "a secret of score2")
MAX_FORM_SIZE = 20_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_token_form_reveals_no_targets(client: FlaskClient, language: str) -> None:
    page = client.get(f"/?lang={language}")
    assert page.status_code == 200
    assert not any(word in page.text for word in SECRETS)
    field = re.search(r"<input[^>]*>", page.text)
    assert field
    assert 'type="password"' in field[0]
    assert "name=" not in field[0]  # never submitted in a form
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    files = sum(len(ALL_FILES[name][0]) for name in ("token.js", "page.css", "icon.svg"))
    assert len(page.data) + files < MAX_FORM_SIZE
    assert client.get(f"/?lang={language}", headers={"If-None-Match": page.headers["ETag"]})


def test_static_files_and_docs_reveal_no_targets(client: FlaskClient) -> None:
    (version,) = set(re.findall(r"static/(\w+)/", client.get("/").text))
    addresses = [f"/static/{version}/{name}" for name in ALL_FILES]
    for address in (*addresses, "/docs", "/docs/start.js", "/docs/start.css", "/docs/colours.js"):
        response = client.get(address)
        assert response.status_code == 200, address
        assert not any(word in response.text for word in SECRETS[1:])
        assert "localStorage" not in response.text
        assert "sessionStorage" not in response.text
        assert "document.cookie" not in response.text
    assert set(ALL_FILES) - set(FILES) == {"panels.js", "token.js"}


def test_page_content_needs_a_token(client: FlaskClient, signer: Signer) -> None:
    headers = signer.headers(groups=["docs"])
    page = client.get("/page/content?lang=ru", headers=headers)
    assert page.status_code == 200
    assert all(word in page.text for word in SECRETS)
    assert "Выполнить" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_openapi_has_the_security_scheme(client: FlaskClient, signer: Signer) -> None:
    document = client.get("/openapi.json", headers=signer.headers()).get_json()
    OpenAPIV31SpecValidator(document).validate()
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert document["security"] == [{"token": []}]
    installed, app = authorization(client.application), client.application
    open_paths = {
        rule.rule for rule in app.url_map.iter_rules() if installed.group_of(rule.endpoint) == OPEN
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in open_paths:
                assert operation["security"] == []
                assert "401" not in operation["responses"]
            else:
                assert "security" not in operation
                assert {"401", "403", "429"} <= operation["responses"].keys(), path
    for path, name in (
        ("/score", "Problem"),
        ("/invocations/score", "MLflow"),
        ("/v2/models/score/infer", "V2Error"),
        ("/tasks", "Problem"),
        ("/metrics", "Problem"),
    ):
        operation = next(iter(document["paths"][path].values()))
        assert operation["responses"]["401"]["$ref"] == f"#/components/responses/{name}401"
        headers = {
            status: set(document["components"]["responses"][f"{name}{status}"]["headers"])
            for status in (401, 403, 429)
        }
        assert headers == {
            401: {"X-Request-ID", "WWW-Authenticate"},
            403: {"X-Request-ID", "WWW-Authenticate"},
            429: {"X-Request-ID", "Retry-After"},
        }


def test_probes_reveal_no_targets(client: FlaskClient) -> None:
    registry = TaskService.of(client.application).registry
    registry.remarks.append(lambda: "score fails")
    assert client.get("/health/ready").get_json() == {"ready": True}
    registry.pending_warmups["score"] = "score fails on its example"
    for path in ("/health/ready", "/health", "/ping", "/v2/health/ready"):
        response = client.get(path)
        assert response.status_code == 503
        assert "score" not in response.text


def test_error_of_an_open_route_reveals_no_targets(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmf_core.swagger_ui.routes._folder", lambda: "/nowhere")
    response = client.get("/docs/swagger-ui.css")
    assert response.status_code == 404
    assert not any(word in response.text for word in SECRETS)


def test_refusals_have_the_error_shape_of_their_protocol(client: FlaskClient) -> None:
    body = client.post("/invocations/score").get_json()
    assert set(body) == {"error_code", "message", "sqlstate", "error_class"}
    assert body["error_code"] == "UNAUTHENTICATED"
    assert list(client.get("/v2/models").get_json()) == ["error"]
    assert client.get("/tasks").get_json()["title"] == "Unauthorized"


def test_page_and_docs_are_open_without_keys(
    signer: Signer, make_service: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    del signer
    monkeypatch.delenv("MMF_TOKEN_KEYS")
    client = make_service().test_client()
    assert "<form" in client.get("/").text
    assert "token.js" not in client.get("/").text
    assert "SwaggerUIBundle({\n  url" in client.get("/docs/start.js").text
    assert "<form" not in client.get("/docs").text
