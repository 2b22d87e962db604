"""Tables as OpenDocument spreadsheets: read, never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .base import Codec, Kind, Options
from .formats import Format
from .workbooks import read_zipped

if TYPE_CHECKING:
    import pandas as pd


class TableODS(Codec["pd.DataFrame"]):
    """One sheet, its first row the header; see `workbooks.sheet_of` for which."""

    kind = Kind.TABLE
    format = Format.ODS
    writes = False
    requires: ClassVar = {"pandas": "pandas", "python_calamine": "python-calamine"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return read_zipped(data, options, ".ods")
