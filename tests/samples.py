"""A value of every kind, written and read in every format without the service's libraries."""

import base64
import csv
import io
import json
import struct
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import msgpack
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import xlwt
import yaml
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from PIL import Image

from mmf_core.codecs import Format, Kind

Rows = list[dict[str, Any]]
TABLE: Rows = [
    {"whole": 1, "part": 1.5, "text": "=1+1", "flag": True},
    {"whole": -2, "part": None, "text": 'Вино, "белое"', "flag": False},
]
ARRAY = [[1.5, -2.0], [3.25, 4e10]]
JSON_VALUE = {"name": "Бароло", "year": 2019, "tags": ["red", None, True, 0.5], "more": {"a": {}}}
FILE = bytes(range(256))
PICTURE = np.zeros((16, 32, 3), np.uint8)
PICTURE[:, 16:] = (250, 240, 10)

VALUES: dict[str, Any] = {
    "DataFrame": TABLE,
    "Array": ARRAY,
    "Dict": JSON_VALUE,
    "Img": PICTURE,
    "String": "Ответ: =1+1",
    "Integer": -42,
    "Float": 0.125,
    "Bool": True,
    "Date": "2026-01-31",
    "Datetime": "2026-01-31T12:30:00+03:00",
    "File": FILE,
}


class Reading(NamedTuple):
    """How results of a kind are read in each format, and compared with what was sent."""

    read: dict[Format, Callable[[bytes], Any]]
    check: Callable[[Any, Any, Format], None]


# Tables


def _separated(separator: str) -> Callable[[Rows], bytes]:
    def write(rows: Rows) -> bytes:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
        return buffer.getvalue().encode()

    return write


def _split(separator: str) -> Callable[[bytes], Rows]:
    return lambda data: list(csv.DictReader(io.StringIO(data.decode()), delimiter=separator))


def _json_lines(rows: Rows) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def _xlsx(rows: Rows) -> bytes:
    book = openpyxl.Workbook()
    for place, cells in enumerate([list(rows[0]), *(list(row.values()) for row in rows)], start=1):
        for column, value in enumerate(cells, start=1):
            cell = book.active.cell(place, column, value)
            if isinstance(value, str):
                cell.data_type = "s"
    return _saved(book)


def _xls(rows: Rows) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("1")
    for place, cells in enumerate([list(rows[0]), *(list(row.values()) for row in rows)]):
        for column, value in enumerate(cells):
            if value is not None:
                sheet.write(place, column, value)
    return _saved(book)


def _ods(rows: Rows) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(rows).to_excel(buffer, index=False, engine="odf")
    return buffer.getvalue()


def _saved(book: Any) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _read_xlsx(data: bytes) -> Rows:
    names, *rows = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows()
    assert all(cell.data_type != "f" for row in rows for cell in row), "a text is not a formula"
    return [
        dict(zip([name.value for name in names], [cell.value for cell in row], strict=True))
        for row in rows
    ]


def _xml(rows: Rows) -> bytes:
    root = ET.Element("wines")
    for row in rows:
        record = ET.SubElement(root, "wine")
        for name, value in row.items():
            if value is not None:
                ET.SubElement(record, name).text = str(value)
    return ET.tostring(root, "utf-8")


def _read_xml(data: bytes) -> Rows:
    return [{cell.tag: cell.text for cell in row} for row in ET.fromstring(data)]


def _arrow(write: Callable[[Any, Any], Any]) -> Callable[[Rows], bytes]:
    def make(rows: Rows) -> bytes:
        sink = pa.BufferOutputStream()
        write(pa.Table.from_pylist(rows), sink)
        return bytes(sink.getvalue().to_pybytes())

    return make


def _stream(table: Any, sink: Any) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


