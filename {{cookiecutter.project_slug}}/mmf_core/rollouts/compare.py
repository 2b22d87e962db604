"""Two versions on one table: the rows whose predictions differ, as a workbook for people."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..codecs import Format, Kind, TableXLSX, find
from ..descriptors import DataFrame, Descriptor
from ..errors import MMFError
from ..registry import Registry
from ..settings import Settings
from ..target import Target
from ..web.http.codec_options import limits_of, options_of
from .comparison import differing

if TYPE_CHECKING:
    import pandas as pd

OLD_COLOUR, NEW_COLOUR = "FFC7CE", "C6EFCE"
"""Red and green, as Excel's own "bad" and "good"."""
_WITH_ROWS = (Kind.TABLE, Kind.ARRAY)
Call: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""A version's target: from its arguments to its result."""


class NotComparable(MMFError):
    """Two versions cannot be compared on a table; the message says why."""


@dataclass(frozen=True)
class Comparison:
    """Both versions' predictions for the rows of a table, in their order.

    `changed` has the changed rows: their number from 1, the table's columns, and both versions of
    each prediction side by side. `cells` are the changed predictions: their row, and the column
    of the old one; the new one is beside it.
    """

    rows: int
    changed: pd.DataFrame
    cells: list[tuple[int, int]]

    def workbook(self) -> bytes:
        """Return the changed rows as a workbook, with the changed predictions coloured."""
        import openpyxl
        from openpyxl.styles import Font, PatternFill

        book = openpyxl.load_workbook(io.BytesIO(TableXLSX().encode(self.changed, {})))
        sheet: Any = book.active
        sheet.freeze_panes = "B2"
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        fills = [PatternFill("solid", start_color=colour) for colour in (OLD_COLOUR, NEW_COLOUR)]
        for row, column in self.cells:
            for offset, fill in enumerate(fills, start=1):
                sheet.cell(row + 2, column + offset).fill = fill
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()


def comparable(registry: Registry) -> dict[str, Target]:
    """Return the targets that predict each row of a table, by route."""
    return {
        name: each
        for name, each in registry.targets.items()
        if each.has_single_result and _table_of(each) and _has_rows(each.returns)
    }


def target_with_table(registry: Registry, route: str | None) -> tuple[Target, str]:
    """Return the named target, or the only or default one, and the argument for its table."""
    targets = comparable(registry)
    if route is None:
        routes = list(targets)
        default = [name for name in routes if targets[name].default]
        route = routes[0] if len(routes) == 1 else next(iter(default), None)
    if route not in targets:
        listed = ", ".join(targets) or "none"
        raise NotComparable(f"name a target that returns rows for a table: {listed}")
    target = targets[route]
    return target, _table_of(target) or ""


def read_table(path: Path, descriptor: Descriptor[Any]) -> pd.DataFrame:
    """Read a file in the format of its extension."""
    form = Format.of_extension(path.suffix)
    codec = find(Kind.TABLE, form) if form else None
    if codec is None or not codec.reads:
        raise NotComparable(f"{path}: expected a table, such as .csv or .xlsx")
    options = options_of(descriptor, limits_of(Settings.from_env()))
    table: pd.DataFrame = codec.read(path.read_bytes(), options)
    return table


def compare(table: pd.DataFrame, argument: str, calls: Mapping[str, Call]) -> Comparison:
    """Call both versions with the table; `calls` are by version, the current one first.

    NotComparable if they do not predict each row; their own errors pass through.
    """
    import pandas as pd

    old, new = (_predictions(name, call, argument, table) for name, call in calls.items())
    table = table.reset_index(drop=True)
    columns: dict[str, Any] = {"row": range(1, len(table) + 1)}
    columns |= {_unused(str(name), columns): table[name] for name in table.columns}
    masks: dict[str, tuple[int, Any]] = {}
    for name in dict.fromkeys([*old.columns, *new.columns]):
        masks[name] = len(columns), differing(_column(old, name), _column(new, name))
        for version, result in zip(calls, (old, new), strict=True):
            columns[_unused(f"{name} ({version})", columns)] = _column(result, name)
    both = pd.DataFrame(columns)
    is_changed = pd.DataFrame({name: mask for name, (_, mask) in masks.items()}).any(axis=1)
    positions = {row: position for position, row in enumerate(both.index[is_changed])}
    cells = [
        (positions[row], column)
        for column, mask in masks.values()
        for row in mask.nonzero()[0].tolist()
    ]
    return Comparison(len(table), both[is_changed], cells)


def _predictions(version: str, call: Call, argument: str, table: pd.DataFrame) -> pd.DataFrame:
    result = call({argument: table.copy()})
    predictions = DataFrame(schema=None).to_output(result).reset_index(drop=True)
    if len(predictions) != len(table):
        raise NotComparable(
            f"{version}: expected a prediction for each of the {len(table)} rows, "
            f"got {len(predictions)}"
        )
    return predictions


def _column(table: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column of predictions; empty cells if this version lacks it."""
    return table[name] if name in table.columns else table.index.to_series().map(lambda _: None)


def _table_of(target: Target) -> str | None:
    """Return the only table argument, if no other argument is required."""
    tables = [name for name, each in target.arguments.items() if isinstance(each, DataFrame)]
    others = [name for name in target.required if name not in tables]
    return tables[0] if len(tables) == 1 and not others else None


def _has_rows(returns: Descriptor[Any] | None) -> bool:
    return returns is not None and returns.kind in _WITH_ROWS


def _unused(name: str, columns: Mapping[str, Any]) -> str:
    while name in columns:
        name += " "
    return name
