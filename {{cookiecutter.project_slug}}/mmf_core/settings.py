"""What an operator may change, each by one environment variable, all of them here.

`gunicorn.conf.py` has the server's own; docs/settings.md lists both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from .errors import SettingError

T = TypeVar("T")
MIB = 1024 * 1024
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+")  # RFC 6454, 6.2


def _mebibytes(text: str) -> int:
    size = float(text)
    if not 0 < size < float("inf"):
        raise ValueError("give a positive number of MiB")
    return int(size * MIB)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError("give seconds, 0 or more")
    return seconds


def _timeout(text: str) -> float:
    if not (seconds := _seconds(text)):
        raise ValueError("give more than 0 seconds")
    return seconds


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(one.strip().rstrip("/").lower() for one in text.split(",") if one.strip())
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin} is no origin; give https://host or https://host:port, or *")
    return origins


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"give one of {', '.join(choices)}")
        return text.lower()

    return parse


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError("give 1 for on or 0 for off")
    return text == "1"


def _setting(variable: str, default: T, parse: Callable[[str], T]) -> T:
    value: T = field(default=default, metadata={"variable": variable, "parse": parse})
    return value


@dataclass(frozen=True)
class Settings:
    """The values in force; sizes in bytes (the variables take MiB: 50 is 52,428,800 bytes).

    `timeout` 0 means that calls have no deadline unless their target sets one; `reload_seconds` 0
    that only SIGHUP makes the service look for a new version; `max_rss` None that memory is not
    looked at.
    """

    max_body: int = _setting("MMF_MAX_BODY_MIB", 50 * MIB, _mebibytes)
    max_decompressed: int = _setting("MMF_MAX_DECOMPRESSED_MIB", 100 * MIB, _mebibytes)
    max_artifact: int = _setting("MMF_MAX_ARTIFACT_MIB", 10 * MIB, _mebibytes)
    artifacts: str = _setting("MMF_ARTIFACTS", "", str)
    cache: str = _setting("MMF_CACHE", "", str)
    max_cache: int = _setting("MMF_MAX_CACHE_MIB", 10240 * MIB, _mebibytes)
    store_timeout: float = _setting("MMF_STORE_TIMEOUT", 10.0, _timeout)
    timeout: float = _setting("MMF_TIMEOUT", 0.0, _seconds)
    abandoned_call_timeout: float = _setting("MMF_ABANDONED_CALL_TIMEOUT", 30.0, _seconds)
    csv_escape: bool = _setting("MMF_CSV_ESCAPE", False, _switch)
    log_level: str = _setting("MMF_LOG_LEVEL", "info", _choice("debug", "info", "warning", "error"))
    log_format: str = _setting("MMF_LOG_FORMAT", "auto", _choice("auto", "json", "text"))
    fast_sklearn: bool = _setting("MMF_FAST_SKLEARN", True, _switch)
    warm_up: bool = _setting("MMF_WARM_UP", True, _switch)
    reload_seconds: float = _setting("MMF_RELOAD_SECONDS", 0.0, _seconds)
    drain_seconds: float = _setting("MMF_DRAIN_SECONDS", 5.0, _seconds)
    max_rss: int | None = _setting("MMF_MAX_RSS_MIB", None, _mebibytes)
    client_timeout: float = _setting("MMF_CLIENT_TIMEOUT", 30.0, _timeout)
    cors_origins: tuple[str, ...] = _setting("MMF_CORS_ORIGINS", (), _origins)
    mlflow_strict: bool = _setting("MMF_MLFLOW_STRICT", False, _switch)
    ui: bool = _setting("MMF_UI", True, _switch)
    allow_pickle: bool = _setting("MMF_ALLOW_PICKLE", True, _switch)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read every variable that is set; SettingError names the first that cannot be used."""
        values: dict[str, Any] = {}
        for item in fields(cls):
            variable = item.metadata["variable"]
            if text := environ.get(variable, "").strip():
                try:
                    values[item.name] = item.metadata["parse"](text)
                except ValueError as error:
                    raise SettingError(f"{variable}={text!r} cannot be used: {error}") from error
        return cls(**values)
