"""Tensors as binary data: Triton's extension `binary_tensor_data`.

Little-endian, one tensor after another behind the JSON; an element of BYTES is preceded by its
length in four bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from ..codecs import MemoryBudget
from ..errors import RequestError, quoted, shortened
from .tensors import BYTES, DTYPES, Tensor, describe, label, object_array, read_header

_LENGTH = struct.Struct("<I")
ELEMENT_SIZE = 160
"""The bytes of memory that an element takes, as bytes and as text, in addition to its own."""


def is_binary(entry: Any) -> bool:
    """Whether an input's data is in the binary part, according to its JSON."""
    parameters = entry.get("parameters") if isinstance(entry, dict) else None
    return isinstance(parameters, dict) and "binary_data_size" in parameters


def from_binary(entry: Any, data: memoryview, budget: MemoryBudget) -> tuple[Tensor, memoryview]:
    """Read an input from the front of the binary data; return it and the rest of the data.

    BodyTooLarge if its elements take more memory than the budget has left.
    """
    import numpy as np

    header = read_header(entry)
    datatype, size = header.datatype, header.parameters["binary_data_size"]
    if type(size) is not int or not 0 <= size <= len(data):
        raise RequestError(
            f"{header.label}: binary_data_size is {quoted(size)}, but {len(data)} bytes are left"
        )
    if entry.get("data"):
        raise RequestError(f"{header.label}: expected data or binary_data_size, got both")
    own, rest = data[:size], data[size:]
    if datatype == BYTES:
        values = object_array(list(_elements(header.name, own, budget)))
    else:
        dtype = np.dtype(DTYPES[datatype])
        if size % dtype.itemsize:
            raise RequestError(
                f"{header.label}: {size} bytes are not a multiple of {datatype}'s {dtype.itemsize}"
            )
        values = np.frombuffer(own, dtype)
        if datatype == "BOOL" and (values.view(np.uint8) > 1).any():
            raise RequestError(f"{header.label}: a value does not fit BOOL; send bytes 0 and 1")
    return header.tensor(values), rest


def to_binary(tensor: Tensor) -> tuple[dict[str, Any], bytes]:
    """Return an output's JSON and its binary data; RequestError if it has a null."""
    if has_null(tensor):
        raise RequestError(
            f"output {shortened(tensor.name)}: expected values, got null, which only JSON can "
            f"hold; request it without binary_data"
        )
    data = binary_data(tensor)
    entry = describe(tensor)
    entry.setdefault("parameters", {})["binary_data_size"] = len(data)
    return entry, data


def binary_data(tensor: Tensor) -> bytes:
    """Return the binary data of an output without nulls."""
    import numpy as np  # only with the first tensor

    if tensor.datatype == BYTES:
        data = b"".join(_LENGTH.pack(len(value)) + value for value in binary_elements(tensor))
    else:
        data = np.ascontiguousarray(tensor.values, DTYPES[tensor.datatype]).tobytes()
    return data


def binary_elements(tensor: Tensor) -> list[bytes]:
    """Return the elements of an output of BYTES; texts are UTF-8."""
    values = tensor.values.flat
    return [value if isinstance(value, bytes) else str(value).encode() for value in values]


def has_null(tensor: Tensor) -> bool:
    """Return whether an output has an element that neither binary data nor gRPC can hold."""
    return tensor.values.dtype == object and any(value is None for value in tensor.values.flat)


def _elements(name: str, data: memoryview, budget: MemoryBudget) -> Iterator[bytes]:
    while data:
        length = _LENGTH.unpack_from(data)[0] if len(data) >= _LENGTH.size else len(data)
        if _LENGTH.size + length > len(data):
            raise RequestError(f"{label(name)}: an element of BYTES is longer than the data left")
        budget.spend(ELEMENT_SIZE + 2 * length)
        yield bytes(data[_LENGTH.size : _LENGTH.size + length])
        data = data[_LENGTH.size + length :]
