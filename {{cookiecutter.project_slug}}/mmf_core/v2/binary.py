"""Tensors as binary data: Triton's extension `binary_tensor_data`.

Little-endian, one tensor after another behind the JSON; a text or bytes as its length in four
bytes, and then itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from ..errors import RequestError
from .tensors import BYTES, DTYPES, Tensor, about, head, objects, shaped

_LENGTH = struct.Struct("<I")


def is_binary(given: Any) -> bool:
    """Whether an input says that its data is in the binary part."""
    parameters = given.get("parameters") if isinstance(given, dict) else None
    return isinstance(parameters, dict) and "binary_data_size" in parameters


def from_binary(given: Any, data: memoryview) -> tuple[Tensor, memoryview]:
    """Read an input from the front of the binary data; return it and the rest of the data."""
    import numpy as np

    name, datatype, shape, parameters = head(given)
    size = parameters["binary_data_size"]
    if type(size) is not int or not 0 <= size <= len(data):
        raise RequestError(
            f"input {name}: binary_data_size is {size}, and {len(data)} bytes are left"
        )
    own, rest = data[:size], data[size:]
    if datatype == BYTES:
        values = objects(list(_elements(name, own)))
    else:
        dtype = np.dtype(DTYPES[datatype])
        if size % dtype.itemsize:
            raise RequestError(f"input {name}: {size} bytes are no whole number of {datatype}")
        values = np.frombuffer(own, dtype)
    return Tensor(name, shaped(name, values, shape), parameters.get("content_type", "")), rest


def to_binary(tensor: Tensor) -> tuple[dict[str, Any], bytes]:
    """Return an output's entry in the JSON and its binary data."""
    import numpy as np

    values = tensor.values
    if tensor.datatype == BYTES:
        texts = [one if isinstance(one, bytes) else _plain(one).encode() for one in values.flat]
        data = b"".join(_LENGTH.pack(len(one)) + one for one in texts)
    else:
        data = np.ascontiguousarray(values, DTYPES[tensor.datatype]).tobytes()
    entry = about(tensor)
    entry.setdefault("parameters", {})["binary_data_size"] = len(data)
    return entry, data


def _elements(name: str, data: memoryview) -> Iterator[bytes]:
    while data:
        length = _LENGTH.unpack_from(data)[0] if len(data) >= _LENGTH.size else len(data)
        if _LENGTH.size + length > len(data):
            raise RequestError(f"input {name}: an element of BYTES is longer than what is left")
        yield bytes(data[_LENGTH.size : _LENGTH.size + length])
        data = data[_LENGTH.size + length :]


def _plain(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # noqa: PLR0124 - NaN
