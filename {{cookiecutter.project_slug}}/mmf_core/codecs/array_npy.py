"""Arrays of numbers as NumPy's own file format, NPY 1.0 to 3.0 (NumPy's NEP 1)."""

from __future__ import annotations

import io
import re
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import LONGEST_VALUE, InvalidValue, RequestError
from .base import Codec, Kind, Options
from .formats import Format

if TYPE_CHECKING:
    import numpy as np

_NUMBERS = re.compile("[<>|=]?(?:b1|[iu][1248]|f[248])")
_VERSIONS = {b"\1\0": 2, b"\2\0": 4, b"\3\0": 4}  # version → bytes of the header's length
_START = 8  # six of magic, two of version
_LONGEST_HEADER = 10_000  # NumPy's own limit for files that nobody vouches for


class ArrayNPY(Codec["np.ndarray"]):
    """Numbers only: no objects, which would be pickles, and no records."""

    kind = Kind.ARRAY
    format = Format.NPY
    requires: ClassVar = {"numpy": "numpy"}

    def decode(self, data: bytes, options: Options) -> np.ndarray:
        import numpy as np

        header, start = _header(data)
        shape, descr = header["shape"], header["descr"]
        if not isinstance(descr, str) or not _NUMBERS.fullmatch(descr):
            raise InvalidValue(
                f"an array holds numbers of 64 bits at most, not {str(descr)[:LONGEST_VALUE]}"
            )
        dtype = np.dtype(descr)
        if prod(shape) * dtype.itemsize != len(data) - start:  # before anything is made of it
            raise RequestError("this .npy file is longer or shorter than its header says")
        try:
            flat = np.frombuffer(data, dtype, offset=start) if start < len(data) else np.empty(0)
            array = flat.reshape(shape, order="F" if header["fortran_order"] else "C")
        except ValueError:  # more dimensions than there can be, or zero times too many
            raise RequestError("this .npy file has a shape that no array can have") from None
        return array.astype(dtype.newbyteorder("="))  # a copy, which the function may change

    def encode(self, value: np.ndarray, options: Options) -> bytes:
        import numpy as np

        buffer = io.BytesIO()
        np.save(buffer, value, allow_pickle=False)
        return buffer.getvalue()


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """Return the header and where the numbers begin; RequestError if it is damaged."""
    size = _VERSIONS.get(data[6:_START])
    if not data.startswith(b"\x93NUMPY") or size is None:
        raise RequestError("this is not a .npy file")
    end = _START + size + int.from_bytes(data[_START : _START + size], "little")
    header = _literal(data[_START + size : end]) if end <= _LONGEST_HEADER else None
    if not isinstance(header, dict) or header.keys() != {"descr", "fortran_order", "shape"}:
        raise RequestError("this .npy file has a header that cannot be read")
    shape = header["shape"]
    if not isinstance(shape, tuple) or not all(type(one) is int and one >= 0 for one in shape):
        raise RequestError("this .npy file has a shape that no array can have")
    return header, end


def _literal(text: bytes) -> Any:
    import ast

    try:
        return ast.literal_eval(text.decode().strip())
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
