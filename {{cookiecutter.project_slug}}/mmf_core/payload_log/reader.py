"""Reads the matching records of a log, in the order of its files."""

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
    """A path has no log."""


@dataclass(frozen=True)
class LogFilter:
    """Which records match; None and False match any."""

    target: str | None = None
    version: str | None = None
    status: int | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    failed: bool = False

    def expression(self) -> Any:
        """Return a pyarrow expression; None for all records."""
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


def records(location: str, log_filter: LogFilter) -> Iterator[dict[str, Any]]:
    """Yield the records as dicts; JSON columns are decoded, times are texts in ISO 8601.

    LogError if the folder does not exist; an unreadable file is skipped with a warning.
    """
    import pyarrow as pa

    expression = log_filter.expression()
    for file in files(location):
        try:
            table = _read(file, expression)
        except (OSError, pa.ArrowException, KeyError) as error:
            _log.warning("%s is not a file of the log, and is skipped: %s", file, error)
            continue
        for record in table.sort_by("time").to_pylist():
            record["time"] = record["time"].isoformat()
            for name in JSON_COLUMNS:
                record[name] = json.loads(record[name]) if record[name] else None
            yield record


def _read(file: Path, expression: Any) -> Any:
    """Read a file; ArrowException if it does not belong to a log."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(file, columns=list(COLUMNS), filters=expression, partitioning=None)
    if not pa.types.is_timestamp(table.schema.field("time").type):
        raise pa.ArrowTypeError("its times are not timestamps")
    return table


def files(location: str) -> list[Path]:
    """Return the files of a log, in the order in which they were written."""
    ParquetLibrary().require("reading the payload log")
    if not location:
        raise LogError("expected the folder of the log, or MMF_PAYLOAD_LOG=FOLDER")
    if is_uri(location):
        raise LogError(f"{location}: copy it to a folder first, for example with aws s3 sync")
    if not Path(location).is_dir():
        raise LogError(f"{location}: no such folder; it appears with the first file of the log")
    paths = Path(location).glob("**/[!.]*.parquet")
    return sorted(paths, key=lambda file: (file.parent.name, file.name))


def rows(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each row of a record: the request's table with the result beside it, if both fit."""
    inputs = [value for value in (record["inputs"] or {}).values() if _is_table(value)]
    result = record["result"] if _is_table(record["result"]) else [{}] * (record["rows"] or 1)
    common = {name: record[name] for name in ("time", "request_id", "target", "version", "status")}
    for number, cells in enumerate(inputs[0] if len(inputs) == 1 else result):
        output = result[number] if number < len(result) else {}
        renamed = {f"result.{name}" if name in cells else name: output[name] for name in output}
        yield {**common, "row": number, **cells, **renamed}


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
