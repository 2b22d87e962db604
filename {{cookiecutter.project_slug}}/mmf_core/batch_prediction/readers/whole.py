"""Formats that are read whole, such as XLSX: their rows are decoded together, then cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...codecs import Kind, find
from ...errors import RequestError
from ..chunks import AnyChunk, Limits, TableChunk, TextChunk
from ..errors import BatchError
from ..sources import Source

if TYPE_CHECKING:
    import pandas as pd


def chunks(source: Source, options: Mapping[str, Any], limits: Limits) -> Iterator[TableChunk]:
    """Yield the rows of a file that is decoded at once."""
    with source.open() as (stream, _):
        data = stream.read()
    codec = find(Kind.TABLE, source.format)
    assert codec is not None  # noqa: S101 - sources are of formats that can be read
    try:
        table = codec.read(data, options)
    except RequestError as error:
        raise BatchError(f"{source.name}: {error.detail}") from error
    yield from cut(table, source.name, limits.rows)


def small_text(chunk: TextChunk, options: Mapping[str, Any], limits: Limits) -> Iterator[AnyChunk]:
    """Yield the rows of a small file, decoded together; the file itself if a record is damaged."""
    try:
        table = chunk.read(options)
    except RequestError:
        yield chunk
        return
    yield from cut(table, chunk.file, limits.rows)


def cut(table: pd.DataFrame, name: str, rows: int) -> Iterator[TableChunk]:
    """Yield the rows of a table, `rows` at a time; one chunk if it has none."""
    for start in range(0, max(1, len(table)), rows):
        part = table.iloc[start : start + rows].reset_index(drop=True)
        part.attrs = table.attrs  # the number format of its texts
        yield TableChunk(name, min(1.0, (start + rows) / max(1, len(table))), part)
