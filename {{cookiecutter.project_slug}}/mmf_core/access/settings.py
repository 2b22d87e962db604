"""The settings of tokens, API keys and rate limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..settings import SettingsGroup, setting
from ..web.project_metadata import read_metadata
from .api_keys import ApiKey, read_api_keys
from .key_set import read_public_keys
from .rates import parse_rate
from .sources import Source, source_of
from .tokens import read_revoked

_TOKEN_KEYS, _REVOKED = "MMF_TOKEN_KEYS", "MMF_TOKEN_REVOKED"
_API_KEYS = "MMF_API_KEYS"
_REDIS = ("redis://", "rediss://", "redis+unix://", "redis+sentinel://", "redis+cluster://")


def _checked(read: Callable[[str], Any]) -> Callable[[str], str]:
    """Return a parser that refuses what could not be used when the service runs."""

    def parse(text: str) -> str:
        read(text)
        return text

    return parse


def public_keys(text: str) -> Source[dict[str, bytes]]:
    """Return the keys that verify tokens, which a file or the text itself has."""
    return source_of(_TOKEN_KEYS, text, read_public_keys)


def api_keys(text: str) -> Source[list[ApiKey]]:
    """Return the API keys, which a file or the text itself has."""
    return source_of(_API_KEYS, text, read_api_keys)


def revoked_tokens(text: str) -> Source[frozenset[str]]:
    """Return the ids of revoked tokens, which a file has."""
    return source_of(_REVOKED, text, read_revoked, must_be_file=True)


def _redis(text: str) -> str:
    if not text.startswith(_REDIS):
        raise ValueError(f"expected the URL of a Redis server, one of {', '.join(_REDIS)}")
    return text


@dataclass(frozen=True)
class AccessSettings(SettingsGroup):
    """Tokens, API keys and rates; without these settings anyone may call, as often as they like.

    `audience` is that of tokens: by default the name of the project. `redis` keeps
    the counts of several machines; without it they are of one.
    """

    token_keys: str = setting(_TOKEN_KEYS, "", _checked(public_keys), is_secret=True)
    token_audience: str = setting("MMF_TOKEN_AUDIENCE", "", str)
    revoked: str = setting(_REVOKED, "", _checked(revoked_tokens))
    api_keys: str = setting(_API_KEYS, "", _checked(api_keys), is_secret=True)
    rate_limit: str = setting("MMF_RATE_LIMIT", "", _checked(parse_rate))
    redis: str = setting("MMF_RATE_LIMIT_REDIS", "", _redis, is_secret=True)

    @property
    def needs_token(self) -> bool:
        """Whether a request needs a token."""
        return bool(self.token_keys or self.api_keys)

    @property
    def is_on(self) -> bool:
        """Whether a request may be refused."""
        return bool(self.needs_token or self.rate_limit)

    @property
    def audience(self) -> str:
        """The audience that a token must have."""
        return audience_of(self.token_audience)


def audience_of(chosen: str) -> str:
    """Return the audience of tokens: the chosen one, else the project."""
    return chosen or read_metadata().name or "mmf"
