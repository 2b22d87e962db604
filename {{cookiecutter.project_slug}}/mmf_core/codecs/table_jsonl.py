"""Tables as JSON lines (also NDJSON): one record per line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from ..errors import InvalidValue, RequestError
from . import fast_records, json
from .base import Codec, Kind, Options
from .decoded_size import RECORD_WEIGHTS
from .encoded_size import joined
from .formats import Format
from .json_overflow import overflow_error
from .repeated_names import parse, repeats_names
from .table_json import TableJSON, format_records

if TYPE_CHECKING:
    import pandas as pd

_JSON = TableJSON()


class TableJSONL(Codec["pd.DataFrame"]):
    """Objects of column → value, each on a line of its own; empty lines are skipped."""

    kind = Kind.TABLE
    format = Format.JSONL
    requires: ClassVar = {"pandas": "pandas"}
    memory_weights: ClassVar = {**RECORD_WEIGHTS, b"\n": 72}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        if len(data) > fast_records.MIN_SIZE:
            table = fast_records.from_lines(data, options)
            if table is not None:
                return table
        records, has_long = [], json.has_long_integers(data)
        for number, line in enumerate(data.splitlines(), start=1):
            if line.strip():
                try:
                    records.append(json.loads(line, has_long=has_long))
                except RequestError as error:
                    if overflow := overflow_error(b"[%b]" % line):
                        raise _in_row(overflow, len(records)) from None
                    raise RequestError(f"line {number}: {error.detail}") from None
        if repeats_names(data, records):
            records = [parse(line) for line in data.splitlines() if line.strip()]
        return _JSON.from_plain(records, options)

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        lines = format_records(value, "JSONL", b"\n", options)
        return joined((text + b"\n" for text in lines), "JSONL", options)


CODECS = (TableJSONL(),)


def _in_row(error: InvalidValue, row: int) -> InvalidValue:
    """Return the error of a table of one row as that of another row."""
    return InvalidValue(error.detail, [replace(detail, row=row) for detail in error.errors])
