"""Workbooks in requests: sheets, and malicious files."""

import io
import re
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import openpyxl
import pandas as pd
import pytest
import xlwt
from pandas.testing import assert_frame_equal
from tables import MIXED, damage, fuzz

import forged_xls
import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find
from mmf_core.codecs.base import Codec
from mmf_core.codecs.table_ods import TableODS
from mmf_core.codecs.table_xls import TableXLS
from mmf_core.codecs.table_xlsx import TableXLSX
from mmf_core.codecs.workbooks import OLE2
from mmf_core.errors import BodyTooLarge, InvalidValue, MissingPackage, RequestError

XLSX, XLS, ODS = TableXLSX(), TableXLS(), TableODS()
TABLE = pd.DataFrame({"a": [1, 2], "b": ["x", "007"]})


def xlsx(**cells: object) -> bytes:
    book = openpyxl.Workbook()
    for place, value in cells.items():
        book.active[place] = value
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def xls(*sheets: str, table: pd.DataFrame = TABLE) -> bytes:
    book = xlwt.Workbook()
    for name in sheets or ("Sheet1",):
        sheet = book.add_sheet(name)
        for column, title in enumerate(table):
            sheet.write(0, column, title)
            for row, value in enumerate(table[title].tolist(), start=1):
                if pd.notna(value):
                    sheet.write(row, column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def ods(table: pd.DataFrame = TABLE, *sheets: str) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="odf") as writer:
        for name in sheets or ("Sheet1",):
            table.to_excel(writer, sheet_name=name, index=False)
    return buffer.getvalue()


