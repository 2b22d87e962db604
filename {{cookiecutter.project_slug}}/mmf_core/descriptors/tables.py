"""Tables: pandas DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from ..codecs import (
    Format,
    Kind,
    column_index,
    number_table,
    plain,
    prediction_names,
    table_of,
    unmasked,
)
from ..errors import DescriptorError, InvalidValue
from .base import Descriptor
from .columns import Column
from .converters import checked
from .declared_schemas import AUTOMATIC, schema_for
from .examples import check_rows
from .json_schemas import records
from .members import from_members, members_of
from .result_tables import is_numeric, with_index, without_masked
from .row_relations import RowCount
from .schema import Schema
from .table_errors import duplicate_columns
from .training import Columns

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_DIMENSIONS = "expected a table of one or two dimensions"


@dataclass(kw_only=True, eq=False)
class DataFrame(Descriptor["pd.DataFrame"]):
    """A table with at least one row: `pandas.DataFrame` (name from MMF).

    - `schema`: what its columns must be: column → type, dtype or `Column`; `X.dtypes`; a fitted
      model that knows its columns; or an object with `validate(table)`, such as pandera's. Missing
      columns and invalid cells are reported to the client. Without it, an argument gets the schema
      of the only model if the function only passes its table on to that; None forbids it.
    - `rows`: how many it must have: a number, or the fewest and the most, such as `(2, None)`.
    - `extra`: `"ignore"` drops undeclared columns, `"refuse"` reports them, `"keep"` gives them
      back beside the result, in their places and exactly as they came; the function must then
      return a row for each of its table's, in the same order or with the table's index.
    - `lenient`: True reads cells as people write them, where a declared type leaves no doubt: yes,
      да, 12 % (0.12), 1 200,5, 05.01.2026. The response says so in `X-Cells-Read`.
    - `pandas_params`: arguments of `pandas.read_*`, such as `{"sep": ";"}`.

    A result may also be a Series, an array, columns by name, or rows: records (dicts, namedtuples,
    dataclasses, Series), or lists and tuples, each column of which has its own type. One dimension
    becomes the column `prediction`, two become `prediction_0` and so on; scalars by name are a row.
    What is masked in NumPy's masked arrays is null.

    >>> mmf.DataFrame(schema={"age": int}).validate([{"age": "31", "note": "dropped"}])
       age
    0   31
    """

    schema: Any = AUTOMATIC
    rows: Any = None
    extra: str = "ignore"
    pandas_params: dict[str, Any] = field(default_factory=dict)
    lenient: bool = False

    kind: ClassVar[Kind] = Kind.TABLE
    preferred: ClassVar[Format] = Format.CSV
    is_file: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._schema = schema_for(self.schema, self.extra)
        self._row_count = RowCount.parse(self.rows)
        if self.lenient and not isinstance(self._schema, Schema):
            raise DescriptorError("lenient=True needs schema={column: type}, or a model's columns")
        reading = self._schema.reading if self._schema else {}
        self._options = {**reading, **self.pandas_params}
        if self.keeps_others and "index_col" in self.pandas_params:
            raise DescriptorError('extra="keep" and index_col= exclude each other: remove one')
        if "converters" in self._options:
            self._options["converters"] = checked(self._options["converters"])
        if self.example is None and isinstance(self.schema, Columns):
            self.example = self.schema.example
        super().__post_init__()

    @property
    def options(self) -> dict[str, Any]:
        return self._options

    @property
    def is_homogeneous(self) -> bool:
        return self._schema is not None and self._schema.is_block

    @property
    def keeps_others(self) -> bool:
        """Whether the columns that the schema does not declare go back to the caller."""
        return self.extra == "keep"

    def others(self, table: pd.DataFrame) -> list[str]:
        """Return the names of a table's columns that the schema does not declare."""
        if not isinstance(self._schema, Schema) or self._schema.is_exactly(table.columns):
            return []
        names: list[str] = table.columns.tolist()
        return self._schema.others(names)

    @property
    def is_automatic(self) -> bool:
        """Whether no schema is declared, and that of the model may be used."""
        return self.schema is AUTOMATIC

    @property
    def columns(self) -> Mapping[str, Column]:
        """The declared columns; empty without a schema of column → type."""
        return self._schema.columns if isinstance(self._schema, Schema) else {}

    @property
    def notes(self) -> dict[str, str]:
        """The descriptions of the columns that have one."""
        described = self.columns.items()
        return {name: column.description for name, column in described if column.description}

    def validate(self, value: Any) -> pd.DataFrame:
        table = _as_table(value)
        if not (len(table) and len(table.columns)):  # `empty` takes three times as long
            raise InvalidValue("the table has no rows; send at least one")
        if self.rows is not None:
            self._row_count.check(len(table))
        if not (isinstance(self._schema, Schema) or table.columns.is_unique):
            raise duplicate_columns(table.columns.tolist())
        if self.lenient and isinstance(self._schema, Schema):
            table = self._schema.apply(table, lenient=True)
        elif self._schema:
            table = self._schema.apply(table)
        return _without_attrs(table) if table.attrs else table

    def to_output(self, result: Any) -> pd.DataFrame:
        table = _as_table(result)
        if not is_numeric(result):
            table = without_masked(table)
        if any(name is not None for name in table.index.names):
            table = with_index(table)  # a named index is data, an unnamed one is only a counter
        if not all(isinstance(name, str) for name in table.columns):
            table = table.set_axis([str(name) for name in table.columns], axis="columns")
        if not table.columns.is_unique:
            raise InvalidValue("expected unique column names; rename the duplicates")
        if not len(table.columns) and len(table):  # most formats would lose the rows
            raise InvalidValue("expected at least one column, got rows without any")
        if self.rows is not None:
            self._row_count.check(len(table))
        return self._schema.to_output(table) if self._schema else table

    def to_encodable(self, result: Any) -> Any:
        if self._schema is self.rows is None and (table := number_table(result)) is not None:
            return table
        return self.to_output(result)

    def to_plain(self, example: Any) -> Any:
        import pandas as pd

        is_row = isinstance(example, pd.Series)  # such as X.iloc[0]
        table = check_rows(_as_table([example] if is_row else example)).reset_index(drop=True)
        return plain(table.set_axis([str(name) for name in table.columns], axis="columns"))

    def guess(self) -> Any:
        row = self._schema.example() if self._schema else {"column": 0.5}
        return [row] * self._row_count.fewest

    def json_schema(self) -> dict[str, Any]:
        """Return the schema of records, the shape that responses have."""
        schema = self._schema.json_schema() if self._schema else records({})
        return self._row_count.json_schema(schema)

    def output_schema(self) -> dict[str, Any]:
        schema = self.json_schema()
        may_be_empty = {"type": "array", "items": schema["items"]}
        return may_be_empty if self.rows is None else schema

    @property
    def example_is_valid(self) -> bool:
        repeats = self._relates_rows and self._row_count.fewest > 1
        return self._schema is not None and self._schema.example_is_valid and not repeats

    @property
    def needs_whole_table(self) -> bool:
        return self.rows is not None or self._relates_rows

    @property
    def _relates_rows(self) -> bool:
        return isinstance(self._schema, Schema) and self._schema.relates_rows

    def meta(self) -> dict[str, Any]:
        return {
            **super().meta(),
            "schema": str(self._schema),
            **({} if self.rows is None else {"rows": self.rows}),
            "pandas_params": self.pandas_params,
            **({"columns": self.notes} if self.notes else {}),
        }


