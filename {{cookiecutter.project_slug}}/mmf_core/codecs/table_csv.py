"""Tables as CSV (RFC 4180) by pandas."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, ClassVar, cast

from ..errors import RequestError
from .base import Codec, Kind, Options
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
            return cast("pd.DataFrame", pd.read_csv(io.BytesIO(data), **options))
        except (ValueError, OverflowError) as error:  # pandas' parser errors are ValueErrors
            raise RequestError(f"this CSV cannot be read: {str(error).strip()}") from None

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        text: str = value.to_csv(index=False)
        return text.encode()
