"""Tables as JSON lines (also NDJSON): one record a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..errors import RequestError
from . import json, number_records
from .base import Codec, Kind, Options
from .formats import Format
from .table_json import TableJSON, records

if TYPE_CHECKING:
    import pandas as pd

_JSON = TableJSON()


class TableJSONL(Codec["pd.DataFrame"]):
    """Objects, column → value, each on a line of its own; empty lines are passed over."""

    kind = Kind.TABLE
    format = Format.JSONL
    requires: ClassVar = {"pandas": "pandas"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        if len(data) > number_records.MIN_SIZE:
            table = number_records.from_lines(data, floats=bool(options.get("floats")))
            if table is not None:
                return table
        plain = []
        for place, line in enumerate(data.splitlines(), start=1):
            if line.strip():
                try:
                    plain.append(json.loads(line))
                except RequestError as error:
                    raise RequestError(f"line {place}: {error.detail}") from None
        return _JSON.from_plain(plain, options)

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        return b"".join(text + b"\n" for text in records(value, b"\n"))
