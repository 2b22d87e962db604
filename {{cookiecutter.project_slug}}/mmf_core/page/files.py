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
_COMMENTS = re.compile(rb"^(?: *//.*)?\n|^ +|(?<=[;,{]) // [^\"'`\n]*$|/\*.*?\*/", re.MULTILINE)
"""Comments, and indentation and empty lines as well. A text has a quote at its end."""
_CSS_SPACES = re.compile(rb"\s*([{};,>])\s*|(:) +")
"""Those around a style sheet's signs; one before a colon has a meaning."""
_JS_TEXTS = rb"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
_JS_SPACES = re.compile(_JS_TEXTS + rb"| *([=<>?:,;{}()\[\]&|!*]+) *")
"""Those around a script's signs, but not in texts."""
_NO_PATTERN = re.compile(_JS_TEXTS + rb"| / ")
"""Texts and divisions, whose slashes begin no pattern."""
_JS_LINE_ENDS = re.compile(rb"(?<=[;,{(\[])\n|\n(?=[})\]])")
"""Those that end no statement by themselves."""
_FOLDER = Path(__file__).parent


def _compact(path: Path) -> bytes:
    content = _COMMENTS.sub(b"", path.read_bytes())
    if path.suffix == ".css":
        return _CSS_SPACES.sub(rb"\1\2", content).replace(b";}", b"}")
    if path.suffix == ".js":
        lines = b"\n".join(map(_compact_line, content.split(b"\n")))
        return _JS_LINE_ENDS.sub(b"", lines)
    return content


def _compact_line(line: bytes) -> bytes:
    """Take the spaces from a line of a script; one with a pattern, or templates in one, stays."""
    is_clear = line.count(b"`") in {0, 2} and b"/" not in _NO_PATTERN.sub(b"", line)
    return _JS_SPACES.sub(rb"\1\2", line) if is_clear else line


def _read(folder: str) -> dict[str, tuple[bytes, str]]:
    return {
        path.name: (_compact(path), _MEDIA_TYPES[path.suffix])
        for path in sorted((_FOLDER / folder).iterdir())
        if path.suffix in _MEDIA_TYPES
    }


FILES = _read("static")
"""Content and media type by name: what a browser loads with the page."""

ALL_FILES = FILES | _read("token_form") | _read("panels")
"""The same, with what only the form for a token needs, and "About" when it is opened."""

VERSION = sha256(b"".join(content for content, _ in ALL_FILES.values())).hexdigest()[:12]
"""A checksum of all files, part of their addresses, so that browsers may cache them for long."""
