"""Arguments from tensors, and tensors from results, as the descriptors say.

Everything but a table is one tensor: arrays and numbers as such, objects as JSON texts, files as
bytes or in base64.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import date
from typing import TYPE_CHECKING, Any

from ..codecs import Kind, MemoryBudget, json, json_of
from ..descriptors import Array, Bool, DataFrame, Descriptor, Float, Integer, List
from ..errors import RequestError, listed, shortened
from ..target import Target
from ..web.http.codec_options import options_of
from . import tables
from .tensors import BYTES, DTYPES, Tensor, datatype_of, object_array

if TYPE_CHECKING:
    import numpy as np

_MAX_INT64 = 2**63 - 1
RESULT = "result"
"""The name of the tensor of a result that is not a table."""
_COLUMN_DATATYPES = {bool: "BOOL", int: "INT64", float: "FP64"}
"""Those of texts and dates are BYTES."""
_SCALAR_DATATYPES: dict[type, str] = {Integer: "INT64", Float: "FP64", Bool: "BOOL"}


def arguments_from(
    target: Target, tensors: list[Tensor], parameters: dict[str, Any], budget: MemoryBudget
) -> dict[str, Any]:
    """Return values by argument; scalars may be in `parameters`, whose other keys are ignored.

    RequestError names the inputs that belong to no argument.
    """
    arguments = target.arguments
    values = {
        name: parameters[name]
        for name, descriptor in arguments.items()
        if descriptor.kind is Kind.SCALAR and name in parameters
    }
    unassigned = []
    for tensor in tensors:
        descriptor = arguments.get(tensor.name)
        if tensor.name in values:
            raise RequestError(f"{tensor.label}: expected an input or a parameter, got both")
        if descriptor and not tables.is_column(descriptor, tensor):
            values[tensor.name] = _value(descriptor, tensor, budget)
        else:
            unassigned.append(tensor)
    if unassigned:
        missing = [name for name in target.required if name not in values]
        if len(missing) != 1:
            raise RequestError(
                f"unknown input {shortened(unassigned[0].name)}; available: {', '.join(arguments)}"
            )
        (name,) = missing
        values[name] = _unnamed_value(arguments[name], unassigned, budget)
    return values


def output_tensors(returns: Descriptor[Any], value: Any) -> list[Tensor]:
    """Return a serialized result, which may be a `NumberTable`, as tensors."""
    if isinstance(returns, List):
        return [_list_tensor(returns, value)]
    match returns.kind:
        case Kind.TABLE:
            return tables.to_tensors(value)
        case Kind.ARRAY | Kind.IMAGE:
            return [Tensor(RESULT, value)]
        case Kind.FILE:
            return [Tensor(RESULT, object_array([bytes(value)]))]
        case Kind.JSON:
            return [Tensor(RESULT, object_array([json.dumps(value).decode()]), "json")]
    import numpy as np

    plain = _plain(value)
    is_text = plain is None or isinstance(plain, str)
    return [Tensor(RESULT, object_array([plain]) if is_text else np.array([plain]))]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def describe_inputs(target: Target) -> list[dict[str, Any]]:
    """Return the inputs' metadata, without tables that have no schema: they may hold anything."""
    return [
        entry
        for name, descriptor in target.arguments.items()
        for entry in _describe(name, descriptor)
    ]


def describe_outputs(target: Target) -> list[dict[str, Any]]:
    """Return the outputs' metadata, as far as it is declared."""
    return _describe(RESULT, target.returns) if target.returns else []


def _describe(name: str, descriptor: Descriptor[Any]) -> list[dict[str, Any]]:
    import numpy as np

    item, shape = (descriptor.item, [-1]) if isinstance(descriptor, List) else (descriptor, [1])
    datatype = _SCALAR_DATATYPES.get(type(item), BYTES)
    if isinstance(descriptor, DataFrame):
        return [
            {"name": column, "datatype": _COLUMN_DATATYPES.get(declared.kind, BYTES), "shape": [-1]}
            for column, declared in descriptor.columns.items()
        ]
    if isinstance(descriptor, Array):
        datatype = datatype_of(np.dtype(descriptor.dtype or "float64"))
        shape = [length or -1 for length in descriptor.shape or (None, None)]
    elif descriptor.kind is Kind.IMAGE:
        datatype, shape = "UINT8", [-1, -1, 3]
    return [{"name": name, "datatype": datatype, "shape": shape}]


def _unnamed_value(descriptor: Descriptor[Any], tensors: list[Tensor], budget: MemoryBudget) -> Any:
    """Return the one argument that no tensor has the name of."""
    if len(tensors) == 1 and not tables.is_column(descriptor, tensors[0]):
        return _value(descriptor, tensors[0], budget)  # the only input, under any name
    if descriptor.kind is not Kind.TABLE:
        raise RequestError(f"unknown inputs {listed([tensor.name for tensor in tensors])}")
    return tables.from_columns(tensors, budget)


def _value(descriptor: Descriptor[Any], tensor: Tensor, budget: MemoryBudget) -> Any:
    values, kind = tensor.values, descriptor.kind
    if isinstance(descriptor, DataFrame):
        return tables.from_matrix(descriptor, tensor, budget)
    if kind is Kind.ARRAY or (kind is Kind.IMAGE and values.dtype != object):
        _reject_nulls(tensor)
        array = _pixels(tensor) if kind is Kind.IMAGE else values
        return array if array.flags.writeable else array.copy()  # binary data are the body itself
    if isinstance(descriptor, List):
        return [tables.decode_text(item) for item in _flat(tensor)]
    if values.size != 1:
        raise RequestError(f"{tensor.label}: expected one value, got {values.size}")
    if kind is Kind.SCALAR:
        return tables.decode_text(values.flat[0])
    value = values.item()
    if kind is Kind.JSON:
        value = budget.read_json(value if isinstance(value, bytes) else str(value).encode())
    elif isinstance(value, bytes):
        value = b64encode(value).decode()
    return json_of(kind).from_plain(value, options_of(descriptor))


def _flat(tensor: Tensor) -> Any:
    """Return the values of a tensor of one dimension, or of shape [n, 1]."""
    values = tensor.values
    if not values.ndim or values.shape[1:] not in {(), (1,)}:
        raise RequestError(
            f"{tensor.label}: expected shape [n] for a list, got {list(values.shape)}"
        )
    return values.ravel()


def _list_tensor(returns: List, items: list[Any]) -> Tensor:
    """Return a list as a tensor; ValueError for whole numbers that no datatype holds together."""
    import numpy as np

    datatype = _SCALAR_DATATYPES.get(type(returns.item), BYTES)
    if datatype == BYTES:
        return Tensor(RESULT, object_array([_plain(item) for item in items]))
    is_long = datatype == "INT64" and any(item > _MAX_INT64 for item in items)
    try:
        return Tensor(RESULT, np.array(items, "uint64" if is_long else DTYPES[datatype]))
    except OverflowError:
        raise ValueError("expected whole numbers that one type holds") from None


def _pixels(tensor: Tensor) -> np.ndarray:
    shape = tensor.values.shape
    is_picture = len(shape) == 3 and shape[2] == 3 and all(shape)  # noqa: PLR2004
    if tensor.values.dtype != "uint8" or not is_picture:
        raise RequestError(
            f"{tensor.label}: expected UINT8 of shape [height, width, 3], at least [1, 1, 3], "
            f"got {tensor.datatype} of shape {list(shape)}"
        )
    return tensor.values


def _reject_nulls(tensor: Tensor) -> None:
    if tensor.values.dtype == object:
        raise RequestError(f"{tensor.label}: expected numbers, got null or text")
