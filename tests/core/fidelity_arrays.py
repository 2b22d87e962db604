"""Possible contents of an array of numbers, and the outcomes of its round trip."""

from __future__ import annotations

from typing import Any

import numpy as np
from fidelity import NO, REFUSED, Kind, Outcome, of_bare, of_described
from hypothesis import strategies as st

import mmf_core as mmf


def _of(numbers: st.SearchStrategy[Any], dtype: Any, *always: Any) -> st.SearchStrategy[np.ndarray]:
    """Make arrays of two columns that contain `always`."""
    rows = st.lists(st.tuples(numbers, numbers), min_size=0 if always else 1, max_size=4)
    return rows.map(
        lambda drawn: np.array([*drawn, *((number, number) for number in always)], dtype)
    )


def _shaped(*shape: int) -> st.SearchStrategy[np.ndarray]:
    return st.floats(0.1, 0.9).map(lambda number: np.full(shape, number))


def _declared(value: np.ndarray) -> mmf.Array:
    return mmf.Array(dtype=value.dtype)


_FINITE = st.floats(allow_nan=False, allow_infinity=False).filter(bool)
_FLOAT32 = st.floats(allow_nan=False, allow_infinity=False, width=32)

KINDS = [
    Kind("floats, to the last bit", _of(_FINITE, "float64", 0.1 + 0.2), _declared),
    Kind("whole floats: 2.0", _of(st.sampled_from([1.0, 2.0]), "float64"), _declared),
    Kind("-0.0", _of(_FINITE, "float64", -0.0), _declared),
    Kind("NaN", _of(_FINITE, "float64", np.nan, 0.5), _declared),
    Kind("infinity", _of(_FINITE, "float64", np.inf, -np.inf, 0.5), _declared),
    Kind("`float32`", _of(_FLOAT32, "float32", 0.1), _declared),
    Kind("`float16`", _of(st.floats(0, 9, width=16), "float16", 0.1), _declared),
    Kind("whole numbers to 2^53", _of(st.integers(-(2**53), 2**53), "int64"), _declared),
    Kind("… beyond 2^53", _of(st.integers(2**53, 2**63 - 1), "int64", 2**53 + 1), _declared),
    Kind("… beyond 2^63", _of(st.integers(0, 2**64 - 1), "uint64", 2**64 - 1), _declared),
    Kind("small integers (`int8`)", _of(st.integers(-128, 127), "int8"), _declared),
    Kind("true and false", _of(st.booleans(), "bool"), _declared),
    Kind("a single number", _shaped(), _declared),
    Kind("one dimension", _shaped(3), _declared),
    Kind("three dimensions", _shaped(2, 2, 2), _declared),
    Kind("no rows", _shaped(0, 2), _declared),
    Kind("by columns (Fortran's order)", _shaped(2, 3).map(np.asfortranarray), _declared),
    Kind("big-endian", _of(_FINITE, ">f8"), _declared),
]


def _same(received: np.ndarray, sent: np.ndarray) -> bool:
    return received.dtype == sent.dtype.newbyteorder("=") and _equal(received, sent)


def _equal(received: np.ndarray, sent: np.ndarray) -> bool:
    """Compare exactly, as Python does: 2**53 + 1 is not a float."""
    signs = (
        received.dtype.kind != "f"
        or sent.dtype.kind != "f"
        or bool(np.array_equal(np.signbit(received), np.signbit(sent)))
    )
    return (
        received.shape == sent.shape
        and signs
        and all(
            left == right or (left != left and right != right)  # noqa: PLR0124 - NaN
            for left, right in zip(received.ravel().tolist(), sent.ravel().tolist(), strict=True)
        )
    )


def _rounded(received: np.ndarray, sent: np.ndarray) -> bool:
    return received.shape == sent.shape and np.allclose(received, sent, rtol=1e-15, atol=0)


def _as_column(received: np.ndarray, sent: np.ndarray) -> bool:
    return _equal(received, sent.reshape(-1, 1))


def _as_null(received: np.ndarray, sent: np.ndarray) -> bool:
    return _equal(received, np.where(np.isinf(sent), np.nan, sent))


OUTCOMES = (
    Outcome("yes", "the same numbers, bit for bit, in the same dtype and shape", of_bare(_same)),
    Outcome("dtype", "the same, if `dtype=` declares it", of_described(_same)),
    Outcome("values", "the same numbers in another dtype", of_bare(_equal)),
    Outcome("column", "the same numbers as one column", of_bare(_as_column)),
    Outcome("rounded", "numbers to 15 digits", of_bare(_rounded)),
    Outcome("NaN", "NaN for infinity", of_bare(_as_null)),
    REFUSED,
    NO,
)
