"""Input that harms other services: this one rejects it with a reason and keeps serving.

If a limit is an operator's setting, the response names it. Other cases are tested beside their
formats: repeated cells and forged sizes of workbooks in test_workbooks, Arrow offsets out of range
in test_table_pyarrow, compressed bodies in test_web_content_encoding.
"""

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import msgpack
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from flask.testing import FlaskClient
from PIL import Image

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.codecs import Format
from mmf_core.web import create_app

HARMFUL = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"]
LAUGHS = '<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'
EXTERNAL = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
PARAMETER = '<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:1/"> %b;]>'


@pytest.fixture(autouse=True)
def _still_serving(client: FlaskClient) -> Iterator[None]:
    yield
    assert client.post("/strict", json=[{"a": 1.5}]).get_json() == [{"a": 1.5}]


@pytest.fixture
def small(everything: mmf.Registry, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Return a client of a service that decompresses up to two MiB and accepts one."""
    monkeypatch.setenv("MMF_MAX_BODY_MIB", "1")
    monkeypatch.setenv("MMF_MAX_DECOMPRESSED_MIB", "2")
    return create_app(everything).test_client()


def _post(client: FlaskClient, route: str, body: bytes, form: Format, **how: Any) -> Any:
    return client.post(f"/{route}", data=body, content_type=form.media_type, **how)


def _bomb(form: Format) -> bytes:
    """Make a workbook with 50 MB of blanks in one part."""
    book, buffer = io.BytesIO(), io.BytesIO()
    engine = "odf" if form is Format.ODS else "openpyxl"
    pd.DataFrame({"a": [1.5]}).to_excel(book, index=False, engine=engine)
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            is_sheet = part.filename.endswith(("sheet1.xml", "content.xml"))
            new.writestr(part, old.read(part) + b" " * (50_000_000 if is_sheet else 0))
    return buffer.getvalue()


@pytest.mark.parametrize("form", [Format.XLSX, Format.ODS])
def test_zip_bomb_in_a_workbook(small: FlaskClient, form: Format) -> None:
    response = _post(small, "records", _bomb(form), form)
    assert_problem(response, 413, "2 MiB", "MMF_MAX_DECOMPRESSED_MIB", path="/records")


@pytest.mark.parametrize("doctype", [LAUGHS, EXTERNAL, PARAMETER], ids=["laughs", "file", "url"])
@pytest.mark.parametrize(
    ("route", "text"),
    [("records", "<a><r><b>&b;</b></r></a>"), ("swap", "<a><b>&b;</b></a>")],
)
def test_xml_entities(client: FlaskClient, route: str, text: str, doctype: str) -> None:
    assert_problem(_post(client, route, (doctype + text).encode(), Format.XML), 400, "entities")


@pytest.mark.parametrize("route", ["records", "swap"])
@pytest.mark.parametrize("depth", [10_000, 200_000])
def test_deeply_nested_xml(client: FlaskClient, route: str, depth: int) -> None:
    body = b"<a>" * depth + b"</a>" * depth
    response = _post(client, route, body, Format.XML)
    assert response.status_code in {400, 422}
    assert_problem(response, response.status_code)


@pytest.mark.parametrize("route", ["strict", "swap", "double", "mirror", "next_one", "labelled"])
@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["[", "{"])
def test_deeply_nested_json(client: FlaskClient, route: str, start: bytes, end: bytes) -> None:
    body = start * 10_000 + b"1" + end * 10_000
    assert_problem(_post(client, route, body, Format.JSON), 400, "JSON", path=f"/{route}")


@pytest.mark.parametrize("route", ["strict", "swap", "double"])
def test_fifty_megabyte_string(client: FlaskClient, route: str) -> None:
    body = b'"' + b"x" * 50_000_000 + b'"'
    response = _post(client, route, body, Format.JSON)
    assert_problem(response, 422, path=f"/{route}")
    assert len(response.data) < 1_000


def test_long_string_in_an_array_does_not_widen_every_cell(
    client: FlaskClient,
) -> None:
    """NumPy would take 400 GB."""
    body = b'["' + b"x" * 1_000_000 + b'"' + b',""' * 100_000 + b"]"
    assert_problem(_post(client, "double", body, Format.JSON), 422, "numbers")


@pytest.mark.parametrize(
    "text", ["a: !!python/object/apply:os.system [id]", "a: !!str 1", "!x {}", "a: !!binary aaaa"]
)
def test_yaml_tags(client: FlaskClient, text: str) -> None:
    assert_problem(_post(client, "swap", text.encode(), Format.YAML), 422, "tags such as")


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Format.MSGPACK, b"\xdf\xff\xff\xff\xff"),
        (Format.MSGPACK, b"\xdd\xff\xff\xff\xff"),
        (Format.MSGPACK, b"\xdb\xff\xff\xff\xff"),
        (Format.MSGPACK, b"\xc6\xff\xff\xff\xff"),
        (Format.MSGPACK, b"\x81\xa1a" + b"\xdd\x7f\xff\xff\xff" * 90),
        (Format.PROTOBUF, b"\x0a\xff\xff\xff\xff\x07"),
        (Format.PROTOBUF, b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    ],
)
def test_forged_lengths(client: FlaskClient, form: Format, body: bytes) -> None:
    assert_problem(
        _post(client, "swap", body, form),
        400,
        "MessagePack" if form is Format.MSGPACK else "protobuf",
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_pixel_bomb(client: FlaskClient) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 10_000)
    body = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows)
    body += _chunk(b"IEND", b"")
    assert len(body) < 1_000
    assert_problem(_post(client, "mirror", body, Format.PNG), 413, "pixels")


def test_pixel_limit_setting(small: FlaskClient) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1_000, 1_000)).save(buffer, "PNG")
    response = _post(small, "mirror", buffer.getvalue(), Format.PNG)
    assert_problem(response, 413, "699,050 pixels", "MMF_MAX_DECOMPRESSED_MIB", path="/mirror")


def test_parquet_with_a_forged_footer(client: FlaskClient) -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"a": [1.5] * 100}).to_parquet(buffer)
    data = buffer.getvalue()
    for length in (0, 1, 2**31 - 1, 2**32 - 1, len(data) + 1):
        forged = data[:-8] + struct.pack("<I", length) + data[-4:]
        assert_problem(_post(client, "records", forged, Format.PARQUET), 400, "Parquet")


def test_endless_arrow_nulls(client: FlaskClient) -> None:
    """Nulls take no bytes, however many there are."""
    sink = pa.BufferOutputStream()
    table = pa.record_batch([pa.nulls(2**28)], ["a"])
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_batch(table)
    body = sink.getvalue().to_pybytes()
    assert len(body) < 1_000
    response = _post(client, "records", body, Format.ARROW)
    assert_problem(response, 413, "100 MiB", "MMF_MAX_DECOMPRESSED_MIB")


class Trap:
    """Runs a command when unpickled."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was loaded",))


