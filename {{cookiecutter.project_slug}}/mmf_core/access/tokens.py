"""Tokens: JWT with EdDSA (RFC 7519, RFC 8037), verified offline."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from ..packages import OptionalDependency
from .callers import TokenCaller, is_name, scope_of_targets
from .errors import Unauthorized, invalid_token
from .rates import parse_rate
from .sources import Source

ALGORITHM = "EdDSA"
MAX_TOKEN = 4096
"""Characters of a token."""
_REQUIRED = ["exp", "sub", "aud"]
_COMMENT = re.compile(r"(?:^|\s)#.*")
_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class _Packages(OptionalDependency):
    requires = {"jwt": "pyjwt", "cryptography": "cryptography"}  # noqa: RUF012 - read only


PACKAGES = _Packages()


class Keys:
    """Public keys by id; what was verified with them is kept by their identity."""

    def __init__(self, raw: dict[str, bytes]) -> None:
        # an optional package
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        self.raw = raw
        self.by_id = {name: Ed25519PublicKey.from_public_bytes(key) for name, key in raw.items()}


class TokenVerifier:
    """Verifies tokens for an audience; the files of keys and of revoked tokens may change."""

    def __init__(
        self,
        keys: Source[dict[str, bytes]],
        audience: str,
        revoked: Source[frozenset[str]] | None = None,
    ) -> None:
        PACKAGES.require("MMF_TOKEN_KEYS")
        self._source, self._revoked, self._audience = keys, revoked, audience
        self._keys = Keys(keys.value())

    def verify(self, token: str) -> TokenCaller:
        """Return the caller that sent a token; Unauthorized if it is not valid."""
        raw = self._source.value()
        if raw is not self._keys.raw:
            self._keys = Keys(raw)
        caller = _verified(self._keys, self._audience, token)
        if caller.expires is not None and caller.expires <= time.time():
            raise _no_longer(caller, "it has expired")
        if self._revoked and caller.token_id in self._revoked.value():
            raise _no_longer(caller, "it was revoked")
        return caller


def _no_longer(caller: TokenCaller, reason: str) -> Unauthorized:
    """Return the error of a token whose caller is known."""
    error = invalid_token(reason)
    error.log_fields = caller.log_fields
    return error


@lru_cache(maxsize=1024)  # of valid tokens only: no others can fill it
def _verified(keys: Keys, audience: str, token: str) -> TokenCaller:
    """Return the caller that sent a token that is valid now; a signature takes 0.2 ms to check."""
    import jwt  # an optional package

    if len(token) > MAX_TOKEN:
        raise invalid_token(f"it has more than {MAX_TOKEN} characters")
    if not _SHAPE.fullmatch(token):
        raise invalid_token("it is neither a JWT nor an API key")
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM:
            raise invalid_token(f"expected alg {ALGORITHM}")
        if "crit" in header:  # RFC 7515, 4.1.11: nothing of it is understood here
            raise invalid_token("its header has crit")
        claims = _decoded(keys, audience, token, header.get("kid"))
    except jwt.ExpiredSignatureError:
        raise invalid_token("it has expired") from None
    except jwt.ImmatureSignatureError:
        raise invalid_token("it is not valid yet") from None
    except jwt.InvalidAudienceError:
        raise invalid_token("it is for another audience") from None
    except jwt.MissingRequiredClaimError as error:
        raise invalid_token(f"it has no {error.claim}") from None
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
        raise invalid_token("it cannot be verified") from None
    return _caller(claims)


def _decoded(keys: Keys, audience: str, token: str, name: Any) -> dict[str, Any]:
    """Return the claims; the key is the one that the token names, else any."""
    import jwt  # an optional package

    if name is None:
        candidates = [*keys.by_id.values()]
    elif isinstance(name, str) and name in keys.by_id:
        candidates = [keys.by_id[name]]
    else:
        raise invalid_token("no key has its kid")
    decode: Callable[[Any], dict[str, Any]] = partial(
        jwt.decode,
        token,
        algorithms=[ALGORITHM],
        audience=audience,
        options={"require": _REQUIRED, "verify_iat": False},
    )
    *others, last = candidates
    for key in others:
        with suppress(jwt.InvalidSignatureError):
            return decode(key)
    return decode(last)


def _caller(claims: dict[str, Any]) -> TokenCaller:
    """Return the caller that claims describe; what they do not name is not allowed."""
    name, token_id, rate = claims["sub"], claims.get("jti", ""), claims.get("rate")
    if not is_name(name) or not (token_id == "" or is_name(token_id)):
        raise invalid_token("expected sub and jti of 1 to 200 printable characters")
    try:
        own_rate = None if rate is None else parse_rate(rate)
        expires = float(claims["exp"])
    except (TypeError, ValueError, OverflowError):
        raise invalid_token("expected exp as a number, and rate as 100/minute") from None
    return TokenCaller(
        name=name,
        targets=scope_of_targets(_names(claims, "targets")),
        groups=frozenset(_names(claims, "groups")),
        rate=own_rate,
        token_id=token_id,
        expires=expires,
        claims=claims,
    )


def _names(claims: dict[str, Any], claim: str) -> list[str]:
    """Return the names in a claim: a list of texts, or one text; never a text of several names."""
    value = claims.get(claim, [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise invalid_token(f"expected {claim} as a list of names")
    return names


def read_revoked(text: str) -> frozenset[str]:
    """Return the ids of revoked tokens: one a line, with comments.

    A # begins a comment at the beginning of a line or after white space; an id may have others.
    """
    lines = (_COMMENT.sub("", line).strip() for line in text.splitlines())
    return frozenset(line for line in lines if line)
