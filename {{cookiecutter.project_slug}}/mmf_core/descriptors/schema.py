"""A table's schema: column → type, as in MMF, applied to a whole table at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..codecs import column_index, number_format_of
from ..errors import (
    BodyTooLarge,
    DescriptorError,
    ErrorDetail,
    FailedCheck,
    max_errors,
)
from .bounds import interval
from .column_types import READ_AS
from .columns import Column
from .failed_checks import DUPLICATE, MISSING, UNKNOWN, failed_cells, failed_names
from .json_schemas import records
from .lenient_cells import read_cells
from .row_relations import relation_errors
from .table_errors import cell_errors, invalid_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

EXTRA = ("ignore", "refuse", "keep")
MAX_TEXTS = 1_500_000
"""Of a table; each takes up to three microseconds."""
_FEW_ROWS = 10_000  # in which looking for equal texts takes longer than it saves


class Schema:
    """Columns in order: `str`, `int`, `float`, `bool`, `date`, `datetime`, or a dtype.

    `float | None` has nulls; dates are midnights. A dtype or its name, such as `"float32"`, is what
    the function gets. A `Column` adds bounds and choices. Undeclared columns are dropped with
    `extra="ignore"`, are errors with `extra="refuse"`, and go back to the caller with
    `extra="keep"`. With `underscores` a name may have blanks in place of these.
    """

    def __init__(
        self, columns: Mapping[str, Any], extra: str = "ignore", *, underscores: bool = False
    ) -> None:
        if extra not in EXTRA:
            raise DescriptorError(f"extra={extra!r}: expected one of {', '.join(EXTRA)}")
        self.columns = {name: _column(name, declared) for name, declared in columns.items()}
        declared = self.columns.values()
        self.is_block = all(column.is_float64 for column in declared)
        self._is_limited = any(column.is_limited for column in declared)
        self.relates_rows = any(column.relates_rows for column in declared)
        self._refuses_extra, self._keeps_extra = extra == "refuse", extra == "keep"
        self._names = list(self.columns)
        self._days = [name for name, column in self.columns.items() if column.kind is date]
        self._underscores = underscores

    def __str__(self) -> str:
        cells = [f"{name!r}: {column.summary}" for name, column in self.columns.items()]
        return f"{{{', '.join(cells)}}}"

    @property
    def reading(self) -> dict[str, Any]:
        """Options for codecs: what the columns need, and whether a block of floats is enough."""
        types = {name: READ_AS.get(each.kind, each.kind) for name, each in self.columns.items()}
        floats = {"floats": True} if set(types.values()) == {float} else {}
        return {"types": types, **floats, **({"keep": True} if self._keeps_extra else {})}

    def is_exactly(self, columns: pd.Index[Any]) -> bool:
        """Return whether this is the index that readers give to the schema's own names."""
        return columns.is_(self._index)

    def others(self, names: Sequence[str]) -> list[str]:
        """Return the names that are not the schema's, in their order."""
        blank = " " if self._underscores else "_"
        return [name for name in names if name.replace(blank, "_") not in self.columns]

    def example(self) -> dict[str, Any]:
        """Return a plausible row."""
        return {name: column.example() for name, column in self.columns.items()}

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of a table as records."""
        cells = {name: column.json_schema() for name, column in self.columns.items()}
        return records(cells, extra=False if self._refuses_extra else self._keeps_extra or None)

    @property
    def example_is_valid(self) -> bool:
        """Whether no column is free text."""
        return all(column.kind is not str or column.choices for column in self.columns.values())

    def apply(self, table: pd.DataFrame, *, lenient: bool = False) -> pd.DataFrame:
        """Return the schema's columns in its order and types, without any others.

        With `lenient`, texts that do not match are read as people write them: see `read_cells`.
        InvalidValue lists the first `max_errors` columns and cells that do not match.
        """
        names = self._names if self.is_exactly(table.columns) else table.columns.tolist()
        if self._underscores and names != self._names:
            names = [str(name).replace(" ", "_") for name in names]
            table = table.set_axis(names, axis="columns")
        wrong_columns = {} if names == self._names else self._compare_names(names)
        if not wrong_columns:
            if names != self._names:
                table = table[self._names]
            is_block = self.is_block and not self.relates_rows
            if is_block and (block := _floats(table)) is not None and self._allows(block):
                return block
        import pandas as pd

        excluded = {name for wrong_names in wrong_columns.values() for name in wrong_names}
        usable = [name for name in self._names if name not in excluded]
        columns, errors, failures = self._convert(table, usable)
        if failures and lenient:
            table = read_cells(table, {name: self.columns[name] for name in usable})
            columns, errors, failures = self._convert(table, usable)
        if wrong_columns or failures:
            others = [str(name) for name in names if name not in self.columns]
            misfits = sum(check.number for check in failures)
            error = invalid_table(wrong_columns, errors, misfits, others)
            raise error.failing([*failed_names(wrong_columns, self.columns), *failures])
        return pd.DataFrame(columns, index=table.index)

    def to_output(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a result's columns like `apply`, with days as `datetime.date`, as they are sent.

        A function gets them as midnights, which pandas can calculate with.
        """
        table = self.apply(table)
        for name in self._days:
            days = table[name].dt.date.astype(object)
            table[name] = days.where(days.notna(), None)
        return table

    def _compare_names(self, names: list[Any]) -> dict[str, list[Any]]:
        """Return the names of wrong columns by error."""
        counts = Counter(names)
        wrong_columns = {
            MISSING: [name for name in self._names if not counts[name]],
            DUPLICATE: [name for name, count in counts.items() if count > 1],
            UNKNOWN: [name for name in counts if name not in self.columns and self._refuses_extra],
        }
        return {error: wrong_names for error, wrong_names in wrong_columns.items() if wrong_names}

    def _convert(
        self, table: pd.DataFrame, names: list[str]
    ) -> tuple[dict[str, Any], list[ErrorDetail], list[FailedCheck]]:
        """Return converted columns, the first errors of each, and the checks that failed."""
        columns: dict[str, Any] = {}
        errors: list[ErrorDetail] = []
        failures: list[FailedCheck] = []
        number_format = number_format_of(table)
        for name, column, mask in converted(table, {name: self.columns[name] for name in names}):
            columns[name] = column
            rows = mask.nonzero()[0][: max_errors.get()]
            if len(rows):
                failures += failed_cells(name, self.columns[name], table[name], column, mask)
                errors += cell_errors(table[name], rows, self.columns[name], number_format)
            if self.columns[name].relates_rows:
                details, checks = relation_errors(self.columns[name], table[name], column, mask)
                errors, failures = errors + details, failures + checks
        return columns, sorted(errors, key=lambda error: error.row or 0), failures

    def _allows(self, block: pd.DataFrame) -> bool:
        """Return whether a block of floats is within all bounds."""
        if not self._is_limited:
            return True
        if self._intervals is None:
            return False
        values, (lows, highs) = block.to_numpy(), self._intervals
        return bool(((values >= lows) & (values <= highs)).all())

    @cached_property
    def _index(self) -> pd.Index[Any]:
        return column_index(tuple(self._names))

    @cached_property
    def _intervals(self) -> tuple[Any, Any] | None:
        """The bounds of all columns; None if a column has choices and needs its own check."""
        import numpy as np

        if any(column.choices is not None for column in self.columns.values()):
            return None
        intervals = [interval(column.bounds) for column in self.columns.values()]
        lows, highs = zip(*intervals, strict=True)
        return np.array(lows), np.array(highs)


