"""Tensors of the Open Inference Protocol: from its JSON to NumPy arrays, and back."""

from __future__ import annotations

import math
import sys
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..codecs import MAX_EXACT_FLOAT, check_shape
from ..errors import RequestError, as_text, quoted, shortened

if TYPE_CHECKING:
    import numpy as np

BYTES = "BYTES"
MAX_DIMENSIONS = 64  # of NumPy's arrays
DTYPES = {
    "BOOL": "?",
    **dict(zip(("INT8", "INT16", "INT32", "INT64"), ("<i1", "<i2", "<i4", "<i8"), strict=True)),
    **dict(zip(("UINT8", "UINT16", "UINT32", "UINT64"), ("<u1", "<u2", "<u4", "<u8"), strict=True)),
    **dict(zip(("FP16", "FP32", "FP64"), ("<f2", "<f4", "<f8"), strict=True)),
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array; the values of BYTES are `str` from JSON and `bytes` from binary data.

    `content_type` is how MLServer's clients say what the BYTES, or a whole request, represent.
    `declared_type` is the datatype of integers and flags with nulls, which are Python objects.
    """

    name: str
    values: np.ndarray
    content_type: str = ""
    declared_type: str = ""

    @property
    def label(self) -> str:
        """How a message calls the input."""
        return label(self.name)

    @property
    def datatype(self) -> str:
        """The protocol's name for the type of the values."""
        return self.declared_type or datatype_of(self.values.dtype)


class TensorHeader(NamedTuple):
    """Everything in an input's JSON but its `data`."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, Any]

    @property
    def label(self) -> str:
        """How a message calls the input."""
        return label(self.name)

    def tensor(self, values: np.ndarray) -> Tensor:
        """Return the tensor with flat `values`; RequestError if their number does not fit."""
        size = math.prod(self.shape)
        if not size:
            check_shape(self.shape)
        if values.size != size:
            raise RequestError(
                f"{self.label}: expected {size} values for shape {list(self.shape)}, "
                f"got {values.size}"
            )
        try:
            shaped = values.reshape(self.shape)
        except ValueError:  # empty, with axes that are too long for any other array
            raise RequestError(f"{self.label}: shape {list(self.shape)} is too large") from None
        content_type = self.parameters.get("content_type", "")
        return Tensor(self.name, shaped, content_type, self.datatype)


@lru_cache(maxsize=64)  # a result may have any type of NumPy's
def datatype_of(dtype: np.dtype[Any]) -> str:
    """Return the protocol's name for a NumPy type; BYTES for all that are not numeric."""
    import numpy as np

    if dtype == np.longdouble:
        return "FP64"
    native = dtype.newbyteorder("<")
    return next((name for name, code in DTYPES.items() if np.dtype(code) == native), BYTES)


def label(name: str) -> str:
    """Return how a message calls an input."""
    return f"input {shortened(as_text(name))}"


def object_array(values: list[Any]) -> np.ndarray:
    """Return a flat array of any values; `np.array` would make lists a second dimension."""
    import numpy as np

    array = np.empty(len(values), object)
    array[:] = values
    return array


def read_header(entry: Any) -> TensorHeader:
    """Read an input but for its data; RequestError says what is invalid."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise RequestError("inputs: expected objects with name, shape, datatype and data")
    name, datatype, shape = entry["name"], entry.get("datatype"), entry.get("shape")
    if not isinstance(datatype, str) or datatype not in {*DTYPES, BYTES}:
        expected = ", ".join((*DTYPES, BYTES))
        raise RequestError(
            f"{label(name)}: expected a datatype among {expected}, got {quoted(datatype)}"
        )
    if (
        not isinstance(shape, list)
        or len(shape) > MAX_DIMENSIONS
        or not all(type(size) is int and 0 <= size <= sys.maxsize for size in shape)
    ):
        raise RequestError(
            f"{label(name)}: expected shape to be a list of at most {MAX_DIMENSIONS} integers, "
            f"0 or more"
        )
    parameters = entry.get("parameters", {})
    if not isinstance(parameters, dict) or not isinstance(parameters.get("content_type", ""), str):
        raise RequestError(
            f"{label(name)}: expected parameters to be an object, and its content_type a string"
        )
    return TensorHeader(name, datatype, tuple(shape), parameters)


def from_json(entry: Any) -> Tensor:
    """Read an input whose `data` is in the JSON; RequestError says what is invalid."""
    header = read_header(entry)
    if "data" not in entry:
        raise RequestError(f"{header.label}: data is missing")
    if header.datatype == "FP16":
        raise RequestError(f"{header.label}: FP16 cannot be sent in JSON; send binary data")
    values = _flatten(header, entry["data"])
    return header.tensor(
        _strings(header, values) if header.datatype == BYTES else _numbers(header, values)
    )


def to_json(tensor: Tensor) -> dict[str, Any]:
    """Return an output's JSON: `data` flat, bytes in base64."""
    flat, entry = tensor.values.ravel(), describe(tensor)
    if flat.dtype == object and bytes in set(map(type, flat)):
        entry["parameters"] = {"content_type": "base64"}
        texts = [None if value is None else b64encode(value).decode() for value in flat]
        return entry | {"data": texts}
    return entry | {"data": flat}


def describe(tensor: Tensor) -> dict[str, Any]:
    """Return an output's JSON without its data."""
    parameters = {"parameters": {"content_type": tensor.content_type}}
    return {
        "name": tensor.name,
        "shape": list(tensor.values.shape),
        "datatype": tensor.datatype,
        **(parameters if tensor.content_type else {}),
    }


def _flatten(header: TensorHeader, data: Any) -> list[Any]:
    """Return nested or flat data as one list, row by row.

    RequestError if lists are nested in another shape than the tensor's, apart from axes of one.
    """
    flat: list[Any] = data if isinstance(data, list) else [data]
    nested_shape = [len(flat)]
    while flat and isinstance(flat[0], list):
        if not all(isinstance(part, list) for part in flat):
            raise RequestError(f"{header.label}: data mixes lists and values at one level")
        nested_shape.append(len(flat[0]))
        if any(len(part) != nested_shape[-1] for part in flat):
            raise RequestError(f"{header.label}: data has lists of different lengths")
        flat = [value for part in flat for value in part]
    if len(nested_shape) > 1 and _long_axes(nested_shape) != _long_axes(header.shape):
        raise RequestError(
            f"{header.label}: expected data of shape {list(header.shape)}, nested or flat, "
            f"got {nested_shape[:MAX_DIMENSIONS]}"
        )
    return flat


def _long_axes(shape: Iterable[int]) -> list[int]:
    return [size for size in shape if size != 1]


def _numbers(header: TensorHeader, values: list[Any]) -> np.ndarray:
    """Return numbers of a datatype; null becomes NaN, or None among integers and flags."""
    import numpy as np

    datatype = header.datatype
    dtype = np.dtype(DTYPES[datatype])
    has_nulls = None in values
    present = [value for value in values if value is not None] if has_nulls else values
    value_types = {*map(type, present)}
    if not value_types <= {bool, int, float}:
        raise RequestError(f"{header.label}: expected {datatype}, got a value that is not a number")
    try:
        numbers = _cast(present, value_types, dtype)
    except OverflowError:
        raise RequestError(f"{header.label}: a value does not fit {datatype}") from None
    if not has_nulls:
        return numbers
    is_float = dtype.kind == "f"
    filled = np.full(len(values), np.nan if is_float else None, dtype if is_float else object)
    filled[[value is not None for value in values]] = numbers
    return filled


def _cast(values: list[Any], value_types: set[type], dtype: np.dtype[Any]) -> np.ndarray:
    """Cast without changing a number; OverflowError if one does not fit.

    Each value by itself: NumPy's own guess would make integers beside a float floats.
    """
    import numpy as np

    if bool in value_types and dtype.kind != "b":
        raise OverflowError
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            floats = np.array(values, np.float64).astype(dtype)
        if np.isinf(floats).any():  # JSON has no infinity
            raise OverflowError
        return floats
    if float in value_types:
        values = [_whole(value) if type(value) is float else value for value in values]
    if dtype.kind == "b" and not {*values} <= {0, 1}:
        raise OverflowError
    return np.array(values, dtype)


def _whole(value: float) -> int:
    """Return an integer written as 1.0; OverflowError if it is none, or was perhaps rounded."""
    if not value.is_integer() or abs(value) >= MAX_EXACT_FLOAT:
        raise OverflowError
    return int(value)


def _strings(header: TensorHeader, values: list[Any]) -> np.ndarray:
    if not {*map(type, values)} <= {str, type(None)}:
        raise RequestError(f"{header.label}: expected BYTES in JSON to be strings")
    return object_array(values)
