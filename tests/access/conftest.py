"""A service with three targets whose callers need tokens, and a signer of these tokens."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from signing import AUDIENCE, Signer

import mmf_core as mmf
from mmf_core.access.key_set import public_jwk
from mmf_core.web import create_app

NUMBER = mmf.Float()
DESCRIBED = mmf.Float(description="a secret of score2")
TABLE = mmf.DataFrame(schema={"secret_column": float})


@pytest.fixture
def signer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Signer:
    """Return a signer of tokens; the environment has its public key."""
    signer = Signer(Ed25519PrivateKey.generate(), tmp_path / "token-keys.json")
    signer.file.write_text(json.dumps({"keys": [public_jwk(signer.public)]}))
    monkeypatch.setenv("MMF_TOKEN_KEYS", str(signer.file))
    monkeypatch.setenv("MMF_TOKEN_AUDIENCE", AUDIENCE)
    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path / "tasks"))
    monkeypatch.setenv("MMF_FEEDBACK_DIR", str(tmp_path / "feedback"))
    return signer


@pytest.fixture
def make_service() -> Callable[[], Flask]:
    """Return a function that creates a service with `score`, `score2` and `wide`."""

    def make() -> Flask:
        registry = mmf.Registry()

        @registry.target(returns=mmf.Float(), default=True)
        def score(x: Any = NUMBER) -> Any:
            return 2 * x

        @registry.target(returns=mmf.Float())
        def score2(x: Any = DESCRIBED) -> Any:
            return 3 * x

        @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
        def wide(data: Any = TABLE) -> Any:
            return data

        return create_app(registry)

    return make


@pytest.fixture
def client(signer: Signer, make_service: Callable[[], Flask]) -> FlaskClient:
    """Return a client of the service, whose callers need tokens."""
    del signer
    return make_service().test_client()
