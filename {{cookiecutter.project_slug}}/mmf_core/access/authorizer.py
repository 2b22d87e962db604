"""Access: one decision for every route, from the headers or metadata of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from . import errors
from .api_keys import PREFIX, caller_of
from .callers import TokenCaller
from .rate_limiter import Quota, RateLimiter
from .rates import parse_rate
from .settings import AccessSettings, api_keys, public_keys, revoked_tokens
from .tokens import TokenVerifier

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, 2.1
_OF_IPV6 = 8  # bytes of an address that one customer has


class Admission(NamedTuple):
    """The caller of a request, and what is left of its rate."""

    caller: TokenCaller
    quota: Quota | None


class TokenAuthorizer:
    """Decides by the token of a request, and counts the requests of each caller."""

    def __init__(self, settings: AccessSettings) -> None:
        self.needs_token = settings.needs_token
        self._api_keys = api_keys(settings.api_keys) if settings.api_keys else None
        revoked = revoked_tokens(settings.revoked) if settings.revoked else None
        self._tokens = (
            TokenVerifier(public_keys(settings.token_keys), settings.audience, revoked)
            if settings.token_keys
            else None
        )
        rate = parse_rate(settings.rate_limit) if settings.rate_limit else None
        self._limiter = RateLimiter(rate, settings.redis)

    def check(
        self, metadata: Mapping[str, str], group: str | None, *, address: str = ""
    ) -> TokenCaller:
        """Return the caller, if it may call a route of a group; see `web.authorization`."""
        caller = self._authenticate(metadata, address)
        if group is not None:
            caller.check_group(group)
        return caller

    def admit(
        self,
        metadata: Mapping[str, str],
        group: str | None,
        target: str | None = None,
        *,
        address: str = "",
    ) -> Admission:
        """Count a request, and return its caller and what is left of the caller's rate.

        AccessError if the caller may not call a route of this group, or reach the target that the
        address names. None as the group is for what no route serves.
        """
        caller = self._authenticate(metadata, address)
        quota = self._limiter.count(caller)
        if group is not None:
            caller.check_group(group)
        if target is not None:
            caller.check_target(target)
        return Admission(caller, quota)

    def _authenticate(self, metadata: Mapping[str, str], address: str) -> TokenCaller:
        """Return the caller; without tokens that is an address."""
        if not self.needs_token:
            return TokenCaller(f"address {_network(address)}")
        header = metadata.get("authorization", "")
        if not header:
            raise errors.missing_token()
        if "," in header:  # RFC 9110, 5.3: two of them arrive as one
            raise errors.malformed("expected one Authorization header with one token")
        scheme, _, token = header.strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer":
            raise errors.missing_token()
        if not _TOKEN.fullmatch(token):
            raise errors.malformed("expected Authorization: Bearer, and the token after a space")
        if token.startswith(PREFIX):
            return caller_of(token, self._api_keys.value() if self._api_keys else [])
        if self._tokens is None:
            raise errors.unknown_api_key()
        return self._tokens.verify(token)


def _network(address: str) -> str:
    """Return what counts as one caller: an address, or the network of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped) if parsed.ipv4_mapped else parsed.packed[:_OF_IPV6].hex()


def authorizer() -> TokenAuthorizer | None:
    """Return the authorizer by the settings of the environment; None if anyone may call."""
    settings = AccessSettings.from_env()
    return TokenAuthorizer(settings) if settings.is_on else None
