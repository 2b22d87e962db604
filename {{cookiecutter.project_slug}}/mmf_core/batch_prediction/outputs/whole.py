"""Formats that are written whole, such as XLSX: the rows of all parts are held in memory."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ...codecs import Format
from ..errors import BatchError
from .base import Output

if TYPE_CHECKING:
    import pandas as pd

_MAX_SHEET_ROWS = 1_048_575  # less the header


class WholeOutput(Output):
    """A part is a table as it is: a sheet may hold in one column what Arrow may not."""

    def encode(self, table: pd.DataFrame) -> bytes:
        return pickle.dumps(table, protocol=5)

    def write(self, parts: Iterable[Path], names: list[str], path: Path) -> None:
        import pandas as pd

        tables: list[pd.DataFrame] = []
        rows = 0
        for part in parts:
            table = pickle.loads(part.read_bytes())  # noqa: S301 - our own, from a folder of ours
            rows += len(table)
            if self.format is Format.XLSX and rows > _MAX_SHEET_ROWS:
                raise BatchError(
                    f"a sheet of XLSX has {_MAX_SHEET_ROWS + 1:,} rows at most, its header "
                    f"included; write CSV or Parquet"
                )
            tables.append(table)
        empty = pd.DataFrame(columns=pd.Index(names, dtype="str"))
        path.write_bytes(self.encoded(pd.concat(tables, ignore_index=True) if tables else empty))
