"""From a chunk to its predictions, and to the rows that cannot have one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..codecs import Format, as_frame
from ..descriptors import DataFrame
from ..errors import InvalidValue, MMFError, RequestError, TargetError, as_text, max_errors
from ..execution import KeptColumns, Timings, function_call, validate_arguments
from ..target import Target
from .chunks import AnyChunk
from .column_types import ColumnTypes
from .damaged_records import read_records
from .errors import BatchError
from .project import check_rows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_MAX_REJECTED = 100
"""Rows in succession that a function may reject one by one, before it is taken to reject all."""


class BadRow(NamedTuple):
    """A row without a prediction, counted from 0, and why."""

    row: int
    column: str | None
    message: str


@dataclass(slots=True)
class Predictions:
    """What a chunk has become: how many rows were read, those that are bad, the other ones."""

    rows: int
    bad: list[BadRow] = field(default_factory=list)
    table: pd.DataFrame | None = None


class _Selected(NamedTuple):
    """Stands in for a table whose columns of these names are returned to the caller."""

    names: list[str]

    def others(self, table: pd.DataFrame) -> list[str]:
        """Return the columns that are returned to the caller."""
        return [name for name in table.columns if name in self.names]


class Predictor:
    """Calls a target for chunks: decode, validate, call, put the kept columns beside the result.

    `argument` is that of the table; the values of others are `arguments`. `keep` names columns,
    None for all. `options` are those of the codecs, `output` is the format of the result.
    """

    def __init__(
        self,
        target: Target,
        argument: str,
        *,
        arguments: Mapping[str, Any],
        keep: Sequence[str] | None,
        options: Mapping[str, Any],
        output: Format,
    ) -> None:
        self._target, self._argument, self._arguments = target, argument, dict(arguments)
        descriptor = target.arguments[argument]
        assert isinstance(descriptor, DataFrame)  # noqa: S101 - see `project.table_argument`
        self._descriptor = descriptor
        self._keep = keep
        self.options = options
        self._output = output
        self._call = function_call(target)

    def read(
        self, chunk: AnyChunk, types: ColumnTypes | None
    ) -> tuple[pd.DataFrame, dict[int, str]]:
        """Return the decoded rows, and what is wrong with damaged ones."""
        table, damaged = read_records(chunk, self.options)
        return (types.apply(table) if types and len(table) else table), damaged

    def predict(self, chunk: AnyChunk, types: ColumnTypes | None = None) -> Predictions:
        """Return the predictions for the rows of a chunk.

        BatchError if the chunk as a whole cannot be used, or if the function fails.
        """
        import numpy as np

        table, damaged = self.read(chunk, types)
        total = len(table) + len(damaged)
        result = Predictions(total, [BadRow(row, None, text) for row, text in damaged.items()])
        places = np.delete(np.arange(total), list(damaged)) if damaged else np.arange(total)
        limit = max_errors.set(table.size + 1)
        try:
            self._fill(result, table, places)
        finally:
            max_errors.reset(limit)
        result.bad.sort(key=lambda bad: bad.row)
        return result

    def _fill(self, result: Predictions, table: pd.DataFrame, places: np.ndarray[Any, Any]) -> None:
        import pandas as pd

        tables: list[pd.DataFrame] = []
        work = [(table, places)] if len(table) else []
        rejected = 0
        while work:
            table, places = work.pop()
            try:
                tables.append(self._predicted(table))
                rejected = 0
            except (InvalidValue, RequestError) as error:
                bad = _rows(error)
                if bad is None and len(table) == 1:
                    bad = {0: (None, error.detail)}
                    rejected += 1
                    if rejected > _MAX_REJECTED and not tables:
                        raise BatchError(error.detail) from error
                if bad is None:
                    half = len(table) // 2
                    work += [
                        (_part(table, slice(half, None)), places[half:]),
                        (_part(table, slice(half)), places[:half]),
                    ]
                    continue
                result.bad += [
                    BadRow(int(places[row]), column, text) for row, (column, text) in bad.items()
                ]
                good = [row for row in range(len(table)) if row not in bad]
                if good:
                    work.append((_part(table, good), places[good]))
        if tables:
            result.table = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]

    def _predicted(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the result for rows; RequestError if some are invalid."""
        values = {**self._arguments, self._argument: table}
        arguments = validate_arguments(self._target, values)
        checked = arguments[self._argument]
        kept = self._kept(table, checked)
        try:
            result: pd.DataFrame = as_frame(self._call(arguments, Timings()))
        except TargetError as error:
            cause = error.__cause__ or error
            if isinstance(cause, MMFError):
                raise BatchError(str(cause)) from error
            raise BatchError(f"{error}: {type(cause).__name__}: {as_text(cause)}") from error
        check_rows(self._target, result, table)
        if kept is None:
            return result.reset_index(drop=True)
        names, sent = kept
        columns = KeptColumns(self._target.route, self._argument, _Selected(names))  # type: ignore[arg-type]
        try:
            return columns.beside({self._argument: sent}, result, self._output)
        except MMFError as error:
            raise BatchError(str(error)) from error

    def _kept(
        self, table: pd.DataFrame, checked: pd.DataFrame
    ) -> tuple[list[str], pd.DataFrame] | None:
        """Return the names that are kept, and a table with them; None if there are none.

        A column that the function gets is kept as it gets it.
        """
        others = self._descriptor.others(table) if self._target.kept else []
        chosen = table.columns.tolist() if self._keep is None else self._keep
        if missing := [name for name in chosen if name not in table.columns]:
            raise BatchError(f"--keep {missing[0]}: the input has no column of this name")
        names = [name for name in table.columns if name in others or name in chosen]
        if not names:
            return None
        validated = {name: checked[name] for name in names if name in checked.columns}
        return names, table.assign(**validated) if validated else table


def _rows(error: RequestError) -> dict[int, tuple[str | None, str]] | None:
    """Return the first error of each row; None if an error is of no row.

    BatchError for an error of columns, which all rows have.
    """
    if not error.errors:
        return None
    bad: dict[int, tuple[str | None, str]] = {}
    for detail in error.errors:
        if detail.row is None and detail.column is not None:
            raise BatchError(error.detail) from error
        if detail.row is None:
            return None
        bad.setdefault(detail.row, (detail.column, detail.message))
    return bad


def _part(table: pd.DataFrame, rows: Any) -> pd.DataFrame:
    part: pd.DataFrame = table.iloc[rows].reset_index(drop=True)
    part.attrs = table.attrs  # the number format of its texts
    return part
