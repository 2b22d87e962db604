"""Malicious requests for results that grow in the requested format."""

import io
import struct
from collections.abc import Iterator
from itertools import product

import numpy as np
import pyarrow as pa
from hostile_inputs import (
    ANY,
    ARROW,
    CSV,
    JSON,
    MIB,
    MSGPACK,
    NPY,
    REFUSED,
    HostileInput,
    arrow,
)

MOST = 12 * 50.0
"""MiB for one request: twelve times the largest body."""


def trees() -> Iterator[HostileInput]:
    """Yield JSON values, each for its slowest format."""
    for name, most in (
        ("yaml", 590_000),
        ("xml", 1_990_000),
        ("pb", 1_490_000),
        ("msgpack", 3_990_000),
    ):
        yield HostileInput(
            f"four million numbers as {name}",
            f"/tree?format={name}",
            JSON,
            lambda: b'{"a":[' + b"1," * 4_000_000 + b"1]}",
            REFUSED,
            mib=200,
        )
        yield HostileInput(
            f"{most // 2:,} names as {name}",
            f"/tree?format={name}",
            JSON,
            lambda most=most: b"{%b}" % b",".join(b'"k%d":1' % n for n in range(most // 2)),
            seconds=5,
            mib=MOST,
        )
    yield HostileInput(
        "300,000 numbers, 95 levels deep, as xml",
        "/tree?format=xml",
        JSON,
        lambda: b'{"a":' + b"[" * 95 + b"1," * 300_000 + b"1" + b"]" * 95 + b"}",
        mib=200,
    )
    yield HostileInput(
        "1,500 chains of 95 lists as yaml",
        "/tree?format=yaml",
        JSON,
        lambda: b'{"a":[' + b",".join([b"[" * 95 + b"]" * 95] * 1_500) + b"]}",
        seconds=5,
        mib=MOST,
    )


def objects() -> Iterator[HostileInput]:
    """Yield tables with objects, whose names become fields in every row of Parquet and Arrow."""
    for name in ("parquet", "arrow"):
        yield HostileInput(
            f"20,000 objects of different names as {name}",
            f"/table?format={name}",
            JSON,
            lambda: different(20_000),
            REFUSED,
        )
        yield HostileInput(
            f"3,700 objects of different names as {name}",
            f"/table?format={name}",
            JSON,
            lambda: different(3_700),
            mib=350,
        )
    for label, cell in (("", b"1"), (", with a name twice,", b'{"a":1,"a":2}')):
        yield HostileInput(
            f"20,000 chains of 90 objects{label} as parquet",
            "/table?format=parquet",
            JSON,
            lambda cell=cell: b"[" + b",".join([b'{"a":' * 90 + cell + b"}" * 90] * 20_000) + b"]",
            ANY,
            seconds=5,
            mib=MOST,
        )


def different(rows: int) -> bytes:
    """Return a column of objects, each with a unique name."""
    return b"[%b]" % b",".join(b'{"a":{"k%d":1}}' % row for row in range(rows))


def arrays() -> Iterator[HostileInput]:
    """Yield arrays of small numbers that take several bytes of text each."""
    yield HostileInput(
        "a million rows of six random numbers as csv",
        "/array?format=csv",
        NPY,
        lambda: saved(np.random.default_rng(0).random((1_000_000, 6))),
        mib=400,
    )
    yield HostileInput(
        "13,900,000 rows of a small number as csv",
        "/array?format=csv",
        NPY,
        lambda: saved(np.full((13_900_000, 1), -100, np.int8)),
        seconds=5,
        mib=400,
    )
    yield HostileInput(
        "25,000,000 infinite halves",
        "/array?format=csv",
        NPY,
        lambda: saved(np.full((25_000_000, 1), np.inf, np.float16)),
        REFUSED,
        seconds=5,
        mib=400,
    )
    yield HostileInput(
        "49,000,000 rows of a bool as csv",
        "/array?format=csv",
        NPY,
        lambda: saved(np.zeros((49_000_000, 1), bool)),
        REFUSED,
        mib=200,
    )
    yield HostileInput(
        "49,000,000 rows of a bool as json",
        "/array",
        NPY,
        lambda: saved(np.zeros((49_000_000, 1), bool)),
        REFUSED,
        mib=200,
    )
    yield HostileInput(
        "3,500,000 rows of a bool as json",
        "/array",
        NPY,
        lambda: saved(np.zeros((3_500_000, 1), bool)),
        mib=500,
    )
    yield HostileInput(
        "49,000,000 bools as json",
        "/array",
        NPY,
        lambda: saved(np.zeros(49_000_000, bool)),
        mib=MOST,
    )


def compressed() -> Iterator[HostileInput]:
    """Yield large compressed results."""
    for coding in ("gzip", "zstd"):
        yield HostileInput(
            f"49,000,000 bools as json, compressed by {coding}",
            "/array",
            NPY,
            lambda: saved(np.zeros(49_000_000, bool)),
            seconds=5,
            mib=MOST,
            headers={"Accept-Encoding": coding},
        )
        yield HostileInput(
            f"a million rows of six random numbers as csv, compressed by {coding}",
            "/array?format=csv",
            NPY,
            lambda: saved(np.random.default_rng(0).random((1_000_000, 6))),
            seconds=5,
            mib=MOST,
            headers={"Accept-Encoding": coding},
        )


def escaped() -> Iterator[HostileInput]:
    """Yield texts that are several times as long when they are written."""
    cell, name = b'[{"a":"%b"}]', b'{"%b":1}'
    for path, wrap in (
        ("/table?format=html", cell),
        ("/table?format=xml", cell),
        ("/tree?format=xml", b'{"a":"%b"}'),
        ("/tree?format=xml", name),
    ):
        yield HostileInput(
            f"48 MiB of & {'in a name ' if wrap is name else ''}to {path}",
            path,
            JSON,
            lambda wrap=wrap: wrap % (b"&" * (48 * MIB)),
            REFUSED,
            seconds=5,
            mib=400,
        )
    for path in ("/table", "/table?format=jsonl"):
        yield HostileInput(
            f"a CSV of 48 MiB of U+0001 to {path}",
            path,
            CSV,
            lambda: b"a\n" + b"\x01" * (48 * MIB) + b"\n",
            REFUSED,
            seconds=5,
            mib=400,
        )
    yield HostileInput(
        "a CSV of 48 MiB of U+0001 in the header",
        "/table",
        CSV,
        lambda: b"\x01" * (48 * MIB) + b"\n1\n",
        REFUSED,
        seconds=5,
        mib=400,
    )
    yield HostileInput(
        "a name of 24 MiB over 500 rows, with U+0001 after it",
        "/table",
        CSV,
        lambda: b"x" * (24 * MIB) + b",\x01\n" + b"1,2\n" * 500,
        REFUSED,
        seconds=5,
        mib=400,
    )
    yield HostileInput(
        "a text of 48 MiB of U+0001 as JSON",
        "/text?format=json",
        "text/plain",
        lambda: b"\x01" * (48 * MIB),
        REFUSED,
        seconds=5,
        mib=500,
    )
    yield HostileInput(
        "MessagePack: a text of 48 MiB of U+0001 as JSON",
        "/tree?format=json",
        MSGPACK,
        lambda: b"\x81\xa1a\xdb" + struct.pack(">I", 48 * MIB) + b"\x01" * (48 * MIB),
        REFUSED,
        seconds=5,
        mib=500,
    )
    yield HostileInput(
        "1,600 cells of 30,000 times & as xlsx",
        "/table?format=xlsx",
        JSON,
        lambda: b"[" + b",".join([cell[1:-1] % (b"&" * 30_000)] * 1_600) + b"]",
        REFUSED,
        seconds=5,
        mib=400,
    )


def lists() -> Iterator[HostileInput]:
    """Yield lists of such texts in the cells of a workbook."""
    yield HostileInput(
        "1,600 lists of 30,000 times & as xlsx",
        "/table?format=xlsx",
        JSON,
        lambda: b"[" + b",".join([b'{"a":["%b"]}' % (b"&" * 30_000)] * 1_600) + b"]",
        REFUSED,
        seconds=5,
        mib=400,
    )


def in_arrow() -> Iterator[HostileInput]:
    """Yield texts of control characters that Arrow holds once for many rows, or in lists."""
    text = "\x01" * 90_000
    cells = {
        "a text of 90 kB of U+0001, 1,100 times by its index": (
            pa.DictionaryArray.from_arrays(pa.array([0] * 1_100, pa.int32()), pa.array([text]))
        ),
        "500 lists of 90 kB of U+0001": pa.array([[text]] * 500),
    }
    for (name, column), form in product(cells.items(), ("json", "jsonl")):
        yield in_format(name, column, form)
    for form in ("csv", "xml", "xlsx"):
        yield in_format("500 lists of 90 kB of U+0001", cells["500 lists of 90 kB of U+0001"], form)


def in_format(name: str, column: pa.Array, form: str) -> HostileInput:
    """Return an Arrow table of one column, sent back in another format."""
    return HostileInput(
        f"Arrow: {name}, as {form}",
        f"/table?format={form}",
        ARROW,
        lambda: arrow(pa.table({"a": column})),
        REFUSED,
        seconds=5,
        mib=400,
    )


def saved(array: np.ndarray) -> bytes:
    """Return an array as a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def results() -> Iterator[HostileInput]:
    """Yield all inputs of this module."""
    yield from trees()
    yield from arrays()
    yield from compressed()
    yield from objects()
    yield from escaped()
    yield from lists()
    yield from in_arrow()
