"""API keys: long random texts, of which only hashes are kept.

A key has 256 random bits, so that one round of SHA-256 is enough: they cannot be guessed. A line
of the file is `NAME HASH targets=score groups=predict,tasks rate=100/minute`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from ..web.authorization import GROUPS
from .callers import TokenCaller, is_name, scope_of_targets
from .errors import unknown_api_key
from .rates import parse_rate

PREFIX = "mmf_"
"""How API keys begin, so that scanners recognize one in a text that should not have it."""
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_OPTIONS = ("targets", "groups", "rate")


class ApiKey(NamedTuple):
    """The hash of a key, and the caller that has the key."""

    digest: bytes
    caller: TokenCaller


def new_api_key() -> str:
    """Return a new key."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(key: str) -> str:
    """Return what is kept of a key."""
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def read_api_keys(text: str) -> list[ApiKey]:
    """Return the keys of a file, one a line, or of a setting, with semicolons between them."""
    lines = (line.partition("#")[0].split() for line in re.split(r"[\n;]", text))
    keys = [_read_line(line) for line in lines if line]
    if len({key.caller.name for key in keys}) < len(keys):
        raise ValueError("expected each name once")
    return keys


def caller_of(key: str, keys: Sequence[ApiKey]) -> TokenCaller:
    """Return the caller that sent a key; Unauthorized if the key is unknown.

    It is compared with each, in a time that does not depend on how much of it is right.
    """
    digest = hashlib.sha256(key.encode()).digest()
    caller = None
    for each in keys:
        if hmac.compare_digest(each.digest, digest):
            caller = each.caller
    if caller is None:
        raise unknown_api_key()
    return caller


def _read_line(words: list[str]) -> ApiKey:
    name, digest, *options = [*words, ""][: max(2, len(words))]
    match = _HASH.fullmatch(digest)
    if match is None or not is_name(name):
        raise ValueError(
            "expected a file, or lines of NAME sha256:HASH targets=… groups=…, "
            "as mmfmeta token api-key prints them"
        )
    values = dict(option.partition("=")[::2] for option in options)
    if len(values) < len(options):
        raise ValueError(f"{name}: expected each option once")
    if unknown := [option for option in values if option not in _OPTIONS]:
        raise ValueError(f"{name}: expected {', '.join(_OPTIONS)}, got {unknown[0]}=")
    groups = [group for group in values.get("groups", "").split(",") if group]
    if unknown_groups := [group for group in groups if group not in GROUPS]:
        raise ValueError(f"{name}: expected groups of {', '.join(GROUPS)}, got {unknown_groups[0]}")
    caller = TokenCaller(
        name=name,
        targets=scope_of_targets(part for part in values.get("targets", "").split(",") if part),
        groups=frozenset(groups),
        rate=parse_rate(values["rate"]) if "rate" in values else None,
        claims={"sub": name},
    )
    return ApiKey(bytes.fromhex(match[1]), caller)
