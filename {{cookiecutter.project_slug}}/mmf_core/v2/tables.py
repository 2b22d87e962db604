"""Tables and tensors: one for each column (MLServer's `pd` codec), or one of two dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..codecs import column_index, json
from ..descriptors import DataFrame, Descriptor
from ..errors import RequestError
from .tensors import Tensor, objects

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def is_column(one: Descriptor[Any], tensor: Tensor) -> bool:
    """Whether a tensor called as a table's argument is only one column of it."""
    return isinstance(one, DataFrame) and (
        tensor.name in one.columns or tensor.values.shape[1:] in {(), (1,)}
    )


def block(one: DataFrame, tensor: Tensor) -> pd.DataFrame:
    """Return a table of a tensor of two dimensions; the columns are called as the schema says."""
    import pandas as pd

    if tensor.values.ndim != 2:  # noqa: PLR2004 - a table's
        raise RequestError(f"input {tensor.name}: a table has two dimensions")
    width = tensor.values.shape[1]
    names = tuple[Any, ...](one.columns) or tuple(range(width))
    if len(names) != width:
        raise RequestError(f"input {tensor.name}: {len(names)} columns are wanted, not {width}")
    return pd.DataFrame(tensor.values, columns=column_index(names))


def table(tensors: list[Tensor]) -> pd.DataFrame:
    """Return a table of its columns; RequestError where they do not make one."""
    import numpy as np
    import pandas as pd

    names = [one.name for one in tensors]
    if len(set(names)) < len(names):
        raise RequestError("every input has a name of its own")
    columns = [_flat_column(one) for one in tensors]
    lengths = {name: len(column) for name, column in zip(names, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        raise RequestError(f"inputs of one table have one length, not {lengths}")
    if {column.dtype for column in columns} == {
        np.dtype("float64")
    }:  # one block is ten times cheaper
        return pd.DataFrame(
            np.column_stack(columns), columns=column_index(tuple(names)), copy=False
        )
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def column(name: str, column: pd.Series[Any]) -> Tensor:
    """Return a column as MLServer does: texts, ISO dates, numbers, and JSON for what is mixed."""
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
        cells = [cell and cell.isoformat() for cell in cells]
        return Tensor(name, objects(cells), "datetime")
    if all(cell is None or isinstance(cell, str) for cell in cells):
        return Tensor(name, objects(cells), "str")
    return Tensor(
        name, objects([json.dumps(json.exact(cell)).decode() for cell in cells]), "pd_json"
    )


def _flat_column(tensor: Tensor) -> np.ndarray:
    """Return a column's cells: shape [n] or [n, 1], BYTES as what `content_type` says they are."""
    values = tensor.values
    if values.shape[1:] not in {(), (1,)} or not values.ndim:
        raise RequestError(f"input {tensor.name}: a column has the shape [n] or [n, 1]")
    values = values.reshape(-1)
    if values.dtype != object:
        return values
    read = _READERS.get(tensor.content_type, text)
    return objects([None if one is None else read(one) for one in values])


def text(value: Any) -> Any:
    """Return bytes as the text that they are; anything else as it is."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise RequestError("BYTES that are a text are in UTF-8") from None


def _json(value: Any) -> Any:
    return json.loads(text(value))


_READERS = {"pd_json": _json}