def repacked(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return a zip file with one part changed."""
    buffer = io.BytesIO()
    compressed = zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(io.BytesIO(data)) as old, compressed as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, change(text) if name == part else text)
    return buffer.getvalue()


def two_sheets(names: tuple[str, str]) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        for number, name in enumerate(names):
            pd.DataFrame({"a": [number]}).to_excel(writer, sheet_name=name, index=False)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("codec", "data", "form"), [(XLS, xls(), Format.XLS), (ODS, ods(), Format.ODS)]
)
def test_xls_and_ods_are_read(codec: Codec[pd.DataFrame], data: bytes, form: Format) -> None:
    assert type(find(Kind.TABLE, form)) is type(codec)
    assert_frame_equal(codec.decode(data, {}), TABLE)
    assert codec.decode(data, {"usecols": ["b"], "sep": ";"}).to_dict("list") == {"b": ["x", "007"]}


@pytest.mark.parametrize(("sheet", "number"), [("b", 1), ("0", 0), ("1", 1), ("a", 0)])
def test_sheet_is_selected_by_name_or_number(sheet: str, number: int) -> None:
    data = two_sheets(("a", "b"))
    assert XLSX.decode(data, {"sheet": sheet})["a"].tolist() == [number]
    assert XLSX.decode(data, {"sheet_name": "a", "sheet": sheet})["a"].tolist() == [number]


def test_sheet_name_takes_precedence_over_number() -> None:
    assert XLSX.decode(two_sheets(("2026", "0")), {"sheet": "0"})["a"].tolist() == [1]
    assert XLSX.decode(two_sheets(("2026", "0")), {"sheet_name": 0})["a"].tolist() == [0]


@pytest.mark.parametrize("option", ["sheet", "sheet_name"])
@pytest.mark.parametrize("sheet", ["c", "2", "-1", "", "²"])
def test_unknown_sheet_error_lists_sheets(option: str, sheet: str) -> None:
    with pytest.raises(InvalidValue, match=r"has: a, b$"):
        XLSX.decode(two_sheets(("a", "b")), {option: sheet})
    with pytest.raises(InvalidValue, match=r"has: x, y$"):
        XLS.decode(xls("x", "y"), {option: sheet})
    with pytest.raises(InvalidValue, match=r"has: x, y$"):
        ODS.decode(ods(TABLE, "x", "y"), {option: sheet})


def test_declared_text_columns_keep_leading_zeros() -> None:
    schema = mmf.DataFrame(schema={"b": str, "a": float})
    for codec, data in ((XLS, xls()), (ODS, ods()), (XLSX, XLSX.encode(TABLE, {}))):
        table = schema.validate(codec.decode(data, schema.options))
        assert table.to_dict("list") == {"b": ["x", "007"], "a": [1.0, 2.0]}


LOOKALIKES = ["NA", "null", "None", "n/a", "nan", "007", "1.5", "TRUE", "2026-01-31", "1e5", " "]


@pytest.mark.parametrize("options", [{}, {"keep_default_na": False, "dtype": {"text": str}}])
@pytest.mark.parametrize("text", LOOKALIKES)
def test_texts_stay_texts(text: str, options: dict[str, Any]) -> None:
    table = pd.DataFrame({"text": [text], "number": [1.5]})
    for codec, data in ((XLSX, XLSX.encode(table, {})), (XLS, xls(table=table)), (ODS, ods(table))):
        if codec is not ODS or text.strip():  # odfpy leaves out a bare space
            assert_frame_equal(codec.decode(data, options), table)


@pytest.mark.parametrize("options", [{}, {"usecols": ["text", "number"]}])
def test_null_words_are_texts(options: dict[str, Any]) -> None:
    table = pd.DataFrame({"text": ["NA", None, "null"], "number": [1.5, 2.0, None]})
    for codec, data in ((XLSX, XLSX.encode(table, {})), (XLS, xls(table=table)), (ODS, ods(table))):
        assert_frame_equal(codec.decode(data, options), table)


def test_empty_text_is_null() -> None:
    table = pd.DataFrame({"text": ["", "x"]})
    for codec, data in ((XLSX, XLSX.encode(table, {})), (XLS, xls(table=table)), (ODS, ods(table))):
        assert codec.decode(data, {})["text"].isna().tolist() == [True, False]


# Malicious files


def bomb(size: int) -> bytes:
    def grow(text: bytes) -> bytes:
        return text.replace(b"<sheetData>", b"<sheetData>" + b" " * size)

    return repacked(XLSX.encode(TABLE, {}), "xl/worksheets/sheet1.xml", grow)


def test_rejects_bomb_before_decompression() -> None:
    data = bomb(100 * 2**20)
    assert len(data) < 200_000
    tracemalloc.start()
    with pytest.raises(BodyTooLarge, match=r"8 MiB.*MMF_MAX_DECOMPRESSED_MIB"):
        XLSX.decode(data, {"max_decompressed": 8 * 2**20})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * 2**20
    assert XLSX.decode(bomb(2**20), {"max_decompressed": 8 * 2**20}).shape == (2, 2)


def test_rejects_forged_zip_directory() -> None:
    data = bomb(50 * 2**20)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        true = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    lying = data.replace(struct.pack("<I", true), struct.pack("<I", 1000))
    assert lying != data
    with pytest.raises(RequestError):
        XLSX.decode(lying, {"max_decompressed": 8 * 2**20})


@pytest.mark.parametrize("last", ["XFD1048576", "ZZ1000000", "C1048576"])
def test_rejects_nearly_empty_sheet(last: str) -> None:
    with pytest.raises(RequestError, match="nearly empty"):
        XLSX.decode(xlsx(A1="a", B1="b", **{last: 1}), {})


def test_sheet_stored_as_content_xml_is_checked() -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx(A1="a", XFD1048576=1))) as old,
        zipfile.ZipFile(buffer, "w") as new,
    ):
        for name in old.namelist():
            text = old.read(name).replace(b"worksheets/sheet1.xml", b"content.xml")
            new.writestr("content.xml" if name.endswith("sheet1.xml") else name, text)
    with pytest.raises(RequestError, match="nearly empty"):
        XLSX.decode(buffer.getvalue(), {})


def test_cells_without_references_are_counted() -> None:
    def change(text: bytes) -> bytes:
        cells = b"<c><v>1</v></c>" * 2_000
        rows = b"<row>" + cells + b"</row>" + b"<row><c><v>1</v></c></row>" * 5_000
        return text.replace(b"</sheetData>", rows + b"</sheetData>")

    with pytest.raises(RequestError, match="nearly empty"):
        XLSX.decode(repacked(XLSX.encode(TABLE, {}), "xl/worksheets/sheet1.xml", change), {})


def test_sheets_without_references_are_read() -> None:
    def change(text: bytes) -> bytes:
        return text.replace(b' r="A1"', b"").replace(b' r="B1"', b"").replace(b' r="A2"', b"")

    data = repacked(XLSX.encode(TABLE, {}), "xl/worksheets/sheet1.xml", change)
    assert_frame_equal(XLSX.decode(data, {}), TABLE)


@pytest.mark.parametrize(("count", "is_read"), [(1, True), (99_999_999_999, False)])
def test_rejects_forged_string_count(count: int, *, is_read: bool) -> None:
    buffer = io.BytesIO(XLSX.encode(TABLE, {}))
    with zipfile.ZipFile(buffer, "a") as archive:
        text = f'<sst xmlns="urn:x" uniqueCount="{count}"><si><t>x</t></si></sst>'
        archive.writestr("xl/sharedStrings.xml", text)
    if is_read:
        assert_frame_equal(XLSX.decode(buffer.getvalue(), {}), TABLE)
    else:
        with pytest.raises(RequestError, match="tampered"):
            XLSX.decode(buffer.getvalue(), {})


def test_repeated_ods_cells_are_counted() -> None:
    def repeat(text: bytes) -> bytes:
        many = b'<table:table-row table:number-rows-repeated="1000000">'
        return text.replace(b"<table:table-row>", many, 2)

    with pytest.raises(RequestError, match="nearly empty"):
        ODS.decode(repacked(ods(), "content.xml", repeat), {})


def test_rejects_ods_sent_as_xlsx() -> None:
    with pytest.raises(RequestError, match=r"expected an \.xlsx workbook"):
        XLSX.decode(ods(), {})


def shared(cells: int, text: str, cell: str = '<c r="A{}" t="s"><v>1</v></c>') -> bytes:
    """Return a workbook whose cells share one string."""
    buffer = io.BytesIO()
    rows = "".join(f"<row>{cell.format(row)}</row>" for row in range(1, cells + 1))
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    link = f'<Relationship Id="rId9" Type="{kind}" Target="sharedStrings.xml"/></Relationships>'
    with (
        zipfile.ZipFile(io.BytesIO(XLSX.encode(TABLE, {}))) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            part = old.read(name).decode()
            part = part.replace("</Relationships>", link) if "workbook.xml.rels" in name else part
            head, mark, _ = part.partition("<sheetData>")
            new.writestr(name, f"{head}{mark}{rows}</sheetData></worksheet>" if mark else part)
        strings = "".join(f"<si><t>{string}</t></si>" for string in ("head", text))
        xmlns = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        new.writestr("xl/sharedStrings.xml", f'<sst xmlns="{xmlns}">{strings}</sst>')
    return buffer.getvalue()


def test_shared_strings_count_for_each_cell() -> None:
    table = XLSX.decode(shared(11, "x" * 1000), {"max_decompressed": 20_000})
    assert table["x" * 1000].tolist() == ["x" * 1000] * 10
    for cell in (
        '<c r="A{}" t="s"><v>1</v></c>',
        "<c r='A{}' t = 's'><v>1</v></c>",
        '<c r="A{}" t="s"><v>&#49;</v></c>',
    ):
        data = shared(11, "x" * 100_000, cell)
        with pytest.raises(BodyTooLarge, match=r"1 MiB.*MMF_MAX_DECOMPRESSED_MIB"):
            XLSX.decode(data, {"max_decompressed": 2**20})


def test_one_long_shared_string_is_accepted() -> None:
    data = shared(2_000, "x" * 30_000, '<c r="A{}" t="s"><v>0</v></c>')
    assert len(XLSX.decode(data, {"max_decompressed": 2**20})) == 1_999


def test_repeated_ods_texts_are_counted() -> None:
    def repeat(text: bytes) -> bytes:
        many = b'<table:table-row table:number-rows-repeated="1000">'
        return text.replace(b"<table:table-row>", many).replace(b">x<", b">" + b"x" * 3000 + b"<")

    data = repacked(ods(), "content.xml", repeat)
    assert len(ODS.decode(data, {})) == 2_999
    with pytest.raises(BodyTooLarge, match="MMF_MAX_DECOMPRESSED_MIB"):
        ODS.decode(data, {"max_decompressed": 2**20})


def test_trailing_empty_ods_cells_do_not_count() -> None:
    def repeat(text: bytes) -> bytes:
        cells = b'<table:table-cell table:number-columns-repeated="16380"/></table:table-row>'
        row = b'<table:table-row table:number-rows-repeated="1048570"><table:table-cell/>'
        text = text.replace(b"</table:table-row>", cells)
        return text.replace(b"</table:table>", row + b"</table:table-row></table:table>")

    assert_frame_equal(ODS.decode(repacked(ods(), "content.xml", repeat), {}), TABLE)


def test_rejects_ods_with_dtd() -> None:
    def declare(text: bytes) -> bytes:
        head, mark, rest = text.partition(b"?>")
        return head + mark + b'<!DOCTYPE x [<!ENTITY a "b">]>' + rest

    with pytest.raises(RequestError, match="DTD"):
        ODS.decode(repacked(ods(), "content.xml", declare), {})


def test_forged_xls_dimensions_are_harmless() -> None:
    data = bytearray(xls())
    place = data.index(struct.pack("<HH", 0x0200, 14)) + 4
    data[place : place + 12] = struct.pack("<IIHH", 0, 2**31 - 1, 0, 2**16 - 1)
    assert_frame_equal(XLS.decode(bytes(data), {}), TABLE)


@pytest.mark.parametrize("codec", [XLS, ODS])
@pytest.mark.parametrize(
    "data", [b"", b"a,b\n1,2\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\t\x08"]
)
def test_rejects_bytes_that_are_not_a_workbook(codec: Codec[pd.DataFrame], data: bytes) -> None:
    with pytest.raises(RequestError, match=f".{codec.format.extension} workbook"):
        codec.decode(data, {})


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (xls(), "an .xls workbook"),
        (ods(), "an .ods workbook"),
        (b"PK\3\4 xl/workbook.bin", "an .xlsb workbook"),
        (OLE2 + b"\0" * 99 + "EncryptedPackage".encode("utf-16-le"), "a workbook with a password"),
        (b"a,b\n1,2\n", "text, such as CSV"),
        ("\ufeffgröße;länge\n".encode() * 99, "text, such as CSV"),
        (b"\xef\xbb\xbf\r\n<html><table>", "HTML or XML"),
        (b"", "a file that cannot be read as one"),
        (b"PAR1\0\1", "a file that cannot be read as one"),
        (b"PK\3\4abc", "a file that cannot be read as one"),
    ],
)
def test_file_of_another_format_is_named(data: bytes, content: str) -> None:
    message = f"expected an .xlsx workbook, got {content}; save it as .xlsx"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        XLSX.decode(data, {})


def test_rust_panic_becomes_request_error(monkeypatch: pytest.MonkeyPatch) -> None:
    panic = type("PanicException", (BaseException,), {})

    def fail(*_: object, **__: object) -> None:
        raise panic

    monkeypatch.setattr("mmf_core.codecs.workbooks.table_of", fail)
    with pytest.raises(RequestError, match=r"\.xlsx"):
        XLSX.decode(XLSX.encode(TABLE, {}), {})

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mmf_core.codecs.workbooks.table_of", interrupt)
    with pytest.raises(KeyboardInterrupt):
        XLSX.decode(XLSX.encode(TABLE, {}), {})


def _damage_inside(data: bytes, chance: Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [name for name in archive.namelist() if name.endswith((".xml", ".rels"))]
    return repacked(data, chance.choice(parts), lambda text: damage(text, chance))


@pytest.mark.parametrize(
    ("codec", "data"), [(XLSX, XLSX.encode(MIXED, {})), (ODS, ods(MIXED)), (XLS, xls(table=MIXED))]
)
def test_corrupted_workbooks_are_rejected_or_read(codec: Codec[pd.DataFrame], data: bytes) -> None:
    fuzz(codec, data)
    if codec is not XLS:
        fuzz(codec, data, _damage_inside)


@pytest.mark.parametrize(
    ("form", "module", "package"),
    [
        (Format.XLS, "xlrd", "xlrd"),
        (Format.ODS, "python_calamine", "python-calamine"),
        (Format.XLSX, "python_calamine", "python-calamine"),
        (Format.XML, "defusedxml", "defusedxml"),
        (Format.PARQUET, "pyarrow", "pyarrow"),
        (Format.ARROW, "pyarrow", "pyarrow"),
        (Format.FEATHER, "pyarrow", "pyarrow"),
    ],
)
def test_missing_library_names_the_pip_command(
    form: Format, module: str, package: str, without: Callable[..., None]
) -> None:
    without(module)
    with pytest.raises(MissingPackage, match=f"pip install {package}$"):
        find(Kind.TABLE, form)


@pytest.mark.parametrize("unit", [b"<row/>", b"<c/>", b"<x:c/>", b"<si/>"])
def test_rejects_many_empty_elements_quickly(unit: bytes) -> None:
    """Millions of them, a few kilobytes compressed, took half a minute."""
    book = io.BytesIO()
    pd.DataFrame({"a": [1]}).to_excel(book, index=False)
    changed = io.BytesIO()
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name.endswith("sheet1.xml"):
                part = part.replace(b"</sheetData>", unit * 1_200_000 + b"</sheetData>")
            new.writestr(name, part)
    data = changed.getvalue()
    assert len(data) < 64 * 1024
    started = time.process_time()
    with pytest.raises(RequestError, match="nearly empty"):
        TableXLSX().read(data, {})
    assert time.process_time() - started < 1


def dense(cell: bytes, number_format: int, rows: int, width: int = 500) -> bytes:
    """Return a workbook of equal cells in one of Excel's number formats."""
    style = f'<xf numFmtId="{number_format}"/>'.encode()

    def change(text: bytes) -> bytes:
        more = (b"<row>" + cell * width + b"</row>") * rows
        return text.replace(b"</sheetData>", more + b"</sheetData>")

    book = repacked(XLSX.encode(TABLE, {}), "xl/worksheets/sheet1.xml", change)
    return repacked(book, "xl/styles.xml", lambda text: re.sub(rb"<xf [^<>]*/>", style, text))


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [(b"60", 14, 60.0), (b"-1", 14, -1.0), (b"60.5", 22, 60.5), (b"9e99", 46, 9e99)],
)
def test_many_impossible_dates_are_fast(value: bytes, number_format: int, expected: float) -> None:
    """Each was searched for in the sheet's text; 4,000,000 took half a minute."""
    data = dense(b'<c s="0"><v>%b</v></c>' % value, number_format, 400)
    assert len(data) < 64 * 1024
    started = time.process_time()
    table = XLSX.decode(data, {})
    assert time.process_time() - started < 4
    assert (table.iloc[5:, 5:] == expected).all(axis=None)


