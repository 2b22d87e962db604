"""The settings of cross-origin requests."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..settings import SettingsGroup, setting

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+")  # RFC 6454, 6.2


def _origins(text: str) -> tuple[str, ...]:
    parts = (part.strip().rstrip("/").lower() for part in text.split(","))
    origins = tuple(part for part in parts if part)
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"expected https://host, https://host:port or *, got {origin}")
    return origins


@dataclass(frozen=True)
class CorsSettings(SettingsGroup):
    """`origins`: those whose pages may call the service."""

    origins: tuple[str, ...] = setting("MMF_CORS_ORIGINS", (), _origins)
