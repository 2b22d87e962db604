"""Malicious requests: small generators, each with its limits.

`seconds` bound a response, and `mib` what the service's processes take for it, together. Every
status not listed is a fault, and so is a closed connection. `open` states what is missing where
an input still exceeds its limits: `make hostile` measures it, `make test` omits it.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

REFUSED = frozenset({400, 413, 415, 422})
ANY = REFUSED | {200}
MIB = 1024 * 1024
CSV, JSON, XML, YAML = "text/csv", "application/json", "application/xml", "application/yaml"
NPY, ARROW = "application/x-npy", "application/vnd.apache.arrow.stream"
PARQUET, MSGPACK = "application/vnd.apache.parquet", "application/msgpack"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
V2 = "/v2/models/{}/infer"


@dataclass(frozen=True)
class HostileInput:
    """A request, sent `times` times; the body is made when it is sent.

    `send` sends it in another way: it gets the port and returns a status.
    """

    name: str
    path: str
    media_type: str
    body: Callable[[], bytes]
    statuses: frozenset[int] = ANY
    seconds: float = 2.0
    mib: float = 64.0
    times: int = 1
    open: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    send: Callable[[int], int] | None = None

    @property
    def protocol(self) -> str:
        """The protocol that its path belongs to."""
        first = self.path.split("/")[1].partition("?")[0]
        return {"v2": "V2", "invocations": "MLflow"}.get(first, "native")

    @property
    def is_short(self) -> bool:
        """Whether it belongs to the short form: it is quick and within its limits."""
        return not self.open and self.seconds <= 5


def xlsx(sheet: bytes, strings: bytes = b"") -> bytes:
    """Return a workbook with this XML after its head, and shared strings."""
    main = b'"http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.'
        'openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{kind}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
        f'ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns={main.decode()} xmlns:r="{relations}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{relations}/sharedStrings" Target="sharedStrings.xml"/>'
        "</Relationships>",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        archive.writestr(
            "xl/worksheets/sheet1.xml", b"<worksheet xmlns=" + main + b">" + sheet + b"</worksheet>"
        )
        archive.writestr("xl/sharedStrings.xml", b"<sst xmlns=" + main + b">" + strings + b"</sst>")
    return buffer.getvalue()


def wrong_sheet(after: bytes) -> bytes:
    """Return a workbook with an invalid cell, and an element after its cells."""
    rows = [("a", "b"), ("text", 1)]
    cells = b"".join(
        b'<row r="%d">' % number
        + b"".join(
            b'<c r="%b%d" t="inlineStr"><is><t>%b</t></is></c>' % (letter, number, b"%b" % text)
            for letter, text in zip((b"A", b"B"), (str(cell).encode() for cell in row), strict=True)
        )
        + b"</row>"
        for number, row in enumerate(rows, start=1)
    )
    return xlsx(b"<sheetData>" + cells + b"</sheetData>" + after)


def npy(shape: str) -> bytes:
    """Return a file that is only a header with this shape."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def dictionary(rows: int, size: int) -> pa.Table:
    """Return a column in which one long text is repeated by its index."""
    indices = pa.array(np.zeros(rows, np.int8))
    return pa.table({"a": pa.DictionaryArray.from_arrays(indices, pa.array(["x" * size]))})


