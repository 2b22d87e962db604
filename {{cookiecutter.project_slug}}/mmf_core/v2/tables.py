"""Tables and tensors: one tensor per column (MLServer's `pd` codec), or one of two dimensions."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from ..codecs import (
    MemoryBudget,
    NumberTable,
    check_columns,
    check_depth,
    column_index,
    integers_with_nulls,
    json,
    naming_cells,
)
from ..descriptors import DataFrame, Descriptor
from ..errors import RequestError, listed, shortened
from .tensors import BYTES, Tensor, object_array

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


_MAX_INT64 = 2**63 - 1


def is_column(descriptor: Descriptor[Any], tensor: Tensor) -> bool:
    """Whether a tensor with the name of a table argument is only one column of it."""
    return isinstance(descriptor, DataFrame) and (
        tensor.name in descriptor.columns or tensor.values.shape[1:] in {(), (1,)}
    )


def from_matrix(descriptor: DataFrame, tensor: Tensor, budget: MemoryBudget) -> pd.DataFrame:
    """Return a tensor of two dimensions as a table, with the schema's column names."""
    import pandas as pd

    if tensor.values.ndim != 2:  # noqa: PLR2004 - a table's
        raise RequestError(f"{tensor.label}: expected two dimensions, got {tensor.values.ndim}")
    width = tensor.values.shape[1]
    check_columns(width)
    names = tuple[Any, ...](descriptor.columns) or tuple(range(width))
    if len(names) != width:
        raise RequestError(f"{tensor.label}: expected {len(names)} columns, got {width}")
    if tensor.values.dtype == object:
        columns = [_cells(replace(tensor, values=cells), budget) for cells in tensor.values.T]
        return pd.DataFrame(dict(zip(names, columns, strict=True)))
    return pd.DataFrame(tensor.values, columns=column_index(names))


def from_columns(tensors: list[Tensor], budget: MemoryBudget) -> pd.DataFrame:
    """Return a table of one column per tensor; RequestError if they do not fit together."""
    import numpy as np
    import pandas as pd

    names = [tensor.name for tensor in tensors]
    columns = [_cells(tensor, budget) for tensor in tensors]
    by_length = {len(column): name for name, column in zip(names, columns, strict=True)}
    if len(by_length) > 1:
        examples = [f"{length} for {shortened(name)}" for length, name in by_length.items()]
        raise RequestError(f"inputs: expected columns of equal length, got {listed(examples)}")
    if {column.dtype for column in columns} == {np.dtype("float64")}:  # a block: ten times cheaper
        block = np.column_stack(columns)
        return pd.DataFrame(block, columns=column_index(tuple(names)), copy=False)
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def to_tensors(table: pd.DataFrame | NumberTable) -> list[Tensor]:
    """Return the columns of a result."""
    if isinstance(table, NumberTable):  # pandas would take longer than a small model
        columns = zip(table.names, table.array.T, strict=True)
        return [Tensor(name, column) for name, column in columns]
    return [to_tensor(str(name), column) for name, column in table.items()]


def to_tensor(name: str, column: pd.Series[Any]) -> Tensor:
    """Return a column as MLServer does: numbers, text, ISO 8601 dates, and JSON for mixed cells.

    Integers with nulls are floats with NaN, unless these would lose digits.
    """
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = _uncategorized(column)
    kind = column.dtype.kind
    if kind in "iufb" and not isinstance(column.dtype, pd.api.extensions.ExtensionDtype):
        return Tensor(name, column.to_numpy())
    return _with_nulls(name, column)


def _with_nulls(name: str, column: pd.Series[Any]) -> Tensor:
    kind = column.dtype.kind
    empty = column.isna().to_numpy(dtype=bool)
    if kind in "iufb" and not empty.any():
        return Tensor(name, column.to_numpy(dtype=bool if kind == "b" else None))
    if kind == "f":
        return Tensor(name, column.to_numpy(dtype="float64", na_value=float("nan")))
    if kind in "iu":
        return _integers(name, column, empty)
    cells = [None if is_empty else cell for cell, is_empty in zip(column, empty, strict=True)]
    if kind == "M":
        return Tensor(name, object_array([cell and cell.isoformat() for cell in cells]), "datetime")
    return _objects(name, cells)


