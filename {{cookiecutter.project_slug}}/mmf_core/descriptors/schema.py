"""A table's schema: column → type, as MMF writes it, held against a whole table at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import MAX_ERRORS, DescriptorError, ErrorDetail, InvalidValue, max_errors
from .columns import Column
from .json_schemas import records

if TYPE_CHECKING:
    import pandas as pd

EXTRA = ("ignore", "refuse")
_MESSAGES = {
    "missing": "this column is missing",
    "given twice": "this column is given twice",
    "unknown": "this column is unknown here",
}


class Schema:
    """Columns in order: `str`, `int`, `float`, `bool`, `datetime`, `float | None` with nulls.

    A `Column` says more. `extra` is what becomes of other columns: `ignore` or `refuse`.
    """

    def __init__(self, columns: Mapping[str, Any], extra: str = "ignore") -> None:
        if extra not in EXTRA:
            raise DescriptorError(f"extra={extra!r} is not possible; can be: {', '.join(EXTRA)}")
        self.columns = {name: _column(name, declared) for name, declared in columns.items()}
        every = self.columns.values()
        self.is_block = all(one.kind is float and not one.category for one in every)
        self._is_limited = any(one.is_limited for one in every)
        self._refuses = extra == "refuse"
        self._names = list(self.columns)

    def __str__(self) -> str:
        return f"{{{', '.join(f'{name!r}: {one}' for name, one in self.columns.items())}}}"

    @property
    def reading(self) -> dict[str, Any]:
        """What readers are told: that all is numbers, or what is text, so that 007 stays 007."""
        if self.is_block:
            return {"floats": True}
        texts = [name for name, one in self.columns.items() if one.kind is str]
        return {"dtype": dict.fromkeys(texts, str)} if texts else {}

    def example(self) -> dict[str, Any]:
        """Return one plausible row."""
        return {name: one.example() for name, one in self.columns.items()}

    def json_schema(self) -> dict[str, Any]:
        """Return what rows are in JSON (JSON Schema 2020-12)."""
        cells = {name: one.json_schema() for name, one in self.columns.items()}
        return records(cells, extra=not self._refuses)

    @property
    def example_is_valid(self) -> bool:
        """Whether no column is a text that could be anything."""
        return all(one.kind is not str or one.choices for one in self.columns.values())

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the schema's columns in its order and types, without any others.

        InvalidValue lists the first columns and cells that do not fit: 20, or `max_errors`.
        """
        given = table.columns.tolist()
        wrong = {} if given == self._names else self._wrong_columns(given)
        if not wrong:
            if given != self._names:
                table = table[self._names]
            if self.is_block and (block := _floats(table)) is not None and self._allows(block):
                return block
        import pandas as pd

        bad = {name for names in wrong.values() for name in names}
        usable = [name for name in self._names if name not in bad]
        columns, faults, misfits = self._convert(table, usable)
        if wrong or misfits:
            raise _invalid(wrong, faults, misfits)
        return pd.DataFrame(columns, index=table.index)

    def _wrong_columns(self, given: list[Any]) -> dict[str, list[Any]]:
        """Return the names of columns by what is wrong with them."""
        counts = Counter(given)
        wrong = {
            "missing": [name for name in self._names if not counts[name]],
            "given twice": [name for name in self._names if counts[name] > 1],
            "unknown": [name for name in counts if name not in self.columns and self._refuses],
        }
        return {what: names for what, names in wrong.items() if names}

    def _convert(
        self, table: pd.DataFrame, names: list[str]
    ) -> tuple[dict[str, Any], list[ErrorDetail], int]:
        """Return converted columns, the first faults of each of them, and how many there are."""
        columns: dict[str, Any] = {}
        faults: list[ErrorDetail] = []
        misfits = 0
        for name in names:
            given, declared = table[name], self.columns[name]
            columns[name], lost = declared.convert(given)
            rows = lost.nonzero()[0]
            misfits += len(rows)
            faults += _faults(given.iloc[rows[: max_errors.get()]], rows, name, declared)
        return columns, sorted(faults, key=lambda fault: fault.row or 0), misfits

    def _allows(self, block: pd.DataFrame) -> bool:
        """Tell whether a block of floats is within all bounds."""
        if not self._is_limited:
            return True
        if self._intervals is None:
            return False
        values, (least, most) = block.to_numpy(), self._intervals
        return bool(((values >= least) & (values <= most)).all())

    @cached_property
    def _intervals(self) -> tuple[Any, Any] | None:
        """The bounds of all columns; None where some have choices: each is looked at by itself."""
        import numpy as np

        if any(one.choices is not None for one in self.columns.values()):
            return None
        least, most = zip(*(one.interval for one in self.columns.values()), strict=True)
        return np.array(least), np.array(most)


def _column(name: str, declared: Any) -> Column:
    try:
        return declared if isinstance(declared, Column) else Column(declared)
    except DescriptorError as error:
        raise DescriptorError(f"schema: column {name!r}: {error}") from None


def _invalid(
    wrong: Mapping[str, list[Any]], cells: list[ErrorDetail], misfits: int
) -> InvalidValue:
    columns = [
        ErrorDetail(_MESSAGES[what], column=str(name))
        for what, names in wrong.items()
        for name in names[:MAX_ERRORS]
    ]
    told = [
        f"{what}: {', '.join(map(str, names[:MAX_ERRORS]))}{', …' * (len(names) > MAX_ERRORS)}"
        for what, names in wrong.items()
    ]
    if misfits:
        told.append(f"cells that do not fit the schema: {misfits}")
    most = max_errors.get()
    if sum(map(len, wrong.values())) + misfits > most:
        told.append(f"the first {most} are listed")
    return InvalidValue("; ".join(told), [*columns, *cells][:most])


def _faults(values: Any, rows: Any, name: str, declared: Column) -> Iterator[ErrorDetail]:
    for row, value, empty in zip(rows, values, values.isna(), strict=False):
        if empty:
            message = f"is empty where {declared.type_label} is needed"
            yield ErrorDetail(message, row=int(row), column=name)
        else:
            message = f"is not {declared.type_label}"
            yield ErrorDetail(message, row=int(row), column=name, value=value)


def _floats(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return a table of numbers as one block of floats; None if something else or null is in it."""
    import numpy as np

    block = table.to_numpy()  # no copy where it is one block already
    if block.dtype.kind not in "iuf":
        return None
    floats = block.astype(np.float64, copy=False)
    if np.isnan(floats).any():
        return None
    if floats is block:
        return table
    return type(table)(floats, index=table.index, columns=table.columns)
