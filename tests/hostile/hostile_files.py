"""Malicious files: workbooks, images, Parquet, MessagePack."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from hostile_inputs import (
    ANY,
    ARROW,
    CSV,
    JSON,
    MIB,
    MSGPACK,
    MULTIPART,
    NPY,
    PARQUET,
    REFUSED,
    V2,
    XLSX,
    HostileInput,
    arrow,
    as_parquet,
    blank_cells,
    npy,
    part,
    v2,
    xlsx,
)
from PIL import Image

import forged_xls
from forged_parquet import forged

PNG, JPEG, GIF, TIFF = "image/png", "image/jpeg", "image/gif", "image/tiff"
BMP, WEBP = "image/bmp", "image/webp"
SIZE = 49 * MIB
FULL = 12 * 50 + 2
"""MiB: twelve times the largest body, plus the cost of any request."""
XLS = "application/vnd.ms-excel"
MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def replaced(workbook: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """Return a workbook with one part changed."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as archive,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as result,
    ):
        for part_name in archive.namelist():
            data = archive.read(part_name)
            assert part_name != name or old in data
            result.writestr(part_name, data.replace(old, new) if part_name == name else data)
    return buffer.getvalue()


def styled(cell: bytes, number_format: int, rows: int = 2_900, width: int = 1_000) -> bytes:
    """Return a workbook of equal cells in a number format."""
    row = b"<row>" + cell * width + b"</row>"
    buffer = io.BytesIO(xlsx(b"<sheetData>" + row * rows + b"</sheetData>"))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/styles.xml",
            b'<styleSheet xmlns="%b"><cellXfs><xf numFmtId="%d"/></cellXfs></styleSheet>'
            % (MAIN, number_format),
        )
    return buffer.getvalue()


def with_names(count: int) -> bytes:
    """Return a workbook with defined names."""
    names = b"".join(b'<definedName name="n%d">a!$A$1</definedName>' % i for i in range(count))
    workbook = xlsx(b'<sheetData><row><c t="str"><v>a</v></c></row></sheetData>')
    end = b"</workbook>"
    return replaced(
        workbook, "xl/workbook.xml", end, b"<definedNames>" + names + b"</definedNames>" + end
    )


def rows(count: int, row: bytes = b"<row><c><v>1</v></c></row>") -> bytes:
    return xlsx(b"<sheetData>" + row * count + b"</sheetData>")