class _Cells(HTMLParser):
    """The texts of a page's cells, by rows."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in {"td", "th"}
        if self.inside:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def _read_html(data: bytes) -> Rows:
    page = _Cells()
    page.feed(data.decode())
    names, *rows = page.rows
    return [dict(zip(names, row, strict=True)) for row in rows]


def _check_table(got: Rows, expected: Rows, form: Format) -> None:
    assert [[_typed(cell) for cell in row.values()] for row in got] == [
        [_typed(cell) for cell in row.values()] for row in expected
    ]
    assert [list(row) for row in got] == [list(row) for row in expected]
    del form


def _typed(cell: Any) -> Any:
    """Return the value of a text, for text-only formats."""
    if cell is None or cell == "":
        return None
    words = {"True": True, "true": True, "False": False, "false": False}
    if not isinstance(cell, str):
        return cell
    try:
        return words[cell] if cell in words else float(cell)
    except ValueError:
        return cell


# Arrays, JSON values, pictures


def _npy(rows: Any) -> bytes:
    """Write NPY 1.0 by the letter of NEP 1."""
    array = np.array(rows, "<f8")
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {array.shape}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + array.tobytes()


def _numbers(data: bytes) -> Any:
    return [[float(cell) for cell in row] for row in csv.reader(io.StringIO(data.decode()))]


def _xml_value(_: Any) -> bytes:
    return """<wine><name>Бароло</name><year type="number">2019</year>
    <tags type="array"><t>red</t><t type="null"/><t type="boolean">true</t>
    <t type="number">0.5</t></tags><more><a type="object"/></more></wine>""".encode()


def _read_xml_value(data: bytes) -> Any:
    return _of_element(ET.fromstring(data))


def _of_element(element: ET.Element) -> Any:
    match element.get("type"):
        case "number" | "boolean":
            return json.loads(str(element.text))
        case "null":
            return None
        case "array":
            return [_of_element(part) for part in element]
        case "object":
            return {part.tag: _of_element(part) for part in element}
    return {part.tag: _of_element(part) for part in element} if len(element) else element.text


def _file(form: str) -> Callable[[np.ndarray], bytes]:
    def write(picture: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        how = {"lossless": True} if form == "WEBP" else {}
        Image.fromarray(picture).save(buffer, form, **how)
        return buffer.getvalue()

    return write


def _picture(form: str) -> Callable[[bytes], Any]:
    return lambda data: np.asarray(Image.open(io.BytesIO(data), formats=[form]).convert("RGB"))


def _check_picture(got: np.ndarray, expected: np.ndarray, form: Format) -> None:
    assert got.shape == expected.shape
    error = np.abs(got.astype(int) - expected)
    if form in {Format.JPEG, Format.WEBP}:  # colours are mixed at an edge
        assert error.mean() < 6
    else:
        assert error.max() == 0


def _check_equal(got: Any, expected: Any, _: Format) -> None:
    assert got == expected


def _check_scalar(got: Any, expected: Any, form: Format) -> None:
    if form is Format.TEXT and isinstance(got, str) and not isinstance(expected, str):
        got = json.loads(got)
    assert got == expected
    assert type(got) is type(expected)


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def _result(data: bytes) -> Any:
    return json.loads(data)["result"]


def _of_json(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    return lambda data: read(base64.b64decode(_result(data), validate=True))


BODIES: dict[Kind, dict[Format, Callable[[Any], bytes]]] = {
    Kind.TABLE: {
        Format.CSV: _separated(","),
        Format.TSV: _separated("\t"),
        Format.JSON: _dumped,
        Format.JSONL: _json_lines,
        Format.XLSX: _xlsx,
        Format.XLS: _xls,
        Format.ODS: _ods,
        Format.XML: _xml,
        Format.PARQUET: _arrow(pyarrow.parquet.write_table),
        Format.ARROW: _arrow(_stream),
        Format.FEATHER: _arrow(pyarrow.feather.write_feather),
    },
    Kind.ARRAY: {
        Format.JSON: _dumped,
        Format.CSV: lambda rows: "".join(f"{a},{b}\n" for a, b in rows).encode(),
        Format.NPY: _npy,
    },
    Kind.JSON: {
        Format.JSON: _dumped,
        Format.XML: _xml_value,
        Format.YAML: lambda value: yaml.safe_dump(value, allow_unicode=True).encode(),
        Format.MSGPACK: msgpack.packb,
        Format.PROTOBUF: lambda value: ParseDict(value, Struct()).SerializeToString(),
    },
    Kind.IMAGE: {
        **{Format[name]: _file(name) for name in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")},
        Format.JSON: lambda picture: _dumped(base64.b64encode(_file("PNG")(picture)).decode()),
    },
    Kind.SCALAR: {
        Format.JSON: _dumped,
        Format.TEXT: lambda value: str(value).encode(),
    },
    Kind.FILE: {
        Format.BINARY: bytes,
        Format.JSON: lambda data: _dumped(base64.b64encode(data).decode()),
    },
}
READERS: dict[Kind, Reading] = {
    Kind.TABLE: Reading(
        {
            Format.CSV: _split(","),
            Format.TSV: _split("\t"),
            Format.JSON: json.loads,
            Format.JSONL: lambda data: [json.loads(line) for line in data.splitlines()],
            Format.XLSX: _read_xlsx,
            Format.XML: _read_xml,
            Format.PARQUET: lambda data: pa.parquet.read_table(pa.BufferReader(data)).to_pylist(),
            Format.ARROW: lambda data: pa.ipc.open_stream(data).read_all().to_pylist(),
            Format.FEATHER: lambda data: pa.ipc.open_file(data).read_all().to_pylist(),
            Format.HTML: _read_html,
        },
        _check_table,
    ),
    Kind.ARRAY: Reading(
        {
            Format.JSON: json.loads,
            Format.CSV: _numbers,
            Format.NPY: lambda data: np.load(io.BytesIO(data)).tolist(),
        },
        _check_equal,
    ),
    Kind.JSON: Reading(
        {
            Format.JSON: json.loads,
            Format.XML: _read_xml_value,
            Format.YAML: yaml.safe_load,
            Format.MSGPACK: msgpack.unpackb,
            Format.PROTOBUF: lambda data: MessageToDict(Struct.FromString(data)),
        },
        _check_equal,
    ),
    Kind.IMAGE: Reading(
        {
            **{Format[name]: _picture(name) for name in ("PNG", "JPEG", "WEBP")},
            Format.JSON: _of_json(_picture("PNG")),
        },
        _check_picture,
    ),
    Kind.SCALAR: Reading(
        {Format.JSON: _result, Format.TEXT: lambda data: data.decode()}, _check_scalar
    ),
    Kind.FILE: Reading({Format.BINARY: bytes, Format.JSON: _of_json(bytes)}, _check_equal),
}
