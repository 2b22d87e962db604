"""Readers: one module for each way to cut a file into chunks.

A reader is a function that gets a source, the options of the target's table and the limits, and
yields chunks in order. Formats that are not here are read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

from ...codecs import Format
from ..chunks import AnyChunk, Limits
from ..sources import Source
from . import arrow, json_lines, parquet, separated, sql, whole

Reader = Callable[[Source, Mapping[str, Any], Limits], Iterator[AnyChunk]]

READERS: dict[Format, Reader] = {
    Format.CSV: separated.chunks,
    Format.TSV: separated.chunks,
    Format.JSONL: json_lines.chunks,
    Format.PARQUET: parquet.chunks,
    Format.ARROW: arrow.chunks,
    Format.FEATHER: arrow.chunks,
}


def chunks(
    source: Source, options: Mapping[str, Any], limits: Limits
) -> Generator[AnyChunk, None, None]:
    """Yield the rows of a file in order."""
    reader = sql.chunks if source.place else READERS.get(source.format, whole.chunks)
    yield from reader(source, options, limits)
