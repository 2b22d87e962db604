"""Compressed Arrow buffers count with their declared size before pyarrow decompresses them."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from mmf_core.codecs import Format, Kind, find
from mmf_core.codecs.arrow_messages import decompressed_size
from mmf_core.errors import BodyTooLarge, RequestError
from mmf_core.settings import MIB

CODEC: Any = find(Kind.TABLE, Format.ARROW)
OPTIONS = {"max_decompressed": MIB}


def stream(table: pa.Table, compression: str | None = "zstd") -> bytes:
    return _written(pa.ipc.new_stream, table, compression)


def file(table: pa.Table, compression: str | None = "zstd") -> bytes:
    return _written(pa.ipc.new_file, table, compression)


def _written(new: Callable[..., Any], table: pa.Table, compression: str | None) -> bytes:
    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with new(buffer, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=1_000_000)
    return buffer.getvalue()


def zeros(count: int, kind: type = np.int8) -> pa.Array:
    return pa.array(np.zeros(count, kind))


BOMBS: dict[str, Callable[[], pa.Table]] = {
    "numbers": lambda: pa.table({"a": zeros(2 * MIB)}),
    "columns": lambda: pa.table({name: zeros(MIB // 2) for name in "abc"}),
    "a text": lambda: pa.table({"a": ["x" * 2 * MIB]}),
    "a dictionary": lambda: pa.table(
        {"a": pa.DictionaryArray.from_arrays(pa.array([0]), zeros(2 * MIB))}
    ),
    "a list": lambda: pa.table(
        {"a": pa.ListArray.from_arrays(pa.array([0, 2 * MIB], pa.int32()), zeros(2 * MIB))}
    ),
    "views": lambda: pa.table({"a": pa.array(["x" * 2 * MIB], pa.string_view())}),
    "runs": lambda: pa.table(
        {"a": pa.RunEndEncodedArray.from_arrays(pa.array([1], pa.int32()), ["x" * 2 * MIB])}
    ),
}


@pytest.mark.parametrize("write", [stream, file])
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@pytest.mark.parametrize("name", BOMBS)
def test_rejects_bomb_before_decompression(
    name: str,
    compression: str,
    write: Callable[..., bytes],
    arrow_pool: Callable[[], pa.MemoryPool],
) -> None:
    data = write(BOMBS[name](), compression)
    assert len(data) < MIB // 8
    pool = arrow_pool()
    with pytest.raises(BodyTooLarge, match="Arrow table decompresses to more than 1 MiB"):
        CODEC.read(data, OPTIONS)
    assert pool.max_memory() < MIB // 2


@pytest.mark.parametrize("write", [stream, file])
def test_declared_size_is_the_decompressed_size(write: Callable[..., bytes]) -> None:
    """In several batches; a length of -1 means that a buffer is not compressed."""
    table = pa.table({"a": zeros(2_500_000, np.int64), "b": ["x", None] * 1_250_000})
    data = write(table)
    assert decompressed_size(data) == pytest.approx(table.nbytes, rel=0.001)
    assert decompressed_size(write(table, None)) == 0
    noise = np.random.default_rng(0).bytes(100_000)
    data = write(pa.table({"a": [noise]}))
    assert 100_000 <= decompressed_size(data) < 100_100
    plain = data.replace(struct.pack("<q", 100_000), struct.pack("<q", -1))
    assert decompressed_size(plain) < 100


def test_batch_listed_repeatedly_counts_each_time() -> None:
    data = file(pa.table({"a": zeros(600_000)}))
    two = file(pa.table({"a": zeros(2_000_000)}))
    length = struct.unpack("<i", two[-10:-6])[0]
    footer = two[-10 - length : -10]
    own = data[-10 - struct.unpack("<i", data[-10:-6])[0] : -10]
    block = re.search(rb"\x01\0\0\0(.{24})", own[:200], re.DOTALL)
    assert block
    blocks = re.search(rb"\x02\0\0\0(.{48})", footer, re.DOTALL)
    assert blocks
    forged = footer.replace(blocks[1], block[1] * 2)
    body = data[: -10 - len(own)] + forged + struct.pack("<i", len(forged)) + b"ARROW1"
    assert len(CODEC.read(body, {})) == 1_200_000
    with pytest.raises(BodyTooLarge):
        CODEC.read(body, OPTIONS)


def test_reads_feather_from_pyarrow() -> None:
    buffer = io.BytesIO()
    feather.write_feather(pa.table({"a": zeros(2 * MIB)}), buffer, compression="lz4")
    with pytest.raises(BodyTooLarge):
        CODEC.read(buffer.getvalue(), OPTIONS)
    assert len(CODEC.read(buffer.getvalue(), {})) == 2 * MIB


@pytest.mark.parametrize("write", [stream, file])
def test_corrupted_messages_raise_request_errors(write: Callable[..., bytes]) -> None:
    data = write(pa.table({"a": zeros(1_000), "b": ["x"] * 1_000}))
    for place in range(len(data)):
        for byte in (0, 1, 127, 255):
            damaged = data[:place] + bytes([byte]) + data[place + 1 :]
            with suppress(RequestError):
                CODEC.read(damaged, OPTIONS)
