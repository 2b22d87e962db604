"""Text files that are replaced as a whole, so that no reader finds half of one."""

from __future__ import annotations

from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Write a file beside `path`, and rename it to `path`; OSError if it cannot be written."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
