"""The settings of the payload log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..settings import MIB, SettingsGroup, mebibytes, number, positive_duration, setting

_MIN_KEY_LENGTH = 16
WEB = ("http", "https")


def _location(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme in WEB and (not parts.hostname or parts.username):
        raise ValueError("expected a URL with a host, and without a password")
    if parts.scheme == "s3" and not (parts.netloc and parts.path.strip("/")):
        raise ValueError("expected s3://bucket/prefix")
    return text


def _share(text: str) -> float:
    share = number(text)
    if not 0 < share <= 1:
        raise ValueError("expected a share of the requests, more than 0 and at most 1")
    return share


def _key(text: str) -> bytes:
    """Read a secret of any length; return a key of 32 bytes."""
    if len(text) < _MIN_KEY_LENGTH:
        raise ValueError(f"expected a secret of at least {_MIN_KEY_LENGTH} characters")
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()


@dataclass(frozen=True)
class PayloadLogSettings(SettingsGroup):
    """Where the log is written, which share of the requests it has, and how large its files are.

    Without `location` there is no log. `file_size` is in bytes of JSON, before compression; a file
    ends after `seconds` at the latest. Without `key` private values are masked, with it hashed.
    """

    location: str = setting("MMF_PAYLOAD_LOG", "", _location, is_secret=True)
    share: float = setting("MMF_PAYLOAD_LOG_SHARE", 1.0, _share)
    file_size: int = setting("MMF_PAYLOAD_LOG_FILE_MIB", 16 * MIB, mebibytes)
    seconds: float = setting("MMF_PAYLOAD_LOG_SECONDS", 60.0, positive_duration)
    key: bytes = setting("MMF_PAYLOAD_LOG_KEY", b"", _key, is_secret=True)

    @property
    def is_web(self) -> bool:
        """Whether the log is sent to a URL, instead of being written to files."""
        return urlsplit(self.location).scheme in WEB
