"""NumPy arrays of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..codecs import Kind
from ..errors import MAX_ERRORS, DescriptorError, ErrorDetail, InvalidValue
from .base import Descriptor
from .json_schemas import NUMBER, lists, numbers, records

if TYPE_CHECKING:
    import numpy as np

ANY = (None, -1)


@dataclass(kw_only=True, eq=False)
class Array(Descriptor["np.ndarray"]):
    """An array of numbers, such as (objects, features).

    `shape` has None or -1 where any length will do; `dtype` is what the numbers become, if nothing
    but digits is lost. `columns` names the features: records and CSV with a header are put in that
    order, as (objects, features) of float64 unless `dtype` says otherwise, all of them finite.
    """

    shape: Sequence[int | None] | None = None
    dtype: Any = None
    columns: Sequence[str] | None = None

    kind: ClassVar[Kind] = Kind.ARRAY

    def __post_init__(self) -> None:
        if self.columns is not None:
            self._check_columns(self.columns)
            self.shape = (None, len(self.columns))
            self.dtype = "float64" if self.dtype is None else self.dtype
        if self.shape is not None:
            self.shape = tuple(_length(one) for one in self.shape)
        if self.dtype is not None:
            self.dtype = _dtype(self.dtype)
        self._options = {} if self.columns is None else {"columns": tuple(self.columns)}
        super().__post_init__()

    @property
    def options(self) -> dict[str, Any]:
        return self._options

    @property
    def is_homogeneous(self) -> bool:
        return self.columns is not None

    def validate(self, value: Any) -> np.ndarray:
        array = self._numbers(value)
        if self.shape is not None and not array.size:
            raise InvalidValue("this array is empty; send one row at least")
        if self.columns is not None:
            self._refuse_gaps(array)
        return array

    def to_output(self, result: Any) -> np.ndarray:
        return self._numbers(result)

    def rows(self, value: Any) -> int | None:
        return len(value) if value.ndim else None

    def example(self) -> Any:
        if self.columns is not None:
            return [dict.fromkeys(self.columns, 0.5)]
        if self.shape is None:
            return [[1.5, 2.0], [3.0, 4.5]]
        example: Any = 1
        for length in reversed(self.shape):
            example = [example] * (length or 1)
        return example

    def json_schema(self) -> dict[str, Any]:
        """Return nested lists; with `columns` also records."""
        if self.columns is None:
            return lists(numbers(self.dtype), self.shape, least=1)
        rows = lists(NUMBER, self.shape, least=1)
        return {"anyOf": [records(dict.fromkeys(self.columns, NUMBER)), rows]}

    def answer_schema(self) -> dict[str, Any]:
        if self.shape is None:
            return {"type": ["array", "number", "boolean", "null"]}
        return lists(numbers(self.dtype), self.shape, least=0)

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
            raise DescriptorError(f"columns={columns!r}: give a list of different names")
        if self.shape is not None and tuple(_length(one) for one in self.shape) != (
            None,
            len(names),
        ):
            raise DescriptorError(f"shape={self.shape!r}: columns= says it already, leave it out")

    def _numbers(self, value: Any) -> np.ndarray:
        import numpy as np

        try:
            array = np.asarray(value)
        except ValueError:
            raise InvalidValue("an array cannot be made of lists of different lengths") from None
        if array.dtype.kind not in "biuf":
            raise InvalidValue(f"numbers are wanted, not {array.dtype}")
        if self.shape is not None and array.size:
            self._refuse_shape(array.shape)
        if self.dtype is not None and array.dtype != self.dtype:
            array = _converted(array, self.dtype)
        return array

    def _refuse_shape(self, shape: tuple[int, ...]) -> None:
        wanted = self.shape or ()
        if len(shape) != len(wanted) or any(
            length not in {None, given} for length, given in zip(wanted, shape, strict=True)
        ):
            lengths = ", ".join("any" if length is None else str(length) for length in wanted)
            raise InvalidValue(f"an array of shape ({lengths}) is wanted, not {shape}")

    def _refuse_gaps(self, array: np.ndarray) -> None:
        import numpy as np

        finite = np.isfinite(array)
        if finite.all():
            return
        places = np.argwhere(~finite)
        raise InvalidValue(
            f"cells that are empty or infinite where a number is needed: {len(places)}",
            [
                ErrorDetail(
                    "is empty or infinite where a number is needed",
                    row=int(row),
                    column=(self.columns or ())[column],
                )
                for row, column in places[:MAX_ERRORS]
            ],
        )


def _length(length: Any) -> int | None:
    if length in ANY:
        return None
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        raise DescriptorError(f"shape: {length!r} is no length; give 1 or more, or None for any")
    return length


def _dtype(dtype: Any) -> np.dtype[Any]:
    import numpy as np

    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if found.kind not in "biuf":
        raise DescriptorError(f"dtype={dtype!r} is no type of numbers")
    return found


def _converted(array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Return numbers as another type; InvalidValue where one has no place in it."""
    import numpy as np

    with np.errstate(invalid="ignore", over="ignore"):
        converted = array.astype(dtype)
        grown = np.isinf(converted) & np.isfinite(array)
        lost = grown if dtype.kind == "f" else converted != array
    if lost.any():
        value = array[lost].flat[0].item()
        raise InvalidValue(f"{value} cannot be a number of type {dtype}")
    return converted
