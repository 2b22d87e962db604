"""Parquet with a forged footer, and the decompressed size of its pages."""

import io
import re
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from pyarrow import parquet

from forged_parquet import forged
from mmf_core.codecs import Format, Kind, find, parquet_pages
from mmf_core.codecs.parquet_pages import row_groups
from mmf_core.codecs.parquet_patterns import Patterns, patterns
from mmf_core.errors import BodyTooLarge, RequestError
from mmf_core.settings import MIB

TABLE = pa.table(
    {
        "numbers": np.arange(5_000) % 777,
        "texts": [str(index % 100) for index in range(5_000)],
        "lists": [[1, 2]] * 5_000,
        "nulls": pa.nulls(5_000, pa.float32()),
    }
)
CODEC: Any = find(Kind.TABLE, Format.PARQUET)
LIMIT = MIB


def written(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("rows", [700, 5_000])
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_page_sizes_match_a_valid_footer(
    compression: str, version: str, rows: int, *, use_dictionary: bool
) -> None:
    """All but the bytes of their own headers, which the footer counts as well."""
    data = written(
        TABLE,
        compression=compression,
        data_page_version=version,
        row_group_size=rows,
        data_page_size=1_000,
        use_dictionary=use_dictionary,
    )
    footer = parquet.ParquetFile(io.BytesIO(data)).metadata
    declared = [footer.row_group(index).total_byte_size for index in range(footer.num_row_groups)]
    sizes = [sum(chunk.size for chunk in group) for group in row_groups(data)]
    values = [sum(chunks[i].values for chunks in row_groups(data)) for i in range(4)]
    assert values == [5_000, 5_000, 10_000, 5_000]
    assert len(sizes) == len(declared)
    for size, most in zip(sizes, declared, strict=True):
        assert 0.5 * most < size <= most


def test_empty_file_has_small_pages() -> None:
    for table in (TABLE.slice(0, 0), pa.table({})):
        groups = row_groups(written(table))
        assert sum(chunk.size + chunk.values for group in groups for chunk in group) < 100


BOMBS = {
    "zeros": (pa.table({"a": np.zeros(2_000_000)}), {"data_page_size": 1 << 30}),
    "a text": (pa.table({"a": ["x" * 5 * MIB]}), {}),
    "a text among others": (pa.table({"a": ["x" * 5 * MIB, *"abc"]}), {}),
    "lists": (pa.table({"a": pa.array([[0.0] * 200_000] * 4)}), {}),
    "many pages": (pa.table({"a": np.zeros(2_000_000)}), {"data_page_size": 10_000}),
    "many groups": (pa.table({"a": np.zeros(2_000_000)}), {"row_group_size": 100_000}),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize(
    "forgery", [{}, {"size": 1}, {"size": 0}, {"size": -1}, {"size": 1, "rows": 1}]
)
def test_rejects_bomb_before_decompression(name: str, forgery: dict[str, int]) -> None:
    table, options = BOMBS[name]
    data = written(table, compression="zstd", use_dictionary=False, **options)
    assert len(data) < MIB
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    with pytest.raises(BodyTooLarge, match="decompresses to more than 1 MiB"):
        CODEC.read(forged(data, **forgery), {"max_decompressed": LIMIT})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MIB
    assert pa.total_allocated_bytes() <= before + MIB


def _in_list(values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)


def _texts(rows: int) -> pa.Array:
    return pa.array([b"x" * 10_000] * rows, pa.binary(10_000))


REPEATS: dict[str, Callable[[], pa.Array]] = {
    "a list of numbers": lambda: _in_list(pa.array(np.zeros(4_000_000, np.int64))),
    "a list of nulls": lambda: _in_list(pa.nulls(4_000_000, pa.int8())),
    "a list in a struct": lambda: pa.StructArray.from_arrays(
        [_in_list(pa.array(np.zeros(4_000_000, np.int64)))], ["x"]
    ),
    "a map": lambda: pa.MapArray.from_arrays(
        pa.array([0, 4_000_000], pa.int32()), *[pa.array(np.zeros(4_000_000, np.int64))] * 2
    ),
    "bytes of one length": lambda: _texts(1_000),
    "bytes of one length in a list": lambda: _in_list(_texts(1_000)),
    "bytes of one length in a struct": lambda: pa.StructArray.from_arrays([_texts(1_000)], ["x"]),
    "lists of one length, all null": lambda: pa.nulls(10, pa.list_(pa.int64(), 1_000_000)),
    "such lists in a list": lambda: _in_list(pa.nulls(10, pa.list_(pa.int64(), 1_000_000))),
    "such lists of such lists": lambda: pa.nulls(10, pa.list_(pa.list_(pa.int64(), 1_000), 1_000)),
}


@pytest.mark.parametrize("name", REPEATS)
def test_repeated_values_are_counted_before_reading(
    name: str, arrow_pool: Callable[[], pa.MemoryPool]
) -> None:
    data = written(pa.table({"a": REPEATS[name]()}), compression="zstd", data_page_size=1 << 30)
    assert len(data) < MIB // 16
    pool = arrow_pool()
    with pytest.raises(BodyTooLarge, match="decompresses to more than 1 MiB"):
        CODEC.read(data, {"max_decompressed": LIMIT})
    assert pool.max_memory() < MIB


def test_values_of_every_type_are_counted() -> None:
    """A file just under the limit is read completely."""
    table = pa.table(
        {
            "embedding": pa.array([[0.5] * 250] * 300, pa.list_(pa.float32(), 250)),
            "map": pa.array([[("a", 1)]] * 300, pa.map_(pa.string(), pa.int64())),
            "point": pa.array([{"x": [1, None], "y": [[1], []]}] * 300),
            "uuid": pa.array([b"x" * 16] * 300, pa.binary(16)),
            "category": pa.array(["a", "b"] * 150).dictionary_encode(),
            "half": pa.array(np.zeros(300, np.float16)),
            "null": pa.nulls(300),
        }
    )
    read = CODEC.read(written(table), {"max_decompressed": LIMIT})
    assert len(read) == 300
    assert read["embedding"][0].tolist() == [0.5] * 250


@pytest.mark.parametrize("size", [0, 1, 2**40])
def test_footer_size_is_ignored(size: int) -> None:
    table = pd.DataFrame({"a": [1.5, 2.5]})
    assert_frame_equal(CODEC.read(forged(written(pa.table(table)), size=size), {}), table)


@pytest.mark.parametrize("rows", [-1, 0, 1, 10**6, 2**62])
@pytest.mark.parametrize("values", [-1, 0, 1, 10**6, 2**62])
def test_forged_footer_counts_are_rejected_or_harmless(rows: int, values: int) -> None:
    data = forged(written(pa.table({"a": np.zeros(10)})), rows=rows, values=values)
    with suppress(RequestError):
        assert len(CODEC.read(data, {})) <= 10


def test_rejects_footer_with_too_many_structures() -> None:
    """Pyarrow allocates 32 bytes for an empty text, and hundreds for a column."""
    names = b"\xf8" + b"\xff\xff\x7f" + bytes(2_097_151)
    columns = b"\x19\xfc\x80\x80\x80\x01" + b"\x26\x00\x00" * 700_000
    for footer in (b"\x49" + names, b"\x49\x1c" + columns + b"\x00\x00"):
        data = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
        with pytest.raises(BodyTooLarge, match="500,000 pages and columns"):
            CODEC.read(data, {})


NEVER = Patterns(*[re.compile(rb"(?!)")] * 3)
SMALL = [
    written(TABLE.slice(0, rows), **options)
    for rows in (0, 1, 40)
    for options in (
        {},
        {"use_dictionary": False, "write_statistics": False},
        {"data_page_version": "2.0", "row_group_size": 7, "compression": "zstd"},
        {"write_page_index": True, "write_page_checksum": True},
    )
]


def _sizes(data: bytes) -> object:
    try:
        return row_groups(data)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return "damaged"


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(SMALL), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=2))))
def test_patterns_agree_with_the_field_reader(
    data: bytes, changes: list[tuple[float, bytes]]
) -> None:
    """Bytes of the pages or the footer are changed, or some are left out or put in."""
    for where, piece in changes:
        place = int(where * (len(data) - 8))
        data = data[:place] + piece + data[place + 1 :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_pages, "patterns", lambda: NEVER)
        expected = _sizes(data)
    assert _sizes(data) == expected


