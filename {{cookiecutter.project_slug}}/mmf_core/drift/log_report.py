"""Compares the payload log with a model's profile."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MMFError
from ..models import profile_of
from ..payload_log.payloads import MASK
from ..payload_log.reader import LogFilter, records
from .comparison import MIN_ROWS, Drift, drift_of
from .profile import PREDICTION, Profile, read

BATCH_ROWS = 10_000
_HASHED = re.compile(r"[0-9a-f]{16}")
Row = dict[str, Any]


class NoReport(MMFError):
    """The profile is missing, or there are too few rows."""


@dataclass
class Report:
    """The drift of each column, and a summary of the log: rows by version, first and last time."""

    profile: Profile
    location: str
    rows: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    first: str = ""
    last: str = ""
    columns: dict[str, Drift] = field(default_factory=dict)


def compare(location: str, model: Path | None, log_filter: LogFilter) -> Report:
    """Compare the matching records with the profile of a model's file.

    Columns that are not in the log, masked or hashed are left out. NoReport or LogError if the
    profile, the log or its rows are missing.
    """
    profile = read(profile_of(model) if model else _only_profile())
    report = Report(profile, location)
    rows = _rows(location, log_filter, report)
    columns = profile.columns.items()
    counts = {name: np.zeros(len(column.shares), int) for name, column in columns}
    seen: set[str] = set()
    hidden: set[str] = set()
    while batch := list(islice(rows, BATCH_ROWS)):
        report.rows += len(batch)
        for name, column in columns:
            cells = [row.get(name) for row in batch]
            seen |= {name} if any(name in row for row in batch) else set()
            filled = [cell for cell in cells if cell is not None]
            hidden |= {name} if filled and all(map(_is_hidden, filled)) else set()
            counts[name] += column.count(cells)
    if report.rows < MIN_ROWS:
        raise NoReport(
            f"{location}: expected at least {MIN_ROWS} rows with columns of the profile, got "
            f"{report.rows}"
        )
    visible = {name: bins for name, bins in counts.items() if name in seen - hidden}
    report.columns = drift_of(profile, visible)
    return report


def _rows(location: str, log_filter: LogFilter, report: Report) -> Iterator[Row]:
    """Yield each row of each table that has a column of the profile, with its prediction."""
    names = report.profile.columns.keys()
    for record in records(location, log_filter):
        tables = filter(_is_table, (record["inputs"] or {}).values())
        table = next((rows for rows in tables if names & rows[0].keys()), None)
        if table is None:
            continue
        report.versions[record["version"] or "without a name"] += len(table)
        report.first = min(report.first or record["time"], record["time"])
        report.last = max(report.last, record["time"])
        predictions = _predictions(record["result"], len(table))
        for row, prediction in zip(table, predictions, strict=True):
            yield {**row, **prediction}


def _predictions(result: Any, rows: int) -> list[Row]:
    """Return the prediction of each row, as an entry; empty entries if it is ambiguous."""
    if not isinstance(result, list) or len(result) != rows:
        return [{}] * rows
    if not _is_table(result):
        return [{PREDICTION: value} for value in result]
    name = "prediction" if "prediction" in result[0] else next(iter(result[0]), "")
    is_unambiguous = name == "prediction" or len(result[0]) == 1
    return [{PREDICTION: row.get(name)} if is_unambiguous else {} for row in result]


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _is_hidden(cell: Any) -> bool:
    return isinstance(cell, str) and (cell == MASK or _HASHED.fullmatch(cell) is not None)


def _only_profile() -> Path:
    profiles = sorted(Path().glob(profile_of(Path("*")).name))
    if len(profiles) != 1:
        names = ", ".join(map(str, profiles)) or "none"
        raise NoReport(f"expected --model, a file with a profile beside it; profiles here: {names}")
    return profiles[0]
