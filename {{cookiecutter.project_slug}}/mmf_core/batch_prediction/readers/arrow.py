"""Arrow: the batches of a stream, or of a file, which is also known as Feather."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ...codecs import Format
from ..chunks import Chunk, Limits
from ..errors import BatchError
from ..sources import Source

_FILE_MAGIC = b"ARROW1"


def chunks(source: Source, _options: Mapping[str, Any], limits: Limits) -> Iterator[Chunk]:
    """Yield the batches of a file, those that are large in several pieces."""
    import pyarrow as pa

    with damage_reported(source.name, "Arrow table"), source.open() as (stream, file):
        content = None
        if source.path and not source.compression:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            data: Any = pa.py_buffer(content)
        else:
            buffered = io.BufferedReader(stream)  # type: ignore[type-var]
            is_file = buffered.peek(len(_FILE_MAGIC)).startswith(_FILE_MAGIC)
            data = pa.py_buffer(buffered.read()) if is_file else buffered
        schema, batches, count = _batches(data)
        number = 0
        for number, batch in enumerate(batches, start=1):
            for piece in cut(batch, limits):
                position = number / count if count else source.position(file)
                yield Chunk(source.name, position, Format.ARROW, piece)
                if content is not None and hasattr(mmap, "MADV_DONTNEED"):
                    content.madvise(mmap.MADV_DONTNEED)  # or all that was read would stay in memory
        if not number:
            (empty,) = cut(pa.RecordBatch.from_pylist([], schema=schema), limits)
            yield Chunk(source.name, 1.0, Format.ARROW, empty)


def cut(batch: Any, limits: Limits) -> Iterator[bytes]:
    """Yield a batch as Arrow streams of so many rows, or of fewer that have about `size` bytes."""
    import pyarrow as pa

    pieces = max(1, -(-batch.nbytes // limits.size))
    rows = max(1, min(limits.rows, batch.num_rows // pieces))
    for start in range(0, max(1, batch.num_rows), rows):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch.slice(start, rows))
        yield sink.getvalue().to_pybytes()


@contextmanager
def damage_reported(name: str, kind: str) -> Iterator[None]:
    """Raise BatchError for a file that pyarrow cannot read."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowIndexError, pa.ArrowKeyError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the system, not of the file
        raise BatchError(
            f"{name}: not a valid {kind}; check that it is complete: {_sentence(error)}"
        ) from error


def _sentence(error: Exception) -> str:
    return str(error).partition("\n")[0].strip()


def _batches(data: Any) -> tuple[Any, Iterator[Any], int]:
    """Return the schema, the batches and their number, 0 if it is not known."""
    import pyarrow as pa

    is_buffer = isinstance(data, pa.Buffer)
    start = data[: len(_FILE_MAGIC)].to_pybytes() if is_buffer else b""
    if start != _FILE_MAGIC:
        stream = pa.ipc.open_stream(data)
        return stream.schema, iter(stream), 0
    file = pa.ipc.open_file(data)
    return file.schema, map(file.get_batch, range(file.num_record_batches)), file.num_record_batches
