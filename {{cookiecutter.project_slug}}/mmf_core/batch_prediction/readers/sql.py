"""A query of a database: its rows, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from ...codecs import table_of
from ..chunks import Limits, TableChunk
from ..sources import Source


def chunks(source: Source, options: Mapping[str, Any], limits: Limits) -> Iterator[TableChunk]:
    """Yield the rows of a query, or of a table, each column with the type that its cells share."""
    assert source.place is not None  # noqa: S101 - `readers.chunks` looks
    with closing(source.place.rows(limits.rows)) as pieces:
        for names, rows in pieces:
            kept = set(names) - set(options["types"]) if options.get("keep") else ()
            columns = zip(*rows, strict=True) if rows else ([] for _ in names)
            table = table_of(names, map(list, columns), len(rows), kept)
            yield TableChunk(source.name, 0.0, table)
