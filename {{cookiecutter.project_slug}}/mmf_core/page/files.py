"""The page's style sheet, scripts and icon: small enough to be kept in memory."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_UNNEEDED = re.compile(rb"^(?: *//.*)?\n|^ +|(?<=;) // [^\"'`\n]*$", re.MULTILINE)
"""Indentation, comments and empty lines, a sixth of the whole. A text has a quote at its end."""
_UNNEEDED_IN_CSS = re.compile(rb" *([{};]) *|(:) +")
"""Spaces around a style sheet's signs; one before a colon has a meaning."""
_FOLDER = Path(__file__).parent / "static"


def _compact(path: Path) -> bytes:
    content = _UNNEEDED.sub(b"", path.read_bytes())
    return _UNNEEDED_IN_CSS.sub(rb"\1\2", content) if path.suffix == ".css" else content


FILES = {
    path.name: (_compact(path), _MEDIA_TYPES[path.suffix])
    for path in sorted(_FOLDER.iterdir())
    if path.suffix in _MEDIA_TYPES
}
"""Content and media type by name."""

VERSION = sha256(b"".join(content for content, _ in FILES.values())).hexdigest()[:12]
"""A checksum of all files, part of their addresses, so that browsers may cache them for long."""