def _without_attrs(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the notes that its reader made."""
    table = table.copy(deep=False)
    table.attrs = {}
    return table


def _as_table(value: Any) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return value
    if isinstance(value, pd.Series):
        return value.to_frame("prediction" if value.name is None else value.name)
    if isinstance(value, np.ndarray):
        return _from_array(value)
    if (members := members_of(value)) is not None:
        return from_members(members)
    if isinstance(value, list | tuple):
        return _from_rows(list(value))
    raise InvalidValue(f"expected a table, got {type(value).__name__}")


def _from_rows(rows: list[Any]) -> pd.DataFrame:
    """Return a table of rows by name or by position, or of one value in each row.

    Each column has its own type: an array of all rows would make texts of numbers beside texts.
    """
    import numpy as np

    if not rows:
        return _from_array(np.array(rows))
    if np.ma.MaskedArray in set(map(type, rows)):
        rows = list(map(unmasked, rows))
    if members_of(rows[0]) is not None:
        return _from_records(rows)
    if not any(map(_is_row, rows)):
        return table_of(["prediction"], [rows])
    if not all(map(_is_row, rows)) or len(set(map(len, rows))) > 1:
        raise InvalidValue("expected a table, got rows of different lengths")
    types = set(map(type, chain.from_iterable(rows)))
    if types & {list, tuple, np.ndarray}:
        raise InvalidValue(_DIMENSIONS)
    dtypes = {getattr(row, "dtype", None) for row in rows}
    if types == {float} or (len(dtypes) == 1 and not dtypes & {None, np.dtype(object)}):
        return _from_array(np.array(rows))
    return table_of(prediction_names(len(rows[0])), zip(*rows, strict=True), len(rows))


def _from_records(rows: list[Any]) -> pd.DataFrame:
    records = []
    for index, row in enumerate(rows):
        if (record := members_of(row)) is None:
            raise InvalidValue(f"row {index}: expected a record, got a {type(row).__name__}")
        records.append(record)
    names = dict.fromkeys(chain.from_iterable(records))
    return table_of(names, [[record.get(name) for record in records] for name in names])


def _is_row(value: Any) -> bool:
    return isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0


def _from_array(array: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    if array.dtype.names:
        return from_members({name: array[name] for name in array.dtype.names})
    array = unmasked(array)
    if array.dtype == object and array.ndim:
        return _from_rows(list(array))
    match array.shape:
        case (rows,):
            return pd.DataFrame(array.reshape(rows, 1), columns=column_index(("prediction",)))
        case (_, width):
            return pd.DataFrame(array, columns=prediction_names(width))
    raise InvalidValue(f"{_DIMENSIONS}, got {array.ndim}")
