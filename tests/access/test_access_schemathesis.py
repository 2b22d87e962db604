"""Schemathesis checks what /openapi.json says about tokens, with and without a valid one."""

import json
import time
from typing import Any

import jwt
import pytest
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import Phase, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks as openapi_checks

import mmf_core as mmf
from mmf_core.access.key_set import public_jwk
from mmf_core.web import create_app
from mmf_core.web.authorization import GROUPS

KEY = Ed25519PrivateKey.generate()
PHASES = [Phase.explicit, Phase.generate]
RESPONSE_CHECKS = [
    schemathesis.checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]
NUMBER = mmf.Float()


def token() -> str:
    claims = {
        "sub": "schemathesis",
        "aud": "mmf",
        "exp": int(time.time()) + 3600,
        "targets": ["half"],
        "groups": list(GROUPS),
    }
    return jwt.encode(claims, KEY, algorithm="EdDSA")


CONFIG = {
    "headers": {"Accept-Encoding": "identity"},
    "generation": {"deterministic": True, "database": "none", "max-examples": 1},
}


class WithToken:
    """Adds a token to each request, or the content of its header X-Token."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._token = f"Bearer {token()}"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["HTTP_AUTHORIZATION"] = environ.pop("HTTP_X_TOKEN", self._token)
        return self._app(environ, start_response)


@pytest.fixture
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the schema that a caller of `half` sees."""
    request.node._nodeid = request.node.nodeid
    registry = mmf.Registry()

    @registry.target(returns=mmf.Float())
    def half(x: Any = NUMBER) -> Any:
        return x / 2

    @registry.target(returns=mmf.Float())
    def hidden(x: Any = NUMBER) -> Any:
        return x

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMF_TASKS_DIR", str(tmp_path_factory.mktemp("tasks")))
        patch.setenv("MMF_TOKEN_AUDIENCE", "mmf")
        keys = json.dumps(public_jwk(KEY.public_key().public_bytes_raw()))
        patch.setenv("MMF_TOKEN_KEYS", keys)
        app = create_app(registry)
    app.wsgi_app = WithToken(app.wsgi_app)  # type: ignore[method-assign]
    return schemathesis.openapi.from_wsgi(
        "/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG)
    )


schema = schemathesis.pytest.from_fixture("service").exclude(path_regex="^/(task|log/)$")


@schema.parametrize()
@settings(phases=PHASES)
@pytest.mark.long
def test_routes_require_tokens_as_documented(case: Any) -> None:
    assert "hidden" not in case.path
    response = case.call()
    assert response.status_code != 401, response.text
    case.validate_response(response, checks=RESPONSE_CHECKS)
    is_open = case.operation.definition.raw.get("security") == []
    for header in ("Bearer a.b.c", ""):
        refused = case.call(headers={"X-Token": header})
        assert is_open or refused.status_code == 401
        case.validate_response(refused, checks=RESPONSE_CHECKS)
