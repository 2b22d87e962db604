"""What /openapi.json says of tokens is so: schemathesis with a token, and without a good one."""

import json
import time
from typing import Any

import jwt
import pytest
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import Phase, settings
from schemathesis.config import SchemathesisConfig

import mmf_core as mmf
from mmf_core.access.key_set import public_jwk
from mmf_core.web import create_app
from mmf_core.web.authorization import GROUPS

KEY = Ed25519PrivateKey.generate()
PHASES = [Phase.explicit, Phase.generate]
CONFIG = {
    "headers": {"Accept-Encoding": "identity"},
    "generation": {"deterministic": True, "database": "none", "max-examples": 3},
}
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


@pytest.fixture
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give the schema that a caller of `half` sees."""
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
    return schemathesis.openapi.from_wsgi(
        "/openapi.json",
        app,
        config=SchemathesisConfig.from_dict(CONFIG),
        headers={"Authorization": f"Bearer {token()}"},
    )


schema = schemathesis.pytest.from_fixture("service").exclude(path_regex="^/(task|log/)$")


@schema.parametrize()
@settings(phases=PHASES)
def test_each_route_does_what_the_document_says_of_tokens(case: Any) -> None:
    """The check `ignored_auth` calls it again without the token, and with another one."""
    assert "hidden" not in case.path
    response = case.call(headers={"Authorization": f"Bearer {token()}"})
    assert response.status_code != 401
    case.validate_response(response)
    for headers in ({"Authorization": "Bearer a.b.c"}, {"Authorization": ""}):
        refused = case.call(headers=headers)
        is_open = case.operation.definition.raw.get("security") == []
        assert (refused.status_code == 401) != is_open
        case.validate_response(refused, excluded_checks=NOT_OF_A_REFUSAL)


NOT_OF_A_REFUSAL = [
    schemathesis.checks.CHECKS.get_one(name)
    for name in ("positive_data_acceptance", "negative_data_rejection", "ignored_auth")
]
