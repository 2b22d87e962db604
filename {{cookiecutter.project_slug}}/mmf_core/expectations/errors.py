"""What a suite cannot become."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import MMFError


class Untranslatable(MMFError):
    """A suite of which a schema cannot say everything; each reason names its expectation."""

    def __init__(self, name: str, reasons: Sequence[str]) -> None:
        super().__init__("\n".join([f"{name} has no translation:", *map("  {}".format, reasons)]))
