"""Schemas of other libraries: any object with `validate(table)`, such as pandera's."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import (
    ErrorDetail,
    FailedCheck,
    InvalidValue,
    RequestError,
    as_text,
    max_errors,
    quoted,
    shortened,
)
from .json_schemas import records

if TYPE_CHECKING:
    import pandas as pd

_MISSING = "column_in_dataframe"
"""What pandera calls the check that a column is there."""
_LONGEST = 60  # characters of a check, which may list its choices


class Validator:
    """Validates a table by an object whose `validate` returns it or raises.

    An exception is reported to the client if it has `failure_cases`, a table with the columns
    `index`, `column`, `check` and `failure_case` (as pandera's SchemaErrors), or is a ValueError.
    """

    is_block = False

    def __init__(self, schema: Any) -> None:
        self._validate = schema.validate
        self._name = schema.__name__ if isinstance(schema, type) else type(schema).__name__
        whole = (
            schema.to_schema() if hasattr(schema, "to_schema") else schema
        )  # of a DataFrameModel
        self._columns = frozenset(getattr(whole, "columns", None) or ())
        # pandera's option to collect all errors instead of raising the first
        accepts_lazy = "lazy" in inspect.signature(schema.validate).parameters
        self._options = {"lazy": True} if accepts_lazy else {}

    def __str__(self) -> str:
        return self._name

    @property
    def reading(self) -> dict[str, Any]:
        """Options for codecs: none."""
        return {}

    def example(self) -> dict[str, Any]:
        """Return a row that only illustrates the shape."""
        return {"column": 0.5}

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of records with unknown members."""
        return records({})

    @property
    def example_is_valid(self) -> bool:
        """False: only the foreign schema knows which rows are valid."""
        return False

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the result of `validate`; InvalidValue lists the errors that it reports."""
        try:
            valid = self._validate(table, **self._options)
        except RequestError:
            raise
        except Exception as error:
            cases: Any = getattr(error, "failure_cases", None)
            if hasattr(cases, "to_dict"):
                raise _invalid(cases, table).failing(self._failed(cases)) from None
            if isinstance(error, ValueError):
                raise InvalidValue(str(error)).failing([FailedCheck("", "check")]) from None
            raise
        return table if valid is None else valid

    def _failed(self, cases: pd.DataFrame) -> Iterator[FailedCheck]:
        """Yield the checks of all cases; a column that the schema does not have is a caller's."""
        counts: Counter[tuple[str, str]] = Counter()
        for case in cases.astype(object).to_dict("records"):
            column, rule = case.get("column"), str(case.get("check"))
            if rule == _MISSING:
                column, rule = case.get("failure_case"), "missing"
            counts[str(column) if column in self._columns else "", shortened(rule, _LONGEST)] += 1
        return (FailedCheck(column, rule, count) for (column, rule), count in counts.items())

    def to_output(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the result of `validate` of a result."""
        return self.apply(table)


def _invalid(cases: pd.DataFrame, table: pd.DataFrame) -> InvalidValue:
    limit = max_errors.get()
    listed = f"; the first {limit} are listed" * (len(cases) > limit)
    return InvalidValue(
        f"the table does not match the schema, errors: {len(cases)}{listed}",
        _errors(cases.head(limit), table),
    )


def _errors(cases: pd.DataFrame, table: pd.DataFrame) -> Iterator[ErrorDetail]:
    for case in cases.astype(object).to_dict("records"):
        value, check = _plain(case.get("failure_case")), case.get("check")
        if check == _MISSING:
            yield ErrorDetail("missing column", column=str(value))
            continue
        column = _plain(case.get("column"))
        received = "" if value is None else f", got {quoted(value)}"
        yield ErrorDetail(
            f"failed the check {check}{received}",
            row=_row(table, _plain(case.get("index"))),
            column=None if column is None else str(column),
            value=value,
        )


def _row(table: pd.DataFrame, label: Any) -> int | None:
    """Return the position of a row by its label; None if no row or several rows have it."""
    import pandas as pd

    if label is None or not table.index.is_unique:
        return None
    position = int(table.index.get_indexer(pd.Index([label]))[0])
    return None if position < 0 else position


def _plain(value: Any) -> Any:
    """Return a value that JSON supports; None for an empty cell."""
    import pandas as pd

    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    return value if isinstance(value, bool | int | float | str) else as_text(value)
