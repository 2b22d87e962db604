"""Public keys of Ed25519, as a JSON Web Key Set (RFC 7517, RFC 8037) or by themselves."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import Any

_LENGTH = 32  # bytes of a key
_MAX_KEYS = 100
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def read_public_keys(text: str) -> dict[str, bytes]:
    """Return public keys by their ids, from a JWKS, a JWK, or base64url values and commas.

    ValueError for keys of another kind, and for private ones, which no service needs.
    """
    if not text.lstrip().startswith("{"):
        values = [part for part in re.split(r"[\s,]+", text) if part]
        return _checked([(key_id(key), key) for key in map(_raw, values)])
    document = json.loads(text)
    keys = document.get("keys", [document]) if isinstance(document, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ValueError('expected a JWKS: {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": …}]}')
    return _checked([_of_jwk(key) for key in keys])


def key_id(key: bytes) -> str:
    """Return the id of a key that has no other: its thumbprint (RFC 7638, RFC 8037 A.3)."""
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{encode(key)}"}}'
    return encode(hashlib.sha256(members.encode()).digest())


def public_jwk(key: bytes) -> dict[str, str]:
    """Return a public key as a JWK."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": key_id(key),
        "x": encode(key),
    }


def encode(content: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _of_jwk(jwk: dict[str, Any]) -> tuple[str, bytes]:
    if "d" in jwk:
        raise ValueError("expected public keys, got a private one; keep it where tokens are made")
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        kind = f"{jwk.get('kty')} {jwk.get('crv') or ''}".strip()
        raise ValueError(f"expected keys of kty OKP and crv Ed25519, got {kind}")
    key, name = _raw(jwk.get("x")), jwk.get("kid")
    if name is not None and not isinstance(name, str):
        raise ValueError("expected a text as kid")
    return name or key_id(key), key


def _raw(value: Any) -> bytes:
    if not (isinstance(value, str) and _VALUE.fullmatch(value)):
        raise ValueError(
            "expected a file, or public keys of Ed25519 as 43 characters of base64url each"
        )
    try:
        key = base64.urlsafe_b64decode(f"{value}=")
    except binascii.Error:
        key = b""
    if len(key) != _LENGTH:
        raise ValueError(f"expected keys of {_LENGTH} bytes")
    return key


def _checked(keys: list[tuple[str, bytes]]) -> dict[str, bytes]:
    if not 0 < len(keys) <= _MAX_KEYS:
        raise ValueError(f"expected 1 to {_MAX_KEYS} keys, got {len(keys)}")
    by_id = dict(keys)
    if len(by_id) < len(keys):
        raise ValueError("expected each kid once")
    return by_id
