"""One column of a schema: its type and the values that it allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..codecs import NumberFormat
from ..errors import DescriptorError, ErrorDetail, InvalidValue, quoted
from .bounds import (
    IS_OUTSIDE,
    MAX_SHOWN,
    allow_any,
    allows,
    bounds_schema,
    is_infinite,
    narrowest,
    one_of,
    value_within,
    with_bounds,
)
from .column_types import type_of
from .declarations import python_of
from .declared_types import parse_type
from .json_schemas import described, to_json, with_choices
from .row_relations import check_declared, with_relations
from .zones import zone_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_ORDERED = {int, float, date, datetime}
_MOMENTS = {date, datetime}
_SUBCLASSES = {int: bool, float: bool, date: datetime}  # whose values are not of the type itself
_POINT = NumberFormat()
_MAX_LISTED = 1_000  # choices in a description


@dataclass(kw_only=True, repr=False)
class Column:
    """A column of a table's `schema=`, with more than its type.

    - `type`: `str`, `int`, `float`, `bool`, `date` or `datetime`, with `| None` if cells may be
      empty; or a dtype, or its name, such as `"float32"`, which is what the function gets.
    - `ge`, `gt`, `le`, `lt`: bounds of numbers and dates: at least, above, at most, below.
    - `choices`: all allowed values.
    - `category`: with True, the column is a pandas category of these choices, in this order.
    - `finite`: with False, infinity is a number like any other.
    - `tz`: the zone of dates with times, as in `Datetime`.
    - `description`: a text for people.
    - `unique`: with True, no two rows may have the same value, but for empty cells.
    - `monotonic`: `"increasing"` or `"decreasing"`: no value is below, or above, the one before.
    - `private`: with True, the payload log has no value of it: it is masked, or hashed.

    DescriptorError if the declaration contradicts itself.

    >>> mmf.DataFrame(schema={"age": mmf.Column(int, ge=0, le=120)}).validate([{"age": -1}])
    Traceback (most recent call last):
        ...
    mmf_core.errors.InvalidValue: 1 cell does not match the schema
    >>> moments = mmf.DataFrame(schema={"at": mmf.Column("datetime", tz="Europe/Berlin")})
    >>> moments.validate([{"at": "2026-07-01T12:00:00"}]).dtypes["at"]
    datetime64[us, Europe/Berlin]
    """

    type: Any = field(kw_only=False)
    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    choices: Any = None
    category: bool = False
    finite: bool = True
    tz: str | None = None
    unique: bool = False
    monotonic: str | None = None
    description: str = ""
    private: bool = False

    def __post_init__(self) -> None:
        declared = parse_type(self.type, self.choices)
        self.kind, self.nullable, self.dtype = declared.kind, declared.nullable, declared.dtype
        self.tz = declared.tz if self.tz is None else self.tz
        self.category = self.category or declared.choices is not None
        self.choices = declared.choices if self.choices is None else self.choices
        self._zone = zone_of(self.tz)
        if self._zone and self.kind is not datetime:
            raise DescriptorError(f"tz={self.tz!r}: a {self.kind.__name__} column has no time zone")
        self._type = type_of(self.kind, self._zone, self.dtype)
        for name, bound in self.bounds.items():
            setattr(self, name, self._checked(bound, name))
        for name, bound in declared.bounds.items():
            setattr(self, name, narrowest(name, bound, self.bounds))
        if self.bounds and self.kind not in _ORDERED:
            raise DescriptorError(
                f"{', '.join(self.bounds)}: a {self.kind.__name__} column has no bounds"
            )
        if not self.finite and self.kind is not float:
            raise DescriptorError(f"finite=False: a {self.kind.__name__} column has no infinity")
        if not allow_any(self.bounds):
            raise DescriptorError(f"no value is {self.type_label}")
        if self.choices is not None:
            self._check_choices()
        elif self.category:
            raise DescriptorError("category=True needs choices=")
        check_declared(self)

    @property
    def bounds(self) -> dict[str, Any]:
        """The declared bounds by name."""
        values = {name: getattr(self, name) for name in IS_OUTSIDE}
        return {name: bound for name, bound in values.items() if bound is not None}

    @property
    def is_limited(self) -> bool:
        """Whether there are bounds or choices to check."""
        return bool(self.bounds) or self.choices is not None

    @property
    def relates_rows(self) -> bool:
        """Whether a cell is valid only beside those of other rows."""
        return self.unique or self.monotonic is not None

    @cached_property
    def unlimited(self) -> Column:
        """A column of the same type, with any value."""
        if not self.is_limited:
            return self
        type_: Any = self.kind | None if self.nullable else self.kind
        return Column(type_, finite=self.finite, tz=self.tz)

    @property
    def plain(self) -> Any:
        """What declares this column: only its type if that is all."""
        if self._is_plain:
            return self.type
        return Column(**{field.name: getattr(self, field.name) for field in fields(Column)})

    @property
    def _is_plain(self) -> bool:
        """Whether the type is all that is declared."""
        others = (self.is_limited, self.relates_rows, self.tz, self.description, self.private)
        return self.finite and not any(others)

    @property
    def is_float64(self) -> bool:
        """Whether the function gets float64."""
        return self.kind is float and self.dtype is None and not self.category

    @property
    def is_optional(self) -> bool:
        """Whether a protocol that knows optional columns may leave this one out."""
        return self.nullable

    @property
    def type_label(self) -> str:
        """What a cell must be, for messages: `a number >= 0 and <= 14`."""
        if self.choices is not None:
            return one_of(self.choices)
        return with_bounds(self._type.type_label, self.bounds)

    def convert(
        self, cells: pd.Series[Any], number_format: NumberFormat = _POINT
    ) -> tuple[pd.Series[Any], np.ndarray[Any, Any]]:
        """Return a column's cells in its type, and a mask of those that do not fit.

        If none does not fit, the type depends on the declaration only, and on the dates' offset.
        """
        import pandas as pd

        if isinstance(cells.dtype, pd.CategoricalDtype):
            cells = cells.astype(object)
        type_ = self._type
        column = type_.convert(cells, number_format)
        misfits = column.isna().to_numpy()
        if self.nullable:
            misfits = misfits & cells.notna().to_numpy()
        if self.kind is float:
            misfits = misfits | is_infinite(column.to_numpy(), self.dtype, allowed=not self.finite)
        if self.is_limited:
            misfits = misfits | self._outside(column)
        if misfits.any():
            return column, misfits
        dtype = self._result_dtype
        return column if dtype is None or column.dtype == dtype else column.astype(dtype), misfits

    def explain(self, cell: Any, number_format: NumberFormat = _POINT) -> str:
        """Return the error message for a cell that does not fit; None is an empty one."""
        if cell is None:
            return f"expected {self.type_label}, got an empty cell"
        hint = self._type.hint(cell, number_format)
        return f"expected {self.type_label}, got {quoted(cell)}{hint and f'; {hint}'}"

    def example(self) -> Any:
        """Return a plausible value, ready for JSON."""
        return to_json(self.choices[0] if self.choices else self._allowed_value())

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of a cell."""
        schema = {**self._type.schema, **bounds_schema(self.bounds)}
        if not self._is_listed or (self.kind in _MOMENTS and self.bounds):
            schema["description"] = self.type_label
        schema = described(with_relations(schema, self), self.description)
        choices = self.choices if self._is_listed else None
        return with_choices(schema, choices, nullable=self.nullable)

    @property
    def summary(self) -> str:
        """Like `repr`, without choices too many to list."""
        if self._is_listed:
            return repr(self)
        first = replace(self, choices=self.choices[:MAX_SHOWN])
        return f"{first!r} and {len(self.choices) - MAX_SHOWN:,} more choices"

    @property
    def _is_listed(self) -> bool:
        """Whether descriptions list all choices."""
        return self.choices is None or len(self.choices) <= _MAX_LISTED

    def _are_choices(self, column: pd.Series[Any]) -> Any:
        if self.kind is str:
            return self._texts.get_indexer(column) >= 0
        return column.isin(self._comparable(self.choices))

    @cached_property
    def _texts(self) -> Any:
        """The choices as an index, which is built once: there may be very many."""
        import pandas as pd

        return pd.Index(self.choices, dtype="str")

    @cached_property
    def _result_dtype(self) -> Any:
        """The dtype of a column without misfits; None for that which it has."""
        import pandas as pd

        if self.dtype is not None:
            return self.dtype
        if self.category:
            return pd.CategoricalDtype(self._comparable(self.choices))
        return self._type.nullable if self.nullable else self._type.dtype

    def _comparable(self, values: Iterable[Any]) -> list[Any]:
        """Return declared values as pandas compares them with a column: days as midnights."""
        return [
            datetime.combine(value, time.min) if self.kind is date else value for value in values
        ]

    __repr__ = python_of

    def _outside(self, column: pd.Series[Any]) -> Any:
        """Return a mask of the values that are not allowed; empty cells are."""
        outside = column.notna() & False
        try:
            bounds = zip(self.bounds, self._comparable(self.bounds.values()), strict=True)
            for name, bound in bounds:
                outside |= IS_OUTSIDE[name](column, bound)
        except TypeError:  # only one of column and bound has a UTC offset
            message = f"expected {self.type_label}, with a UTC offset only if the bound has one"
            raise InvalidValue(message, [ErrorDetail(message, column=str(column.name))]) from None
        if self.choices is not None:
            outside |= column.notna() & ~self._are_choices(column)
        return outside.to_numpy(dtype=bool, na_value=False)

    @property
    def _example(self) -> Any:
        """The example of the type, as bounds of the type are."""
        example: Any = self._type.example
        if self.kind is datetime:
            moment = datetime.fromisoformat(example)
            return self._zone.place(moment) if self._zone else moment
        return date.fromisoformat(example) if self.kind is date else example

    def _allowed_value(self) -> Any:
        has_any_offset = self.kind is datetime and self._zone is None
        if not self.bounds or (not has_any_offset and allows(self.bounds, self._example)):
            return self._example
        step = timedelta(1) if self.kind in _MOMENTS else 1
        return value_within(self.bounds, step, has_fractions=self.kind not in {int, date})

    def _check_choices(self) -> None:
        choices = tuple(self.choices)
        if not choices or len(set(choices)) < len(choices):
            raise DescriptorError(f"choices={quoted(choices)}: expected a list of distinct values")
        self.choices = tuple(self._checked(choice, "choices") for choice in choices)

    def _checked(self, value: Any, name: str) -> Any:
        """Return a bound or a choice, in the column's zone; DescriptorError if it is neither."""
        types = (int, float) if self.kind is float else self.kind
        is_other = isinstance(value, _SUBCLASSES.get(self.kind, ()))
        if isinstance(value, types) and not is_other and value == value:  # noqa: PLR0124 - NaN
            moment: Any = value
            placed = self._zone.place(moment) if self._zone else value
            if placed is not None:
                return placed
        raise DescriptorError(f"{name}={value!r}: expected {self._type.type_label}")
