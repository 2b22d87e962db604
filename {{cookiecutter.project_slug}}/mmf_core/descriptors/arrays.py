"""NumPy arrays of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any, ClassVar

from ..codecs import Kind, exact_array, max_exact_float, plain, unmasked
from ..errors import MAX_ERRORS, DescriptorError, ErrorDetail, InvalidValue
from .base import Descriptor
from .json_schemas import NUMBER, lists, numbers, records

if TYPE_CHECKING:
    import numpy as np

ANY_LENGTH = (None, -1)


@dataclass(kw_only=True, eq=False)
class Array(Descriptor["np.ndarray"]):
    """An array of numbers, such as (objects, features): `numpy.ndarray`.

    - `shape`: the length of each axis; None or -1 stands for any length.
    - `dtype`: the type that numbers are converted to; only precision may be lost.
    - `columns`: names of the features: records and CSV with a header are sorted into that order,
      as finite (objects, features) of float64 unless `dtype` is another type.
    - `finite`: with False, infinity is accepted in a request.

    >>> mmf.Array(columns=["age", "weight"]).plain_example
    [{'age': 0.5, 'weight': 0.5}]
    >>> mmf.Array(shape=(None, 2)).validate([[1, 2, 3]])
    Traceback (most recent call last):
        ...
    mmf_core.errors.InvalidValue: expected an array of shape (any, 2), got (1, 3)
    """

    shape: Sequence[int | None] | None = None
    dtype: Any = None
    columns: Sequence[str] | None = None
    finite: bool = True

    kind: ClassVar[Kind] = Kind.ARRAY

    def __post_init__(self) -> None:
        if self.columns is not None:
            self._check_columns(self.columns)
            self.shape = (None, len(self.columns))
            self.dtype = "float64" if self.dtype is None else self.dtype
        if self.shape is not None:
            self.shape = tuple(map(_length, self.shape))
        if self.dtype is not None:
            self.dtype = _dtype(self.dtype)
        self._options: dict[str, Any] = {}
        if self.columns is not None:
            self._options["columns"] = tuple(self.columns)
        if self.dtype is not None and self.dtype.kind == "f":
            self._options["floats"] = True
        super().__post_init__()

    @property
    def options(self) -> dict[str, Any]:
        return self._options

    @property
    def is_homogeneous(self) -> bool:
        return self.columns is not None

    def validate(self, value: Any) -> np.ndarray:
        array = self._numbers(value, is_result=False)
        if self.shape is not None and not array.size:
            raise InvalidValue("the array is empty; send at least one row")
        if array.dtype.kind == "f":
            self._check_finite(array)
        return array

    def to_output(self, result: Any) -> np.ndarray:
        return self._numbers(result, is_result=True)

    def to_plain(self, example: Any) -> Any:
        return plain(example.reset_index(drop=True) if hasattr(example, "columns") else example)

    def guess(self) -> Any:
        if self.columns is not None:
            return [dict.fromkeys(self.columns, 0.5)]
        if self.shape is None:
            return [[1.5, 2.0], [3.0, 4.5]]
        example: Any = 1
        for length in reversed(self.shape):
            example = [example] * (length or 1)
        return example

    def json_schema(self) -> dict[str, Any]:
        """Return the schema of nested lists; with `columns` also of records."""
        if self.columns is None:
            return lists(numbers(self.dtype), self.shape, min_length=1)
        rows = lists(NUMBER, self.shape, min_length=1)
        return {"anyOf": [records(dict.fromkeys(self.columns, NUMBER)), rows]}

    def output_schema(self) -> dict[str, Any]:
        if self.shape is None:
            return {"type": ["array", "number", "boolean", "null"]}
        return lists(numbers(self.dtype), self.shape, min_length=0)

    @property
    def example_is_valid(self) -> bool:
        return self.shape is not None

    def meta(self) -> dict[str, Any]:
        return {
            **super().meta(),
            "shape": None if self.shape is None else list(self.shape),
            "dtype": None if self.dtype is None else str(self.dtype),
            "columns": None if self.columns is None else list(self.columns),
        }

    def _check_columns(self, columns: Sequence[str]) -> None:
        names = [] if isinstance(columns, str) else list(columns)
        is_named = bool(names) and all(isinstance(name, str) for name in names)
        if not is_named or len(set(names)) < len(names):
            raise DescriptorError(f"columns={columns!r}: expected a list of distinct names")
        if self.shape is not None and tuple(map(_length, self.shape)) != (None, len(names)):
            raise DescriptorError(
                f"shape={self.shape!r} contradicts columns=; remove shape=, columns= implies it"
            )

    def _numbers(self, value: Any, *, is_result: bool) -> np.ndarray:
        import numpy as np

        array = value if type(value) is np.ndarray else self._exact(value)
        if array.dtype.kind not in "biuf":
            raise InvalidValue(f"expected numbers, got {array.dtype}")
        if self.shape is not None and array.size:
            self._check_shape(array.shape)
        if self.dtype is not None and array.dtype != self.dtype:
            array = _converted(array, self.dtype, is_result=is_result)
        return array

    def _exact(self, value: Any) -> np.ndarray:
        """Return an array of anything else, of which NumPy may make floats that lose digits."""
        import numpy as np

        cells = unmasked(value)
        try:
            array = np.asarray(cells, np.float64 if cells is not value else None)
        except ValueError:
            raise InvalidValue("expected an array, got lists of different lengths") from None
        if array.dtype.kind != "f" or (self.dtype is not None and self.dtype.kind == "f"):
            return array
        is_pandas = hasattr(cells, "iloc")
        return exact_array(
            array, lambda: np.array(cells.astype(object) if is_pandas else cells, object).flat
        )

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        expected = self.shape or ()
        if len(shape) != len(expected) or any(
            length not in {None, received} for length, received in zip(expected, shape, strict=True)
        ):
            lengths = ", ".join("any" if length is None else str(length) for length in expected)
            raise InvalidValue(f"expected an array of shape ({lengths}), got {shape}")

    def _check_finite(self, array: np.ndarray) -> None:
        import numpy as np

        if np.isfinite(array).all():
            return
        is_invalid = np.isnan(array) if self.columns is not None else np.zeros(array.shape, bool)
        if self.finite:
            is_invalid |= np.isinf(array)
        if count := np.count_nonzero(is_invalid):
            first = np.flatnonzero(is_invalid)[:MAX_ERRORS]
            places = [np.unravel_index(index, is_invalid.shape) for index in first.tolist()]
            raise InvalidValue(
                f"cells that are empty or infinite: {count}",
                [self._error(array, [*map(int, place)]) for place in places],
            )

    def _error(self, array: np.ndarray, place: list[int]) -> ErrorDetail:
        message = f"expected a finite number, got {_gap_label(array[tuple(place)])}"
        row, axes = (place[0], place[1:]) if place else (None, [])
        name = ", ".join(map(str, axes)) if self.columns is None else self.columns[axes[0]]
        return ErrorDetail(message, row=row, column=name or None)


def _gap_label(value: float) -> str:
    return "an empty cell" if isnan(value) else "infinity"


def _length(length: Any) -> int | None:
    if length in ANY_LENGTH:
        return None
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        raise DescriptorError(f"shape: length {length!r}: expected 1 or more, or None for any")
    return length


def _dtype(dtype: Any) -> np.dtype[Any]:
    import numpy as np

    try:
        parsed: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        parsed = np.dtype(object)
    if parsed.kind not in "biuf":
        raise DescriptorError(f"dtype={dtype!r}: expected a type of numbers")
    return parsed


def _converted(array: np.ndarray, dtype: np.dtype[Any], *, is_result: bool) -> np.ndarray:
    """Return numbers as another type; InvalidValue if it cannot hold one of them.

    Large floats are not whole numbers, unless they are a result: they may stand for others.
    """
    import numpy as np

    with np.errstate(invalid="ignore", over="ignore"):
        converted = array.astype(dtype)
        overflows = np.isinf(converted) & np.isfinite(array)
        misfits = overflows if dtype.kind == "f" else converted != array
        if array.dtype.kind == "f" and dtype.kind in "iu" and not is_result:
            misfits |= np.abs(array) >= max_exact_float(array.dtype)
    if misfits.any():
        value = array[misfits].flat[0].item()
        raise InvalidValue(f"expected numbers that fit into {dtype}, got {value}")
    return converted
