"""Tables as JSON: records, `{"columns", "data"}`, column → list, and MLflow's wrappers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import MAX_ERRORS, ErrorDetail, InvalidValue
from ..settings import MIB
from . import fast_records, json, row_text
from .base import JSONCodec, Kind, Options
from .column_labels import LabelCache, column_index
from .decoded_size import RECORD_WEIGHTS, check_columns, max_memory, refuse_sparse
from .encoded_size import (
    SIX_BYTES,
    EscapeLimit,
    check_cells,
    check_names,
    holds_objects,
    joined,
)
from .json_conversion import date_texts
from .json_values import check_depth
from .kept_columns import kept_names
from .number_table import NumberTable
from .repeated_names import CONTAINERS, RepeatedNames, with_repeated_names
from .table_shapes import (
    EQUAL_LENGTHS,
    NOT_A_RECORD,
    ONE_VALUE_PER_COLUMN,
    SPLIT_KEYS,
    text_names,
    uneven_rows,
    unwrap,
)
from .typed_columns import NUMBERS, is_long, table_of, typed_column

if TYPE_CHECKING:
    import pandas as pd

_MOST_CELLS = 14_000_000
_VALUE_SIZE = 8  # bytes of a value and its name, about: `"a":1.5,`
_EXPECTED = (
    "expected a table: a list of records "
    '[{"a": 1}, …], {"columns": ["a"], "data": [[1], …]} or {"a": [1, …]}'
)


class TableJSON(JSONCodec["pd.DataFrame"]):
    """Read any of the shapes; write a list of records."""

    kind = Kind.TABLE
    requires: ClassVar = {"pandas": "pandas"}
    memory_weights: ClassVar = RECORD_WEIGHTS
    writes_numbers: ClassVar = True

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        if len(data) > fast_records.MIN_SIZE:
            table = fast_records.from_list(data, options)
            if table is not None:
                return table
        return self.from_plain(with_repeated_names(data, json.loads(data)), options)

    def encode(self, value: pd.DataFrame | NumberTable, options: Options) -> bytes:
        if isinstance(value, NumberTable):
            text = _number_records(value)
            return text if len(text) <= max_memory(options) else joined([text], "JSON", options)
        rows = format_records(value, "JSON", b",", options)
        return joined(_between(b"[", b",", rows, b"]"), "JSON", options)

    def from_plain(self, plain: Any, options: Options) -> pd.DataFrame:
        if isinstance(plain, RepeatedNames):
            raise plain.error()
        if not isinstance(plain, list):
            plain = unwrap(plain)
        if isinstance(plain, RepeatedNames):
            raise plain.error()
        if isinstance(plain, list):
            return _from_records(plain, options)
        if not isinstance(plain, dict):
            raise InvalidValue(_EXPECTED)
        if "data" in plain and plain.keys() <= SPLIT_KEYS and _is_rows(plain["data"]):
            return _from_split(**plain, options=options)
        return _from_columns(plain, options)

    def to_plain(self, value: pd.DataFrame) -> list[dict[str, Any]]:
        names = value.columns.tolist()
        columns = [column.tolist() for _, column in value.items()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def format_records(
    table: pd.DataFrame, format: str, separator: bytes, options: Options
) -> Iterator[bytes]:
    """Yield the rows as JSON objects, a few hundred in each text."""
    check_cells(table, format, _MOST_CELLS)
    limit = EscapeLimit(format, SIX_BYTES, options)
    check_names(table, format, limit, options)
    template = _TEMPLATES.get(tuple(table.columns))
    if template is None:
        yield from (json.dumps(record) for record in TableJSON().to_plain(table))
        return
    try:
        yield from row_text.format_rows(table, template, separator, partial(_format_cells, limit))
    except TypeError:
        _name_invalid_cell(table)
        raise


def _name_invalid_cell(table: pd.DataFrame) -> None:
    """Raise a TypeError with the row and the column; most are in the first rows."""
    rows = 1000
    while rows < len(table):
        json.dumps(TableJSON().to_plain(table.iloc[:rows]))
        rows *= 10
    json.dumps(TableJSON().to_plain(table))


def _between(start: bytes, separator: bytes, texts: Iterable[bytes], end: bytes) -> Iterator[bytes]:
    yield start
    for index, text in enumerate(texts):
        yield separator * bool(index)
        yield text
    yield end


def _number_records(table: NumberTable) -> bytes:
    if not table.array.size:  # a part of a batch may have no rows
        return b"[]"
    template = _TEMPLATES.get(table.names) or b""  # the names are different texts
    rows = b",".join([template] * len(table.array)) % tuple(row_text.format_numbers(table.array))
    return b"[%b]" % rows


def _template(names: tuple[Any, ...]) -> bytes | None:
    """Return a record with a `%b` for each value; None unless all names are different texts."""
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        return None
    keys = [json.dumps(name).replace(b"%", b"%%") for name in names]
    return b"{" + b",".join(key + b":%b" for key in keys) + b"}"


_TEMPLATES = LabelCache(_template)


def _format_cells(limit: EscapeLimit, cells: Any) -> list[bytes]:
    if row_text.is_numpy(cells.dtype):
        return row_text.format_numbers(cells)
    if cells.dtype.kind == "M" and getattr(cells.dtype, "tz", None) is None:
        return [b"null" if text is None else b'"%b"' % text.encode() for text in _times(cells)]
    values = cells.tolist()
    if cells.dtype == "str" and sum(len(text) for text in values if isinstance(text, str)) > MIB:
        limit.check_each(text for text in values if isinstance(text, str))
    elif holds_objects(cells.dtype):
        limit.check_values(values)
    return json.dumps_each(values)


def _times(cells: Any) -> list[str | None]:
    import numpy as np

    return date_texts(np.asarray(cells))


def _is_rows(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(row, list) for row in data)


def _is_labels(labels: Any) -> bool:
    return isinstance(labels, list) and not any(isinstance(label, list | dict) for label in labels)


def _from_records(records: list[Any], options: Options) -> pd.DataFrame:
    for row, record in enumerate(records) if set(map(type, records)) != {dict} else ():
        if isinstance(record, RepeatedNames):
            raise record.error(row)
        if not isinstance(record, dict):
            raise InvalidValue(
                _EXPECTED,
                [ErrorDetail(NOT_A_RECORD, row=row, value=record)],
            )
    names = tuple(records[0]) if records else ()
    if all(map(names.__eq__, map(tuple, records))):  # in the same order, as nearly always
        return _frame(names, [list(record.values()) for record in records], options)
    if any(record.keys() != records[0].keys() for record in records):
        all_names, values = dict.fromkeys(chain.from_iterable(records)), sum(map(len, records))
        refuse_sparse(len(records), len(all_names), values * _VALUE_SIZE)
        columns = [[row.get(name) for row in records] for name in all_names]
        return table_of(all_names, columns, kept=kept_names(all_names, options))
    return _frame(names, [[record[name] for name in names] for record in records], options)


def _from_split(
    data: list[list[Any]], options: Options, columns: Any = None, index: Any = None
) -> pd.DataFrame:
    if columns is None:
        columns = list(range(len(data[0]))) if data else []
    elif not _is_labels(columns):
        raise InvalidValue('expected "columns" to be a list of names')
    else:
        columns = text_names(columns)
    if uneven := uneven_rows(data, len(columns)):
        raise InvalidValue(ONE_VALUE_PER_COLUMN, uneven)
    frame = _frame(columns, data, options)
    if index is not None:
        if not _is_labels(index) or len(index) != len(frame):
            raise InvalidValue('expected "index" to be a list with one label for each row')
        frame.index = index
    return frame


def _from_columns(columns: dict[str, Any], options: Options) -> pd.DataFrame:
    check_columns(len(columns))
    errors = [
        ErrorDetail("expected a list of values", column=name, value=values)
        for name, values in columns.items()
        if not isinstance(values, list)
    ]
    if errors:
        raise InvalidValue(_EXPECTED, errors[:MAX_ERRORS])
    if len({len(values) for values in columns.values()}) > 1:
        raise InvalidValue(EQUAL_LENGTHS)
    return table_of(columns, columns.values(), kept=kept_names(columns, options))


def _frame(names: Sequence[Any], rows: list[list[Any]], options: Options) -> pd.DataFrame:
    """Build a table; numbers of one type become one block, ten times cheaper than columns."""
    import pandas as pd

    check_columns(len(names))
    if rows and "keep" in options and (kept := kept_names(names, options)):
        return table_of(names, zip(*rows, strict=True), len(rows), kept)
    if (block := _block(rows, options)) is not None:
        return pd.DataFrame(block, columns=column_index(tuple(names)), copy=False)
    table = pd.DataFrame(rows, columns=list(names))
    for index, cells in enumerate(zip(*rows, strict=True)):
        types = set(map(type, cells))
        if not types.isdisjoint(CONTAINERS):
            check_depth(list(cells))
        if int in types and len(types) > 1 and types <= NUMBERS and any(map(is_long, cells)):
            table.isetitem(index, typed_column(cells))  # pandas has made floats of them
    return table


def _block(rows: list[list[Any]], options: Options) -> Any:
    """Return rows of numbers as one array; None if they have several types, or no exact one.

    If all columns are declared floats, whole numbers and nulls become floats.
    """
    import numpy as np

    floats = options.get("floats", False)
    kinds = NUMBERS if floats else set(map(type, rows[0] if rows else ()))
    if not kinds <= NUMBERS:  # tables with texts in the first row, without a look at the others
        return None
    types = set(map(type, chain.from_iterable(rows)))
    try:
        if types == {float} or (floats and types and types <= NUMBERS):
            return np.array(rows, dtype=np.float64)
        if types == {int}:
            return np.array(rows, dtype=np.int64)
    except OverflowError:  # a whole number that is too long
        pass
    return None
