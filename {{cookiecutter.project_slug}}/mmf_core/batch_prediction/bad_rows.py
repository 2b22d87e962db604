"""The file of bad rows: file, row, column, message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .destination import Destination
from .journal import Journal, Part
from .outputs import output_of

COLUMNS = ["file", "row", "column", "message"]


def write(
    parts: Iterable[Part], journal: Journal, destination: Destination, options: Mapping[str, Any]
) -> None:
    """Write the bad rows of parts, counted from 0 in their file."""
    import pandas as pd

    output = output_of(destination.format, destination.compression, options)
    before: Counter[str] = Counter()

    def encoded() -> Iterator[Path]:
        for part in parts:
            rows = [
                (part.file, before[part.file] + bad.row, bad.column, bad.message)
                for bad in journal.bad_rows(part.number)
            ]
            before[part.file] += part.rows
            if rows:
                path = journal.folder / f"{part.number:06}.errors"
                path.write_bytes(output.encode(_table(rows)))
                yield path

    def _table(rows: list[tuple[str, int, str | None, str]]) -> pd.DataFrame:
        table = pd.DataFrame(rows, columns=COLUMNS)
        return table.astype({"file": "str", "row": "int64", "column": "str", "message": "str"})

    complete = journal.folder / "errors"
    output.write(encoded(), COLUMNS, complete)
    destination.put(complete)
