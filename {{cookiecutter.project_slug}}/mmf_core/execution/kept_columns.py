"""`extra="keep"`: the caller's other columns beside the result, where they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ..codecs import Format, as_frame, without_long_numbers
from ..descriptors import DataFrame
from ..errors import ErrorDetail, InvalidValue, ResultError, quoted
from ..target import Target
from .rows import is_named

if TYPE_CHECKING:
    import pandas as pd


_WITH_BYTES = {Format.PARQUET, Format.ARROW, Format.FEATHER}


class KeptColumns(NamedTuple):
    """Puts the columns of a table that its schema does not declare beside a target's result."""

    route: str
    argument: str
    table: DataFrame

    @classmethod
    def of(cls, target: Target) -> KeptColumns | None:
        """Return what a target keeps; None if that is nothing."""
        name = target.kept
        return None if name is None else cls(target.route, name, target.arguments[name])  # type: ignore[arg-type]

    def beside(
        self, values: Mapping[str, Any], result: pd.DataFrame, format: Format | None
    ) -> pd.DataFrame:
        """Return a result with the other columns of the decoded table, for a format.

        InvalidValue if a name is there twice, or if the format has no place for a column's bytes;
        ResultError if the rows are not those of the table.
        """
        sent = values.get(self.argument)
        if sent is None or not (names := self.table.others(sent)):
            return result
        result = as_frame(result)
        if doubled := [name for name in names if name in result.columns]:
            message = "the result has a column of this name; rename this one"
            raise self._refused(doubled, message)
        if format not in _WITH_BYTES and (held := [n for n in names if _holds_bytes(sent[n])]):
            message = "only Parquet, Arrow and Feather can return bytes; leave the column out"
            raise self._refused(held, message)
        rows = _rows(sent, result, self.route)
        own = [name for name in sent.columns if name not in names]
        if rows is None and _is_reordered(sent[own], result):
            raise _other_rows(self.route)
        kept = sent[names] if rows is None else sent[names].iloc[rows]
        if format is Format.XLSX:
            kept = without_long_numbers(kept)
        return _joined(sent, kept, result)

    def _refused(self, names: Sequence[str], message: str) -> InvalidValue:
        errors = [ErrorDetail(message, where=self.argument, column=name) for name in names]
        return InvalidValue(f"column {quoted(names[0])}: {message}", errors)


def _holds_bytes(column: pd.Series[Any]) -> bool:
    return column.dtype.kind == "O" and any(isinstance(cell, bytes) for cell in column.tolist())


def _joined(sent: pd.DataFrame, kept: pd.DataFrame, result: pd.DataFrame) -> pd.DataFrame:
    """Return the columns in the caller's order, then those that only the result has."""
    import pandas as pd

    both = pd.concat([table.reset_index(drop=True) for table in (kept, result)], axis="columns")
    places = [name for name in sent.columns if name in both.columns]
    return both[[*places, *(name for name in result.columns if name not in sent.columns)]]


def _rows(sent: pd.DataFrame, result: pd.DataFrame, route: str) -> list[int] | None:
    """Return which row of the table each row of the result is; None if they are the same."""
    import pandas as pd

    if len(result) != len(sent):
        raise ResultError(
            f"{route}: extra='keep' needs a row for each row of the request: "
            f"expected {len(sent)}, got {len(result)}"
        )
    index = result.index
    if is_named(index):
        raise _other_rows(route)
    if (isinstance(index, pd.RangeIndex) and index.step == 1) or index.equals(sent.index):
        return None
    counted = pd.RangeIndex(len(sent))
    if sent.index.equals(counted) and sorted_labels(index) == list(counted):
        labels: list[int] = index.tolist()
        return labels
    raise _other_rows(route)


def _is_reordered(own: pd.DataFrame, result: pd.DataFrame) -> bool:
    """Return whether a result has all columns of the function's table, but its rows rearranged."""
    names = own.columns.tolist()
    if not set(names) <= set(result.columns):
        return False
    before, after = (table[names].reset_index(drop=True) for table in (own, result))
    if before.equals(after) or not before.dtypes.equals(after.dtypes):
        return False
    with suppress(TypeError):  # of values that have no order
        before, after = (table.sort_values(names, ignore_index=True) for table in (before, after))
        return before.equals(after)
    return False


def _other_rows(route: str) -> ResultError:
    return ResultError(
        f"{route}: extra='keep' needs the rows of the request: return the table's own index, or "
        "none, with the rows in their order"
    )


def sorted_labels(index: Any) -> list[Any] | None:
    """Return the labels of rows in order; None if they are not whole numbers."""
    return sorted(index.tolist()) if index.dtype.kind in "iu" else None
