"""Signed tokens for tests."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mmf_core.access.key_set import key_id
from mmf_core.web.authorization import GROUPS

AUDIENCE = "wines"
HOUR = 3600


@dataclass(frozen=True)
class Signer:
    """A private key, and the file of public keys."""

    key: Ed25519PrivateKey
    file: Path

    @property
    def public(self) -> bytes:
        """The raw bytes of the public key."""
        return self.key.public_key().public_bytes_raw()

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return the claims of a token with all rights; claims that are None are left out."""
        now = int(time.time())
        claims = {
            "sub": "ci",
            "aud": AUDIENCE,
            "exp": now + HOUR,
            "nbf": now,
            "jti": "one",
            "targets": ["*"],
            "groups": list(GROUPS),
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, headers: dict[str, Any] | None = None, **changed: Any) -> str:
        """Return a token with these claims."""
        header = {"kid": key_id(self.public), **(headers or {})}
        return jwt.encode(self.claims(**changed), self.key, algorithm="EdDSA", headers=header)

    def headers(self, **changed: Any) -> dict[str, str]:
        """Return the HTTP header with a token of these claims."""
        return bearer(self.token(**changed))


def bearer(token: str) -> dict[str, str]:
    """Return the HTTP header with a token."""
    return {"Authorization": f"Bearer {token}"}
