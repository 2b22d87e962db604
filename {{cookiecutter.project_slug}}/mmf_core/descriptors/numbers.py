"""Whole numbers and floats, optionally with bounds."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf, nan
from typing import Any, ClassVar, TypeVar

from ..codecs import (
    MAX_EXACT_FLOAT,
    any_number,
    max_exact_float,
    python_value,
    real_number,
    whole_number,
)
from ..errors import DescriptorError, InvalidValue, quoted
from .bounds import bounds_schema, with_bounds
from .scalars import Scalar

N = TypeVar("N", bound=float)
_MIN, _MAX = -(2**63), 2**64 - 1
"""The range of whole numbers that the JSON encoder, NumPy and other protocols can hold."""


@dataclass(kw_only=True, eq=False)
class Number(Scalar[N]):
    """A number.

    - `ge`, `le`: the lowest and the highest allowed value.
    """

    ge: N | None = None
    le: N | None = None

    def __post_init__(self) -> None:
        if self.choices is not None and self._bounds():
            raise DescriptorError("choices= and ge= or le= exclude each other: remove one")
        try:
            for name, bound in self._bounds().items():
                setattr(self, name, self.convert(bound))
        except (TypeError, ValueError, OverflowError):
            raise DescriptorError(
                f"ge={self.ge!r}, le={self.le!r}: expected {self.type_label} each"
            ) from None
        if self.ge is not None and self.le is not None and not self.ge <= self.le:
            raise DescriptorError(f"ge={self.ge!r} is above le={self.le!r}")
        super().__post_init__()

    def allows(self, value: N) -> bool:
        is_high_enough = self.ge is None or value >= self.ge
        is_low_enough = self.le is None or value <= self.le
        return is_high_enough and is_low_enough and super().allows(value)

    @property
    def expected(self) -> str:
        return with_bounds(super().expected, self._bounds())

    def guess(self) -> Any:
        example = super().guess()
        return example if self.allows(example) else next(iter(self._bounds().values()))

    @property
    def example_is_valid(self) -> bool:
        return bool(self._bounds()) or super().example_is_valid

    def json_schema(self) -> dict[str, Any]:
        return {**super().json_schema(), **bounds_schema(self._bounds())}

    def meta(self) -> dict[str, Any]:
        return {**super().meta(), **self._bounds()}

    def _bounds(self) -> dict[str, N]:
        bounds = {"ge": self.ge, "le": self.le}
        return {name: bound for name, bound in bounds.items() if bound is not None}


class Integer(Number[int]):
    """A whole number of at most 64 bits: `int`; 3.0 is accepted, 3.5 and true are not.

    A float of `2**53` or more, of `2**24` if it has 32 bits, is not accepted: other whole numbers
    may have been rounded to it (name from MMF).

    >>> mmf.Integer(ge=1, le=5).validate("3")
    3
    """

    type_label = "a whole number"
    example_value = 1
    schema: ClassVar = {"type": "integer", "minimum": _MIN, "maximum": _MAX}

    def parse(self, text: str) -> int:
        number = whole_number(text)
        if number is None:
            raise OverflowError if isinstance(any_number(text), int) else ValueError
        return number

    def convert(self, value: Any) -> int:
        limit = max_exact_float(value) if _is_numpy_float(value) else MAX_EXACT_FLOAT
        value = python_value(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise TypeError
        if not _MIN <= value <= _MAX:
            raise OverflowError
        if isinstance(value, float) and abs(value) >= limit:
            raise TypeError
        return int(value)


@dataclass(kw_only=True, eq=False)
class Float(Number[float]):
    """A number: `float`; null is NaN (name from MMF).

    - `finite`: with False, infinity is accepted in a request. A result may be infinite, which JSON
      writes as null.

    >>> mmf.Float(ge=0, le=1).validate("1.5")
    Traceback (most recent call last):
        ...
    mmf_core.errors.InvalidValue: expected a number >= 0.0 and <= 1.0, got "1.5"
    """

    finite: bool = True

    type_label = "a number"
    example_value = 0.5
    schema: ClassVar = {"type": "number"}

    def json_schema(self) -> dict[str, Any]:
        schema = super().json_schema()
        return schema | ({"type": ["number", "null"]} if self.allows(nan) else {})

    @property
    def example_is_valid(self) -> bool:
        return True

    def validate(self, value: Any) -> float:
        number = super().validate(value)
        if self.finite and isinf(number):
            raise InvalidValue(f"expected a finite number, got {quoted(value)}")
        return number

    def parse(self, text: str) -> float:
        number = nan if text.strip().lower() == "nan" else real_number(text)
        if number is None:
            raise ValueError
        return number

    def convert(self, value: Any) -> float:
        value = python_value(value)
        if value is None:
            return nan
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError
        return float(value)


def _is_numpy_float(value: Any) -> bool:
    return getattr(getattr(value, "dtype", None), "kind", "") == "f"
