"""Settings: what an operator may change, each by one environment variable.

The core's are here, a capability's in its folder, the server's in gunicorn.conf.py;
docs/settings.md lists them all. A variable MMF_… that nothing reads is an error: a misspelled
limit would be no limit.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Self, TypeVar

from .errors import SettingError

T = TypeVar("T")
MIB = 1024 * 1024
LONGEST = 24 * 60 * 60
"""Seconds: the longest duration of any setting."""
LARGEST = 1_000_000_000
"""MiB: the largest size of any setting."""
MOST = 4096
"""The largest number of streams in a worker."""
PREFIX = "MMF_"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HOST_NAME = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_SERVICE_LINK = re.compile(r"_(SERVICE_HOST|(SERVICE_)?PORT(_[A-Z0-9_]+)?)$")
"""Variables that Kubernetes sets for a service whose name begins with mmf."""
RENAMED = {
    "MMF_CACHE_MB": "MMF_MAX_CACHE_MIB",
    "MMF_MAX_ARTIFACT_MB": "MMF_MAX_ARTIFACT_MIB",
    "MMF_MAX_BODY_MB": "MMF_MAX_BODY_MIB",
    "MMF_MAX_INFLATED_MB": "MMF_MAX_DECOMPRESSED_MIB",
    "MMF_MAX_RSS": "MMF_MAX_RSS_MIB",
    "MMF_STUCK_AFTER": "MMF_ABANDONED_CALL_TIMEOUT",
}
"""Variables of version 0.1, and what they are called now."""
REMOVED = {"MMF_FAST_SKLEARN": "write mmf.fast_path(model) in main.py instead"}
"""Variables of earlier versions that are gone, and what to do."""


def number(text: str) -> float:
    """Read a decimal number; nan for anything else, such as Python's `1_0` and `inf`."""
    return float(text) if _NUMBER.fullmatch(text) else math.nan


def mebibytes(text: str) -> int:
    """Read a size in MiB; return bytes."""
    size = number(text)
    if not 1 / MIB <= size <= LARGEST:
        raise ValueError(f"expected MiB, more than 0 and at most {LARGEST}")
    return int(size * MIB)


def duration(text: str) -> float:
    """Read a duration, which may be 0."""
    seconds = number(text)
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"expected seconds, 0 to {LONGEST}")
    return seconds


def positive_duration(text: str) -> float:
    """Read a duration of more than 0 seconds."""
    if not (seconds := duration(text)):
        raise ValueError(f"expected seconds, more than 0 and at most {LONGEST}")
    return seconds


def count(text: str) -> int:
    """Read a whole number of at least 1."""
    if not (text.isascii() and text.isdecimal() and 1 <= float(text) <= MOST):
        raise ValueError(f"expected a whole number, 1 to {MOST}")
    return int(text)


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a parser of these words, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text.lower()

    return parse


def host_names(text: str) -> tuple[str, ...]:
    """Read names of hosts, separated by commas; one that begins with a dot is all below it."""
    names = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            raise ValueError(f"expected names such as api.example.com or .example.com, got {name}")
    return names


def on_off(text: str) -> bool:
    """Read 1 for on, 0 for off."""
    if text not in ("0", "1"):
        raise ValueError("expected 1 for on or 0 for off")
    return text == "1"


def setting(variable: str, default: T, parse: Callable[[str], T], *, is_secret: bool = False) -> T:
    """Declare a field of a settings group; `parse` raises ValueError for what it cannot use.

    The value of a secret is never shown.
    """
    metadata = {"variable": variable, "parse": parse, "is_secret": is_secret}
    value: T = field(default=default, metadata=metadata)
    return value


