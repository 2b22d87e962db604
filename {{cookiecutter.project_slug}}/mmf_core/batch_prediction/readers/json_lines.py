"""JSON lines: a record a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...codecs import Format
from ..chunks import AnyChunk, Limits, TextChunk
from ..records import Records
from ..sources import Source
from .whole import small_text


def chunks(source: Source, options: Mapping[str, Any], limits: Limits) -> Iterator[AnyChunk]:
    """Yield the lines of a file."""
    with source.open() as (stream, file):
        start = stream.read(limits.size)
        if len(start) < limits.size:
            yield from small_text(TextChunk(source.name, 1.0, Format.JSONL, start), options, limits)
            return
        for lines in Records().blocks(stream, start, limits, source.name):
            yield TextChunk(source.name, source.position(file), Format.JSONL, lines)
