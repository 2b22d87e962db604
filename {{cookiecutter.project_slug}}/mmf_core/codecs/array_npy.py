"""Arrays of numbers as NumPy's own file format, NPY 1.0 to 3.0 (NumPy's NEP 1)."""

from __future__ import annotations

import io
import re
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import LONGEST_VALUE, InvalidValue, RequestError
from .base import Codec, Kind, Options
from .decoded_size import check_shape
from .formats import Format

if TYPE_CHECKING:
    import numpy as np

_NUMBERS = re.compile("[<>|=]?(?:b1|[iu][1248]|f[248])")
_VERSIONS = {b"\1\0": 2, b"\2\0": 4, b"\3\0": 4}  # version → bytes of the header's length
_START = 8  # six of magic, two of version
_BAD_SHAPE = "this .npy file declares a shape that no array can have"
_LONGEST_HEADER = 10_000  # NumPy's own limit for untrusted files


class ArrayNPY(Codec["np.ndarray"]):
    """Numbers only: no records, and no objects, which would be pickles."""

    kind = Kind.ARRAY
    format = Format.NPY
    requires: ClassVar = {"numpy": "numpy"}

    def decode(self, data: bytes, options: Options) -> np.ndarray:
        import numpy as np

        header, start = _header(data)
        shape, descr = header["shape"], header["descr"]
        if not isinstance(descr, str) or not _NUMBERS.fullmatch(descr):
            raise InvalidValue(
                f"expected numbers of at most 64 bits, got {str(descr)[:LONGEST_VALUE]}"
            )
        check_shape(shape)
        dtype = np.dtype(descr)
        if prod(shape) * dtype.itemsize != len(data) - start:  # before anything is allocated
            raise RequestError("this .npy file is longer or shorter than its header declares")
        try:
            flat = np.frombuffer(data, dtype, offset=start) if start < len(data) else np.empty(0)
            array = flat.reshape(shape, order="F" if header["fortran_order"] else "C")
        except ValueError:  # too many dimensions, or zero times too many
            raise RequestError(_BAD_SHAPE) from None
        return array.astype(dtype.newbyteorder("="))  # a copy, which the function may change

    def encode(self, value: np.ndarray, options: Options) -> bytes:
        import numpy as np

        buffer = io.BytesIO()
        np.save(buffer, value, allow_pickle=False)
        return buffer.getvalue()


CODECS = (ArrayNPY(),)


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """Return the header and the offset of the numbers; RequestError if it is damaged."""
    size = _VERSIONS.get(data[6:_START])
    if not data.startswith(b"\x93NUMPY") or size is None:
        raise RequestError("expected a .npy file, got other data; write it with numpy.save")
    end = _START + size + int.from_bytes(data[_START : _START + size], "little")
    header = _literal(data[_START + size : end]) if end <= _LONGEST_HEADER else None
    if not isinstance(header, dict) or header.keys() != {"descr", "fortran_order", "shape"}:
        raise RequestError("this .npy file has a header that cannot be read")
    shape = header["shape"]
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise RequestError(_BAD_SHAPE)
    return header, end


def _literal(text: bytes) -> Any:
    import ast

    try:
        return ast.literal_eval(text.decode().strip(" \n"))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