def elements(element: bytes, size: int) -> bytes:
    return xlsx(b"<sheetData>" + element * (size // len(element)) + b"</sheetData>")


def workbooks() -> Iterator[HostileInput]:
    """Yield highly compressed workbooks."""
    for name, make, statuses, seconds in (
        ("a column of 1,048,577 rows", lambda: rows(1_048_577), REFUSED, 2),
        (
            "a column of 2,000,000 rows with a prefix",
            lambda: rows(2_000_000, b"<x:row><x:c><x:v>1</x:v></x:c></x:row>"),
            REFUSED,
            2,
        ),
        ("200,000 names for cells", lambda: with_names(200_000), ANY, 2),
        ("1,500,000 names for cells", lambda: with_names(1_500_000), ANY, 8),
        ("98 MiB of other elements", lambda: elements(b"<d/>", 98 * MIB), REFUSED, 4),
        ("45 MiB of other elements", lambda: elements(b"<d/>", 45 * MIB), ANY, 8),
        ("98 MiB of comments", lambda: elements(b"<!---->", 98 * MIB), REFUSED, 4),
        ("dates", lambda: styled(b'<c s="0"><v>1</v></c>', 14), ANY, 8),
        ("29 February 1900", lambda: styled(b'<c s="0"><v>60</v></c>', 14), ANY, 8),
        ("dates before the first", lambda: styled(b'<c s="0"><v>-1</v></c>', 14), ANY, 8),
        (
            "endless durations",
            lambda: styled(b'<c s="0"><v>9e99</v></c>', 46),
            ANY,
            8,  # 2,900,000 cells: reading them takes 4 s of a quiet machine, 6.5 s of a busy one
        ),
        (
            "errors that calamine does not know",
            lambda: rows(1_000, b"<row>" + b'<c t="e"><v>#SPILL!</v></c>' * 2_900 + b"</row>"),
            REFUSED,
            5,
        ),
    ):
        yield HostileInput(
            f"XLSX: {name}", "/strict", XLSX, make, statuses, seconds=seconds, mib=600
        )
    yield HostileInput(
        "XLSX: 5,000,000 blank cells as a part of a form",
        "/table",
        MULTIPART,
        lambda: part(
            b'Content-Disposition: form-data; name="data"; filename="a.xlsx"',
            blank_cells(5_000_000),
        ),
        REFUSED,
        mib=128,
    )


def old_workbooks() -> Iterator[HostileInput]:
    """Yield .xls files whose records expand."""
    cell = forged_xls.shared_text(0, 0, 0)
    back = struct.pack("<HBi", 30_000, 4, -30_000) + b"a" * 60_000
    text = struct.pack("<HB", 1, 4) + struct.pack("<i", -8) + b"a"
    long_text = struct.pack("<HB", 8_000, 0) + b"x" * 8_000
    doubled = forged_xls.name(b"\x17\1\0a") + b"".join(
        forged_xls.name((b"\x23" + struct.pack("<HH", index, 0)) * 2 + b"\x08")
        for index in range(1, 40)
    )
    area = struct.pack("<HHHH", 0, 65_535, 0, 255) + bytes(16) + struct.pack("<II", 2, 0)
    for label, make, statuses in (
        (
            "119 numbers in each of 65,536 rows",
            lambda: forged_xls.workbook(
                b"".join(forged_xls.numbers(row, 0, 118) for row in range(65_536))
            ),
            REFUSED,
        ),
        (
            "a number in the last column of 65,536 rows",
            lambda: forged_xls.workbook(
                b"".join(forged_xls.numbers(row, 255, 255) for row in range(65_536))
            ),
            REFUSED,
        ),
        (
            "a row of numbers, 30,000 times",
            lambda: forged_xls.workbook(forged_xls.numbers(0, 0, 255) * 30_000),
            REFUSED,
        ),
        (
            "2^31 shared texts declared",
            lambda: forged_xls.workbook(cell, forged_xls.shared_texts(2**31 - 1, text * 10)),
            REFUSED,
        ),
        (
            "a shared text that leads back to itself",
            lambda: forged_xls.workbook(cell, forged_xls.shared_texts(100_000, back)),
            REFUSED,
        ),
        (
            "a text of 8,000 in 1,000,000 cells",
            lambda: forged_xls.workbook(
                b"".join(
                    forged_xls.shared_text(row, column, 0)
                    for row in range(50_000)
                    for column in range(20)
                ),
                forged_xls.shared_texts(1, long_text),
            ),
            REFUSED,
        ),
        ("a name that doubles a text 40 times", lambda: forged_xls.workbook(cell, doubled), ANY),
        (
            "a link over the whole sheet",
            lambda: forged_xls.workbook(
                forged_xls.numbers(0, 0, 1) + forged_xls.record(forged_xls.HLINK, area)
            ),
            ANY,
        ),
        (
            "2,000,000 styles",
            lambda: forged_xls.workbook(
                forged_xls.numbers(0, 0, 1),
                forged_xls.record(forged_xls.XF, bytes(20)) * 2_000_000,
            ),
            REFUSED,
        ),
        (
            "6,000 number formats of 8,000 characters",
            lambda: forged_xls.workbook(
                forged_xls.numbers(0, 0, 1),
                b"".join(
                    forged_xls.record(
                        forged_xls.FORMAT, struct.pack("<HHB", index, 8_000, 0) + b"[" * 8_000
                    )
                    for index in range(200, 6_200)
                ),
            ),
            REFUSED,
        ),
        (
            "12,000,000 empty records",
            lambda: forged_xls.workbook(forged_xls.record(1, b"") * 12_000_000),
            REFUSED,
        ),
    ):
        yield HostileInput(f"XLS: {label}", "/strict", XLS, make, statuses, seconds=8, mib=256)


def lists(unit: bytes, size: int = SIZE) -> bytes:
    """Return lists of 3,000 units in a list, as MessagePack."""
    inner = b"\xdd" + struct.pack(">I", 3_000) + unit * 3_000
    count = (size - 8) // len(inner)
    return b"\x81\xa1a\xdd" + struct.pack(">I", count) + inner * count


def messagepack() -> Iterator[HostileInput]:
    """Yield dense MessagePack."""
    for name, make in (
        ("small maps", lambda: lists(b"\x81\xa0\xc0")),
        ("empty maps", lambda: lists(b"\x80")),
        ("empty lists", lambda: lists(b"\x90")),
        ("nulls", lambda: lists(b"\xc0")),
        ("lists 30 deep", lambda: lists(b"\x91" * 30 + b"\xc0")),
        ("timestamps", lambda: lists(b"\xd6\xff\0\0\0\1")),
        ("extension types", lambda: lists(b"\xd4\x05a")),
        (
            "an extension type",
            lambda: b"\x81\xa1a\xc9%b\x05" % struct.pack(">I", SIZE) + bytes(SIZE),
        ),
        (
            "a map with numbers as names",
            lambda: (
                b"\xdf"
                + struct.pack(">I", SIZE // 6)
                + b"".join(b"\xce%b\xc0" % struct.pack(">I", i) for i in range(SIZE // 6))
            ),
        ),
        (
            "a map that is declared to be long",
            lambda: b"\xdf\xff\xff\xff\xff" + b"\xa1a\xc0" * 1_000,
        ),
    ):
        yield HostileInput(
            f"MessagePack: {name}", "/tree", MSGPACK, make, REFUSED, seconds=10, mib=FULL
        )


def chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def deflated(size: int) -> bytes:
    """Return this many zeros, compressed."""
    packer = zlib.compressobj(9)
    pieces = [packer.compress(bytes(min(MIB, size - start))) for start in range(0, size, MIB)]
    return b"".join([*pieces, packer.flush()])


def png(width: int, height: int, data: bytes, others: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + others
        + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )


def picture(form: str, size: tuple[int, int], mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, form, **options)
    return buffer.getvalue()


def frames(form: str, count: int) -> bytes:
    colours = (Image.new("P", (50, 50), index % 250) for index in range(count))
    return picture(form, (50, 50), "P", save_all=True, append_images=colours)


def gif(before: bytes, side: int = 10) -> bytes:
    """Return a GIF with this before its picture."""
    palette = b"\xf0\0\0" + b"\0\0\0\xff\xff\xff"
    size = struct.pack("<HH", side, side)
    return b"GIF89a" + size + palette + before + b"," + bytes(4) + size + b"\0\x02\x02L\x01\0;"


def jpeg(before: bytes) -> bytes:
    """Return a JPEG with this before everything else."""
    return b"\xff\xd8" + before + picture("JPEG", (10, 10))[2:]


def scans(count: int, side: int = 5_900) -> bytes:
    """Return a progressive JPEG whose last scan is repeated."""
    data = picture("JPEG", (side, side), "L", progressive=True)[:-2]
    return data + data[data.rfind(b"\xff\xda") :] * count + b"\xff\xd9"


def tiff(width: int, height: int) -> bytes:
    """Return a TIFF of this size without pixels, by the tags that readers need."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 9}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(1_000)


def many_tags() -> bytes:
    """Return a TIFF that causes a different Pillow warning for every tag."""
    entries = b"".join(
        struct.pack("<HHII", tag, 4, 10_000_000, tag) for tag in range(40_000, 60_000)
    )
    return b"II*\0" + struct.pack("<IH", 8, 20_000) + entries + bytes(1_000)


def bmp(width: int, height: int, method: int, data: bytes) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, method, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + info + data


def pictures() -> Iterator[HostileInput]:
    """Yield small image files with many pixels or blocks."""
    exif = b"\xff\xe1" + struct.pack(">H", 16) + b"Exif\0\0MM\0*\0\0\0\x08"
    comments = b"".join(chunk(b"tEXt", b"k%d\0x" % index) for index in range(200_000))
    for name, media_type, make, statuses in (
        ("PNG of 50,000 x 50,000", PNG, lambda: png(50_000, 50_000, deflated(1_000)), REFUSED),
        ("PNG of 34,000,000 x 1", PNG, lambda: png(34_000_000, 1, deflated(1_000)), REFUSED),
        (
            "PNG of 1 x 34,000,000",
            PNG,
            lambda: png(1, 34_000_000, deflated(4 * 34_000_000)),
            ANY,
        ),
        (
            "PNG whose text is a gigabyte",
            PNG,
            lambda: png(9, 9, deflated(252), chunk(b"zTXt", b"a\0\0" + deflated(1_000 * MIB))),
            ANY,
        ),
        ("PNG of 200,000 texts", PNG, lambda: png(9, 9, deflated(252), comments), REFUSED),
        ("GIF of 10,000 frames", GIF, lambda: frames("GIF", 10_000), ANY),
        ("GIF of 65,535 x 65,535", GIF, lambda: gif(b"", 65_535), REFUSED),
        (
            "GIF with a comment of 15,000,000 pieces",
            GIF,
            lambda: gif(b"!\xfe" + b"\1a" * 15_000_000 + b"\0"),
            REFUSED,
        ),
        ("GIF with 15,000,000 comments", GIF, lambda: gif(b"!\xfe\0" * 15_000_000), REFUSED),
        ("WebP of 1,000 frames", WEBP, lambda: frames("WEBP", 1_000), ANY),
        ("WebP of 16,383 x 2,000", WEBP, lambda: picture("WEBP", (16_383, 2_000)), ANY),
        ("TIFF of 50,000 x 50,000", TIFF, lambda: tiff(50_000, 50_000), REFUSED),
        ("TIFF of 20,000 damaged tags", TIFF, many_tags, REFUSED),
        ("JPEG of 500 scans", JPEG, lambda: scans(500), REFUSED),
        ("JPEG of 1,000,000 Exif segments", JPEG, lambda: jpeg(exif * 1_000_000), REFUSED),
        ("JPEG of 12,000,000 segments", JPEG, lambda: jpeg(b"\xff\xee\0\2" * 12_000_000), REFUSED),
        ("JPEG that begins with 45 MiB of FF", JPEG, lambda: jpeg(b"\xff" * 45 * MIB), REFUSED),
        ("BMP of 50,000 x 50,000", BMP, lambda: bmp(50_000, 50_000, 0, b""), REFUSED),
        (
            "BMP of 10,000,000 runs",
            BMP,
            lambda: bmp(5_900, 5_900, 1, b"\0\2\0\0" * 10_000_000),
            REFUSED,
        ),
    ):
        yield HostileInput(name, "/picture", media_type, make, statuses, seconds=5, mib=FULL)
    yield HostileInput(
        "JPEG of 500 scans as a part of a form",
        "/picture",
        MULTIPART,
        lambda: part(b'Content-Disposition: form-data; name="data"; filename="a.jpg"', scans(500)),
        REFUSED,
    )


def parquet_files() -> Iterator[HostileInput]:
    """Yield Parquet whose footer declares false page sizes."""
    zeros = lambda: as_parquet(  # noqa: E731
        pa.table({"a": np.zeros(40_000_000)}), use_dictionary=False, data_page_size=1 << 30
    )
    long_text = lambda: as_parquet(  # noqa: E731
        pa.table({"a": ["x" * 1_000 * MIB, "a"]}), use_dictionary=False
    )
    many_lists = lambda: as_parquet(  # noqa: E731
        pa.table({"a": pa.array([[0.0] * 10_000_000] * 4)}), use_dictionary=False
    )
    small = lambda: as_parquet(pa.table({"a": np.zeros(10)}))  # noqa: E731
    numbers = lambda: pa.array(np.zeros(120_000_000, np.int64))  # noqa: E731
    fixed = lambda: pa.array([b"x" * 100_000] * 8_000, pa.binary(100_000))  # noqa: E731
    whole = {"data_page_size": 1 << 30, "dictionary_pagesize_limit": 1 << 30}
    times = lambda count: pa.array(np.arange(count).astype("M8[us]"))  # noqa: E731
    texts = lambda count: pa.array(np.arange(count)).cast(pa.string())  # noqa: E731
    a_map = lambda count: pa.MapArray.from_arrays(  # noqa: E731
        [0, count], *[pa.array(np.zeros(count, np.int64))] * 2
    )
    in_list = lambda values: pa.ListArray.from_arrays([0, len(values)], values)  # noqa: E731
    for name, make, statuses in (
        ("305 MiB of zeros, a byte declared", lambda: forged(zeros(), size=1), REFUSED),
        ("305 MiB of zeros, a row declared", lambda: forged(zeros(), size=1, rows=1), ANY),
        ("a text of 1,000 MiB, a byte declared", lambda: forged(long_text(), size=1), REFUSED),
        (
            "four lists of 10,000,000, a byte declared",
            lambda: forged(many_lists(), size=1),
            REFUSED,
        ),
        ("ten rows, 2^62 declared", lambda: forged(small(), rows=2**62), REFUSED),
        ("ten rows, -1 declared", lambda: forged(small(), rows=-1), REFUSED),
        ("ten rows, 2^62 values declared", lambda: forged(small(), values=2**62), ANY),
        (
            "a list of 120,000,000 zeros",
            lambda: as_parquet(pa.table({"a": in_list(numbers())})),
            REFUSED,
        ),
        (
            "a list of 12,000,000 zeros",
            lambda: as_parquet(pa.table({"a": in_list(numbers()[:12_000_000])})),
            ANY,
        ),
        (
            "2,000,000 cells of bytes",
            lambda: as_parquet(pa.table({"a": [b"x%d" % row for row in range(2_000_000)]})),
            frozenset({406}),
        ),
        (
            "a list of 8,000,000 times",
            lambda: as_parquet(pa.table({"a": in_list(times(8_000_000))})),
            REFUSED,
        ),
        (
            "a list of 1,000,000 times",
            lambda: as_parquet(pa.table({"a": in_list(times(1_000_000))})),
            ANY,
        ),
        ("a map of 6,000,000", lambda: as_parquet(pa.table({"a": a_map(6_000_000)})), REFUSED),
        ("a map of 1,200,000", lambda: as_parquet(pa.table({"a": a_map(1_200_000)})), ANY),
        (
            "a list of 280,000 structs of three texts",
            lambda: as_parquet(
                pa.table(
                    {"a": in_list(pa.StructArray.from_arrays([texts(280_000)] * 3, list("abc")))}
                )
            ),
            frozenset({200}),
        ),
        (
            "a map of 500,000 texts",
            lambda: as_parquet(
                pa.table({"a": pa.MapArray.from_arrays([0, 500_000], *[texts(500_000)] * 2)})
            ),
            frozenset({200}),
        ),
        (
            "a list of 1,500,000 texts",
            lambda: as_parquet(pa.table({"a": in_list(texts(1_500_000))})),
            frozenset({200}),
        ),
        (
            "a list of 7,000,000 texts",
            lambda: as_parquet(pa.table({"a": in_list(texts(7_000_000))})),
            REFUSED,
        ),
        (
            "a list of 8,000 times the same 100 kB",
            lambda: as_parquet(pa.table({"a": in_list(fixed())}), **whole),
            REFUSED,
        ),
        (
            "8,000 structs of the same 100 kB",
            lambda: as_parquet(
                pa.table({"a": pa.StructArray.from_arrays([fixed()], ["x"])}), **whole
            ),
            REFUSED,
        ),
        (
            "ten nulls in place of lists of 10,000,000",
            lambda: as_parquet(pa.table({"a": pa.nulls(10, pa.list_(pa.int64(), 10_000_000))})),
            REFUSED,
        ),
    ):
        yield HostileInput(
            f"Parquet: {name}", "/table", PARQUET, make, statuses, seconds=8, mib=FULL
        )
    yield HostileInput(
        "Parquet: a text of 1,000 MiB as a part of a form",
        "/table",
        MULTIPART,
        lambda: part(
            b'Content-Disposition: form-data; name="data"; filename="a.parquet"',
            forged(long_text(), size=1),
        ),
        REFUSED,
        seconds=8,
        mib=FULL,
    )


def arrow_files() -> Iterator[HostileInput]:
    """Yield Arrow that is compressed more than a million times."""
    zeros = lambda size: pa.array(np.zeros(size, np.int8))  # noqa: E731
    zero_index = pa.array([0], pa.int32())
    for name, make, statuses in (
        ("1,000,000,000 zeros", lambda: pa.table({"a": zeros(1_000_000_000)}), REFUSED),
        (
            "four columns of 500,000,000 zeros",
            lambda: pa.table(dict.fromkeys("abcd", zeros(500_000_000))),
            REFUSED,
        ),
        (
            "a dictionary of 1,000,000,000 zeros",
            lambda: pa.table(
                {"a": pa.DictionaryArray.from_arrays(zero_index, zeros(1_000_000_000))}
            ),
            REFUSED,
        ),
        (
            "lists of 100,000,000 zeros",
            lambda: pa.table({"a": pa.ListArray.from_arrays([0, 10**8], zeros(10**8))}),
            REFUSED,
        ),
        ("12,000,000 zeros", lambda: pa.table({"a": zeros(12_000_000)}), ANY),
    ):
        yield HostileInput(
            f"Arrow: {name}, compressed",
            "/table",
            ARROW,
            lambda make=make: arrow(make()),
            statuses,
            seconds=8,
            mib=FULL,
        )


def encoded(*windows: int, size: int = 200 * MIB) -> bytes:
    """Return zeros, compressed once for each of these windows of zlib."""
    data = bytes(size)
    for window in windows:
        packer = zlib.compressobj(9, wbits=window)
        data = packer.compress(data) + packer.flush()
    return data


def codings() -> Iterator[HostileInput]:
    """Yield bodies that are compressed more than once."""
    gzip, deflate = 31, 15
    for codes, windows in (
        ("gzip, gzip", (gzip, gzip)),
        ("gzip, gzip, gzip", (gzip, gzip, gzip)),
        ("gzip, deflate", (gzip, deflate)),
        ("gzip, gzip, gzip, gzip", (gzip,) * 4),
    ):
        yield HostileInput(
            f"200 MiB of zeros: {codes}",
            "/table",
            CSV,
            lambda windows=windows: encoded(*windows),
            REFUSED,
            mib=128,
            headers={"Content-Encoding": codes},
        )
    yield HostileInput(
        "a thousand content codings",
        "/table",
        CSV,
        lambda: b"a\n1\n",
        REFUSED,
        headers={"Content-Encoding": "gzip, " * 1_000},
    )
    yield HostileInput(
        "2,000,000 empty members of gzip",
        "/table",
        CSV,
        lambda: encoded(gzip, size=0) * 2_000_000,
        REFUSED,
        headers={"Content-Encoding": "gzip"},
    )


def tensors() -> Iterator[HostileInput]:
    """Yield V2 requests with the highest memory use per byte."""

    def many(value: bytes, datatype: str, name: str = "data") -> bytes:
        count = SIZE // (len(value) + 1)
        shape = f"[{count}]" if name == "data" else f"[{count},1]"
        return v2(shape, b"[" + (value + b",") * (count - 1) + value + b"]", datatype, name)

    for label, path, value, datatype, name in (
        ("nulls", "array", b"null", "INT64", "data"),
        ("whole numbers", "array", b"1", "INT64", "data"),
        ("BYTES", "table", b'"a"', "BYTES", "a"),
        ("whole numbers with nulls", "table", b"1,null", "INT64", "a"),
    ):
        yield HostileInput(
            f"{label}, 49 MiB",
            V2.format(path),
            JSON,
            lambda value=value, datatype=datatype, name=name: many(value, datatype, name),
            REFUSED,
            seconds=10,
            mib=FULL,
        )


def arrays() -> Iterator[HostileInput]:
    """Yield .npy headers that declare large arrays."""
    for name, shape in (
        ("64 axes of no length", "(" + "0," * 64 + ")"),
        ("65 axes", "(" + "1," * 65 + ")"),
        ("an axis of 4,000 digits", "(" + "9" * 4_000 + ",0)"),
        ("brackets 3,000 deep", "(" * 3_000 + ")" * 3_000),
    ):
        yield HostileInput(f".npy: {name}", "/array", NPY, lambda shape=shape: npy(shape))


def arrow_cells() -> Iterator[HostileInput]:
    """Yield columns that become arrays, nulls and times that Python's comparisons fail on."""
    columns = {
        "lists of two": pa.array([[1.5, 2.5], None], pa.list_(pa.float64(), 2)),
        "empty lists": pa.array([[], []], pa.list_(pa.float64(), 0)),
        "large lists": pa.array([[1.5], []], pa.large_list(pa.float64())),
        "2^64 - 1 and null": pa.array([2**64 - 1, None], pa.uint64()),
        "2^63 - 1 seconds": pa.array([2**63 - 1, None], pa.timestamp("s")),
    }
    for name, cells in columns.items():
        for path, label in (("/lenient", "b"), ("/lenient", "a"), ("/zoned", "t")):
            table = pa.table({**dict.fromkeys("ab", pa.nulls(2)), label: cells})
            yield HostileInput(
                f"Arrow: {name} as {label} to {path}",
                path,
                ARROW,
                lambda table=table: arrow(table),
                REFUSED,
            )


def files() -> Iterator[HostileInput]:
    """Yield all inputs of this module."""
    yield from workbooks()
    yield from old_workbooks()
    yield from messagepack()
    yield from pictures()
    yield from parquet_files()
    yield from arrow_files()
    yield from arrow_cells()
    yield from codings()
    yield from tensors()
    yield from arrays()
