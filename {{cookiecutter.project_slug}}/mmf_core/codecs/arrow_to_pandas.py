"""From pyarrow's tables to pandas' without changing a value: what pandas' own way would change."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import LONGEST_VALUE, MAX_ERRORS, ErrorDetail, InvalidValue, listed
from .arrow_size import type_ids
from .base import Options
from .kept_columns import kept_names
from .whole_numbers import integers_with_nulls

if TYPE_CHECKING:
    import pandas as pd


def from_batches(batches: list[Any], options: Options) -> pd.DataFrame:
    """Return the table of record batches, of which there is one at least."""
    import pyarrow as pa

    table = pa.Table.from_batches(batches)
    return with_whole_numbers(table, to_pandas(table), kept_names(table.schema.names, options))


def to_pandas(table: Any) -> pd.DataFrame:
    """Return pandas' table without changing a value; InvalidValue names a column that it lacks."""
    import pyarrow as pa

    ids = type_ids()
    if any(kind.id not in ids.exact and _is_unwritable(kind) for kind in table.schema.types):
        raise _unsupported(table)
    positions = [
        index
        for index, kind in enumerate(table.schema.types)
        if kind.id not in ids.exact or (kind.id in ids.integers and table.column(index).null_count)
    ]
    for index in positions:
        column = table.column(index)
        table = table.set_column(index, table.field(index).name, _decoded(column))
    try:
        # To find equal objects takes several times the memory and the time that they do.
        frame = _with_text_names(table.to_pandas(deduplicate_objects=False))
        _check_zoned(frame)
        has_names = positions and not frame.columns.has_duplicates
        exact = dict(_exact_columns(table, positions, frame)) if has_names else {}
    except (MemoryError, pa.ArrowMemoryError):
        raise
    except Exception:  # noqa: BLE001 - the file is valid, but has values that pandas lacks
        raise _unsupported(table) from None
    for name, cells in exact.items():
        frame[name] = cells
    return frame


def _check_zoned(frame: pd.DataFrame) -> None:
    """Raise NotImplementedError for years beyond Python's, which pandas cannot show in a zone."""
    import numpy as np
    import pandas as pd

    first, end = np.datetime64("0001-01-01"), np.datetime64("10000-01-01")
    for index, dtype in enumerate(frame.dtypes.tolist()):
        if isinstance(dtype, pd.DatetimeTZDtype):
            local = frame.iloc[:, index].dt.tz_localize(None).to_numpy().astype("M8[s]")
            if not (np.isnat(local) | ((first <= local) & (local < end))).all():
                raise NotImplementedError


def _is_unwritable(kind: Any, *, in_map: bool = False) -> bool:
    """Return whether no format could send a type back: spans of months and days, maps of bytes."""
    import pyarrow as pa
    from pyarrow import types

    in_map = in_map or types.is_map(kind)
    if hasattr(kind, "value_type"):  # of a dictionary, runs or a list
        return _is_unwritable(kind.value_type, in_map=in_map)
    is_bytes = "binary" in str(kind) and not kind.num_fields
    if kind == pa.month_day_nano_interval() or (in_map and is_bytes):
        return True
    fields = map(kind.field, range(kind.num_fields))
    return any(_is_unwritable(field.type, in_map=in_map) for field in fields)


def with_whole_numbers(table: Any, frame: pd.DataFrame, kept: Collection[str]) -> pd.DataFrame:
    """Return pandas' table with whole numbers beside nulls in kept columns, in place of floats."""
    import pandas as pd
    from pyarrow import types

    for name in kept:
        column = table.column(name)
        if name in frame and types.is_integer(column.type) and column.null_count:
            dtype = str(column.type).replace("int", "Int").replace("u", "U")
            frame[name] = pd.array(column.to_pylist(), dtype=dtype)
    return frame


def _with_text_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the names that the file has; pandas notes that 2020 was a number."""
    import pandas as pd

    if isinstance(frame.columns.dtype, pd.StringDtype):
        return frame
    return frame.set_axis([str(name) for name in frame.columns], axis="columns")


def _decoded(column: Any) -> Any:
    """Return a column without an encoding or an extension that pandas would misread."""
    import pyarrow as pa
    from pyarrow import compute

    kind = column.type
    if isinstance(kind, pa.DictionaryType):
        return _plain_dictionary(column)
    if isinstance(kind, pa.RunEndEncodedType):
        return pa.chunked_array(map(compute.run_end_decode, column.chunks), kind.value_type)
    if isinstance(kind, pa.Bool8Type):
        return compute.not_equal(column.cast(kind.storage_type), 0)
    return column.cast(kind.storage_type) if isinstance(kind, pa.OpaqueType) else column


def _plain_dictionary(column: Any) -> Any:
    """Return a column of categories, or of values if these repeat one, have a null or a zone."""
    from pyarrow import compute

    if getattr(column.type.value_type, "tz", None):  # which pandas would drop
        return column.cast(column.type.value_type)
    column = column.unify_dictionaries()
    dictionary = column.chunk(0).dictionary
    is_unique = len(dictionary.unique()) == len(dictionary)
    has_nulls = compute.any(dictionary.is_null(nan_is_null=True)).as_py()
    return column.cast(column.type.value_type) if has_nulls or not is_unique else column


def _exact_columns(
    table: Any, positions: list[int], frame: pd.DataFrame
) -> Iterator[tuple[str, Any]]:
    """Yield the columns that pandas' own conversion has changed, as they are.

    Integers beside nulls become floats there, and times in a struct become integers.
    """
    import pandas as pd
    from pyarrow import compute, types

    for index in positions:
        name, column = table.field(index).name, table.column(index)
        if name not in frame:  # it is pandas' index
            continue
        if types.is_nested(column.type):
            if not all(map(_is_numpy, column.chunks)):
                yield name, pd.Series(column.to_pylist(), frame.index, dtype=object)
        elif types.is_integer(column.type) and frame[name].dtype == "float64":
            values = compute.fill_null(column, 0).to_numpy()
            yield name, integers_with_nulls(values, column.is_null().to_numpy())


def _is_numpy(array: Any) -> bool:
    """Return whether lists, or the values in them, become NumPy's without a change."""
    from pyarrow import types

    kind = array.type
    if types.is_nested(kind):
        is_map = types.is_map(kind)
        return not is_map and hasattr(array, "values") and _is_numpy(array.values)
    if types.is_integer(kind):
        return not array.null_count
    return any(is_type(kind) for is_type in (types.is_floating, types.is_boolean, types.is_string))


def _unsupported(table: Any) -> InvalidValue:
    """Return the error for a table that pandas cannot hold, with its columns and the reasons."""
    errors = []
    for field, column in zip(table.schema, table.columns, strict=True):
        try:
            column.to_pandas()
            column.to_pylist()
            if _is_unwritable(field.type):
                raise NotImplementedError("no format could send it back")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - whatever the table has failed with
            reason = str(error)[:LONGEST_VALUE]
            message = f"expected values that pandas can hold, got {field.type}: {reason}"
            errors.append(ErrorDetail(message, column=field.name))
    names = listed([error.column for error in errors]) or "the table"
    message = f"{names}: expected values that pandas can hold; send others as text"
    return InvalidValue(message, errors[:MAX_ERRORS])
