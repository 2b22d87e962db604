"""What gunicorn's master does before the application is loaded."""

from __future__ import annotations

import logging

from .settings import AccessSettings, api_keys, public_keys
from .shared_counters import shared_counters

_log = logging.getLogger("mmf.start")


def prepare() -> None:
    """Log what callers need, and make the counts that all workers will share."""
    settings = AccessSettings.from_env()
    if not settings.needs_token:
        _log.warning(
            "open: any client that reaches the port can call everything (set MMF_TOKEN_KEYS)"
        )
    if settings.token_keys:
        number = len(public_keys(settings.token_keys).value())
        _log.info("tokens for %s are accepted, by keys: %d", settings.audience, number)
    elif settings.revoked:
        _log.warning("MMF_TOKEN_REVOKED ignored: no tokens are accepted (set MMF_TOKEN_KEYS)")
    if settings.api_keys:
        _log.info("API keys are accepted: %d", len(api_keys(settings.api_keys).value()))
    if settings.is_on:
        shared_counters()
