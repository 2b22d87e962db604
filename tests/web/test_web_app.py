"""The application matches routes and hosts as Flask does, and keeps Flask's features."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import EnvironBuilder

import mmf_core as mmf
from mmf_core.web import create_app

HOSTS = ["localhost", "a.example:8000", "A.Example:80", "[::1]:8000", "xn--e1afmkfd.рф"]
BROKEN_HOSTS = [
    "",
    " ",
    "a b",
    "a/b",
    "a..b",
    ".",
    "a" * 64 + ".b",
    "пример",
    "a:b",
    "a:99999",
    "@",
]


@pytest.fixture
def app() -> Flask:
    registry = mmf.Registry()

    @registry.target(returns=mmf.Integer())
    def one() -> int:
        return 1

    @registry.target(returns=mmf.Integer())
    def предсказать() -> int:  # noqa: PLC2401
        return 2

    app = create_app(registry)
    app.add_url_rule("/by/<name>", "by_name", lambda name: name)
    app.add_url_rule("/by/fixed", "fixed", lambda: "fixed", methods=["POST"])
    app.add_url_rule("/folder/", "folder", lambda: "folder")
    app.add_url_rule("/given", "given", lambda value: value, defaults={"value": "a"})
    app.add_url_rule("/twice", "first", lambda: "first")
    app.add_url_rule("/twice", "second", lambda: "second")
    app.add_url_rule("/moved", "moved", redirect_to="/one")
    return app


def matched(app: Flask, adapter_of: Any, environ: dict[str, Any]) -> Any:
    """Return the routing result of a request: a route and its values, or an error."""
    request = app.request_class(environ)
    try:
        adapter = adapter_of(app, request)
        rule, values = adapter.match(return_rule=True)
    except HTTPException as error:
        return type(error), error.code, sorted(getattr(error, "valid_methods", None) or [])
    return rule.endpoint, values, adapter.server_name, adapter.build("folder", force_external=True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "post"])
@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "/",
            "/one",
            "//one",
            "///one",
            "/one/",
            "/предсказать",
            "/предсказать%2f",
            "/nothing",
        ),
        *("/by/fixed", "/by/other", "/by/", "/folder", "/folder/", "/given", "/twice", "/moved"),
        *("/health/live", "/invocations/one", "/v2/models/one/infer", "/ONE", "/one%00", "/one "),
    ],
)
def test_routing_matches_flask(app: Flask, method: str, path: str) -> None:
    environ = EnvironBuilder("/", method=method).get_environ()
    environ["PATH_INFO"] = unquote(path).encode().decode("latin-1")
    expected = matched(app, Flask.create_url_adapter, environ)
    for _ in range(2):
        assert matched(app, type(app).create_url_adapter, environ) == expected


@pytest.mark.parametrize("host", [*HOSTS, *BROKEN_HOSTS, None], ids=ascii)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_host_parsing_matches_flask(app: Flask, host: str | None, scheme: str) -> None:
    environ = EnvironBuilder("/one", method="POST").get_environ()
    environ["wsgi.url_scheme"] = scheme
    environ.pop("HTTP_HOST")
    if host is not None:
        environ["HTTP_HOST"] = host.encode().decode("latin-1")
    expected = matched(app, Flask.create_url_adapter, environ)
    for _ in range(2):
        assert matched(app, type(app).create_url_adapter, environ) == expected


@pytest.mark.parametrize(
    ("setting", "value", "status"),
    [
        ("TRUSTED_HOSTS", ["a.example"], 400),
        ("TRUSTED_HOSTS", ["localhost"], 200),
        ("SERVER_NAME", "a.example", 200),
    ],
)
def test_flask_host_settings_apply(app: Flask, setting: str, value: object, status: int) -> None:
    app.config[setting] = value
    assert app.test_client().post("/one").status_code == status


def test_route_added_later_matches() -> None:
    app = create_app(mmf.Registry())
    app.add_url_rule("/first", "first", lambda: "first")
    with app.test_request_context("/first"):
        pass
    app.add_url_rule("/second", "second", lambda: "second")
    client = app.test_client()
    assert [client.get(path).text for path in ("/first", "/second")] == ["first", "second"]


def test_sessions_work(app: Flask) -> None:
    @app.get("/count")
    def count() -> str:
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    assert app.test_client().get("/count").status_code == 500, "Flask requires a key"
    app.secret_key = "a"
    client = app.test_client()
    assert [client.get("/count").text for _ in range(2)] == ["1", "2"]


def test_hook_may_limit_a_request(app: Flask) -> None:
    from flask import request

    @app.before_request
    def limit() -> None:
        request.max_content_length = 3

    client: FlaskClient = app.test_client()
    assert client.post("/предсказать", json={}).status_code == 200
    assert client.post("/предсказать", json={"a": 1}).status_code == 413


def test_request_outside_the_application_has_no_limit(app: Flask) -> None:
    environ = EnvironBuilder("/one", method="POST", data=b"abc").get_environ()
    assert app.request_class(environ).max_content_length is None


async def _asynchronous() -> str:
    return "[]"


@pytest.mark.parametrize("view", [_asynchronous, partial(_asynchronous)])
def test_asynchronous_view_is_wrapped_as_by_flask(
    view: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(mmf.Registry())
    monkeypatch.setattr(app, "async_to_sync", lambda function: [function])
    assert app.ensure_sync(view) == [view]
    for other in (matched, partial(matched), create_app(mmf.Registry()).wsgi_app):
        assert app.ensure_sync(other) is other
