"""Schemas of other packages: any object with `validate(table)`, such as pandera's."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import ErrorDetail, InvalidValue, RequestError, max_errors
from .json_schemas import records

if TYPE_CHECKING:
    import pandas as pd


class Validator:
    """Holds a table against an object whose `validate` returns it, or raises.

    What is raised is told to the caller if it has `failure_cases`, a table with the columns
    `index`, `column`, `check` and `failure_case` (as pandera's SchemaErrors), or is a ValueError.
    """

    is_block = False

    def __init__(self, schema: Any) -> None:
        self._validate = schema.validate
        self._name = schema.__name__ if isinstance(schema, type) else type(schema).__name__
        # pandera's word for: all that is wrong, not the first
        takes_lazy = "lazy" in inspect.signature(schema.validate).parameters
        self._how = {"lazy": True} if takes_lazy else {}

    def __str__(self) -> str:
        return self._name

    @property
    def reading(self) -> dict[str, Any]:
        """What readers are told: nothing."""
        return {}

    def example(self) -> dict[str, Any]:
        """Return a row that shows the shape only."""
        return {"column": 0.5}

    def json_schema(self) -> dict[str, Any]:
        """Return what is known of rows: that they are objects."""
        return records({})

    @property
    def example_is_valid(self) -> bool:
        """No: only the schema itself knows what it takes."""
        return False

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return what `validate` makes of the table; InvalidValue lists what it finds wrong."""
        try:
            valid = self._validate(table, **self._how)
        except RequestError:
            raise
        except Exception as error:
            cases: Any = getattr(error, "failure_cases", None)
            if hasattr(cases, "to_dict"):
                raise _invalid(cases, table) from None
            if isinstance(error, ValueError):
                raise InvalidValue(str(error)) from None
            raise
        return table if valid is None else valid


def _invalid(cases: pd.DataFrame, table: pd.DataFrame) -> InvalidValue:
    most = max_errors.get()
    listed = f"; the first {most} are listed" * (len(cases) > most)
    return InvalidValue(
        f"this table does not fit the schema: {len(cases)} faults{listed}",
        _faults(cases.head(most), table),
    )


def _faults(cases: pd.DataFrame, table: pd.DataFrame) -> Iterator[ErrorDetail]:
    for case in cases.astype(object).to_dict("records"):
        value, check = _plain(case.get("failure_case")), case.get("check")
        if check == "column_in_dataframe":
            yield ErrorDetail("this column is missing", column=str(value))
            continue
        column = _plain(case.get("column"))
        yield ErrorDetail(
            f"fails the check {check}",
            row=_row(table, _plain(case.get("index"))),
            column=None if column is None else str(column),
            value=value,
        )


def _row(table: pd.DataFrame, label: Any) -> int | None:
    """Return the place of a row by its label; None where several rows or none have it."""
    import pandas as pd

    if label is None or not table.index.is_unique:
        return None
    place = int(table.index.get_indexer(pd.Index([label]))[0])
    return None if place < 0 else place


def _plain(value: Any) -> Any:
    """Return what JSON can hold, and None for an empty cell."""
    import pandas as pd

    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)
