"""Suites that cannot become a schema."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import MMFError


class Untranslatable(MMFError):
    """A suite that a schema cannot express; each reason names its expectation."""

    def __init__(self, name: str, reasons: Sequence[str]) -> None:
        super().__init__("\n".join([f"{name} has no translation:", *map("  {}".format, reasons)]))