def _objects(name: str, cells: list[Any]) -> Tensor:
    types = {*map(type, cells)} - {type(None)}
    if types == {date}:
        texts = [cell and cell.isoformat() for cell in cells]
        return Tensor(name, object_array(texts), "datetime")
    if types == {bytes}:
        return Tensor(name, object_array(cells))
    if all(issubclass(cell_type, str) for cell_type in types):
        return Tensor(name, object_array(cells), "str")
    with naming_cells(name, cells):
        texts = [json.dumps(cell).decode() for cell in cells]
    return Tensor(name, object_array(texts), "pd_json")


def _uncategorized(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a category column as its values; integers and flags with nulls are pandas' own."""
    import pandas as pd

    categories, codes = column.cat.categories, column.cat.codes.to_numpy()
    dtype: Any = {"i": "Int64", "u": "UInt64", "b": "boolean"}.get(categories.dtype.kind)
    if dtype is None or (codes >= 0).all():
        return column.astype(categories.dtype)
    return pd.Series(pd.array(categories, dtype=dtype).take(codes, allow_fill=True))


def _integers(name: str, column: pd.Series[Any], empty: np.ndarray) -> Tensor:
    """Return integers with nulls as FP64 with NaN, which clients expect, if no digit is lost."""
    import numpy as np

    datatype = "INT64" if column.dtype.kind == "i" else "UINT64"
    values = column.to_numpy(dtype=datatype.lower(), na_value=0)
    numbers = integers_with_nulls(values, empty)
    if isinstance(numbers, np.ndarray):
        return Tensor(name, numbers)
    cells = values.astype(object)
    cells[empty] = None
    return Tensor(name, cells, declared_type=datatype)


def decode_text(value: Any) -> Any:
    """Return bytes as text, and anything else as it is."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise RequestError("expected the text in BYTES to be UTF-8") from None


def _cells(tensor: Tensor, budget: MemoryBudget) -> Any:
    """Return a column's cells, from shape [n] or [n, 1]; `content_type` says how to read BYTES."""
    values = tensor.values
    if values.shape[1:] not in {(), (1,)} or not values.ndim:
        raise RequestError(
            f"{tensor.label}: expected shape [n] or [n, 1] for a column, got {list(values.shape)}"
        )
    values = values.reshape(-1)
    if values.dtype != object:
        return values
    if tensor.datatype != BYTES:
        return _whole(values) if tensor.datatype != "BOOL" else values
    readers: dict[str, Callable[[Any], Any]] = {
        "base64": _decode_base64,
        "pd_json": partial(_decode_json, budget),
    }
    read = readers.get(tensor.content_type, decode_text)
    return object_array([None if value is None else read(value) for value in values])


def _whole(values: np.ndarray) -> Any:
    """Return integers with nulls as every table has them: see `integers_with_nulls`."""
    import numpy as np

    empty = np.array([value is None for value in values], bool)
    filled = np.where(empty, 0, values)
    is_long = any(value > _MAX_INT64 for value in filled)
    return integers_with_nulls(filled.astype(np.uint64 if is_long else np.int64), empty)


def _decode_json(budget: MemoryBudget, value: Any) -> Any:
    return check_depth(budget.read_json(value.encode() if isinstance(value, str) else value))


def _decode_base64(value: Any) -> bytes:
    """Return the bytes in a text of JSON; in binary data they are as they are."""
    if isinstance(value, bytes):
        return value
    try:
        return b64decode(value, validate=True)
    except ValueError:
        raise RequestError("expected the text in BYTES of content_type base64 to be that") from None
