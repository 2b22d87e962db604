"""The schema of a training table, to be pasted instead of typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..codecs import plain
from ..errors import DescriptorError, InvalidValue
from ..models import ModelInputs, inputs_of, inputs_of_file
from .columns import Column
from .declared_types import python_value
from .model_columns import declared_columns
from .schema import Schema

if TYPE_CHECKING:
    import pandas as pd

_TYPES: dict[str, type] = {
    "boolean": bool,
    "integer": int,
    "floating": float,
    "mixed-integer-float": float,
    "string": str,
    "date": date,
    "datetime": datetime,
    "datetime64": datetime,
}
_WIDTH = 88
_EXAMPLE_ROWS = 3


class Columns(dict[str, Any]):
    """A schema that prints as the Python that declares it, and the first rows of its table."""

    def __init__(self, columns: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(columns)
        self._rows = rows

    @property
    def example(self) -> list[dict[str, Any]] | None:
        """The first rows, ready for JSON; None if there are none of these columns."""
        if any(name not in row for row in self._rows for name in self):
            return None
        return [{name: row[name] for name in self} for row in self._rows] or None

    def __repr__(self) -> str:
        cells = [f"{name!r}: {_literal(declared)}" for name, declared in self.items()]
        line = f"{{{', '.join(cells)}}}"
        if len(line) <= _WIDTH:
            return line
        return "{\n" + "".join(f"    {cell},\n" for cell in cells) + "}"


def schema_of(source: pd.DataFrame | str | Path | Any) -> Columns:
    """Return the schema of a table: types, `| None` where cells are empty, categories as choices.

    - `source`: a table, or a model that knows its columns, loaded or by its path.

    The schema is for `DataFrame(schema=…)`, which also takes the table's first rows as its example,
    and prints as Python to paste there. DescriptorError names the first column that no schema can
    describe.

    >>> mmf.schema_of(X)
    {'age': int, 'weight': float}
    """
    inputs: ModelInputs | None = None
    if isinstance(source, str | Path):
        inputs = inputs_of_file(Path(source))
    elif not hasattr(source, "columns"):
        inputs = inputs_of(source)
    if inputs is not None:
        declared = declared_columns(inputs)
        return Columns({name: column.plain for name, column in declared.items()})
    if isinstance(source, str | Path) or not hasattr(source, "columns"):
        raise DescriptorError(f"{source}: not a model that declares its columns; pass a table")
    columns = _columns(source)
    return Columns(columns, _first_rows(columns, source))


def _first_rows(columns: Mapping[str, Any], table: pd.DataFrame) -> Sequence[Mapping[str, Any]]:
    """Return the first rows as they would be sent; none if the schema refuses one, as for inf."""
    rows = table.head(_EXAMPLE_ROWS).reset_index(drop=True)
    try:
        Schema(columns).apply(rows)
    except InvalidValue:
        return []
    first_rows: list[dict[str, Any]] = plain(rows)
    return first_rows


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    names: list[Any] = list(table.columns)
    for name in names:
        if not isinstance(name, str) or names.count(name) > 1:
            raise DescriptorError(f"schema: column {name!r}: names must be unique strings")
    return {name: _declared(name, table[name]) for name in names}


def _declared(name: str, column: pd.Series[Any]) -> Any:
    if str(column.dtype) != "category":
        return _in_zone(_type(name, column, column), column)
    categories = column.cat.categories
    choices = [python_value(category) for category in categories]
    return Column(_type(name, categories, column), choices=choices, category=True)


def _in_zone(type_: Any, column: pd.Series[Any]) -> Any:
    """Return a type with the time zone that the column has, if that is one with a name."""
    zone = getattr(column.dtype, "tz", None)
    try:
        return type_ if zone is None else Column(type_, tz=str(zone))
    except DescriptorError:  # a fixed offset
        return type_


def _type(name: str, values: Any, column: pd.Series[Any]) -> Any:
    from pandas.api.types import infer_dtype

    inferred = infer_dtype(values, skipna=True)
    if inferred not in _TYPES:
        raise DescriptorError(
            f"schema: column {name!r} holds {inferred}; supported: {', '.join(_TYPES)}"
        )
    type_: Any = _TYPES[inferred]
    return type_ | None if column.isna().any() else type_


def _literal(declared: Any) -> str:
    return repr(declared if isinstance(declared, Column) else Column(declared))
