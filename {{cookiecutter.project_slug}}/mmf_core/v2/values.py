"""Arguments from tensors, and tensors from results, as the descriptors say.

What is no table is one tensor: numbers as they are, trees as JSON texts, files as they are or in
base64.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..codecs import Kind, json, json_of
from ..descriptors import Array, Bool, DataFrame, Descriptor, Float, Integer
from ..errors import RequestError
from ..target import Target
from ..web.http.codec_options import options_of
from . import tables
from .tensors import BYTES, Tensor, datatype_of, objects

if TYPE_CHECKING:
    import numpy as np

RESULT = "result"
"""What the tensor of a result that is no table is called."""
_COLUMN_TYPES = {bool: "BOOL", int: "INT64", float: "FP64", str: BYTES, datetime: BYTES}
_SCALAR_TYPES: dict[type, str] = {Integer: "INT64", Float: "FP64", Bool: "BOOL"}


def arguments(target: Target, tensors: list[Tensor], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return values by argument; `parameters` may bring scalars, and others are left alone.

    RequestError names the inputs that no argument takes.
    """
    known = target.arguments
    values = {
        name: parameters[name]
        for name, one in known.items()
        if one.kind is Kind.SCALAR and name in parameters
    }
    columns = []
    for tensor in tensors:
        if tensor.name in known and not tables.is_column(known[tensor.name], tensor):
            values[tensor.name] = _value(known[tensor.name], tensor)
        else:
            columns.append(tensor)
    if columns:
        free = [name for name, one in known.items() if name not in values and one.required]
        if len(free) != 1:
            raise RequestError(
                f"no input is called {columns[0].name}; there are: {', '.join(known)}"
            )
        values[free[0]] = _remaining(known[free[0]], columns)
    return values


def results(returns: Descriptor[Any], value: Any) -> list[Tensor]:
    """Return the outputs that a presented result is."""
    match returns.kind:
        case Kind.TABLE:
            return [tables.column(str(name), column) for name, column in value.items()]
        case Kind.ARRAY | Kind.IMAGE:
            return [Tensor(RESULT, value)]
        case Kind.FILE:
            return [Tensor(RESULT, objects([bytes(value)]))]
        case Kind.JSON:
            return [Tensor(RESULT, objects([json.dumps(value).decode()]), "json")]
    import numpy as np

    plain = value.isoformat() if isinstance(value, datetime) else value
    is_text = plain is None or isinstance(plain, str)
    return [Tensor(RESULT, objects([plain]) if is_text else np.array([plain]))]


def about_inputs(target: Target) -> list[dict[str, Any]]:
    """Describe what goes in; a table without a schema may be anything, and is left out."""
    return [entry for name, one in target.arguments.items() for entry in _about(name, one)]


def about_outputs(target: Target) -> list[dict[str, Any]]:
    """Describe what comes out, as far as it is declared."""
    return _about(RESULT, target.returns) if target.returns else []


def _about(name: str, one: Descriptor[Any]) -> list[dict[str, Any]]:
    import numpy as np

    datatype, shape = _SCALAR_TYPES.get(type(one), BYTES), [1]
    if isinstance(one, DataFrame):
        return [
            {"name": column, "datatype": _COLUMN_TYPES[declared.kind], "shape": [-1]}
            for column, declared in one.columns.items()
        ]
    if isinstance(one, Array):
        datatype = datatype_of(np.dtype(one.dtype or "float64"))
        shape = [length or -1 for length in one.shape or (None, None)]
    elif one.kind is Kind.IMAGE:
        datatype, shape = "UINT8", [-1, -1, 3]
    return [{"name": name, "datatype": datatype, "shape": shape}]


def _remaining(one: Descriptor[Any], tensors: list[Tensor]) -> Any:
    """Return the one argument that has no tensor of its own name."""
    if len(tensors) == 1 and not tables.is_column(one, tensors[0]):
        return _value(one, tensors[0])  # the model's one input, by whatever name
    if one.kind is not Kind.TABLE:
        raise RequestError(f"inputs that are not known: {', '.join(two.name for two in tensors)}")
    return tables.table(tensors)


def _value(one: Descriptor[Any], tensor: Tensor) -> Any:
    values = tensor.values
    if isinstance(one, DataFrame):
        return tables.block(one, tensor)
    if one.kind is Kind.ARRAY or (one.kind is Kind.IMAGE and values.dtype != object):
        _refuse_nulls(tensor)
        return _picture(tensor) if one.kind is Kind.IMAGE else values
    if values.size != 1:
        raise RequestError(f"input {tensor.name}: one value is wanted, not {values.size}")
    value = values.item()
    if one.kind is Kind.SCALAR:
        return tables.text(value) if isinstance(value, bytes) else value
    if one.kind is Kind.JSON:
        value = json.loads(tables.text(value) if isinstance(value, bytes) else str(value))
    elif isinstance(value, bytes):
        value = b64encode(value).decode()
    return json_of(one.kind).from_plain(value, options_of(one))


def _picture(tensor: Tensor) -> np.ndarray:
    shape = tensor.values.shape
    if tensor.values.dtype != "uint8" or len(shape) != 3 or shape[2] != 3:  # noqa: PLR2004
        raise RequestError(f"input {tensor.name}: UINT8 of shape [height, width, 3] is wanted")
    return tensor.values


def _refuse_nulls(tensor: Tensor) -> None:
    if tensor.values.dtype == object:
        raise RequestError(f"input {tensor.name}: numbers are wanted, none of them null")