@pytest.mark.parametrize(
    "cell",
    [
        b'<c t="e"><v>#SPILL!</v></c>',
        b'<c r="A1"><f>A1</f></c>',
    ],
)
def test_rewritten_cells_are_limited(cell: bytes) -> None:
    with pytest.raises(BodyTooLarge, match="at most 500,000 cells with an error"):
        XLSX.decode(dense(cell, 46, 1_001), {})


@pytest.mark.parametrize("row", [b"<row/>", b"<row><c><v>1</v></c></row>"])
@pytest.mark.parametrize("prefix", [b"", b"x:"])
def test_row_limit_is_that_of_excel(row: bytes, prefix: bytes) -> None:
    row = row.replace(b"</", b"</" + prefix).replace(b"<r", b"<" + prefix + b"r")
    row = row.replace(b"<c", b"<" + prefix + b"c").replace(b"<v", b"<" + prefix + b"v")

    def change(text: bytes) -> bytes:
        return text.replace(b"</sheetData>", row * 1_048_577 + b"</sheetData>")

    data = repacked(XLSX.encode(TABLE, {}), "xl/worksheets/sheet1.xml", change)
    with pytest.raises(RequestError, match=r"at most 1,048,576 rows|nearly empty"):
        XLSX.decode(data, {})


@pytest.mark.parametrize("element", [b"<d/>", b"<!----><d/>"])
def test_empty_elements_are_counted(element: bytes) -> None:
    def change(text: bytes) -> bytes:
        return text.replace(b"</sheetData>", element * 12_000_000 + b"</sheetData>")

    data = repacked(XLSX.encode(TABLE, {}), "xl/worksheets/sheet1.xml", change)
    with pytest.raises(BodyTooLarge):
        XLSX.decode(data, {"max_decompressed": 200 * 2**20})


