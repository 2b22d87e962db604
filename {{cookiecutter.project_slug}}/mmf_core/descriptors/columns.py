"""One column of a schema: its type and the values that it allows."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from functools import cached_property
from math import inf, nextafter
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from ..codecs import NumberFormat
from ..errors import DescriptorError, ErrorDetail, InvalidValue, quoted
from .bounds import bounds_schema, with_bounds
from .column_types import TYPES
from .json_schemas import to_json, with_choices

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_IS_OUTSIDE = {"ge": operator.lt, "gt": operator.le, "le": operator.gt, "lt": operator.ge}
_ORDERED = {int, float, datetime}
_POINT = NumberFormat()
_MAX_SHOWN = 10  # choices in a message
_MAX_LISTED = 1_000  # choices in a description


@dataclass(kw_only=True, repr=False)
class Column:
    """A column of a table's `schema=`, with more than its type.

    - `type`: `str`, `int`, `float`, `bool` or `datetime`, with `| None` if cells may be empty.
    - `ge`, `gt`, `le`, `lt`: bounds of numbers and dates: at least, above, at most, below.
    - `choices`: all allowed values.
    - `category`: with True, the column is a pandas category of these choices, in this order.
    - `finite`: with False, infinity is a number like any other.

    DescriptorError if the declaration contradicts itself.

    >>> mmf.DataFrame(schema={"age": mmf.Column(int, ge=0, le=120)}).validate([{"age": -1}])
    Traceback (most recent call last):
        ...
    mmf_core.errors.InvalidValue: 1 cell does not match the schema
    """

    type: Any = field(kw_only=False)
    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    choices: Any = None
    category: bool = False
    finite: bool = True

    def __post_init__(self) -> None:
        self.kind, self.nullable = _parse(self.type)
        for name, bound in self.bounds.items():
            self._check_value(bound, name)
        if self.bounds and self.kind not in _ORDERED:
            raise DescriptorError(
                f"{', '.join(self.bounds)}: a {self.kind.__name__} column has no bounds"
            )
        if not self.finite and self.kind is not float:
            raise DescriptorError(f"finite=False: a {self.kind.__name__} column has no infinity")
        if not self._allows_any():
            raise DescriptorError(f"no value is {self.type_label}")
        if self.choices is not None:
            self._check_choices()
        elif self.category:
            raise DescriptorError("category=True needs choices=")

    @property
    def bounds(self) -> dict[str, Any]:
        """The declared bounds by name."""
        values = {name: getattr(self, name) for name in _IS_OUTSIDE}
        return {name: bound for name, bound in values.items() if bound is not None}

    @property
    def is_limited(self) -> bool:
        """Whether there are bounds or choices to check."""
        return bool(self.bounds) or self.choices is not None

    @cached_property
    def unlimited(self) -> Column:
        """A column of the same type, with any value."""
        return Column(self.type, finite=self.finite) if self.is_limited else self

    @property
    def plain(self) -> Any:
        """What declares this column: only its type if that is all."""
        if not self.is_limited and self.finite:
            return self.type
        return Column(**{field.name: getattr(self, field.name) for field in fields(Column)})

    @property
    def is_optional(self) -> bool:
        """Whether a protocol that knows optional columns may leave this one out."""
        return self.nullable

    @property
    def type_label(self) -> str:
        """What a cell must be, for messages: `a number >= 0 and <= 14`."""
        if self.choices is not None:
            more = ", …" * (len(self.choices) > _MAX_SHOWN)
            return f"one of {', '.join(map(quoted, self.choices[:_MAX_SHOWN]))}{more}"
        return with_bounds(TYPES[self.kind].type_label, self.bounds)

    @property
    def interval(self) -> tuple[float, float]:
        """The lowest and the highest float within the bounds."""
        lows = [-inf, *_declared(self.ge), *(nextafter(bound, inf) for bound in _declared(self.gt))]
        highs = [
            inf,
            *_declared(self.le),
            *(nextafter(bound, -inf) for bound in _declared(self.lt)),
        ]
        return float(max(lows)), float(min(highs))

    def convert(
        self, cells: pd.Series[Any], number_format: NumberFormat = _POINT
    ) -> tuple[pd.Series[Any], np.ndarray[Any, Any]]:
        """Return a column's cells in its type, and a mask of those that do not fit.

        If none does not fit, the type depends on the declaration only, and on the dates' offset.
        """
        import numpy as np
        import pandas as pd

        if isinstance(cells.dtype, pd.CategoricalDtype):
            cells = cells.astype(object)
        type_ = TYPES[self.kind]
        column = type_.convert(cells, number_format)
        misfits = column.isna().to_numpy()
        if self.nullable:
            misfits = misfits & cells.notna().to_numpy()
        if self.kind is float and self.finite:
            misfits = misfits | np.isinf(column.to_numpy())
        if self.is_limited:
            misfits = misfits | self._outside(column)
        if misfits.any():
            return column, misfits
        dtype = self._category if self.category else type_.dtype
        if self.nullable and not self.category:
            dtype = type_.nullable
        return column if dtype is None or column.dtype == dtype else column.astype(dtype), misfits

    def explain(self, cell: Any, number_format: NumberFormat = _POINT) -> str:
        """Return the error message for a cell that does not fit; None is an empty one."""
        if cell is None:
            return f"expected {self.type_label}, got an empty cell"
        hint = TYPES[self.kind].hint(cell, number_format)
        return f"expected {self.type_label}, got {quoted(cell)}{hint and f'; {hint}'}"

    def example(self) -> Any:
        """Return a plausible value, ready for JSON."""
        return to_json(self.choices[0] if self.choices else self._allowed_value())

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of a cell."""
        schema = {**TYPES[self.kind].schema, **bounds_schema(self.bounds)}
        if self.kind is datetime and self.bounds:
            schema["description"] = self.type_label
        if not self._is_listed:
            schema["description"] = self.type_label
        choices = self.choices if self._is_listed else None
        return with_choices(schema, choices, nullable=self.nullable)

    @property
    def summary(self) -> str:
        """Like `repr`, without choices too many to list."""
        if self._is_listed:
            return repr(self)
        first = replace(self, choices=self.choices[:_MAX_SHOWN])
        return f"{first!r} and {len(self.choices) - _MAX_SHOWN:,} more choices"

    @property
    def _is_listed(self) -> bool:
        """Whether descriptions list all choices."""
        return self.choices is None or len(self.choices) <= _MAX_LISTED

    def _are_choices(self, column: pd.Series[Any]) -> Any:
        if self.kind is str:
            return self._texts.get_indexer(column) >= 0
        return column.isin(self.choices)

    @cached_property
    def _texts(self) -> Any:
        """The choices as an index, which is built once: there may be very many."""
        import pandas as pd

        return pd.Index(self.choices, dtype="str")

    @cached_property
    def _category(self) -> pd.CategoricalDtype:
        import pandas as pd

        return pd.CategoricalDtype(self.choices)

    def __repr__(self) -> str:
        """Return Python that declares this column, given `mmf` and `datetime`."""
        type_ = self.kind.__name__ + " | None" * self.nullable
        if not self.is_limited and self.finite:
            return type_
        arguments = [type_, *(f"{name}={_literal(bound)}" for name, bound in self.bounds.items())]
        if self.choices is not None:
            arguments.append(f"choices=[{', '.join(map(_literal, self.choices))}]")
        arguments += ["category=True"] * self.category + ["finite=False"] * (not self.finite)
        return f"mmf.Column({', '.join(arguments)})"

    def _outside(self, column: pd.Series[Any]) -> Any:
        """Return a mask of the values that are not allowed; empty cells are."""
        outside = column.notna() & False
        try:
            for name, bound in self.bounds.items():
                outside |= _IS_OUTSIDE[name](column, bound)
        except TypeError:  # only one of column and bound has a UTC offset
            message = f"expected {self.type_label}, with a UTC offset only if the bound has one"
            raise InvalidValue(message, [ErrorDetail(message, column=str(column.name))]) from None
        if self.choices is not None:
            outside |= column.notna() & ~self._are_choices(column)
        return outside.to_numpy(dtype=bool, na_value=False)

    def _allowed_value(self) -> Any:
        example, step = TYPES[self.kind].example, timedelta(1) if self.kind is datetime else 1
        if not self.bounds or (self.kind is not datetime and self._allows(example)):
            return example
        if self.ge is not None or self.le is not None:
            return self.le if self.ge is None else self.ge
        if self.gt is None:
            return self.lt - step
        has_middle = self.lt is not None and self.kind is not int
        return self.gt + ((self.lt - self.gt) / 2 if has_middle else step)

    def _allows_any(self) -> bool:
        lows = [*_declared(self.ge), *_declared(self.gt)]
        highs = [*_declared(self.le), *_declared(self.lt)]
        if not (lows and highs):
            return True
        is_open = self.gt is not None or self.lt is not None
        return bool(max(lows) < min(highs) if is_open else max(lows) <= min(highs))

    def _allows(self, value: Any) -> bool:
        return not any(_IS_OUTSIDE[name](value, bound) for name, bound in self.bounds.items())

    def _check_choices(self) -> None:
        choices = tuple(self.choices)
        if not choices or len(set(choices)) < len(choices):
            raise DescriptorError(f"choices={self.choices!r}: expected a list of distinct values")
        for choice in choices:
            self._check_value(choice, "choices")
        self.choices = choices

    def _check_value(self, value: Any, name: str) -> None:
        types = (int, float) if self.kind is float else self.kind
        is_bool = isinstance(value, bool) and self.kind is not bool
        if not isinstance(value, types) or is_bool or value != value:  # noqa: PLR0124 - NaN
            raise DescriptorError(f"{name}={value!r}: expected {TYPES[self.kind].type_label}")


def _parse(declared: Any) -> tuple[type, bool]:
    parts = set(get_args(declared)) if get_origin(declared) in {Union, UnionType} else {declared}
    kinds = parts - {NoneType}
    if len(kinds) != 1 or not kinds <= TYPES.keys():
        names = ", ".join(kind.__name__ for kind in TYPES)
        raise DescriptorError(f"{declared!r}: expected one of {names}, optionally with | None")
    return kinds.pop(), NoneType in parts


def _declared(bound: Any) -> list[Any]:
    return [] if bound is None else [bound]


def _literal(value: Any) -> str:
    return (
        f"datetime.fromisoformat({value.isoformat()!r})"
        if isinstance(value, datetime)
        else repr(value)
    )
