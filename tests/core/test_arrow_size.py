"""Cells that Arrow stores once count as often as they are repeated, before anything is built."""

from __future__ import annotations

import io
import resource
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from mmf_core.codecs.arrow_size import array_size
from mmf_core.codecs.table_pyarrow import TableArrow, TableParquet
from mmf_core.errors import RequestError
from mmf_core.settings import MIB

TEXT, LIST = 100_000, 1_000_000
OPTIONS = {"max_decompressed": 4 * MIB}


def repeated(rows: int, size: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array(["x" * size]))


def runs(rows: int, size: int) -> pa.Array:
    return pa.RunEndEncodedArray.from_arrays(pa.array([rows], pa.int32()), pa.array(["x" * size]))


def views(rows: int, size: int) -> pa.Array:
    buffers = pa.array(["x" * size], pa.string_view()).buffers()
    view = buffers[1].to_pybytes()[:16]
    shared = [None, pa.py_buffer(view * rows), *buffers[2:]]
    return pa.Array.from_buffers(pa.string_view(), rows, shared)


def list_views(rows: int, size: int) -> pa.Array:
    sizes = pa.array(np.full(rows, size, np.int32))
    return pa.ListViewArray.from_arrays(pa.array(np.zeros(rows, np.int32)), sizes, pa.nulls(size))


def in_struct(array: pa.Array) -> pa.Array:
    return pa.StructArray.from_arrays([array], ["x"])


def in_list(array: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, len(array)], pa.int32()), array)


ARRAYS: dict[str, Callable[[], pa.Array]] = {
    "a dictionary": lambda: repeated(1_000, TEXT),
    "a dictionary in a struct": lambda: in_struct(repeated(1_000, TEXT)),
    "a dictionary in a list": lambda: in_list(repeated(1_000, TEXT)),
    "a dictionary of lists": lambda: pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(1_000, np.int8)), pa.array([["x" * TEXT]])
    ),
    "a run": lambda: runs(1_000, TEXT),
    "a run of nulls": lambda: runs(2**31 - 1, 0),
    "views of one text": lambda: views(1_000, TEXT),
    "views in a struct": lambda: in_struct(views(1_000, TEXT)),
    "views of one list": lambda: list_views(1_000, 1_000),
    "a list of nulls": lambda: in_list(pa.nulls(LIST)),
    "a list of a fixed size, of nulls": lambda: pa.FixedSizeListArray.from_arrays(
        pa.nulls(LIST), LIST
    ),
    "a map": lambda: pa.MapArray.from_arrays(
        pa.array([0, 60_000], pa.int32()), *[pa.array(np.zeros(60_000, np.int64))] * 2
    ),
    "texts in a list": lambda: in_list(pa.array(["x"] * 90_000)),
    "texts in a struct": lambda: in_struct(pa.array([str(index % 99) for index in range(20_000)])),
    "times in a list": lambda: in_list(pa.array(np.zeros(50_000, "M8[us]"))),
    "durations in a struct": lambda: in_struct(pa.array(np.zeros(20_000, "m8[s]"))),
    "whole numbers beside nulls in a list": lambda: in_list(
        pa.concat_arrays([pa.array(np.zeros(100_000, np.int64)), pa.nulls(1, pa.int64())])
    ),
    "nulls": lambda: pa.nulls(LIST),
    "structs without fields": lambda: pa.Array.from_buffers(pa.struct([]), LIST, [None]),
    "small structs": lambda: in_struct(pa.array(np.zeros(100_000))),
    "small lists": lambda: pa.ListArray.from_arrays(
        pa.array(np.arange(100_001, dtype=np.int32)), pa.array(np.zeros(100_000))
    ),
    "binary of no length": lambda: pa.Array.from_buffers(
        pa.binary(0), LIST, [None, pa.py_buffer(b"")]
    ),
}


def stream(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(buffer, table.schema, options=options) as writer:
        writer.write_table(table)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ARRAYS)
def test_repeated_cell_counts_each_time(name: str) -> None:
    data = stream(pa.table({"a": ARRAYS[name]()}))
    assert len(data) < 64 * 1024 or name in {"small lists", "texts in a list"}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RequestError):
        TableArrow().read(data, OPTIONS)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 48 * 1024, "KiB"


TEXTS = pa.array(["x" * TEXT]).take(pa.array(np.zeros(1_000, np.int32)))
SHORTER = pa.array(["x" * 8_000]).take(pa.array(np.zeros(20_000, np.int32)))


@pytest.mark.parametrize(
    "array",
    [TEXTS, in_struct(TEXTS), in_list(TEXTS), SHORTER],
    ids=["a text", "in a struct", "in a list", "a shorter text"],
)
def test_parquet_dictionary_text_counts_each_time(array: pa.Array) -> None:
    buffer = io.BytesIO()
    parquet.write_table(pa.table({"a": array}), buffer, compression="zstd")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RequestError, match="decompresses to more than 4 MiB"):
        TableParquet().read(buffer.getvalue(), OPTIONS)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 48 * 1024, "KiB"


@pytest.mark.parametrize("rows", [1, 600, 1_500, 20_000])
def test_parquet_batches_preserve_the_table(rows: int) -> None:
    table = pa.table({"a": [f"text {row}" for row in range(rows)], "b": range(rows)})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, row_group_size=1_000)
    read = TableParquet().read(buffer.getvalue(), {"max_decompressed": 8 * MIB})
    assert read.to_dict("list") == table.to_pydict()


@pytest.mark.parametrize(
    ("array", "size"),
    [
        (pa.array([1, 2, 3]), 24),
        (pa.array([1, 2, 3])[1:], 16),
        (pa.array(["ab", "c"]), 2 * 8),
        (pa.array(["ab", None], pa.string_view()), 2 * 8 + 2),
        (pa.array(["x", "y", "x"] * 100 + ["long" * 10], pa.string_view())[300:], 8 + 40),
        (repeated(10, 5), 10 * (8 + 5)),
        (repeated(10, 5)[4:], 6 * (8 + 5)),
        (runs(10, 5), 10 * (40 + 8 + 5)),
    ],
)
def test_array_size_is_close_to_the_actual_size(array: pa.Array, size: int) -> None:
    assert size <= array_size(array) <= 2 * size + 8


def test_reads_list_views() -> None:
    array = pa.ListViewArray.from_arrays(
        pa.array([2, 0, 0], pa.int32()), pa.array([1, 2, 0], pa.int32()), pa.array([1, 2, 3])
    )
    table = TableArrow().read(stream(pa.table({"a": array})), {})
    assert [list(cell) for cell in table["a"]] == [[3], [1, 2], []]


def test_reads_long_file_of_repeated_short_texts() -> None:
    """Many rows in a large chunk do not imply that a long text is repeated."""
    texts = [f"text {index % 1000}" for index in range(50_000)]
    buffer = io.BytesIO()
    parquet.write_table(pa.table({"a": texts}), buffer)
    assert TableParquet().read(buffer.getvalue(), OPTIONS)["a"].tolist() == texts