LONG_FORMAT = struct.pack("<HHB", 200, 8_000, 0) + b"[" * 8_000
DOUBLED = forged_xls.name(b"\x17\1\0a") + b"".join(
    forged_xls.name((b"\x23" + struct.pack("<HH", index, 0)) * 2 + b"\x08")
    for index in range(1, 30)
)
WHOLE = struct.pack("<HHHH", 0, 65_535, 0, 255) + bytes(16) + struct.pack("<II", 2, 0)


@pytest.mark.parametrize(
    ("cells", "others"),
    [
        (b"", DOUBLED),
        (forged_xls.record(forged_xls.HLINK, WHOLE), b""),
    ],
    ids=["names that double a text", "a link over the whole sheet"],
)
def test_unneeded_xls_records_are_skipped(cells: bytes, others: bytes) -> None:
    data = forged_xls.workbook(forged_xls.numbers(0, 0, 1) + cells, others)
    tracemalloc.start()
    assert XLS.decode(data, {}).shape == (0, 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 2**20


@pytest.mark.parametrize("phonetic_size", [-1, -2, -8, -30_000, -(2**31)])
def test_xls_shared_strings_are_read_once(phonetic_size: int) -> None:
    """Each was read repeatedly if its phonetic part declares a negative size."""
    text = struct.pack("<HBi", 30_000, 4, phonetic_size) + b"a" * 60_000
    texts = forged_xls.shared_texts(100_000, text)
    with pytest.raises(RequestError):
        XLS.decode(forged_xls.workbook(forged_xls.shared_text(0, 0, 0), texts), {})


def test_xls_shared_strings_with_phonetic_data_are_read() -> None:
    texts = b"".join(struct.pack("<HBi", 1, 4, 6) + letter + b"abcdef" for letter in (b"x", b"y"))
    cells = forged_xls.shared_text(0, 0, 0) + forged_xls.shared_text(1, 0, 1)
    table = XLS.decode(forged_xls.workbook(cells, forged_xls.shared_texts(2, texts)), {})
    assert_frame_equal(table, pd.DataFrame({"x": ["y"]}))


@pytest.mark.parametrize(
    ("cells", "others"),
    [
        (forged_xls.numbers(0, 0, 255) * 1_400, b""),
        (forged_xls.record(1, b"") * 500_000, b""),
        (b"", forged_xls.record(forged_xls.XF, bytes(20)) * 20_000),
        (b"", forged_xls.shared_texts(2**31 - 1, b"")),
        (b"", forged_xls.record(forged_xls.FORMAT, LONG_FORMAT) * 9),
    ],
    ids=["numbers", "records", "styles", "texts", "formats"],
)
def test_expensive_xls_records_are_limited(cells: bytes, others: bytes) -> None:
    data = forged_xls.workbook(forged_xls.numbers(0, 0, 1) + cells, others)
    with pytest.raises(BodyTooLarge, match="so many values"):
        XLS.decode(data, {"max_body": 5 * 2**20})


def test_rejects_long_xls_text_shared_by_many_cells() -> None:
    long_text = struct.pack("<HB", 8_000, 0) + b"x" * 8_000
    cells = b"".join(forged_xls.shared_text(row, 0, 0) for row in range(200))
    data = forged_xls.workbook(cells, forged_xls.shared_texts(1, long_text))
    assert XLS.decode(data, {}).shape == (199, 1)
    with pytest.raises(BodyTooLarge, match="decompresses to more than 1 MiB"):
        XLS.decode(data, {"max_decompressed": 2**20})
