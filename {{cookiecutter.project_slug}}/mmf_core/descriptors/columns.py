"""One column of a schema: its type, and what its values may be."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf, nextafter
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from ..errors import DescriptorError, ErrorDetail, InvalidValue
from .column_types import TYPES
from .json_schemas import chosen, limits, plain

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# The names are those of Python's operators; the operator says which values are outside.
_OUTSIDE = {"ge": operator.lt, "gt": operator.le, "le": operator.gt, "lt": operator.ge}
_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_ORDERED = {int, float, datetime}
_MAX_SHOWN = 10  # choices in a message


@dataclass(kw_only=True, repr=False)
class Column:
    """A column with bounds or choices, where its type alone says too little.

    `ge`, `gt`, `le`, `lt` bound numbers and dates; `choices` are all the values that there are.
    With `category=True` the column is a pandas category of these choices, in this order.
    DescriptorError says what cannot be.
    """

    type: Any = field(kw_only=False)
    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    choices: Any = None
    category: bool = False

    def __post_init__(self) -> None:
        self.kind, self.nullable = _parse(self.type)
        for name, bound in self.bounds.items():
            self._check_value(bound, name)
        if self.bounds and self.kind not in _ORDERED:
            raise DescriptorError(f"a {self.kind.__name__} has no {', '.join(self.bounds)}")
        if not self._allows_any():
            raise DescriptorError(f"no value is {self.type_label}")
        if self.choices is not None:
            self._check_choices()
        elif self.category:
            raise DescriptorError("category=True needs choices=")

    @property
    def bounds(self) -> dict[str, Any]:
        """The bounds that there are, by their names."""
        return {name: getattr(self, name) for name in _OUTSIDE if getattr(self, name) is not None}

    @property
    def is_limited(self) -> bool:
        """Whether there is more to look at than the type."""
        return bool(self.bounds) or self.choices is not None

    @property
    def type_label(self) -> str:
        """What a cell is, for messages: `a number >= 0 and <= 14`."""
        if self.choices is not None:
            more = ", …" * (len(self.choices) > _MAX_SHOWN)
            return f"one of {', '.join(map(_literal, self.choices[:_MAX_SHOWN]))}{more}"
        limits = " and ".join(f"{_SIGNS[name]} {bound}" for name, bound in self.bounds.items())
        return f"{TYPES[self.kind].type_label} {limits}".rstrip()

    @property
    def interval(self) -> tuple[float, float]:
        """The least and the greatest float within the bounds."""
        least = [-inf, *_present(self.ge), *(nextafter(one, inf) for one in _present(self.gt))]
        most = [inf, *_present(self.le), *(nextafter(one, -inf) for one in _present(self.lt))]
        return float(max(least)), float(min(most))

    def convert(self, given: pd.Series[Any]) -> tuple[pd.Series[Any], np.ndarray[Any, Any]]:
        """Return a column's cells in its type, and which of them do not fit."""
        import pandas as pd

        if isinstance(given.dtype, pd.CategoricalDtype):
            given = given.astype(object)
        type_ = TYPES[self.kind]
        column = type_.convert(given)
        empty = column.isna()
        wrong = (empty & given.notna() if self.nullable else empty).to_numpy(dtype=bool)
        if self.is_limited:
            wrong = wrong | self._outside(column)
        if self.category and not wrong.any():
            return column.astype(pd.CategoricalDtype(self.choices)), wrong
        return column if type_.dtype is None or empty.any() else column.astype(type_.dtype), wrong

    def example(self) -> Any:
        """Return a plausible value, ready for JSON."""
        return plain(self.choices[0] if self.choices else self._between())

    def json_schema(self) -> dict[str, Any]:
        """Return what a cell is in JSON (JSON Schema 2020-12)."""
        schema = {**TYPES[self.kind].schema, **limits(self.bounds)}
        if self.kind is datetime and self.bounds:
            schema["description"] = self.type_label
        return chosen(schema, self.choices, nullable=self.nullable)

    def __repr__(self) -> str:
        """Return Python that declares this column, where `mmf` and `datetime` are imported."""
        declared = self.kind.__name__ + " | None" * self.nullable
        if not self.is_limited:
            return declared
        given = [declared, *(f"{name}={_literal(bound)}" for name, bound in self.bounds.items())]
        if self.choices is not None:
            given.append(f"choices=[{', '.join(map(_literal, self.choices))}]")
        return f"mmf.Column({', '.join(given + ['category=True'] * self.category)})"

    def _outside(self, column: pd.Series[Any]) -> Any:
        """Return which values are not allowed; empty cells are."""
        outside = column.notna() & False
        try:
            for name, bound in self.bounds.items():
                outside |= _OUTSIDE[name](column, bound)
        except TypeError:  # one has an offset from UTC, the other has none
            hint = f"expected {self.type_label}; all dates with an offset or all without one"
            raise InvalidValue(hint, [ErrorDetail(hint, column=str(column.name))]) from None
        if self.choices is not None:
            outside |= column.notna() & ~column.isin(self.choices)
        return outside.to_numpy(dtype=bool, na_value=False)

    def _between(self) -> Any:
        usual, step = TYPES[self.kind].example, timedelta(1) if self.kind is datetime else 1
        if not self.bounds or (self.kind is not datetime and self._allows(usual)):
            return usual
        if self.ge is not None or self.le is not None:
            return self.le if self.ge is None else self.ge
        if self.gt is None:
            return self.lt - step
        between = self.lt is not None and self.kind is not int
        return self.gt + ((self.lt - self.gt) / 2 if between else step)

    def _allows_any(self) -> bool:
        low = [one for one in (self.ge, self.gt) if one is not None]
        high = [one for one in (self.le, self.lt) if one is not None]
        if not (low and high):
            return True
        is_open = self.gt is not None or self.lt is not None
        return bool(max(low) < min(high) if is_open else max(low) <= min(high))

    def _allows(self, value: Any) -> bool:
        return not any(_OUTSIDE[name](value, bound) for name, bound in self.bounds.items())

    def _check_choices(self) -> None:
        choices = tuple(self.choices)
        if not choices or len(set(choices)) < len(choices):
            raise DescriptorError("choices= is a list of different values")
        for choice in choices:
            self._check_value(choice, "choices")
        self.choices = choices

    def _check_value(self, value: Any, name: str) -> None:
        wanted = (int, float) if self.kind is float else self.kind
        is_bool = isinstance(value, bool) and self.kind is not bool
        if not isinstance(value, wanted) or is_bool or value != value:  # noqa: PLR0124 - NaN
            raise DescriptorError(f"{name}={value!r} is not {TYPES[self.kind].type_label}")


def _parse(declared: Any) -> tuple[type, bool]:
    parts = set(get_args(declared)) if get_origin(declared) in {Union, UnionType} else {declared}
    kinds = parts - {NoneType}
    if len(kinds) != 1 or not kinds <= TYPES.keys():
        known = ", ".join(one.__name__ for one in TYPES)
        raise DescriptorError(f"{declared!r} is no type; it can be {known}, or one of them | None")
    return kinds.pop(), NoneType in parts


def _present(bound: Any) -> list[Any]:
    return [] if bound is None else [bound]


def _literal(value: Any) -> str:
    return (
        f"datetime.fromisoformat({value.isoformat()!r})"
        if isinstance(value, datetime)
        else repr(value)
    )
