"""Rules for the rows of a table together: their number, unique values, ordered values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import DescriptorError, ErrorDetail, FailedCheck, InvalidValue, max_errors, quoted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from .columns import Column

MONOTONIC = {"increasing": "least", "decreasing": "most"}
"""The bound that the previous value is for the next: at least it, or at most it."""


@dataclass(frozen=True, slots=True)
class RowCount:
    """The fewest and the most rows that a table may have; None is any number of them."""

    fewest: int = 1
    most: int | None = None

    @classmethod
    def parse(cls, rows: Any) -> RowCount:
        """Read `rows=`: None, a number, or the fewest and the most; DescriptorError if neither."""
        pair = (rows, rows) if isinstance(rows, int) else (None, None) if rows is None else rows
        if isinstance(pair, tuple) and len(pair) == 2:  # noqa: PLR2004
            fewest, most = 1 if pair[0] is None else pair[0], pair[1]
            numbers = [fewest] if most is None else [fewest, most]
            are_whole = all(isinstance(number, int) and number is not True for number in numbers)
            if are_whole and numbers == sorted(numbers) and fewest > 0:
                return cls(fewest, most)
        raise DescriptorError(
            f"rows={rows!r}: expected a number of rows, or the fewest and the most, such as (2, 10)"
        )

    def check(self, number: int) -> None:
        """Raise InvalidValue if a table has another number of rows."""
        if number >= self.fewest and (self.most is None or number <= self.most):
            return
        if self.fewest == self.most:
            expected = f"{self.fewest:,}"
        else:
            is_less = number < self.fewest
            expected = (
                f"at {'least' if is_less else 'most'} {self.fewest if is_less else self.most:,}"
            )
        error = InvalidValue(f"number of rows: expected {expected}, got {number:,}")
        raise error.failing([FailedCheck("", "rows")])

    def json_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of a list of rows with this number of them."""
        most = {} if self.most is None else {"maxItems": self.most}
        return {**schema, "minItems": self.fewest, **most}


def check_declared(column: Column) -> None:
    """Raise DescriptorError unless the column can have the relations that it declares."""
    if not isinstance(column.unique, bool):
        raise DescriptorError(f"unique={column.unique!r}: expected True or False")
    if column.monotonic is None:
        return
    if column.monotonic not in MONOTONIC:
        raise DescriptorError(
            f"monotonic={column.monotonic!r}: expected one of {', '.join(MONOTONIC)}"
        )
    if column.kind in {str, bool} or column.category:
        label = "category" if column.category else column.kind.__name__
        raise DescriptorError(f"monotonic={column.monotonic!r}: a {label} column has no order")


def with_relations(schema: Mapping[str, Any], column: Column) -> dict[str, Any]:
    """Return a cell's JSON Schema with what it must be to others; no keyword expresses that."""
    texts = [schema["description"]] if "description" in schema else []
    if column.unique:
        texts.append("unique in its column")
    if column.monotonic is not None:
        texts.append(f"at {MONOTONIC[column.monotonic]} the value before it")
    return {**schema, **({"description": ", ".join(texts)} if texts else {})}


def relation_errors(
    declared: Column, cells: pd.Series[Any], column: pd.Series[Any], misfits: np.ndarray[Any, Any]
) -> tuple[list[ErrorDetail], list[FailedCheck]]:
    """Return the first errors of values that are not unique or in order, and the failed checks.

    `cells` are as they came, `column` is what they became, but for `misfits`, which do not count,
    as empty ones do not.
    """
    errors: list[ErrorDetail] = []
    failures: list[FailedCheck] = []
    name = str(cells.name)
    for rule, rows in _violations(declared, column, misfits):
        if rows:
            failures.append(FailedCheck(name, rule, len(rows)))
        for row, before in rows[: max_errors.get()]:
            value = cells.iloc[[row]].tolist()[0]
            if before is None:
                expected = "a value that no other row has"
            else:
                previous = quoted(cells.iloc[[before]].tolist()[0])
                expected = f"at {MONOTONIC[rule]} {previous}, the value before it"
            message = f"expected {expected}, got {quoted(value)}"
            errors.append(ErrorDetail(message, row=row, column=name, value=value))
    return errors, failures


def _violations(
    declared: Column, column: pd.Series[Any], misfits: np.ndarray[Any, Any]
) -> Iterator[tuple[str, list[tuple[int, int | None]]]]:
    """Yield each rule, and the rows that break it, with that of the value before if it counts."""
    usable = ~misfits & column.notna().to_numpy()
    rows = usable.nonzero()[0].tolist()
    values = column[usable]
    if declared.unique:
        repeated = values.duplicated(keep=False).to_numpy().nonzero()[0]
        yield "unique", [(rows[index], None) for index in repeated.tolist()]
    if declared.monotonic:
        array = values.to_numpy()  # pandas' `diff` makes floats of integers
        before, after = array[:-1], array[1:]
        is_increasing = declared.monotonic == "increasing"
        is_violation = (after < before) if is_increasing else (after > before)
        yield (
            declared.monotonic,
            [(rows[index + 1], rows[index]) for index in is_violation.nonzero()[0].tolist()],
        )
