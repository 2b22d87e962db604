"""Arrow: the batches of a stream, or of a file, which is also known as Feather."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..chunks import BatchChunk, Limits
from ..errors import BatchError
from ..sources import Source

_FILE_MAGIC = b"ARROW1"


def chunks(source: Source, _options: Mapping[str, Any], limits: Limits) -> Iterator[BatchChunk]:
    """Yield the batches of a file, those that are large in several pieces."""
    import pyarrow as pa

    with damage_reported(source.name, "Arrow table"), source.open() as (stream, file):
        content = None
        if source.path and not source.compression:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            data: Any = pa.BufferReader(pa.py_buffer(content))
        else:
            buffered = io.BufferedReader(stream)  # type: ignore[type-var]
            is_file = buffered.peek(len(_FILE_MAGIC)).startswith(_FILE_MAGIC)
            data = pa.BufferReader(buffered.read()) if is_file else buffered
        schema, batches, count = _batches(data)
        number = 0
        for number, batch in enumerate(batches, start=1):
            for piece in cut(batch, limits):
                if count:
                    position = number / count
                else:
                    position = data.tell() / source.size if content else source.position(file)
                yield BatchChunk(source.name, position, piece)
                if content is not None and hasattr(mmap, "MADV_DONTNEED"):
                    content.madvise(mmap.MADV_DONTNEED)  # or all that was read would stay in memory
        if not number:
            yield BatchChunk(source.name, 1.0, pa.RecordBatch.from_pylist([], schema=schema))


def cut(batch: Any, limits: Limits) -> Iterator[Any]:
    """Yield a batch in slices of `rows` of the limits, or of fewer that have about `size` bytes."""
    pieces = max(1, -(-batch.nbytes // limits.size))
    rows = max(1, min(limits.rows, batch.num_rows // pieces))
    for start in range(0, max(1, batch.num_rows), rows):
        yield batch.slice(start, rows)


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
    """Return the schema, the batches and their number, 0 if it is unknown."""
    import pyarrow as pa

    if isinstance(data, pa.BufferReader):
        start = data.read(len(_FILE_MAGIC))
        data.seek(0)
        if start == _FILE_MAGIC:
            file = pa.ipc.open_file(data)
            count = file.num_record_batches
            return file.schema, map(file.get_batch, range(count)), count
    stream = pa.ipc.open_stream(data)
    return stream.schema, iter(stream), 0
