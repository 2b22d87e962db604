"""A table of a database: its rows are inserted at the end, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .whole import WholeOutput


class SQLOutput(WholeOutput):
    """Parts are tables as they are; the complete file has their paths."""

    def write(self, parts: Iterable[Path], names: list[str], path: Path) -> None:
        path.write_text("".join(f"{part}\n" for part in parts), encoding="utf-8")