def test_pickle_in_npy(client: FlaskClient) -> None:
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + "\n"
    body = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode()
    body += pickle.dumps(np.array([Trap()], dtype=object))
    assert_problem(_post(client, "double", body, Format.NPY), 422, "numbers")


@pytest.mark.parametrize("form", [Format.CSV, Format.TSV])
def test_million_columns(client: FlaskClient, form: Format) -> None:
    separator = b"," if form is Format.CSV else b"\t"
    header = separator.join(b"%d" % place for place in range(1_000_000))
    body = header + b"\n" + separator * 999_999 + b"\n"
    assert_problem(_post(client, "records", body, form), 400, "16,384")


@pytest.mark.parametrize("text", HARMFUL)
def test_texts_are_not_formulas_in_excel(client: FlaskClient, text: str) -> None:
    response = client.post("/sheet", json=[{text: text}])
    assert response.status_code == 200
    (name,), (cell,) = openpyxl.load_workbook(io.BytesIO(response.data)).active.iter_rows()
    for excel_cell in (name, cell):
        assert excel_cell.data_type == "s"
        assert excel_cell.value.replace("_x000D_", "\r").strip() == text.strip()


@pytest.mark.parametrize("text", HARMFUL)
@pytest.mark.parametrize("form", [Format.CSV, Format.TSV])
def test_texts_are_not_formulas_in_csv_if_configured(
    everything: mmf.Registry, monkeypatch: pytest.MonkeyPatch, text: str, form: Format
) -> None:
    monkeypatch.setenv("MMF_CSV_ESCAPE", "1")
    client = create_app(everything).test_client()
    response = client.post(f"/table?format={form.extension}", json=[{"a": text}])
    separator = "," if form is Format.CSV else "\t"
    read = pd.read_csv(io.BytesIO(response.data), sep=separator, lineterminator="\n")
    assert read["a"].tolist() == [f"'{text}"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a\0b", "..", "C:\\a", "a\x1bb"]
)
@pytest.mark.parametrize("how", ["multipart", "Content-Disposition"])
def test_file_names_are_not_paths(client: FlaskClient, name: str, how: str) -> None:
    if how == "multipart":
        part = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\nx'
        response = client.post(
            "/copied",
            data=part.encode() + b"\r\n--b--\r\n",
            content_type="multipart/form-data; boundary=b",
        )
    else:
        disposition = f'attachment; filename="{name}"'
        response = client.post(
            "/copied",
            data=b"x",
            content_type="application/x-thing",
            environ_overrides={"HTTP_CONTENT_DISPOSITION": disposition},
        )
    assert (response.status_code, response.data) == (200, b"x")
    named = response.headers["Content-Disposition"].partition("filename=")[2]
    assert named
    assert not set(named) & set("/\\\0\x1b")
    assert ".." not in named


def test_keys_are_not_paths(client: FlaskClient) -> None:
    body = msgpack.packb({"../../a\0": 1})
    response = _post(client, "swap", body, Format.MSGPACK)
    assert response.get_json() == {"1": "../../a\0"}
