"""Reading a log: its lines in the order of the files, those that are wanted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..codecs import json
from ..errors import MMFError
from ..stores import is_uri
from .parquet_files import ParquetLibrary
from .record import COLUMNS, JSON_COLUMNS, OK

_log = logging.getLogger("mmf.payload_log")


class LogError(MMFError):
    """A place has no log."""


@dataclass(frozen=True)
class Wanted:
    """Which lines are wanted; None and False stand for any."""

    target: str | None = None
    version: str | None = None
    status: int | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    failed: bool = False

    def filters(self) -> Any:
        """Return an expression of pyarrow's; None for all lines."""
        import pyarrow.compute as pc

        names = ("target", "version", "status", "request_id")
        parts = [
            pc.field(name) == value for name in names if (value := getattr(self, name)) is not None
        ]
        if self.since:
            parts.append(pc.field("time") >= self.since)
        if self.until:
            parts.append(pc.field("time") < self.until)
        if self.failed:
            parts.append(pc.field("status") != OK)
        expression = None
        for part in parts:
            expression = part if expression is None else expression & part
        return expression


def lines(place: str, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Yield the lines as dicts; what is JSON in the log is decoded, times are texts in ISO 8601.

    LogError if there is no folder; a file that cannot be read is skipped, and the log says so.
    """
    import pyarrow as pa

    expression = wanted.filters()
    for file in files(place):
        try:
            table = _read(file, expression)
        except (OSError, pa.ArrowException, KeyError) as error:
            _log.warning("%s is not a file of the log, and is skipped: %s", file, error)
            continue
        for line in table.sort_by("time").to_pylist():
            line["time"] = line["time"].isoformat()
            for name in JSON_COLUMNS:
                line[name] = json.loads(line[name]) if line[name] else None
            yield line


def _read(file: Path, expression: Any) -> Any:
    """Read a file; ArrowException if it is not one of a log."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(file, columns=list(COLUMNS), filters=expression, partitioning=None)
    if not pa.types.is_timestamp(table.schema.field("time").type):
        raise pa.ArrowTypeError("its times are not timestamps")
    return table


def files(place: str) -> list[Path]:
    """Return the files of a log, in the order in which they were written."""
    ParquetLibrary().require("reading the payload log")
    if not place:
        raise LogError("expected the folder of the log, or MMF_PAYLOAD_LOG=FOLDER")
    if is_uri(place):
        raise LogError(f"{place}: copy it to a folder first, such as by aws s3 sync")
    if not Path(place).is_dir():
        raise LogError(f"{place}: no such folder; it appears with the first file of the log")
    found = Path(place).glob("**/[!.]*.parquet")
    return sorted(found, key=lambda file: (file.parent.name, file.name))


def rows(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each row of a line: the request's table, and beside it the result, if both fit."""
    inputs = [value for value in (line["inputs"] or {}).values() if _is_table(value)]
    result = line["result"] if _is_table(line["result"]) else [{}] * (line["rows"] or 1)
    common = {name: line[name] for name in ("time", "request_id", "target", "version", "status")}
    for number, given in enumerate(inputs[0] if len(inputs) == 1 else result):
        answer = result[number] if number < len(result) else {}
        clashing = {f"result.{name}" if name in given else name: answer[name] for name in answer}
        yield {**common, "row": number, **given, **clashing}


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