def converted(
    table: pd.DataFrame, columns: Mapping[str, Column]
) -> Iterator[tuple[str, pd.Series[Any], np.ndarray[Any, Any]]]:
    """Yield each column's name, its cells in its type, and a mask of those that do not fit.

    Python converts texts, all of a column in which a cell is not a number: equal ones once, and
    very many not at all (BodyTooLarge).
    """
    import pandas as pd

    number_format = number_format_of(table)
    left = MAX_TEXTS
    for name, declared in columns.items():
        cells, codes = table[name], None
        if len(cells) > _FEW_ROWS and cells.dtype.kind == "O" and declared.kind is not str:
            if cells.dtype == "str":  # of other objects 1 equals true
                codes, texts = pd.factorize(cells.array, use_na_sentinel=False)
                cells = pd.Series(texts, name=name)
            left -= len(cells)
            if left < 0:
                raise BodyTooLarge(
                    f"expected at most {MAX_TEXTS:,} different texts in columns of numbers, flags "
                    f"and dates; send it in smaller pieces"
                )
        column, misfits = declared.convert(cells, number_format)
        if codes is not None:
            column = column.take(codes).set_axis(table.index)
            misfits = misfits[codes]
        yield name, column, misfits


def _column(name: Any, declared: Any) -> Column:
    if not isinstance(name, str):
        raise DescriptorError(f"schema: column {name!r}: expected a text as its name")
    try:
        return declared if isinstance(declared, Column) else Column(declared)
    except DescriptorError as error:
        raise DescriptorError(f"schema: column {name!r}: {error}") from None


def _floats(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return a table of finite numbers as one block of floats; None if it has other values."""
    import numpy as np

    block = table.to_numpy()  # a view if it is one block already, which may not be written to
    if block.dtype.kind not in "iuf":
        return None
    floats = block.astype(np.float64, copy=False)
    if b"\0" in np.isfinite(floats).tobytes():  # `all` takes twice as long for a row
        return None
    is_view = not floats.flags.writeable
    if floats is block and is_view and (block.shape[1] > 1 or _is_numpy(table)):
        return table
    return type(table)(floats, index=table.index, columns=table.columns, copy=is_view)


def _is_numpy(table: pd.DataFrame) -> bool:
    """Return whether a table of one column is NumPy's; pandas' other blocks have no more."""
    return bool(table.iloc[:, 0].dtype == "float64")
