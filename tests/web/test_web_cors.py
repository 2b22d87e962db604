"""Origins that may call the service from a browser: MMF_CORS_ORIGINS."""

from typing import Any

import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from mmf_core.cors.capability import CorsSettings
from mmf_core.errors import SettingError
from mmf_core.web import create_app

PAGE = "https://app.example.com"


@pytest.fixture
def targets() -> mmf.Registry:
    """Return a target that responds, and one that fails."""
    registry = mmf.Registry()

    @registry.target(returns=mmf.String())
    def hello() -> str:
        return "hello"

    @registry.target(returns=mmf.String())
    def broken() -> str:
        raise RuntimeError

    return registry


@pytest.fixture
def client(targets: mmf.Registry, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Return a client of a service that allows two origins."""
    monkeypatch.setenv("MMF_CORS_ORIGINS", f"{PAGE}/, http://[::1]:3000")
    return create_app(targets).test_client()


def preflight(client: FlaskClient, origin: str) -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-request-id",
    }
    return client.options("/hello", headers=headers)


def allowed(response: Any) -> str | None:
    assert "Access-Control-Allow-Credentials" not in response.headers
    origin: str | None = response.headers.get("Access-Control-Allow-Origin")
    return origin


def test_no_origin_is_allowed_by_default(targets: mmf.Registry) -> None:
    client = create_app(targets).test_client()
    for response in (preflight(client, PAGE), client.post("/hello", headers={"Origin": PAGE})):
        assert not [name for name, _ in response.headers if name.startswith("Access-Control")]
        assert "Origin" not in response.headers.getlist("Vary")


@pytest.mark.parametrize("origin", [PAGE, "http://[::1]:3000"])
def test_configured_origin_is_allowed(client: FlaskClient, origin: str) -> None:
    response = preflight(client, origin)
    assert (response.status_code, response.data) == (200, b"")
    assert allowed(response) == origin
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Headers"] == "content-type, x-request-id"
    assert response.headers["Access-Control-Max-Age"] == "600"
    assert response.headers["X-Request-ID"]
    for path, status in (("/hello", 200), ("/nowhere", 404), ("/broken", 500)):
        response = client.post(path, headers={"Origin": origin})
        assert response.status_code == status
        assert allowed(response) == origin
        assert "X-Request-ID" in response.headers["Access-Control-Expose-Headers"]
        assert "Origin" in response.headers.getlist("Vary")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "null",
        f"{PAGE}.evil.com",
        f"{PAGE}\n",
        "http://app.example.com",
        "https://app-example.com",
        "http://1:3000",
        "http://:3000",
    ],
)
def test_other_origins_are_rejected(client: FlaskClient, origin: str) -> None:
    environ = {"HTTP_ORIGIN": origin}
    for response, status in (
        (client.options("/hello", environ_base=environ), 200),
        (client.post("/hello", environ_base=environ), 403),
    ):
        assert response.status_code == status
        assert allowed(response) is None
        assert "Origin" in response.headers.getlist("Vary"), (
            "a cache must not serve it to other origins"
        )


@pytest.fixture
def small(origins: str, targets: mmf.Registry, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Return a client of a service that allows these origins, with bodies up to a kilobyte."""
    monkeypatch.setenv("MMF_CORS_ORIGINS", origins)
    monkeypatch.setenv("MMF_MAX_BODY_MIB", "0.001")
    return create_app(targets).test_client()


@pytest.mark.parametrize("origins", [PAGE, "*"])
@pytest.mark.parametrize(
    ("path", "media_type", "size", "status"),
    [
        ("/hello", "text/plain", 0, 200),
        ("/nowhere", "text/plain", 0, 404),
        ("/hello", "text/plain", 9_999, 413),
        ("/hello", "image/nonsense", 1, 415),
    ],
)
def test_errors_have_cors_headers(
    small: FlaskClient, origins: str, path: str, media_type: str, size: int, status: int
) -> None:
    """Credentials make no difference; `null` is the origin of a sandboxed page."""
    for origin in (PAGE, "null", "https://evil.example.com"):
        headers = {"Origin": origin, "Cookie": "a=b", "Authorization": "Basic YTpi"}
        response = small.post(path, data=b"x" * size, content_type=media_type, headers=headers)
        is_named = origins == "*" or origin == PAGE
        assert response.status_code == (status if is_named else 403)
        assert allowed(response) == (origins if is_named else None)


def test_private_network_access_is_not_allowed(client: FlaskClient) -> None:
    headers = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }
    response = client.options("/hello", headers=headers)
    assert response.headers.get("Access-Control-Allow-Private-Network") != "true"


def test_responses_without_origin_vary_by_origin(client: FlaskClient) -> None:
    response = client.post("/hello")
    assert allowed(response) is None
    assert "Origin" in response.headers.getlist("Vary")


def test_wildcard_allows_every_origin(
    targets: mmf.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_CORS_ORIGINS", "*")
    client = create_app(targets).test_client()
    assert allowed(preflight(client, PAGE)) == "*"
    assert allowed(client.post("/hello")) == "*"
    assert "Origin" not in client.post("/hello").headers.getlist("Vary")


@pytest.mark.parametrize(
    "text",
    ["app.example.com", f"{PAGE}/path", "https://u:p@host", "null", "https://*.example.com"],
)
def test_invalid_origins_are_rejected(text: str) -> None:
    with pytest.raises(SettingError, match="MMF_CORS_ORIGINS"):
        CorsSettings.from_env({"MMF_CORS_ORIGINS": text})