class SettingsGroup:
    """Base of dataclasses whose every field is one environment variable."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read every variable that is set; SettingError has a line for each that is unusable."""
        values, problems = cls._parse(environ)
        if problems:
            raise SettingError("\n".join(problems))
        return cls(**values)

    @classmethod
    def problems(cls, environ: Mapping[str, str]) -> list[str]:
        """Return a line for each variable that cannot be used."""
        return cls._parse(environ)[1]

    @classmethod
    def _parse(cls, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        values: dict[str, Any] = {}
        problems: list[str] = []
        for variable, item in cls._items():
            if text := environ.get(variable, "").strip():
                try:
                    values[item.name] = item.metadata["parse"](text)
                except ValueError as error:
                    shown = variable if item.metadata["is_secret"] else f"{variable}={text!r}"
                    problems.append(f"{shown}: {error}")
        return values, problems

    @classmethod
    def variables(cls) -> list[str]:
        """Return the names of the environment variables of this group."""
        return [variable for variable, _ in cls._items()]

    @classmethod
    def _items(cls) -> Iterator[tuple[str, Any]]:
        for item in fields(cls):  # type: ignore[arg-type] # every subclass is a dataclass
            yield item.metadata["variable"], item


@dataclass(frozen=True)
class Settings(SettingsGroup):
    """The current values; sizes are in bytes (the variables are in MiB, of 1,048,576 bytes).

    `timeout` 0: calls have no deadline unless the target has one. `reload_seconds` 0: only SIGHUP
    has the service check for a new version. `max_rss` None: memory is not limited.
    """

    max_body: int = setting("MMF_MAX_BODY_MIB", 50 * MIB, mebibytes)
    max_decompressed: int = setting("MMF_MAX_DECOMPRESSED_MIB", 100 * MIB, mebibytes)
    max_artifact: int = setting("MMF_MAX_ARTIFACT_MIB", 10 * MIB, mebibytes)
    artifacts: str = setting("MMF_ARTIFACTS", "", str)
    cache: str = setting("MMF_CACHE", "", str)
    max_cache: int = setting("MMF_MAX_CACHE_MIB", 10240 * MIB, mebibytes)
    store_timeout: float = setting("MMF_STORE_TIMEOUT", 10.0, positive_duration)
    timeout: float = setting("MMF_TIMEOUT", 0.0, duration)
    abandoned_call_timeout: float = setting("MMF_ABANDONED_CALL_TIMEOUT", 30.0, duration)
    max_streams: int = setting("MMF_MAX_STREAMS", 16, count)
    csv_escape: bool = setting("MMF_CSV_ESCAPE", False, on_off)
    log_level: str = setting("MMF_LOG_LEVEL", "info", one_of("debug", "info", "warning", "error"))
    log_format: str = setting("MMF_LOG_FORMAT", "auto", one_of("auto", "json", "text"))
    warm_up: bool = setting("MMF_WARM_UP", True, on_off)
    reload_seconds: float = setting("MMF_RELOAD_SECONDS", 0.0, duration)
    drain_seconds: float = setting("MMF_DRAIN_SECONDS", 5.0, duration)
    max_rss: int | None = setting("MMF_MAX_RSS_MIB", None, mebibytes)
    allowed_hosts: tuple[str, ...] = setting("MMF_ALLOWED_HOSTS", (), host_names)
    client_timeout: float = setting("MMF_CLIENT_TIMEOUT", 30.0, positive_duration)
    allow_pickle: bool = setting("MMF_ALLOW_PICKLE", True, on_off)


def check_environment(
    groups: Iterable[type[SettingsGroup]], environ: Mapping[str, str] = os.environ
) -> None:
    """Refuse variables MMF_… that no group reads, and values that a group cannot use.

    SettingError has a line for each; for an unknown variable it names the most similar setting.
    """
    groups = list(groups)
    variables = [variable for group in groups for variable in group.variables()]
    unknown = [
        name
        for name in environ
        if name.startswith(PREFIX) and name not in variables and not _SERVICE_LINK.search(name)
    ]
    problems = [_describe(name, variables) for name in sorted(unknown)]
    problems += [problem for group in groups for problem in group.problems(environ)]
    if problems:
        raise SettingError("\n".join(problems))


def _describe(name: str, variables: list[str]) -> str:
    if name in RENAMED:
        return f"{name} is now called {RENAMED[name]}"
    if name in REMOVED:
        return f"{name} is no longer a setting: {REMOVED[name]}"
    nearest = get_close_matches(name, variables, n=1, cutoff=0.7)
    hint = f"did you mean {nearest[0]}?" if nearest else "has its extra been removed?"
    return f"{name} is not a setting of this service; {hint}"
