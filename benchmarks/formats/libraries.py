"""What each format is read and written by elsewhere: the strongest calls that we know of."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import fastexcel
import numpy as np
import orjson
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.json
import pyarrow.parquet
from rustpy_xlsxwriter import FastExcel

Reader = Callable[[bytes], Any]
Writer = Callable[[pd.DataFrame], Any]


def table(rows: int, columns: int) -> pd.DataFrame:
    """Return a table of floats with two digits, as measurements have."""
    random = np.random.default_rng(0)
    values = random.integers(0, 10_000, (rows, columns)) / 100
    return pd.DataFrame(values, columns=[f"column_{place}" for place in range(columns)])


def sample(name: str, frame: pd.DataFrame, codec: Any) -> bytes:
    """Return the table in a format, written by whoever can."""
    match name:
        case "ODS" | "XLS":
            return b""
        case _:
            data: bytes = codec.encode(frame, {})
            return data


def _csv_by_arrow(data: bytes) -> Any:
    return pyarrow.csv.read_csv(pa.BufferReader(data)).to_pandas()


def _records(data: bytes) -> Any:
    return pd.DataFrame(orjson.loads(data))


def _excel_by_fastexcel(data: bytes) -> Any:
    return fastexcel.read_excel(data).load_sheet(0).to_pandas()


def _excel_by_rust(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    FastExcel(buffer).sheet("Sheet1", frame.to_dict("records")).save()
    return buffer.getvalue()


def _excel_by(engine: str) -> Writer:
    def write(frame: pd.DataFrame) -> bytes:
        buffer = io.BytesIO()
        frame.to_excel(buffer, index=False, engine=engine)  # type: ignore[call-overload]
        return buffer.getvalue()

    return write


def _stream(data: bytes) -> Any:
    return pa.ipc.open_stream(data).read_all().to_pandas()


def _to_stream(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    made = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.ipc.new_stream(buffer, made.schema) as stream:
        stream.write_table(made)
    return buffer.getvalue()


OTHERS: dict[str, tuple[dict[str, Reader], dict[str, Writer]]] = {
    "JSON": (
        {
            "pandas of orjson's records": _records,
            "pandas": lambda data: pd.read_json(io.BytesIO(data)),
            "polars": lambda data: pl.read_json(data).to_pandas(),
        },
        {
            "pandas": lambda frame: frame.to_json(orient="records").encode(),
            "orjson of pandas' records": lambda frame: orjson.dumps(frame.to_dict("records")),
            "polars": lambda frame: pl.from_pandas(frame).write_json().encode(),
        },
    ),
    "JSONL": (
        {
            "pandas": lambda data: pd.read_json(io.BytesIO(data), lines=True),
            "pyarrow": lambda data: pyarrow.json.read_json(pa.BufferReader(data)).to_pandas(),
            "polars": lambda data: pl.read_ndjson(data).to_pandas(),
        },
        {
            "pandas": lambda frame: frame.to_json(orient="records", lines=True).encode(),
            "polars": lambda frame: pl.from_pandas(frame).write_ndjson().encode(),
        },
    ),
    "CSV": (
        {
            "pandas": lambda data: pd.read_csv(io.BytesIO(data)),
            "pyarrow": _csv_by_arrow,
            "polars": lambda data: pl.read_csv(data).to_pandas(),
        },
        {
            "pandas": lambda frame: frame.to_csv(index=False).encode(),
            "polars": lambda frame: pl.from_pandas(frame).write_csv().encode(),
        },
    ),
    "XLSX": (
        {
            "pandas, calamine": lambda data: pd.read_excel(io.BytesIO(data), engine="calamine"),
            "fastexcel": _excel_by_fastexcel,
        },
        {
            "pandas, openpyxl": _excel_by("openpyxl"),
            "pandas, xlsxwriter": _excel_by("xlsxwriter"),
            "rustpy-xlsxwriter": _excel_by_rust,
        },
    ),
    "XML": (
        {"pandas": lambda data: pd.read_xml(io.BytesIO(data), parser="etree")},
        {"pandas": lambda frame: frame.to_xml(index=False, parser="etree").encode()},
    ),
    "PARQUET": (
        {
            "pandas": lambda data: pd.read_parquet(io.BytesIO(data)),
            "polars": lambda data: pl.read_parquet(data).to_pandas(),
        },
        {"pandas": lambda frame: frame.to_parquet(index=False)},
    ),
    "ARROW": ({"pyarrow": _stream}, {"pyarrow": _to_stream}),
}
