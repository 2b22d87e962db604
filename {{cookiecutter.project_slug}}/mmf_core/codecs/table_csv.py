"""Tables as CSV (RFC 4180) by pandas."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, ClassVar, cast

from ..errors import RequestError
from .base import Codec, Kind, Options, known_to
from .formats import Format

if TYPE_CHECKING:
    import pandas as pd


class TableCSV(Codec["pd.DataFrame"]):
    """A header and rows in UTF-8, with or without a mark. Options go to `pandas.read_csv`."""

    kind = Kind.TABLE
    format = Format.CSV
    requires: ClassVar = {"pandas": "pandas"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        import pandas as pd

        try:
            table = cast(
                "pd.DataFrame", pd.read_csv(io.BytesIO(data), **known_to(pd.read_csv, options))
            )
        except (ValueError, OverflowError) as error:  # pandas' parser errors are ValueErrors
            raise RequestError(f"this CSV cannot be read: {str(error).strip()}") from None
        if "index_col" not in options and not table.index.equals(pd.RangeIndex(len(table))):
            # pandas took the first cells for labels, and every column's values are shifted by one.
            raise RequestError("this CSV's rows have more cells than its header")
        return table

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        text: str = value.to_csv(index=False)
        return text.encode()
