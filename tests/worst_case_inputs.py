"""Bodies that take the most memory for their size: tiny values by the million, for every format.

Each is a function of the most bytes that a body may have, and stays just under it.
"""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import xlwt
from PIL import Image

Make = Callable[[int], bytes]


def repeated(start: bytes, unit: bytes, end: bytes = b"", *, ends_with: bytes = b"") -> Make:
    """Give a function that repeats `unit` as often as it fits; `ends_with` is the last of them."""

    def make(most: int) -> bytes:
        left = most - len(start) - len(end) - len(ends_with)
        return start + unit * (left // len(unit)) + ends_with + end

    return make


def _columns(row: bytes, separator: bytes, width: int) -> Make:
    header = separator.join(b"c%d" % place for place in range(width)) + b"\n"
    return repeated(header, separator.join([row] * width) + b"\n")


def _sheet(cells: bytes, width: int) -> Make:
    """Give a function that makes an .xlsx whose only sheet has rows of so many equal cells.

    It inflates to just under `most`.
    """

    def make(most: int) -> bytes:
        book = io.BytesIO()
        pd.DataFrame({"a": [1]}).to_excel(book, index=False)
        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(book) as old,
            zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            others = sum(part.file_size for part in old.infolist())
            for part in old.infolist():
                data = old.read(part)
                if part.filename.endswith("sheet1.xml"):
                    start, end = (
                        b"<worksheet xmlns=" + _SHEET + b"><sheetData>",
                        b"</sheetData></worksheet>",
                    )
                    data = repeated(start, b"<row>" + cells * width + b"</row>", end)(most - others)
                new.writestr(part.filename, data)
        return buffer.getvalue()

    return make


_SHEET = b'"http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def ods(unit: bytes, before: bytes = b"", after: bytes = b"") -> Make:
    """Give a function that makes an .ods whose sheet repeats `unit`, and inflates to `most`."""
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    start = (
        f"<office:document-content {names}><office:body><office:spreadsheet>"
        '<table:table table:name="a">'
    ).encode()
    end = b"</table:table></office:spreadsheet></office:body></office:document-content>"

    def make(most: int) -> bytes:
        book, buffer = io.BytesIO(), io.BytesIO()
        pd.DataFrame({"a": [1]}).to_excel(book, engine="odf", index=False)
        with (
            zipfile.ZipFile(book) as old,
            zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            others = sum(part.file_size for part in old.infolist())
            for part in old.infolist():
                data = old.read(part)
                if part.filename == "content.xml":
                    data = repeated(start + before, unit, after + end)(most - others)
                new.writestr(part.filename, data)
        return buffer.getvalue()

    return make


def ods_row(*cells: bytes) -> bytes:
    """Return a row of an .ods, each cell given by its attributes."""
    tags = b"".join(b"<table:table-cell %b/>" % attributes for attributes in cells)
    return b"<table:table-row>" + tags + b"</table:table-row>"


def _xls(most: int) -> bytes:
    book = xlwt.Workbook()
    rows = 60_000
    for place in range(max(1, most // 100 // rows)):
        sheet = book.add_sheet(str(place))
        for row in range(rows):
            sheet.write(row, 0, row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _parquet(value: object, size: int) -> Make:
    def make(most: int) -> bytes:
        buffer = io.BytesIO()
        pd.DataFrame({"a": [value] * (most // size)}).to_parquet(buffer)
        return buffer.getvalue()

    return make


def _arrow(value: object, size: int) -> Make:
    def make(most: int) -> bytes:
        table = pa.table({"a": [value] * ((most - 2048) // size)})
        buffer = io.BytesIO()
        with pa.ipc.new_stream(buffer, table.schema) as writer:
            writer.write_table(table)
        return buffer.getvalue()

    return make


def _npy(dtype: str) -> Make:
    def make(most: int) -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, np.zeros((most - 128) // np.dtype(dtype).itemsize, dtype))
        return buffer.getvalue()

    return make


def _messagepack(unit: bytes, count: int) -> Make:
    """Give a function that makes lists of `count` units in a list."""
    inner = b"\xdd" + struct.pack(">I", count) + unit * count

    def make(most: int) -> bytes:
        outer = (most - 8) // len(inner)
        return b"\x81\xa1a\xdd" + struct.pack(">I", outer) + inner * outer

    return make


def _struct(most: int) -> bytes:
    """Make a google.protobuf.Struct: {"a": [null, null, …]}."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2]) + _varint(len(data)) + data

    values = b"\x0a\x02\x08\x00" * ((most - 64) // 4)
    value = field(6, values)
    return field(1, field(1, b"a") + field(2, value))


def _varint(number: int) -> bytes:
    text = bytearray()
    while number > 127:
        text.append(number & 127 | 128)
        number >>= 7
    return bytes([*text, number])


def _picture(form: str, mode: str, share: float = 1.0) -> Make:
    def make(most: int) -> bytes:
        side = int((most * share / 3) ** 0.5)
        buffer = io.BytesIO()
        Image.new(mode, (side, side)).save(buffer, form)
        return buffer.getvalue()

    return make


# kind → format's extension → what is in it → how it is made
WORST: dict[str, dict[str, dict[str, Make]]] = {
    "table": {
        "csv": {
            "gaps": _columns(b"", b",", 1000),
            "null words": repeated(b"a\n", b"NA\nx\n"),
        },
        "tsv": {"texts": _columns(b"x", b"\t", 1000)},
        "json": {
            "records": repeated(b"[", b'{"a":1},', b"]", ends_with=b'{"a":1}'),
            "column": repeated(b'{"a":[', b"1,", b"]}", ends_with=b"1"),
        },
        "jsonl": {
            "records": repeated(b"", b'{"a":1}\n'),
        },
        "xml": {
            "rows": repeated(b"<t>", b"<r/>", b"</t>"),
            "attributes": repeated(b"<t>", b'<r a="1"/>', b"</t>"),
            "text": repeated(b"<t><r><a>", b"x", b"</a></r></t>"),
        },
        "xlsx": {
            "numbers": _sheet(b"<c><v>1</v></c>", 1000),
            "one column": _sheet(b"<c><v>1</v></c>", 1),
            "gaps": _sheet(b"<c/>", 1000),
        },
        "ods": {"numbers": ods(ods_row(b'office:value-type="float" office:value="1"'))},
        "xls": {"numbers": _xls},
        "parquet": {"numbers": _parquet(1, 8), "texts": _parquet("x", 9)},
        "arrow": {
            "texts": _arrow("", 4),
            "lists": _arrow([], 4),
        },
    },
    "array": {
        "json": {
            "rows": repeated(b"[", b"[1],", b"]", ends_with=b"[1]"),
            "a long text": repeated(b'["', b"x", b'",' + b'"",' * 100 + b'""]'),
        },
        "csv": {
            "numbers": repeated(b"", b"1\n"),
            "wide": repeated(b"", b",".join([b"1"] * 1000) + b"\n"),
        },
        "npy": {"doubles": _npy("f8")},
    },
    "tree": {
        "json": {
            "small objects": repeated(b'{"a":[', b'{"":0},', b"]}", ends_with=b"{}"),
            "numbers": repeated(b'{"a":[', b"0,", b"]}", ends_with=b"0"),
        },
        "xml": {
            "objects": repeated(b"<d>", b'<a type="object"/>', b"</d>"),
            "nested": repeated(b"<d>", b"<a><b/></a>", b"</d>"),
        },
        "yaml": {
            "lists": repeated(b"a: [", b"[],", b"]"),
            "numbers": repeated(b"a: [", b"0,", b"]"),
        },
        "msgpack": {
            "lists": _messagepack(b"\x90", 10_000),
            "small objects": _messagepack(b"\x81\xa0\xc0", 3_000),
            "nulls": _messagepack(b"\xc0", 100_000),
        },
        "pb": {"nulls": _struct},
    },
    "picture": {
        "png": {
            "RGBA": _picture("PNG", "RGBA"),
        },
        "jpg": {"CMYK": _picture("JPEG", "CMYK")},
        "webp": {"RGBA": _picture("WEBP", "RGBA")},
        "gif": {"palette": _picture("GIF", "P")},
        "bmp": {"RGB": _picture("BMP", "RGB")},
        "tiff": {"RGB": _picture("TIFF", "RGB")},
    },
    "text": {
        "json": {"wide": repeated('"🍷'.encode(), b"x", b'"')},
        "txt": {"wide": repeated("🍷".encode(), b"x")},
    },
    "file": {
        "bin": {"one": repeated(b"", b"x")},
        "json": {"base64": repeated(b'"', b"AAAA", b'"')},
    },
}


def _tensor(value: bytes, datatype: str, axes: str = "{}") -> Make:
    """Give a function that makes a request of V2 whose one tensor has as many values as fit."""

    def make(most: int) -> bytes:
        count = (most - 120) // (len(value) + 1)
        shape = axes.format(count)
        head = f'{{"inputs":[{{"name":"data","shape":[{shape}],"datatype":"{datatype}","data":['
        return head.encode() + (value + b",") * (count - 1) + value + b"]}]}"

    return make


# path → what is in it → how it is made, in JSON
ENVELOPES: dict[str, dict[str, Make]] = {
    "/invocations/table": {
        "records": repeated(b'{"dataframe_records":[', b'{"a":1},', b"]}", ends_with=b'{"a":1}'),
        "mixed records": repeated(
            b'{"dataframe_records":[', b'{"a":1},{"a":"x"},', b"]}", ends_with=b'{"a":1}'
        ),
        "rows": repeated(b'{"dataframe_split":{"data":[', b"[1,2],", b"]}}", ends_with=b"[1,2]"),
        "cells": repeated(b'{"instances":[', b"1,", b"]}", ends_with=b"1"),
        "a column": repeated(b'{"inputs":{"a":[', b'1,"",', b"]}}", ends_with=b"1"),
        "NaN": repeated(b'{"instances":[NaN,', b"1,", b"]}", ends_with=b"1"),
    },
    "/v2/models/array/infer": {
        "numbers": _tensor(b"1", "FP64"),
        "nested numbers": _tensor(b"[1]", "FP64", "{},1"),
        "nulls": _tensor(b"null", "INT64"),
    },
    "/v2/models/table/infer": {
        "texts": _tensor(b'""', "BYTES"),
        "long texts": _tensor('"🍷x"'.encode(), "BYTES"),
        "integers": _tensor(b"1", "INT64", "{},1"),
    },
}


def compressed(make: Make) -> Make:
    """Give a function that packs what another makes; it unpacks to just under the limit."""
    return lambda most: gzip.compress(make(most))
