"""Tables and tensors: one tensor per column (MLServer's `pd` codec), or one of two dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..codecs import column_index, json
from ..descriptors import DataFrame, Descriptor
from ..errors import RequestError
from .tensors import Tensor, object_array

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def is_column(descriptor: Descriptor[Any], tensor: Tensor) -> bool:
    """Whether a tensor with the name of a table argument is only one column of it."""
    return isinstance(descriptor, DataFrame) and (
        tensor.name in descriptor.columns or tensor.values.shape[1:] in {(), (1,)}
    )


def from_matrix(descriptor: DataFrame, tensor: Tensor) -> pd.DataFrame:
    """Return a tensor of two dimensions as a table, with the schema's column names."""
    import pandas as pd

    if tensor.values.ndim != 2:  # noqa: PLR2004 - a table's
        raise RequestError(
            f"input {tensor.name}: expected two dimensions, got {tensor.values.ndim}"
        )
    width = tensor.values.shape[1]
    names = tuple[Any, ...](descriptor.columns) or tuple(range(width))
    if len(names) != width:
        raise RequestError(f"input {tensor.name}: expected {len(names)} columns, got {width}")
    return pd.DataFrame(tensor.values, columns=column_index(names))


def from_columns(tensors: list[Tensor]) -> pd.DataFrame:
    """Return a table of one column per tensor; RequestError if they do not fit together."""
    import numpy as np
    import pandas as pd

    names = [tensor.name for tensor in tensors]
    if len(set(names)) < len(names):
        raise RequestError(f"inputs: expected unique names, got {', '.join(names)}")
    columns = [_cells(tensor) for tensor in tensors]
    lengths = {name: len(column) for name, column in zip(names, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        raise RequestError(f"inputs: expected columns of equal length, got {lengths}")
    if {column.dtype for column in columns} == {np.dtype("float64")}:  # a block: ten times cheaper
        block = np.column_stack(columns)
        return pd.DataFrame(block, columns=column_index(tuple(names)), copy=False)
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def to_tensor(name: str, column: pd.Series[Any]) -> Tensor:
    """Return a column as MLServer does: numbers, text, ISO 8601 dates, and JSON for mixed cells."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    kind = column.dtype.kind
    if kind in "iuf" and not isinstance(column.dtype, pd.api.extensions.ExtensionDtype):
        return Tensor(name, column.to_numpy())
    if kind in "iufb" and not column.isna().any():
        return Tensor(name, column.to_numpy(dtype=bool if kind == "b" else None))
    if kind in "iuf":  # pandas' own types with nulls
        return Tensor(name, column.to_numpy(dtype="float64", na_value=float("nan")))
    cells = [None if empty else cell for cell, empty in zip(column, column.isna(), strict=True)]
    if kind == "M":
        return Tensor(name, object_array([cell and cell.isoformat() for cell in cells]), "datetime")
    if all(cell is None or isinstance(cell, str) for cell in cells):
        return Tensor(name, object_array(cells), "str")
    texts = [json.dumps(json.exact(cell)).decode() for cell in cells]
    return Tensor(name, object_array(texts), "pd_json")


def decode_text(value: Any) -> Any:
    """Return bytes as text, and anything else as it is."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise RequestError("expected the text in BYTES to be UTF-8") from None


def _cells(tensor: Tensor) -> np.ndarray:
    """Return a column's cells, from shape [n] or [n, 1]; `content_type` says how to read BYTES."""
    values = tensor.values
    if values.shape[1:] not in {(), (1,)} or not values.ndim:
        raise RequestError(
            f"input {tensor.name}: expected shape [n] or [n, 1] for a column, "
            f"got {list(values.shape)}"
        )
    values = values.reshape(-1)
    if values.dtype != object:
        return values
    read = _READERS.get(tensor.content_type, decode_text)
    return object_array([None if value is None else read(value) for value in values])


def _decode_json(value: Any) -> Any:
    return json.loads(decode_text(value))


_READERS = {"pd_json": _decode_json}
