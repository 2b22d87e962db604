"""Tables: pandas DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from ..codecs import Format, Kind, column_index, is_masked, table_of, typed_column, unmasked
from ..errors import InvalidValue
from .base import Descriptor
from .columns import Column
from .converters import checked
from .declared_schemas import AUTOMATIC, schema_for
from .json_schemas import records
from .schema import Schema, duplicate_columns

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
    - `extra`: `"ignore"` drops undeclared columns, `"refuse"` reports them.
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
    extra: str = "ignore"
    pandas_params: dict[str, Any] = field(default_factory=dict)

    kind: ClassVar[Kind] = Kind.TABLE
    preferred: ClassVar[Format] = Format.CSV
    is_file: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._schema = schema_for(self.schema, self.extra)
        reading = self._schema.reading if self._schema else {}
        self._options = {**reading, **self.pandas_params}
        if "converters" in self._options:
            self._options["converters"] = checked(self._options["converters"])
        super().__post_init__()

    @property
    def options(self) -> dict[str, Any]:
        return self._options

    @property
    def is_homogeneous(self) -> bool:
        return self._schema is not None and self._schema.is_block

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
        if table.empty:
            raise InvalidValue("the table has no rows; send at least one")
        if not (isinstance(self._schema, Schema) or table.columns.is_unique):
            raise duplicate_columns(table.columns.tolist())
        if self._schema:
            table = self._schema.apply(table)
        return _without_attrs(table) if table.attrs else table

    def to_output(self, result: Any) -> pd.DataFrame:
        table = _as_table(result)
        if not _is_numeric(result):
            table = _without_masked(table)
        if any(name is not None for name in table.index.names):
            table = _with_index(table)  # a named index is data, an unnamed one is only a counter
        if not all(isinstance(name, str) for name in table.columns):
            table = table.set_axis([str(name) for name in table.columns], axis="columns")
        if not table.columns.is_unique:
            raise InvalidValue("expected unique column names; rename the duplicates")
        return self._schema.to_output(table) if self._schema else table

    def example(self) -> Any:
        return [self._schema.example() if self._schema else {"column": 0.5}]

    def json_schema(self) -> dict[str, Any]:
        """Return the schema of records, the shape that responses have."""
        return self._schema.json_schema() if self._schema else records({})

    def output_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.json_schema()["items"]}  # may be empty

    @property
    def example_is_valid(self) -> bool:
        return self._schema is not None and self._schema.example_is_valid

    def meta(self) -> dict[str, Any]:
        return {
            **super().meta(),
            "schema": str(self._schema),
            "pandas_params": self.pandas_params,
            **({"columns": self.notes} if self.notes else {}),
        }


def _without_attrs(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the notes that its reader made."""
    table = table.copy(deep=False)
    table.attrs = {}
    return table


def _with_index(table: pd.DataFrame) -> pd.DataFrame:
    try:
        return table.reset_index()
    except ValueError as error:  # a column has that name already
        raise InvalidValue(f"the index cannot become a column: {error}") from None


def _as_table(value: Any) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return value
    if isinstance(value, pd.Series):
        return value.to_frame("prediction" if value.name is None else value.name)
    if isinstance(value, np.ndarray):
        return _from_array(value)
    if (members := _members(value)) is not None:
        return _from_members(members)
    if isinstance(value, list | tuple):
        return _from_rows(list(value))
    raise InvalidValue(f"expected a table, got {type(value).__name__}")


def _members(value: Any) -> dict[Any, Any] | None:
    """Return the named values of a mapping, a namedtuple, a dataclass or a row of pandas'."""
    import pandas as pd

    if isinstance(value, pd.Series):
        if not value.index.is_unique:
            raise InvalidValue("expected unique labels in a Series; rename the duplicates")
        return dict(zip(value.index, value.tolist(), strict=True))
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return None


def _from_members(members: dict[Any, Any]) -> pd.DataFrame:
    """Return a table of columns by name; scalars are one row."""
    import pandas as pd

    if members and all(map(_is_scalar, members.values())):
        return table_of(members, [[cell] for cell in members.values()])
    columns = _exactly_aligned({name: _column(cells) for name, cells in members.items()})
    try:
        return pd.DataFrame(columns)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"expected a table: {error}") from None


def _is_scalar(value: Any) -> bool:
    import pandas as pd

    return pd.api.types.is_scalar(value) or is_masked(value)


def _column(cells: Any) -> Any:
    """Return cells in their own type, of which pandas makes a column."""
    if not isinstance(cells, list | tuple):
        plain = unmasked(cells)
        if plain is cells or plain.dtype != object:
            return plain
        cells = plain.tolist()
    return typed_column(cells)


def _is_numeric(result: Any) -> bool:
    """Return whether it is an array of NumPy's without objects: most results are."""
    return getattr(getattr(result, "dtype", None), "kind", "O") in "biufmM"


def _exactly_aligned(columns: dict[Any, Any]) -> dict[Any, Any]:
    """Return columns in which Series of different labels keep whole numbers beside nulls."""
    import numpy as np
    import pandas as pd

    series = [column for column in columns.values() if isinstance(column, pd.Series)]
    if all(column.index.equals(series[0].index) for column in series[1:]):
        return columns
    nullable: dict[str, Any] = {"i": "Int64", "u": "UInt64"}
    return {
        name: column.astype(nullable[column.dtype.kind])
        if isinstance(column, pd.Series)
        and isinstance(column.dtype, np.dtype)
        and column.dtype.kind in nullable
        else column
        for name, column in columns.items()
    }


def _without_masked(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without NumPy's `masked`, which pandas takes for a value."""
    for index, dtype in enumerate(table.dtypes):
        if dtype.kind == "O" and any(map(is_masked, table.iloc[:, index].tolist())):
            table = table.copy(deep=False)
            table.isetitem(index, typed_column(table.iloc[:, index].tolist()))
    return table


def _from_rows(rows: list[Any]) -> pd.DataFrame:
    """Return a table of rows by name or by position, or of one value in each row.

    Each column has its own type: an array of all rows would make texts of numbers beside texts.
    """
    import numpy as np

    if not rows:
        return _from_array(np.array(rows))
    if np.ma.MaskedArray in set(map(type, rows)):
        rows = list(map(unmasked, rows))
    if _members(rows[0]) is not None:
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
    return table_of(_names(len(rows[0])), zip(*rows, strict=True), len(rows))


def _from_records(rows: list[Any]) -> pd.DataFrame:
    records = []
    for index, row in enumerate(rows):
        if (record := _members(row)) is None:
            raise InvalidValue(f"row {index}: expected a record, got a {type(row).__name__}")
        records.append(record)
    names = dict.fromkeys(chain.from_iterable(records))
    return table_of(names, [[record.get(name) for record in records] for name in names])


def _is_row(value: Any) -> bool:
    return isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0


def _from_array(array: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    if array.dtype.names:
        return _from_members({name: array[name] for name in array.dtype.names})
    array = unmasked(array)
    if array.dtype == object and array.ndim:
        return _from_rows(list(array))
    match array.shape:
        case (rows,):
            return pd.DataFrame(array.reshape(rows, 1), columns=column_index(("prediction",)))
        case (_, width):
            return pd.DataFrame(array, columns=_names(width))
    raise InvalidValue(f"{_DIMENSIONS}, got {array.ndim}")


def _names(width: int) -> list[str]:
    return [f"prediction_{index}" for index in range(width)]
