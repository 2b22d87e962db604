"""Tables as JSON: records, `{"columns", "data"}`, column → list, and MLflow's wrappers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import MAX_ERRORS, ErrorDetail, InvalidValue
from . import json, number_records, row_text
from .base import JSONCodec, Kind, Options, refuse_sparse
from .column_labels import column_index, is_cacheable

if TYPE_CHECKING:
    import pandas as pd

_WRAPPERS = {"dataframe_split", "dataframe_records", "instances", "inputs"}
_SPLIT = {"columns", "data", "index"}
_FLOATS = {float, int, type(None)}
_LEAST = 8  # bytes of a value and its name, about: `"a":1.5,`
_SHAPES = (
    'send a list of records [{"a": 1}, …], {"columns": ["a"], "data": [[1], …]} or {"a": [1, …]}'
)


class TableJSON(JSONCodec["pd.DataFrame"]):
    """Any of the shapes in; a list of records out."""

    kind = Kind.TABLE
    requires: ClassVar = {"pandas": "pandas"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        if len(data) > number_records.MIN_SIZE:
            table = number_records.from_list(data, floats=bool(options.get("floats")))
            if table is not None:
                return table
        return super().decode(data, options)

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        return b"[%b]" % b",".join(records(value, b","))

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
        columns = [row_text.cells(column) for _, column in value.items()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def records(table: pd.DataFrame, separator: bytes) -> Iterable[bytes]:
    """Return the rows as JSON objects, some hundred in each text."""
    names = tuple(table.columns)
    form = _cached_form(names) if is_cacheable(names) else _form(names)
    if form is None:
        return [json.dumps(record) for record in TableJSON().to_plain(table)]
    return row_text.filled(table, form, separator, _texts)


def _form(names: tuple[Any, ...]) -> bytes | None:
    """Return a record with a `%b` for each value; None if not all names are different texts."""
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        return None
    keys = [json.dumps(name).replace(b"%", b"%%") for name in names]
    return b"{" + b",".join(key + b":%b" for key in keys) + b"}"


_cached_form = lru_cache(maxsize=64)(_form)


def _texts(cells: Any) -> list[bytes]:
    if row_text.is_numpy(cells.dtype):
        return row_text.numbers(cells)
    return [json.dumps(cell) for cell in row_text.cells(cells)]


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
                [ErrorDetail("a record is an object: column name → value", row=row, value=record)],
            )
    names = list(records[0]) if records else []
    if any(record.keys() != records[0].keys() for record in records):
        every, written = dict.fromkeys(chain.from_iterable(records)), sum(map(len, records))
        refuse_sparse(len(records), len(every), written * _LEAST)
        return _exact(pd.DataFrame(records), lambda name: [row.get(name) for row in records])
    return _frame(names, [[record[name] for name in names] for record in records], options)


def _from_split(
    data: list[list[Any]], options: Options, columns: Any = None, index: Any = None
) -> pd.DataFrame:
    if columns is None:
        columns = list(range(len(data[0]))) if data else []
    if not _is_labels(columns):
        raise InvalidValue('"columns" is a list of names')
    uneven = (
        ErrorDetail(f"has {len(row)} values for {len(columns)} columns", row=place)
        for place, row in enumerate(data)
        if len(row) != len(columns)
    )
    if ragged := list(islice(uneven, MAX_ERRORS)):
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
        ErrorDetail("a column is a list of values", column=name, value=values)
        for name, values in columns.items()
        if not isinstance(values, list)
    ]
    if faults:
        raise InvalidValue(f"this JSON is not a table: {_SHAPES}", faults[:MAX_ERRORS])
    if len({len(values) for values in columns.values()}) > 1:
        raise InvalidValue("every column needs the same number of values")
    return _exact(pd.DataFrame(columns), columns.__getitem__)


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
            return pd.DataFrame(block, columns=column_index(tuple(names)), copy=False)
        except OverflowError:  # a whole number that no float can hold
            pass
    table = pd.DataFrame(rows, columns=names)
    if int in kinds and type(None) in kinds and len(set(names)) == len(names):
        places = {name: place for place, name in enumerate(names)}
        return _exact(table, lambda name: [row[places[name]] for row in rows])
    return table


def _exact(table: pd.DataFrame, cells: Callable[[Any], list[Any]]) -> pd.DataFrame:
    """Give a column of large whole numbers and nulls, which are floats to pandas, all its digits.

    It becomes pandas' Int64, or UInt64 where that is too small; all others stay as they are.
    """
    import pandas as pd

    for name, column in table.items():
        if column.dtype != "float64" or not (column.abs() >= number_records.INEXACT).any():
            continue
        given = cells(name)
        if {type(cell) for cell in given} == {int, type(None)}:
            most = max(cell for cell in given if cell is not None)
            dtype = "UInt64" if most >= 2**63 else "Int64"
            table[name] = pd.Series(given, index=table.index, dtype=dtype)
    return table
