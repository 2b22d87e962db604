"""Tables as JSON: records, `{"columns", "data"}`, column → list, and MLflow's wrappers."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import MAX_FAULTS, Fault, InvalidValue
from .base import JSONCodec, Kind, Options

if TYPE_CHECKING:
    import pandas as pd

_WRAPPERS = {"dataframe_split", "dataframe_records", "instances", "inputs"}
_SPLIT = {"columns", "data", "index"}
_FLOATS = {float, int, type(None)}
_SHAPES = (
    'send a list of records [{"a": 1}, …], {"columns": ["a"], "data": [[1], …]} or {"a": [1, …]}'
)


class TableJSON(JSONCodec["pd.DataFrame"]):
    """Any of the shapes in; a list of records out."""

    kind = Kind.TABLE
    requires: ClassVar = {"pandas": "pandas"}

    def from_plain(self, plain: Any, options: Options) -> pd.DataFrame:
        if isinstance(plain, dict) and len(plain) == 1 and _WRAPPERS.intersection(plain):
            (plain,) = plain.values()
        if isinstance(plain, list):
            return _from_records(plain, options)
        if not isinstance(plain, dict):
            raise InvalidValue(f"this JSON is not a table: {_SHAPES}")
        if "data" in plain and plain.keys() <= _SPLIT and _is_rows(plain["data"]):
            return _from_split(**plain, options=options)
        return _from_columns(plain)

    def to_plain(self, value: pd.DataFrame) -> list[dict[str, Any]]:
        names = value.columns.tolist()
        # Predictions, mostly. NumPy's own list of dates is one of integers.
        if len(names) == 1 and (cells := value.to_numpy()).dtype.kind not in "mM":
            (name,) = names
            return [{name: cell} for cell in cells[:, 0].tolist()]
        if is_block(value):
            return [dict(zip(names, row, strict=True)) for row in value.to_numpy().tolist()]
        columns = [column.tolist() for _, column in value.items()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _is_rows(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(row, list) for row in data)


def _is_labels(labels: Any) -> bool:
    return isinstance(labels, list) and not any(isinstance(one, list | dict) for one in labels)


def _from_records(records: list[Any], options: Options) -> pd.DataFrame:
    import pandas as pd

    for row, record in enumerate(records):
        if not isinstance(record, dict):
            raise InvalidValue(
                f"a row is not a record: {_SHAPES}",
                [Fault("a record is an object: column name → value", row=row, value=record)],
            )
    names = list(records[0]) if records else []
    if any(record.keys() != records[0].keys() for record in records):
        return pd.DataFrame(records)
    return _frame(names, [[record[name] for name in names] for record in records], options)


def _from_split(
    data: list[list[Any]], options: Options, columns: Any = None, index: Any = None
) -> pd.DataFrame:
    if columns is None:
        columns = list(range(len(data[0]))) if data else []
    if not _is_labels(columns):
        raise InvalidValue('"columns" is a list of names')
    uneven = (
        Fault(f"has {len(row)} values for {len(columns)} columns", row=place)
        for place, row in enumerate(data)
        if len(row) != len(columns)
    )
    if ragged := list(islice(uneven, MAX_FAULTS)):
        raise InvalidValue("every row needs one value for each column", ragged)
    frame = _frame(columns, data, options)
    if index is not None:
        if not _is_labels(index) or len(index) != len(frame):
            raise InvalidValue('"index" is a list with one label for each row')
        frame.index = index
    return frame


def _from_columns(columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    faults = [
        Fault("a column is a list of values", column=name, value=values)
        for name, values in columns.items()
        if not isinstance(values, list)
    ]
    if faults:
        raise InvalidValue(f"this JSON is not a table: {_SHAPES}", faults[:MAX_FAULTS])
    if len({len(values) for values in columns.values()}) > 1:
        raise InvalidValue("every column needs the same number of values")
    return pd.DataFrame(columns)


def _frame(names: list[Any], rows: list[list[Any]], options: Options) -> pd.DataFrame:
    """Build a table; all floats become one block, ten times cheaper than a column at a time.

    Where the option `floats` says that whole numbers and nulls will be floats anyway, so do they.
    """
    import numpy as np
    import pandas as pd

    kinds = set(map(type, chain.from_iterable(rows)))
    if kinds == {float} or (options.get("floats") and kinds and kinds <= _FLOATS):
        try:
            block = np.array(rows, dtype=np.float64)
            return pd.DataFrame(block, columns=labels(tuple(names)), copy=False)
        except OverflowError:  # a whole number that no float can hold
            pass
    return pd.DataFrame(rows, columns=names)


def is_block(table: pd.DataFrame) -> bool:
    """Tell whether all columns are numbers of one type of numpy's: one array, cheap to take out."""
    types = set(table.dtypes)
    return len(types) == 1 and types.pop().kind in "biuf"


@lru_cache(maxsize=64)
def labels(names: tuple[Any, ...]) -> pd.Index[Any]:
    """Return column labels as pandas keeps them; making them costs more than a small table."""
    import pandas as pd

    index: pd.Index[Any] = pd.Index(names)
    return index
