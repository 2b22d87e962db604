"""The settings of tokens, API keys and rate limits."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import SettingsGroup, setting
from ..web.project_metadata import read_metadata
from .api_keys import ApiKey, read_api_keys
from .key_set import read_public_keys
from .rates import Rate, parse_rate
from .sources import Source, source_of
from .tokens import read_revoked

_REDIS = ("redis://", "rediss://", "redis+unix://", "redis+sentinel://", "redis+cluster://")


def _public_keys(text: str) -> Source[dict[str, bytes]]:
    return source_of(text, read_public_keys)


def _api_keys(text: str) -> Source[list[ApiKey]]:
    return source_of(text, read_api_keys)


def _revoked(text: str) -> Source[frozenset[str]]:
    return source_of(text, read_revoked, must_be_file=True)


def _redis(text: str) -> str:
    if not text.startswith(_REDIS):
        raise ValueError(f"expected the URL of a Redis server, one of {', '.join(_REDIS)}")
    return text


@dataclass(frozen=True, eq=False)
class AccessSettings(SettingsGroup):
    """Who may call the service, and how often; without these everybody may, without a limit.

    `audience` is whom a token has to be for: by default the project, by its name. `redis` keeps
    the counts of several machines; without it they are of one.
    """

    token_keys: Source[dict[str, bytes]] | None = setting("MMF_TOKEN_KEYS", None, _public_keys)
    token_audience: str = setting("MMF_TOKEN_AUDIENCE", "", str)
    revoked: Source[frozenset[str]] | None = setting("MMF_TOKEN_REVOKED", None, _revoked)
    api_keys: Source[list[ApiKey]] | None = setting("MMF_API_KEYS", None, _api_keys)
    rate: Rate | None = setting("MMF_RATE_LIMIT", None, parse_rate)
    redis: str = setting("MMF_RATE_LIMIT_REDIS", "", _redis)

    @property
    def needs_token(self) -> bool:
        """Whether callers have to say who they are."""
        return self.token_keys is not None or self.api_keys is not None

    @property
    def is_on(self) -> bool:
        """Whether anybody may be refused."""
        return self.needs_token or self.rate is not None

    @property
    def audience(self) -> str:
        """Whom a token has to be for."""
        return audience_of(self.token_audience)


def audience_of(chosen: str) -> str:
    """Return whom tokens are for: who was chosen, else the project."""
    return chosen or read_metadata().name or "mmf"
