"""The file of bad rows: file, row, column, message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .destination import Destination
from .journal import Journal, Part
from .outputs import output_of
from .predictor import BadRow

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["file", "row", "column", "message"]


def numbered(parts: Iterable[Part], journal: Journal) -> Iterator[list[tuple[str, BadRow]]]:
    """Yield the bad rows of each part that has any, with their file, counted from 0 in it."""
    before: Counter[str] = Counter()
    for part in parts:
        if rows := journal.bad_rows(part.number):
            start = before[part.file]
            yield [(part.file, bad._replace(row=start + bad.row)) for bad in rows]
        before[part.file] += part.rows


def write(
    parts: Iterable[Part], journal: Journal, destination: Destination, options: Mapping[str, Any]
) -> None:
    """Write the bad rows of parts."""
    output = output_of(destination, options)

    def encoded() -> Iterator[Path]:
        for number, rows in enumerate(numbered(parts, journal)):
            path = journal.folder / f"{number:06}.errors"
            path.write_bytes(output.encode(_table(rows)))
            yield path

    complete = journal.folder / "errors"
    output.write(encoded(), COLUMNS, complete)
    destination.put(complete, overwrite=True)


def _table(rows: Iterable[tuple[str, BadRow]]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame([(file, *bad) for file, bad in rows], columns=COLUMNS)
    return table.astype({"file": "str", "row": "int64", "column": "str", "message": "str"})
