"""The payload log beside a model's profile."""

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
from ..payload_log.reader import Wanted, lines
from .comparison import LEAST_ROWS, Drift, drift_of
from .profile import PREDICTION, Profile, read

ROWS_AT_ONCE = 10_000
_HASHED = re.compile(r"[0-9a-f]{16}")
Row = dict[str, Any]


class NoReport(MMFError):
    """There is no profile, or too few rows."""


@dataclass
class Report:
    """The drift of each column, and what the log has: rows by version, first and last time."""

    profile: Profile
    place: str
    rows: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    first: str = ""
    last: str = ""
    columns: dict[str, Drift] = field(default_factory=dict)


def compare(place: str, model: Path | None, wanted: Wanted) -> Report:
    """Compare the lines that are wanted with the profile of a model's file.

    Columns that are not in the log, masked or hashed are left out. NoReport and LogError say what
    is missing.
    """
    profile = read(profile_of(model) if model else _only_profile())
    report = Report(profile, place)
    rows = _rows(place, wanted, report)
    counts = {name: np.zeros(len(each.shares), int) for name, each in profile.columns.items()}
    seen: set[str] = set()
    hidden: set[str] = set()
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        report.rows += len(batch)
        for name, each in profile.columns.items():
            cells = [row.get(name) for row in batch]
            seen |= {name} if any(name in row for row in batch) else set()
            filled = [cell for cell in cells if cell is not None]
            hidden |= {name} if filled and all(map(_is_hidden, filled)) else set()
            counts[name] += each.count(cells)
    if report.rows < LEAST_ROWS:
        raise NoReport(
            f"{place}: expected at least {LEAST_ROWS} rows with columns of the profile, got "
            f"{report.rows}"
        )
    shown = {name: each for name, each in counts.items() if name in seen - hidden}
    report.columns = drift_of(profile, shown)
    return report


def _rows(place: str, wanted: Wanted, report: Report) -> Iterator[Row]:
    """Yield each row of each table that has a column of the profile, with its prediction."""
    names = report.profile.columns.keys()
    for line in lines(place, wanted):
        tables = filter(_is_table, (line["inputs"] or {}).values())
        table = next((each for each in tables if names & each[0].keys()), None)
        if table is None:
            continue
        report.versions[line["version"] or "without a name"] += len(table)
        report.first = min(report.first or line["time"], line["time"])
        report.last = max(report.last, line["time"])
        predictions = _predictions(line["result"], len(table))
        for row, prediction in zip(table, predictions, strict=True):
            yield {**row, **prediction}


def _predictions(result: Any, rows: int) -> list[Row]:
    """Return the prediction of each row, as an entry; nothing if it is not known which it is."""
    if not isinstance(result, list) or len(result) != rows:
        return [{}] * rows
    if not _is_table(result):
        return [{PREDICTION: value} for value in result]
    name = "prediction" if "prediction" in result[0] else next(iter(result[0]), "")
    is_known = name == "prediction" or len(result[0]) == 1
    return [{PREDICTION: row.get(name)} if is_known else {} for row in result]


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _is_hidden(cell: Any) -> bool:
    return isinstance(cell, str) and (cell == MASK or _HASHED.fullmatch(cell) is not None)


def _only_profile() -> Path:
    found = sorted(Path().glob(profile_of(Path("*")).name))
    if len(found) != 1:
        there = ", ".join(map(str, found)) or "there is none"
        raise NoReport(f"expected --model, whose profile is beside it: {there}")
    return found[0]
