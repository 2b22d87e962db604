"""Tensors of the Open Inference Protocol, as they stand in its JSON, and NumPy arrays."""

from __future__ import annotations

import math
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..errors import RequestError

if TYPE_CHECKING:
    import numpy as np

BYTES = "BYTES"
DTYPES = {
    "BOOL": "?",
    **dict(zip(("INT8", "INT16", "INT32", "INT64"), ("<i1", "<i2", "<i4", "<i8"), strict=True)),
    **dict(zip(("UINT8", "UINT16", "UINT32", "UINT64"), ("<u1", "<u2", "<u4", "<u8"), strict=True)),
    **dict(zip(("FP16", "FP32", "FP64"), ("<f2", "<f4", "<f8"), strict=True)),
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array; one of BYTES holds `str` from JSON and `bytes` from binary data.

    `content_type` is how MLServer's clients say what the BYTES, or a whole request, stand for.
    """

    name: str
    values: np.ndarray
    content_type: str = ""

    @property
    def datatype(self) -> str:
        """The protocol's name for the type of the values."""
        return datatype_of(self.values.dtype)


@lru_cache
def datatype_of(dtype: np.dtype[Any]) -> str:
    """Return the protocol's name for a NumPy type; BYTES for all that are no numbers."""
    import numpy as np

    return next((name for name, one in DTYPES.items() if np.dtype(one) == dtype), BYTES)


def objects(values: list[Any]) -> np.ndarray:
    """Return an array of any values; NumPy's own way would look into lists."""
    import numpy as np

    array = np.empty(len(values), object)
    array[:] = values
    return array


def from_json(given: Any) -> Tensor:
    """Read an input whose `data` is in the JSON; RequestError says what is wrong with it."""
    name, datatype, shape, parameters = head(given)
    if "data" not in given:
        raise RequestError(f"input {name}: it has no data")
    if datatype == "FP16":
        raise RequestError(f"input {name}: FP16 has no form in JSON; send it as binary data")
    flat = _flat(given["data"])
    values = _texts(name, flat) if datatype == BYTES else _numbers(name, flat, datatype)
    return Tensor(name, shaped(name, values, shape), parameters.get("content_type", ""))


def to_json(tensor: Tensor) -> dict[str, Any]:
    """Return an output as it stands in the JSON: `data` flat, bytes in base64."""
    flat, entry = tensor.values.ravel(), about(tensor)
    if any(isinstance(one, bytes) for one in flat[:1].tolist()):
        entry["parameters"] = {"content_type": "base64"}
        return entry | {"data": [b64encode(one).decode() for one in flat]}
    return entry | {"data": flat}


def head(given: Any) -> tuple[str, str, tuple[int, ...], dict[str, Any]]:
    """Return an input's name, datatype, shape and parameters."""
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise RequestError("every input is an object with name, shape, datatype and data")
    name, datatype, shape = given["name"], given.get("datatype"), given.get("shape")
    if not isinstance(datatype, str) or datatype not in {*DTYPES, BYTES}:
        known = ", ".join((*DTYPES, BYTES))
        raise RequestError(f"input {name}: datatype {datatype!r} is not one of {known}")
    if not isinstance(shape, list) or not all(type(one) is int and one >= 0 for one in shape):
        raise RequestError(f"input {name}: shape is a list of whole numbers, 0 or more")
    parameters = given.get("parameters", {})
    if not isinstance(parameters, dict) or not isinstance(parameters.get("content_type", ""), str):
        raise RequestError(f"input {name}: parameters is an object, content_type in it a text")
    return name, datatype, tuple(shape), parameters


def about(tensor: Tensor) -> dict[str, Any]:
    """Return an output's entry without its data."""
    parameters = {"parameters": {"content_type": tensor.content_type}}
    return {
        "name": tensor.name,
        "shape": list(tensor.values.shape),
        "datatype": tensor.datatype,
        **(parameters if tensor.content_type else {}),
    }


def shaped(name: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return values in their shape; RequestError if there are more of them, or fewer."""
    if values.size != math.prod(shape):
        raise RequestError(
            f"input {name}: shape {list(shape)} means {math.prod(shape)} values, "
            f"and there are {values.size}"
        )
    return values.reshape(shape)


def _flat(data: Any) -> list[Any]:
    """Return nested or flat data as one list, row by row."""
    flat: list[Any] = data if isinstance(data, list) else [data]
    while flat and isinstance(flat[0], list):
        if not all(isinstance(one, list) for one in flat):
            raise RequestError("data: lists and values are mixed on one level")
        flat = [value for part in flat for value in part]
    return flat


def _numbers(name: str, flat: list[Any], datatype: str) -> np.ndarray:
    """Return numbers of a type; null is NaN, and None among whole numbers."""
    import numpy as np

    dtype = np.dtype(DTYPES[datatype])
    has_nulls = None in flat
    present = [one for one in flat if one is not None] if has_nulls else flat
    if not {*map(type, present)} <= {bool, int, float}:
        raise RequestError(f"input {name}: {datatype} is wanted, and there is something else")
    try:
        found = _exact(np.array(present), present, dtype)
    except (OverflowError, ValueError):
        raise RequestError(f"input {name}: a value is no {datatype}") from None
    if not has_nulls:
        return found
    is_float = dtype.kind == "f"
    filled = np.full(len(flat), np.nan if is_float else None, dtype if is_float else object)
    filled[[one is not None for one in flat]] = found
    return filled


def _exact(array: np.ndarray, given: list[Any], dtype: np.dtype[Any]) -> np.ndarray:
    """Return an array in a type that holds its values; ValueError or OverflowError if it cannot."""
    import numpy as np

    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            floats = array.astype(dtype)
        if np.isinf(floats).any():  # JSON has no infinity
            raise OverflowError
        return floats
    if array.dtype.kind == "f":  # whole numbers written as 1.0, or too large for one type
        array = np.array([int(one) if one == int(one) else math.nan for one in given], object)
    allowed = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if array.size and not (array.min() >= allowed[0] and array.max() <= allowed[1]):
        raise OverflowError
    return array.astype(dtype)


def _texts(name: str, flat: list[Any]) -> np.ndarray:
    if not {*map(type, flat)} <= {str, type(None)}:
        raise RequestError(f"input {name}: BYTES are texts")
    return objects(flat)