def arrow(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    with pa.ipc.new_stream(
        buffer, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def as_parquet(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd", **options)
    return buffer.getvalue()


def wide(columns: int) -> dict[str, object]:
    """Return a record of mixed values."""
    return {f"c{index}": (1, 1.5, "x", None)[index % 4] for index in range(columns)}


def text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def records(columns: int) -> bytes:
    return text([wide(columns)])


def split(columns: int) -> bytes:
    record = wide(columns)
    return text({"columns": list(record), "data": [list(record.values())]})


def column_lists(columns: int) -> bytes:
    return text({name: [value] for name, value in wide(columns).items()})


def small_records(size: int) -> bytes:
    """Return as many small records as fit."""
    record = b'{"a":1,"b":2},'
    return b"[" + (record * (size // len(record)))[:-1] + b"]"


def small_split(size: int) -> bytes:
    row = b"[1,2],"
    rows = (row * (size // len(row)))[:-1]
    return b'{"dataframe_split":{"columns":["a","b"],"data":[' + rows + b"]}}"


def wrapped_records(size: int) -> bytes:
    return b'{"dataframe_records":' + small_records(size - 64) + b"}"


def v2(shape: str, data: bytes, datatype: str = "FP64", name: str = "data") -> bytes:
    """Return a request of one tensor."""
    return b'{"inputs":[{"name":"%b","shape":%b,"datatype":"%b","data":%b}]}' % (
        name.encode(),
        shape.encode(),
        datatype.encode(),
        data,
    )


def v2_numbers(size: int) -> bytes:
    count = size // 2
    return v2(f"[{count}]", b"[" + b"1," * (count - 1) + b"1]")


def v2_texts(size: int) -> bytes:
    count = size // 3
    return v2(f"[{count},1]", b"[" + b'"",' * (count - 1) + b'""]', "BYTES", "a")


def v2_columns(columns: int) -> bytes:
    inputs = [
        {"name": f"c{index}", "shape": [1, 1], "datatype": "FP64", "data": [1.5]}
        for index in range(columns)
    ]
    return text({"inputs": inputs})


def part(headers: bytes, body: bytes = b"a,b\r\n1,2") -> bytes:
    """Return a form of one part."""
    return b"--b\r\n" + headers + b"\r\n\r\n" + body + b"\r\n--b--\r\n"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def gzipped(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(bytes(size)), packer.flush()])


def blank_cells(count: int) -> bytes:
    return xlsx(b"<sheetData><row>" + b"<c/>" * count + b"</row></sheetData>")


def entities() -> bytes:
    lines = [b'<!ENTITY a0 "aaaaaaaaaa">']
    lines += [b'<!ENTITY a%d "%b">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 10)]
    return b"<!DOCTYPE t [" + b"".join(lines) + b"]><t><r><a>&a9;</a></r></t>"


def aliases() -> bytes:
    lines = [b"a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [b"a%d: &a%d [%b]" % (i, i, b",".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 9)]
    return b"\n".join(lines)


AREA = b"A1:XFD1048576"


def patterns() -> Iterator[HostileInput]:
    """Yield texts that cause quadratic matching in careless patterns."""
    yield HostileInput(
        "shared strings: t=s a million times in a tag",
        "/table",
        XLSX,
        lambda: xlsx(
            b"<sheetData><row><c " + b't="s"' * MIB + b"><v>0</v></c></row></sheetData>",
            b"<si><t>" + b"x" * 100_000 + b"</t></si>",
        ),
    )
    yield HostileInput(
        "a cell's reference of a million letters",
        "/table",
        XLSX,
        lambda: xlsx(b'<sheetData><row><c r="' + b"A" * MIB + b'1"/><c/></row></sheetData>'),
    )
    yield HostileInput(
        "t=e a million times in a tag",
        "/table",
        XLSX,
        lambda: xlsx(
            b'<sheetData><row><c r="A1" t="e"><v>#SPILL!</v></c><c '
            + b't="e" ' * MIB
            + b"></c></row></sheetData>"
        ),
    )
    for name, character in (("quotes", b'"'), ("semicolons", b";"), ("line breaks", b"\r")):
        yield HostileInput(
            f"a CSV of {name}", "/table", CSV, lambda c=character: b"a;b\n" + c * MIB, seconds=5
        )
    yield HostileInput(
        "name*= in a part's header",
        "/table",
        MULTIPART,
        lambda: part(b"Content-Disposition: form-data; " + b"name*=a" * 20_000),
    )


def areas() -> Iterator[HostileInput]:
    """Yield workbooks in which a few bytes denote a whole sheet, to be annotated."""
    elements = {
        "a merged range": b'<mergeCells><mergeCell ref="%b"/></mergeCells>',
        "a hyperlink": b'<hyperlinks><hyperlink ref="%b" location="A1"/></hyperlinks>',
        "a validation": b'<dataValidations><dataValidation sqref="%b"/></dataValidations>',
    }
    for name, element in elements.items():
        yield HostileInput(
            f"{name} over the whole sheet",
            "/strict?errors=xlsx",
            XLSX,
            lambda element=element: wrong_sheet(element % AREA),
            frozenset({422}),
            seconds=5,
            mib=100,
        )


def binary_columns(columns: int, rows: int) -> tuple[bytes, int]:
    """Return columns of zeros as binary data with binary output, and the JSON's length."""
    inputs = [
        {
            "name": f"c{index}",
            "shape": [rows],
            "datatype": "FP64",
            "parameters": {"binary_data_size": 8 * rows},
        }
        for index in range(columns)
    ]
    head = text({"inputs": inputs, "parameters": {"binary_data_output": True}})
    return head + bytes(8 * rows * columns), len(head)


def fields(count: int, size: int) -> bytes:
    """Return a form of fields with names of this length."""
    head = b'--b\r\nContent-Disposition: form-data; name="' + b"n" * size
    return b"".join(head + b'%d"\r\n\r\nx\r\n' % index for index in range(count)) + b"--b--\r\n"


def parts() -> Iterator[HostileInput]:
    """Yield forms that consist of headers or of a preamble."""
    named = b'Content-Disposition: form-data; name="data"'
    forms: dict[str, Callable[[], bytes]] = {
        "a part's header of 40 MiB": lambda: fields(1, 40 * MIB),
        "990 fields with names of 50 kB": lambda: fields(990, 50_000),
        "990 fields with names of 8 kB": lambda: fields(990, 8_000),
        "990 fields with names of 1,000 bytes": lambda: fields(990, 1_000),
        "150 parts of 2,500 headers each": lambda: part(
            b"\r\n\r\nx\r\n--b\r\n".join([named + b"\na:" * 2_500] * 150)
        ),
        "42 MiB before the first part": lambda: b"--bx\r\n" * (7 * MIB) + part(named),
        "45 MiB after the last part": lambda: part(named) + b"\r\n--b\r\n" * (5 * MIB),
        "a part of 40 MiB of line breaks": lambda: part(named, b"\r\n" * (20 * MIB)),
    }
    for name, body in forms.items():
        yield HostileInput(f"a form: {name}", "/table", MULTIPART, body, REFUSED | {200}, mib=300)


def shapes() -> Iterator[HostileInput]:
    """Yield small bodies that expand."""
    for shape in ("(1000000000, 0)", "(0, 1000000000)", "(100000, 0, 1)"):
        yield HostileInput(
            f".npy of shape {shape}, echoed",
            "/array",
            NPY,
            lambda shape=shape: npy(shape),
        )
    yield HostileInput(
        "shape [1000000000, 0], echoed",
        V2.format("array"),
        JSON,
        lambda: v2("[1000000000,0]", b"[]"),
    )
    for name, media_type, write in (("Arrow", ARROW, arrow), ("Parquet", PARQUET, as_parquet)):
        yield HostileInput(
            f"{name}: a text of 100 kB, 100,000 times by its index, echoed",
            "/table",
            media_type,
            lambda write=write: write(dictionary(100_000, 100_000)),
            REFUSED,
        )
    yield HostileInput(
        "4,000 binary columns of 400 rows, sent back as binary data",
        V2.format("table"),
        "application/octet-stream",
        lambda: binary_columns(4_000, 400)[0],
        frozenset({200}),
        seconds=5,
        mib=200,
        headers={"Inference-Header-Content-Length": str(binary_columns(4_000, 400)[1])},
    )
    for columns in (20_000, 100_000):
        for name, path, body in (
            ("JSON records", "/table", records),
            ("JSON split", "/table", split),
            ("JSON columns", "/table", column_lists),
            ("MLflow records", "/invocations", lambda n: b'{"dataframe_records":%b}' % records(n)),
            ("MLflow split", "/invocations", lambda n: b'{"dataframe_split":%b}' % split(n)),
            ("V2 tensors", V2.format("table"), v2_columns),
        ):
            yield HostileInput(
                f"{name} of {columns:,} columns",
                path,
                JSON,
                lambda body=body, columns=columns: body(columns),
                REFUSED,
                mib=128,
            )


def sizes() -> Iterator[HostileInput]:
    """Yield requests with the highest memory use per byte, in every protocol."""
    size = 49 * MIB
    for name, path, body in (
        ("small records", "/table", small_records),
        ("small records", "/invocations", wrapped_records),
        ("small rows", "/invocations", small_split),
        ("small numbers", V2.format("array"), v2_numbers),
        ("empty texts", V2.format("table"), v2_texts),
        ("small objects", "/tree", lambda n: b'{"a":[' + b'{"":0},' * (n // 7 - 2) + b"{}]}"),
    ):
        yield HostileInput(
            f"{name}, 49 MiB",
            path,
            JSON,
            lambda body=body: body(size),
            seconds=10,
            mib=12 * 50 + 2,
        )
    yield HostileInput(
        "urlencoded fields, 49 MiB",
        "/table",
        FORM,
        lambda: b"&a" * (size // 2),
        REFUSED,
        seconds=5,
        mib=256,
    )
    yield HostileInput(
        "gzip of 256 MiB of zeros",
        "/table",
        CSV,
        lambda: gzipped(256 * MIB),
        frozenset({413}),
        mib=128,
        headers={"Content-Encoding": "gzip"},
    )
    yield HostileInput(
        "a column label of 11 MiB, 4 times",
        "/strict",
        JSON,
        lambda: text([{"x" * 11 * MIB: 1}]),
        REFUSED,
        seconds=5,
        mib=256,
        times=4,
    )


def slow() -> Iterator[HostileInput]:
    """Yield bodies that are slow to decode for their size."""
    yield HostileInput(
        "YAML of 5 MB",
        "/tree",
        YAML,
        lambda: b"a:\n" + b"- x\n" * 1_250_000,
        seconds=5,
    )
    yield HostileInput(
        "a row of 5,000,000 blank cells",
        "/table",
        XLSX,
        lambda: blank_cells(5_000_000),
        REFUSED,
        mib=128,
    )
    for body, name in ((b"a,b\n1e999999999,1\n", "CSV"), (b'[{"a":"1e999999999","b":1}]', "JSON")):
        yield HostileInput(
            f"{name}: 1e999999999 in a column of int",
            "/whole",
            CSV if name == "CSV" else JSON,
            lambda body=body: body,
            REFUSED,
        )
    yield HostileInput("XML entities", "/table", XML, entities, REFUSED)
    yield HostileInput("YAML aliases", "/tree", YAML, aliases, REFUSED)
    for label, value in (
        ("a list of a text of 1 MiB", b"[" + b"x" * MIB + b"]"),
        ("an object with a name of 1 MiB", b"{? " + b"x" * MIB + b"\n: 1}"),
        ("a number of 4,000 digits", b"9" * 4_000),
    ):
        yield HostileInput(
            f"YAML: 30,000 aliases of {label}",
            "/tree",
            YAML,
            lambda value=value: b"a: &a " + value + b"\nb: [" + b"*a," * 30_000 + b"*a]\n",
            REFUSED,
        )


def nesting() -> Iterator[HostileInput]:
    """Yield deeply nested bodies."""
    yield HostileInput("JSON nested 100,000 deep", "/tree", JSON, lambda: nested(100_000), REFUSED)
    yield HostileInput(
        "a cell of JSON nested 500 deep",
        "/table",
        JSON,
        lambda: b'[{"a":' + nested(500) + b"}]",
        REFUSED,
    )
    yield HostileInput(
        "MessagePack nested 100,000 deep",
        "/tree",
        MSGPACK,
        lambda: b"\x91" * 100_000 + b"\x90",
        REFUSED,
    )
    yield HostileInput(
        "XML nested 100,000 deep",
        "/tree",
        XML,
        lambda: b"<a>" * 100_000 + b"</a>" * 100_000,
        REFUSED,
    )
    yield HostileInput("YAML nested 100,000 deep", "/tree", YAML, lambda: nested(100_000), REFUSED)
    yield HostileInput(
        "data nested 500 deep",
        V2.format("array"),
        JSON,
        lambda: v2("[1]", nested(500)),
        REFUSED,
    )


def long_names() -> Iterator[HostileInput]:
    """Yield names that an error must not echo unchanged."""

    def columns(count: int, size: int, **more: object) -> bytes:
        inputs = [
            {
                "name": "n" * size + str(index),
                "datatype": "FP64",
                "shape": [1 + index % 2],
                "data": [1.5] * (1 + index % 2),
            }
            for index in range(count)
        ]
        return text({"inputs": inputs, **more})

    bodies: dict[str, tuple[str, Callable[[], bytes]]] = {
        "16,000 columns of unequal length": ("table", lambda: columns(16_000, 1)),
        "2,000 unequal columns with names of 20 kB": ("table", lambda: columns(2_000, 20_000)),
        "2,000 unknown inputs with names of 20 kB": ("array", lambda: columns(2_000, 20_000)),
        "2,000 unknown outputs with names of 20 kB": (
            "array",
            lambda: columns(1, 1, outputs=[{"name": "n" * 20_000 + str(i)} for i in range(2_000)]),
        ),
        "an id of 40 MiB": ("array", lambda: columns(1, 1, id="x" * (40 * MIB))),
    }
    for name, (model, body) in bodies.items():
        yield HostileInput(name, V2.format(model), JSON, body, REFUSED, mib=300)
    for path, wrap in (("/strict", b"[%b]"), ("/invocations", b'{"dataframe_records":[%b]}')):
        yield HostileInput(
            f"1,500 unknown columns with names of 30 kB to {path}",
            path,
            JSON,
            lambda wrap=wrap: wrap % text({"x" * 30_000 + str(i): 1 for i in range(1_500)}),
            REFUSED | {200},
            mib=300,
        )


def malformed() -> Iterator[HostileInput]:
    """Yield client errors that must not become server errors."""
    yield HostileInput(
        "a part of a form without a name",
        "/table",
        MULTIPART,
        lambda: part(b"Content-Disposition: form-data"),
        REFUSED,
    )
    yield HostileInput(
        "10,000 parts of a form",
        "/table",
        MULTIPART,
        lambda: (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 10_000 + b"--b--\r\n"
        ),
        REFUSED,
    )
    for shape in ("[0,9223372036854775808]", "[9223372036854775808]", "[-1]", str([1] * 100)):
        yield HostileInput(
            f"shape {shape if len(shape) < 40 else 'of 100 dimensions'}",
            V2.format("array"),
            JSON,
            lambda shape=shape: v2(shape, b"[1]"),
            REFUSED,
        )
    yield HostileInput(
        "ragged data",
        V2.format("array"),
        JSON,
        lambda: v2("[2,2]", b"[[1],[2,3,4]]"),
        REFUSED,
    )
    yield HostileInput(
        "a header's length of 5,000 digits",
        V2.format("array"),
        "application/octet-stream",
        lambda: v2("[1]", b"[1]"),
        REFUSED,
        headers={"Inference-Header-Content-Length": "9" * 5_000},
    )
    yield HostileInput(
        "a size of binary data of 5,000 digits",
        V2.format("array"),
        JSON,
        lambda: (
            b'{"inputs":[{"name":"data","shape":[1],"datatype":"FP64","parameters":'
            b'{"binary_data_size":' + b"9" * 5_000 + b"}}]}"
        ),
        REFUSED,
    )
    yield from long_names()
    for name, item in (("texts", b'"x"'), ("long numbers", b"9" * 23)):
        yield HostileInput(
            f"a list of 1,000,000 {name} in place of whole numbers",
            "/numbers",
            JSON,
            lambda item=item: b"[" + b",".join([item] * 1_000_000) + b"]",
            REFUSED,
            mib=300,
        )
    for path in ("/table", "/invocations", V2.format("array"), "/array", "/tree"):
        name = f"a number of 5,000 digits to {path}"
        yield HostileInput(name, path, JSON, lambda: b"9" * 5_000, REFUSED)


def scalars_and_lists() -> Iterator[HostileInput]:
    """Yield long lists, dates, lenient cells and kept columns."""
    digits = b"1 234" * 200_000
    for name, cell in (
        ("digits and spaces", digits),
        ("separators", b"1,." * 300_000),
        ("quotes", b"1'" * 500_000),
        ("dates", b"2020-01-01 " * 90_000),
        ("signs", b"-+" * 500_000),
    ):
        yield HostileInput(
            f"a lenient cell of a MiB of {name}",
            "/lenient",
            JSON,
            lambda cell=cell: b'[{"a":"%b","b":"%b"}]' % (cell, cell),
            REFUSED,
        )
    yield HostileInput(
        "lenient cells, 49 MiB",
        "/lenient",
        CSV,
        lambda: b"a;b\n" + b'"1 234,5";01.02.2020\n' * (49 * MIB // 21),
        REFUSED,
        seconds=5,
        mib=12 * 50 + 2,
    )
    yield HostileInput(
        "100,000 columns that are kept", "/keep", JSON, lambda: records(100_000), REFUSED, mib=128
    )
    yield HostileInput(
        "16,000 columns that are kept", "/keep", JSON, lambda: records(16_000), ANY, seconds=8
    )
    yield HostileInput(
        "a list of numbers, 49 MiB",
        "/numbers",
        JSON,
        lambda: b'{"data":[' + b"1," * (24 * MIB) + b"1]}",
        REFUSED,
        seconds=10,
        mib=12 * 50 + 2,
    )
    yield HostileInput(
        "100,000 fields of a list",
        "/numbers",
        FORM,
        lambda: b"data=1&" * 100_000,
        REFUSED,
    )
    yield HostileInput("a date of a MiB", "/day", JSON, lambda: b'"%b"' % (b"2" * MIB), REFUSED)


def streams() -> Iterator[HostileInput]:
    """Yield texts that a generator function splits into items."""
    text = "text/plain"
    yield HostileInput(
        "a stream of 20,000 empty pieces", "/words", text, lambda: b" " * 20_000, seconds=5
    )
    yield HostileInput("a piece of 8 MiB", "/words", text, lambda: b"a" * 8 * MIB)
    yield HostileInput(
        "an event of a million lines", "/words", text, lambda: b"\n" * MIB, statuses=ANY
    )
    yield HostileInput(
        "an event with a carriage return",
        "/words",
        text,
        lambda: b"a\rb",
        frozenset({406}),
    )
    yield HostileInput(
        "a stream of 20,000 invalid UTF-8 pieces",
        "/words",
        text,
        lambda: b"\xff " * 20_000,
        REFUSED,
    )


def inputs() -> Iterator[HostileInput]:
    """Yield all inputs of this module."""
    yield from patterns()
    yield from areas()
    yield from parts()
    yield from shapes()
    yield from sizes()
    yield from slow()
    yield from nesting()
    yield from malformed()
    yield from scalars_and_lists()
    yield from streams()
