"""Parquet: a few rows of a row group at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from ..chunks import BatchChunk, Limits
from ..errors import BatchError
from ..sources import Source
from .arrow import cut, damage_reported

_BUFFER = 1 << 20


def chunks(source: Source, _options: Mapping[str, Any], limits: Limits) -> Iterator[BatchChunk]:
    """Yield the rows of a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if source.compression:
        raise BatchError(f"{source.name}: expected .parquet, which is compressed inside")
    with ExitStack() as stack:
        stack.enter_context(damage_reported(source.name, "Parquet file"))
        content: Any = source.path  # which pyarrow reads by itself, without Python
        if content is None:
            stream, _ = stack.enter_context(source.open())
            content = io.BytesIO(stream.read())
        # pre_buffer=True, the default, holds a whole row group, however large it is
        parquet = pq.ParquetFile(content, buffer_size=_BUFFER, pre_buffer=False)
        file = stack.enter_context(parquet)
        total, done = file.metadata.num_rows, 0
        for batch in file.iter_batches(_batch_rows(file.metadata, limits)):
            done += batch.num_rows
            for piece in cut(batch, limits):
                yield BatchChunk(source.name, done / total, piece)
        if done < total:
            raise BatchError(f"{source.name}: expected {total:,} rows, got {done:,}")
        if not total:
            empty = pa.RecordBatch.from_pylist([], schema=file.schema_arrow)
            yield BatchChunk(source.name, 1.0, empty)


def _batch_rows(metadata: Any, limits: Limits) -> int:
    """Return how many rows have about the size of a chunk; texts that repeat may have more."""
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    size = sum(group.total_byte_size for group in groups)
    rows: int = limits.size * metadata.num_rows // max(1, size)
    return max(1, min(limits.rows, rows))
