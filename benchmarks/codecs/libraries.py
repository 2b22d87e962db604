"""The fastest known library calls that read and write each format."""

from __future__ import annotations

import io
import zipfile
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
import xlwt
from rustpy_xlsxwriter import FastExcel

Reader = Callable[[bytes], Any]
Writer = Callable[[pd.DataFrame], Any]


def table(rows: int, columns: int) -> pd.DataFrame:
    """Return a table of floats with two digits, as measurements have."""
    random = np.random.default_rng(0)
    values = random.integers(0, 10_000, (rows, columns)) / 100
    return pd.DataFrame(values, columns=[f"column_{place}" for place in range(columns)])


def sample(name: str, frame: pd.DataFrame, codec: Any) -> bytes:
    """Return the table in a format, written by a library that can."""
    if name == "ODS":
        return _ods(frame)
    if name == "XLS":
        return _xls(frame)
    data: bytes = codec.encode(frame, {})
    return data


def _ods(frame: pd.DataFrame) -> bytes:
    """Write an OpenDocument sheet, as small as one can be."""
    cell = '<table:table-cell office:value-type="{}"{}><text:p>{}</text:p></table:table-cell>'
    header = "".join(cell.format("string", "", name) for name in frame.columns)
    lines = (
        "".join(cell.format("float", f' office:value="{value}"', value) for value in row)
        for row in frame.to_numpy().tolist()
    )
    rows = "".join(f"<table:table-row>{line}</table:table-row>" for line in (header, *lines))
    space = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{space}:office:1.0" office:version="1.2" '
        f'xmlns:table="{space}:table:1.0" xmlns:text="{space}:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="Sheet1">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = f'<manifest:manifest xmlns:manifest="{space}:manifest:1.0"/>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("content.xml", content)
        file.writestr("META-INF/manifest.xml", manifest)
    return buffer.getvalue()


def _xls(frame: pd.DataFrame) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for place, row in enumerate([frame.columns.tolist(), *frame.to_numpy().tolist()]):
        for column, value in enumerate(row):
            sheet.write(place, column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _separated_in(separator: str) -> dict[str, Reader]:
    by_arrow = pyarrow.csv.ParseOptions(delimiter=separator)
    return {
        "pandas": lambda data: pd.read_csv(io.BytesIO(data), sep=separator),
        "pyarrow": lambda data: pyarrow.csv.read_csv(
            pa.BufferReader(data), parse_options=by_arrow
        ).to_pandas(),
        "polars": lambda data: pl.read_csv(data, separator=separator).to_pandas(),
    }


def _separated_out(separator: str) -> dict[str, Writer]:
    by_arrow = pyarrow.csv.WriteOptions(delimiter=separator)

    def write(frame: pd.DataFrame) -> bytes:
        buffer = io.BytesIO()
        pyarrow.csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), buffer, by_arrow)
        return buffer.getvalue()

    return {
        "pandas": lambda frame: frame.to_csv(index=False, sep=separator).encode(),
        "pyarrow": write,
        "polars": lambda frame: pl.from_pandas(frame).write_csv(separator=separator).encode(),
    }


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


def _feather(data: bytes) -> Any:
    return pa.ipc.open_file(data).read_all().to_pandas()


def _feather_by_pandas(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_feather(buffer, compression="uncompressed")  # as ours is
    return buffer.getvalue()


def _parquet_by_polars(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    pl.from_pandas(frame).write_parquet(buffer)
    return buffer.getvalue()


MOST_ROWS = {"XLS": 65_535, "ODS": 50_000}
"""Of a format that has an end, and of one whose tags we limit to 3,000,000."""

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
    "CSV": (_separated_in(","), _separated_out(",")),
    "TSV": (_separated_in("\t"), _separated_out("\t")),
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
    "XLS": (
        {
            f"pandas, {engine}": lambda data, engine=engine: pd.read_excel(
                io.BytesIO(data), engine=engine
            )
            for engine in ("xlrd", "calamine")
        },
        {},
    ),
    "ODS": (
        {
            "pandas, calamine": lambda data: pd.read_excel(io.BytesIO(data), engine="calamine"),
            "fastexcel": _excel_by_fastexcel,
        },
        {},
    ),
    "XML": (
        {
            f"pandas, {parser}": lambda data, parser=parser: pd.read_xml(
                io.BytesIO(data), parser=parser
            )
            for parser in ("lxml", "etree")
        },
        {
            f"pandas, {parser}": lambda frame, parser=parser: frame.to_xml(
                index=False, parser=parser
            ).encode()
            for parser in ("lxml", "etree")
        },
    ),
    "HTML": ({}, {"pandas": lambda frame: frame.to_html(index=False).encode()}),
    "PARQUET": (
        {
            "pandas": lambda data: pd.read_parquet(io.BytesIO(data)),
            "polars": lambda data: pl.read_parquet(data).to_pandas(),
        },
        {
            "pandas": lambda frame: frame.to_parquet(index=False),
            "polars": _parquet_by_polars,
        },
    ),
    "ARROW": (
        {"pyarrow": _stream, "polars": lambda data: pl.read_ipc_stream(data).to_pandas()},
        {"pyarrow": _to_stream},
    ),
    "FEATHER": (
        {"pandas": lambda data: pd.read_feather(io.BytesIO(data)), "pyarrow": _feather},
        {"pandas": _feather_by_pandas},
    ),
}
