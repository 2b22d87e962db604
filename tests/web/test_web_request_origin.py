"""Cross-site requests from browsers, and disallowed host names."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from mmf_core.errors import SettingError
from mmf_core.probes import probes
from mmf_core.settings import Settings
from mmf_core.web import create_app

HERE = "http://service.example.com:8000"
EVIL = "https://evil.example.com"
SITE = "Sec-Fetch-Site"


@pytest.fixture
def calls() -> list[str]:
    """Return a list that records calls of the target."""
    return []


@pytest.fixture
def make(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., FlaskClient]:
    """Return a function that makes a service with these settings."""

    def make(**variables: str) -> FlaskClient:
        registry = mmf.Registry()

        @registry.target(returns=mmf.String())
        def hello(text: str = mmf.String(default="")) -> str:
            calls.append(text)
            return text

        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return create_app(registry).test_client()

    return make


@pytest.mark.parametrize(
    "headers",
    [
        {SITE: "cross-site"},
        {SITE: "same-site"},
        {SITE: "cross-site", "Origin": HERE},
        {SITE: "unheard-of", "Origin": HERE},
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://service.example.com"},
        {"Origin": f"{HERE}.evil.com"},
        {"Origin": EVIL, "X-Forwarded-Host": "service.example.com"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/hello", "/invocations", "/v2/models/hello/infer", "/nowhere"])
def test_cross_site_request_is_rejected(
    make: Callable[..., FlaskClient], calls: list[str], headers: dict[str, str], path: str
) -> None:
    form = {"text": "a"}
    response = make().post(path, HERE, data=form, headers=headers)
    assert response.status_code == 403
    assert "MMF_CORS_ORIGINS" in response.text
    assert calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SITE: "same-origin", "Origin": HERE},
        {SITE: "same-origin", "Origin": "https://public.example.com"},  # a proxy has changed Host
        {SITE: "same-origin", "Origin": "null"},
        {SITE: "none"},
        {"Origin": HERE},
        {"Origin": HERE.upper()},
        {"Origin": "http://public.example.com", "X-Forwarded-Host": "public.example.com:80"},
        {"Origin": "http://public.example.com", "X-Forwarded-Host": "x, Public.example.com"},
    ],
    ids=str,
)
def test_programs_and_same_origin_pages_are_allowed(
    make: Callable[..., FlaskClient], calls: list[str], headers: dict[str, str]
) -> None:
    response = make().post("/hello", HERE, data={"text": "a"}, headers=headers)
    assert (response.status_code, calls) == (200, ["a"])


def test_default_port_is_normalized(make: Callable[..., FlaskClient]) -> None:
    for host in ("x.example.com", "x.example.com:80"):
        headers = {"Host": host, "Origin": "http://x.example.com"}
        assert make().post("/hello", headers=headers).status_code == 200


@pytest.mark.parametrize("origins", ["https://evil.example.com", "*"])
def test_allowed_cors_origin_is_accepted(make: Callable[..., FlaskClient], origins: str) -> None:
    client = make(MMF_CORS_ORIGINS=origins)
    headers = {SITE: "cross-site", "Origin": EVIL}
    assert client.post("/hello", HERE, headers=headers).status_code == 200
    status = client.post("/hello", HERE, headers={**headers, "Origin": "http://x"}).status_code
    assert status == (200 if origins == "*" else 403)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_cross_site_links_work(make: Callable[..., FlaskClient], method: str) -> None:
    headers = {SITE: "cross-site", "Origin": EVIL}
    assert make().open("/", HERE, method=method, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/hello", "/openapi.json", "/nowhere", "/v2"])
def test_disallowed_host_is_rejected(make: Callable[..., FlaskClient], path: str) -> None:
    client = make(MMF_ALLOWED_HOSTS="api.example.com, .svc.cluster.local")
    for host in ("evil.example.com", "", "api.example.com.evil", "xapi.example.com", "a b", "1"):
        response = client.get(path, environ_overrides={"HTTP_HOST": host})
        assert response.status_code == 421
        assert "MMF_ALLOWED_HOSTS" in response.text
        forged = {"HTTP_HOST": host, "HTTP_X_FORWARDED_HOST": "api.example.com"}
        assert client.get(path, environ_overrides=forged).status_code == 421


@pytest.mark.parametrize(
    "host",
    [
        *("api.example.com", "API.example.com:8000", "a.b.svc.cluster.local", "svc.cluster.local"),
        *("10.1.2.3:8000", "127.0.0.1", "[::1]:8000", "[fd00::1]"),
    ],
)
def test_allowed_hosts_and_ip_addresses_are_served(
    make: Callable[..., FlaskClient], host: str
) -> None:
    client = make(MMF_ALLOWED_HOSTS="api.example.com, .svc.cluster.local")
    assert client.get("/", environ_overrides={"HTTP_HOST": host}).status_code == 200


def test_health_checks_accept_any_host(make: Callable[..., FlaskClient]) -> None:
    client = make(MMF_ALLOWED_HOSTS="api.example.com")
    for path in probes():
        response = client.get(path, environ_overrides={"HTTP_HOST": "evil.example.com"})
        assert response.status_code == 200


@pytest.mark.parametrize("text", ["https://api.example.com", "*", "a:80", "a..b", "a/b", "."])
def test_invalid_host_names_are_rejected(text: str) -> None:
    with pytest.raises(SettingError, match="MMF_ALLOWED_HOSTS"):
        Settings.from_env({"MMF_ALLOWED_HOSTS": text})


def test_redirects_do_not_use_the_host_header(make: Callable[..., FlaskClient]) -> None:
    client = make()
    client.application.add_url_rule("/authors/", view_func=lambda: "the author's own")
    for path in ("", "/authors", "//evil.example.com/..", "/hello/", "/docs/"):
        environ = {"PATH_INFO": path, "HTTP_HOST": "evil.example.com"}
        response = client.get("/", environ_overrides=environ)
        assert response.status_code == (200 if path == "" else 404)
        assert "Location" not in response.headers
        assert ("evil.example.com" in response.text) == path.startswith("//")
