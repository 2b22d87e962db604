"""Tables as Excel 97-2003 workbooks: read, never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..errors import RequestError
from .base import Codec, Kind, Options
from .formats import Format
from .workbooks import read

if TYPE_CHECKING:
    import pandas as pd

_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of OLE 2, the file that the workbook is in


class TableXLS(Codec["pd.DataFrame"]):
    """One sheet, its first row the header; see `workbooks.read` for which."""

    kind = Kind.TABLE
    format = Format.XLS
    writes = False
    requires: ClassVar = {"pandas": "pandas", "xlrd": "xlrd"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return read(_workbook, data, options, engine="xlrd", suffix=".xls")


def _workbook(data: bytes, _most: int) -> bytes:
    """Return the bytes as they are; RequestError where they are no workbook of this kind.

    xlrd takes what is no such file for an older workbook still, and tries.
    """
    if not data.startswith(_SIGNATURE):
        raise RequestError("this is not an .xls workbook that can be read")
    return data
