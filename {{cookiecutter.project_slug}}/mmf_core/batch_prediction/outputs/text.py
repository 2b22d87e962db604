"""CSV, TSV and JSON lines: parts follow each other, below one header."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..compression import compressed
from .base import Output

if TYPE_CHECKING:
    import pandas as pd


class TextOutput(Output):
    """A text; its header and each part may be compressed, one after the other."""

    is_text = True

    def encode(self, table: pd.DataFrame) -> bytes:
        header = self._header(table)
        return compressed(self.encoded(table)[len(header) :], self.compression)

    def write(self, parts: Iterable[Path], names: list[str], path: Path) -> None:
        import pandas as pd

        with path.open("wb") as file:
            if header := self._header(pd.DataFrame(columns=pd.Index(names, dtype="str"))):
                file.write(compressed(header, self.compression))
            for part in parts:
                with part.open("rb") as content:
                    shutil.copyfileobj(content, file, 1 << 20)

    def _header(self, table: pd.DataFrame) -> bytes:
        return self.encoded(table.iloc[:0])
