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


def _ods(most: int) -> bytes:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    start = (
        f"<office:document-content {names}><office:body><office:spreadsheet>"
        '<table:table table:name="a">'
    ).encode()
    end = b"</table:table></office:spreadsheet></office:body></office:document-content>"
    cell = b'<table:table-cell office:value-type="float" office:value="1"/>'
    row = b"<table:table-row>" + cell + b"</table:table-row>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("content.xml", repeated(start, row, end)(most - 100))
    return buffer.getvalue()


def _xls(most: int) -> bytes:
    import xlwt

    book = xlwt.Workbook()
    rows = 60_000
    for place in range(max(1, most // 100 // rows)):
        sheet = book.add_sheet(str(place))
        for row in range(rows):
            sheet.write(row, 0, row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _parquet(**columns: object) -> Make:
    def make(most: int) -> bytes:
        buffer = io.BytesIO()
        rows = most // sum(9 if type(one) is str else 8 for one in columns.values())
        pd.DataFrame({name: [one] * rows for name, one in columns.items()}).to_parquet(buffer)
        return buffer.getvalue()

    return make


def _arrow(value: object, size: int) -> Make:
    def make(most: int) -> bytes:
        import pyarrow as pa

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
        outer = (most - 5) // len(inner)
        return b"\xdd" + struct.pack(">I", outer) + inner * outer

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
            "numbers": repeated(b"a\n", b"1\n"),
            "wide": _columns(b"x", b",", 1000),
            "gaps": _columns(b"", b",", 1000),
            "one text": repeated(b"a\n", b"x"),
            "null words": repeated(b"a\n", b"NA\nx\n"),
            "semicolons": repeated(b"a;b\n", b"1;2\n"),
        },
        "tsv": {"texts": _columns(b"x", b"\t", 1000)},
        "json": {
            "records": repeated(b"[", b'{"a":1},', b"]", ends_with=b'{"a":1}'),
            "wide records": repeated(
                b"[",
                b"{%s}," % b",".join(b'"%d":1' % one for one in range(100)),
                b"]",
                ends_with=b"{%s}" % b",".join(b'"%d":1' % one for one in range(100)),
            ),
            "texts": repeated(b"[", b'{"a":""},', b"]", ends_with=b'{"a":""}'),
            "empty records": repeated(b"[", b"{},", b"]", ends_with=b"{}"),
            "two kinds of records": repeated(b"[", b'{"a":1},{"b":1},', b"]", ends_with=b'{"a":1}'),
            "rows": repeated(b'{"data":[', b"[1],", b"]}", ends_with=b"[1]"),
            "empty rows": repeated(b'{"data":[', b"[],", b"]}", ends_with=b"[]"),
            "column": repeated(b'{"a":[', b"1,", b"]}", ends_with=b"1"),
            "column of texts": repeated(b'{"a":[', b'"",', b"]}", ends_with=b'""'),
            "column of lists": repeated(b'{"a":[', b"[],", b"]}", ends_with=b"[]"),
            "one text": repeated(b'[{"a":"', b"x", b'"}]'),
            "wide text": repeated('[{"a":"🍷'.encode(), b"x", b'"}]'),
        },
        "jsonl": {
            "records": repeated(b"", b'{"a":1}\n'),
            "empty": repeated(b"", b"{}\n"),
            "empty lines": repeated(b'{"a":1}', b"\n"),
        },
        "xml": {
            "cells": repeated(b"<t>", b"<r><a>1</a></r>", b"</t>"),
            "rows": repeated(b"<t>", b"<r/>", b"</t>"),
            "attributes": repeated(b"<t>", b'<r a="1"/>', b"</t>"),
            "text": repeated(b"<t><r><a>", b"x", b"</a></r></t>"),
            "breaks": repeated(b"<t><r><a>", b"\n", b"</a></r></t>"),
        },
        "xlsx": {
            "numbers": _sheet(b"<c><v>1</v></c>", 1000),
            "texts": _sheet(b'<c t="str"><v>x</v></c>', 1000),
            "rows": _sheet(b"<c><v>1</v></c>", 1),
        },
        "ods": {"numbers": _ods},
        "xls": {"numbers": _xls},
        "parquet": {"numbers": _parquet(a=1), "texts": _parquet(a="x"), "flags": _parquet(a=True)},
        "arrow": {
            "numbers": _arrow(1, 8),
            "texts": _arrow("", 4),
            "flags": _arrow(True, 1),
            "lists": _arrow([], 4),
        },
    },
    "array": {
        "json": {
            "numbers": repeated(b"[", b"1,", b"]", ends_with=b"1"),
            "rows": repeated(b"[", b"[1],", b"]", ends_with=b"[1]"),
            "empty rows": repeated(b"[", b"[],", b"]", ends_with=b"[]"),
            "nulls": repeated(b"[1,", b"null,", b"]", ends_with=b"1"),
            "flags": repeated(b"[", b"true,", b"]", ends_with=b"true"),
            "texts": repeated(b"[", b'"",', b"]", ends_with=b'""'),
            "a long text": repeated(b'["', b"x", b'",' + b'"",' * 100 + b'""]'),
            "objects": repeated(b"[", b"{},", b"]", ends_with=b"{}"),
        },
        "csv": {
            "numbers": repeated(b"", b"1\n"),
            "wide": repeated(b"", b",".join([b"1"] * 1000) + b"\n"),
            "texts": repeated(b"1\n", b"x\n"),
        },
        "npy": {"bytes": _npy("u1"), "halves": _npy("f2"), "doubles": _npy("f8")},
    },
    "tree": {
        "json": {
            "lists": repeated(b'{"a":[', b"[],", b"]}", ends_with=b"[]"),
            "objects": repeated(b'{"a":[', b"{},", b"]}", ends_with=b"{}"),
            "small objects": repeated(b'{"a":[', b'{"":0},', b"]}", ends_with=b"{}"),
            "nested": repeated(b'{"a":[', b"[[]],", b"]}", ends_with=b"[]"),
            "numbers": repeated(b'{"a":[', b"0,", b"]}", ends_with=b"0"),
            "texts": repeated(b'{"a":[', b'"xx",', b"]}", ends_with=b'""'),
        },
        "xml": {
            "elements": repeated(b"<d>", b"<a/>", b"</d>"),
            "objects": repeated(b"<d>", b'<a type="object"/>', b"</d>"),
            "nested": repeated(b"<d>", b"<a><b/></a>", b"</d>"),
            "text": repeated(b"<d>", b"x", b"</d>"),
        },
        "yaml": {
            "lists": repeated(b"a: [", b"[],", b"]"),
            "objects": repeated(b"a: [", b"{},", b"]"),
            "numbers": repeated(b"a: [", b"0,", b"]"),
            "gaps": repeated(b"a:\n", b"-\n"),
            "text": repeated(b"a: ", b"x"),
        },
        "msgpack": {
            "lists": _messagepack(b"\x90", 500_000),
            "objects": _messagepack(b"\x80", 500_000),
            "small objects": _messagepack(b"\x81\xa0\xc0", 100_000),
            "nulls": _messagepack(b"\xc0", 500_000),
        },
        "pb": {"nulls": _struct},
    },
    "picture": {
        "png": {
            "RGB": _picture("PNG", "RGB"),
            "RGBA": _picture("PNG", "RGBA"),
            "gray": _picture("PNG", "L"),
            "of 16 bits": _picture("PNG", "I;16"),
            "palette": _picture("PNG", "P"),
        },
        "jpg": {"RGB": _picture("JPEG", "RGB"), "CMYK": _picture("JPEG", "CMYK")},
        "webp": {"RGBA": _picture("WEBP", "RGBA")},
        "gif": {"palette": _picture("GIF", "P")},
        "bmp": {"RGB": _picture("BMP", "RGB")},
        "tiff": {"RGB": _picture("TIFF", "RGB")},
    },
    "text": {
        "json": {"one": repeated(b'"', b"x", b'"'), "wide": repeated('"🍷'.encode(), b"x", b'"')},
        "txt": {"one": repeated(b"", b"x"), "wide": repeated("🍷".encode(), b"x")},
    },
    "file": {
        "bin": {"one": repeated(b"", b"x")},
        "json": {"base64": repeated(b'"', b"AAAA", b'"')},
    },
}


def packed(make: Make) -> Make:
    """Give a function that packs what another makes; it unpacks to just under the limit."""
    return lambda most: gzip.compress(make(most))