@pytest.mark.parametrize("rows", [1, 5_000])
def test_numeric_pages_match_the_pattern(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    data = written(pa.table({"a": np.arange(rows) / 7, "b": np.arange(rows)}))
    assert patterns().page.match(data, 4)
    read: list[int] = []
    structure = parquet_pages._Reader.structure
    monkeypatch.setattr(
        parquet_pages._Reader,
        "structure",
        lambda self, place: read.append(place) or structure(self, place),
    )
    row_groups(data)
    # None of a column or a page: the footer, its group, an int64, a text, and two orders.
    assert len(read) == 7


def test_rejects_overlong_varint() -> None:
    footer = b"\x15" + b"\xff" * 3_000_000 + b"\x00\x00"
    data = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(RequestError, match="not a valid Parquet file"):
        CODEC.read(data, {})


@pytest.mark.long
def test_long_page_header_counts_for_each_column() -> None:
    header = b"\x15\x00" + b"\x05\x02\x00" * 500_000 + b"\x15\x00\x15\x00\x2c\x15\x02\x00\x00"
    meta = b"\x56\x02\x46\x08\x00"
    columns = b"\x3c" + meta + b"\x00"
    footer = b"\x49\x1c\x19\xfc\xe8\x07" + columns * 1_000 + b"\x00\x00"
    data = b"PAR1" + header + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(BodyTooLarge, match="500,000 pages and columns"):
        CODEC.read(data, {})
