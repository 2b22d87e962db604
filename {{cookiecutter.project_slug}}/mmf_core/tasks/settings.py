"""The settings of tasks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from ..settings import MIB, SettingsGroup, duration, host_names, mebibytes, one_of, setting

_MAX_KEEP_HOURS = 24 * 365
_MAX_WORKERS = 256
_MAX_TASKS = 10_000_000
_MIN_SECRET = 24
Network = IPv4Network | IPv6Network
Allowed = tuple[tuple[str, ...], tuple[Network, ...]]
NOBODY: Allowed = ((), ())


def _whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers in a range."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and minimum <= float(text) <= maximum):
            raise ValueError(f"expected a whole number, {minimum} to {maximum}")
        return int(text)

    return parse


def _uri(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("expected postgresql://user:password@host/database, or nothing")
    return text


def _place(text: str) -> str:
    if "://" in text and not (text.startswith("s3://") and text[len("s3://") :].strip("/")):
        raise ValueError("expected s3://bucket/prefix, or a folder")
    return text


def _hours(text: str) -> float:
    """Read hours; return seconds."""
    hours = float(text)
    if not 0 < hours <= _MAX_KEEP_HOURS:
        raise ValueError(f"expected hours, more than 0 and at most {_MAX_KEEP_HOURS}")
    return hours * 3600


def _secret(text: str) -> bytes:
    """Read a secret of Standard Webhooks: `whsec_` and base64 of 24 bytes or more."""
    try:
        secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        secret = b""
    if not text.startswith("whsec_") or len(secret) < _MIN_SECRET:
        raise ValueError(f"expected whsec_ and base64 of at least {_MIN_SECRET} bytes")
    return secret


def _allowed(text: str) -> tuple[tuple[str, ...], tuple[Network, ...]]:
    """Read names of hosts and networks, separated by commas."""
    names: list[str] = []
    networks: list[Network] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            networks.append(ip_network(part))
        except ValueError:
            names += host_names(part)
    return tuple(names), tuple(networks)


@dataclass(frozen=True)
class TaskSettings(SettingsGroup):
    """Where tasks are kept, for how long, and how many run at a time.

    `uri` is the address of a server; without one tasks are in a file in `folder`. `files` is the
    location of large contents: a folder, or the prefix of their URIs; a server needs it. `keep` is
    in seconds, `max_kept` in bytes. At most `max_tasks` wait, with `max_input` bytes of requests.
    A table that is read in chunks may have `max_body` bytes, if that is more than other requests.
    `timeout` 0: tasks have no deadline unless the target has one. Webhooks are off without a
    secret, and go only to public addresses and those that are allowed.
    """

    uri: str = setting("MMF_TASKS", "", _uri, is_secret=True)
    folder: str = setting("MMF_TASKS_DIR", ".tasks", str)
    files: str = setting("MMF_TASK_FILES", "", _place)
    workers: int = setting("MMF_TASK_WORKERS", 1, _whole(0, _MAX_WORKERS))
    max_tasks: int = setting("MMF_MAX_TASKS", 100_000, _whole(1, _MAX_TASKS))
    max_input: int = setting("MMF_MAX_TASKS_MIB", 10240 * MIB, mebibytes)
    max_body: int = setting("MMF_MAX_TASK_BODY_MIB", 1024 * MIB, mebibytes)
    timeout: float = setting("MMF_TASK_TIMEOUT", 0.0, duration)
    sync: str = setting("MMF_TASK_SYNC", "normal", one_of("normal", "full"))
    keep: float = setting("MMF_TASK_KEEP_HOURS", 24 * 3600.0, _hours)
    max_kept: int = setting("MMF_TASK_KEEP_MIB", 1024 * MIB, mebibytes)
    webhook_secret: bytes = setting("MMF_WEBHOOK_SECRET", b"", _secret, is_secret=True)
    webhook_allow: tuple[tuple[str, ...], tuple[Network, ...]] = setting(
        "MMF_WEBHOOK_ALLOW", NOBODY, _allowed
    )

    @classmethod
    def _parse(cls, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        values, problems = super()._parse(environ)
        if values.get("uri") and not environ.get("MMF_TASK_FILES", "").strip():
            problems.append(
                "MMF_TASKS needs MMF_TASK_FILES: set it to s3://bucket/prefix, or to a folder that "
                "all machines with workers share"
            )
        return values, problems
