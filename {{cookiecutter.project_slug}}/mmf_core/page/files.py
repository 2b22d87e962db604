"""The page's own style sheet, scripts and icon; few and small, so they are kept in memory."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOLDER = Path(__file__).parent / "static"

FILES = {
    path.name: (path.read_bytes(), _TYPES[path.suffix])
    for path in sorted(_FOLDER.iterdir())
    if path.suffix in _TYPES
}
"""Bytes and media type by name."""

VERSION = sha256(b"".join(body for body, _ in FILES.values())).hexdigest()[:12]
"""What browsers may keep the files under: it changes with any of them."""
