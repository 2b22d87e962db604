"""A column that is described by one expectation after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ..descriptors import Column
from ..descriptors.bounds import narrowest

_KINDS: dict[str, type] = {
    **dict.fromkeys(("int", "integer", "uint"), int),
    **dict.fromkeys(("float", "double", "number"), float),
    **dict.fromkeys(("str", "string", "object"), str),
    **dict.fromkeys(("bool", "boolean"), bool),
    **dict.fromkeys(("datetime", "timestamp"), datetime),
    "date": date,
}
"""Kinds by the names that types have in pandas and in SQL, without their sizes."""


class Refused(Exception):
    """What a schema cannot express."""


@dataclass(slots=True)
class ColumnDraft:
    """A column as the expectations so far describe it; GX accepts nulls unless one forbids them."""

    name: str
    kind: type | None = None
    nullable: bool = True
    unique: bool = False
    monotonic: str | None = None
    choices: list[Any] | None = None
    bounds: list[tuple[str, Any]] = field(default_factory=list)

    def be(self, types: Iterable[str]) -> None:
        """Have one of the types; Refused if they are of several kinds."""
        kinds = {_KINDS.get(name.lower().partition("[")[0].rstrip("0123456789_")) for name in types}
        if kinds == {int, float}:
            kinds = {float}
        if len(kinds) != 1 or None in kinds:
            raise Refused("expected a number, text, flag, date or date with time")
        (kind,) = kinds
        if self.kind not in {None, kind}:
            raise Refused("the column already has another type")
        self.kind = kind

    def order(self, monotonic: str, *, strictly: bool) -> None:
        """Have values in order."""
        if self.monotonic not in {None, monotonic}:
            raise Refused("the column already has another order")
        self.monotonic = monotonic
        self.unique = self.unique or strictly

    def choose(self, values: Iterable[Any]) -> None:
        """Have one of these values, and of those that it had to have before."""
        before = self.choices
        self.choices = [
            value for value in dict.fromkeys(values) if before is None or value in before
        ]

    def bound(self, name: str, value: Any) -> None:
        """Have values within one more bound."""
        self.bounds.append((name, value))

    def finish(self, sample: Any = None) -> Column:
        """Return the column; `sample` is its type, or column, in a table that fits the suite.

        Refused if the type is unknown. DescriptorError if the expectations contradict each other.
        """
        kind = self.kind or self._guess()
        if kind is None and sample is not None:
            kind = sample.kind if isinstance(sample, Column) else Column(sample).kind
        if kind is None:
            raise Refused(
                "no expectation gives its type; add expect_column_values_to_be_of_type, or a "
                "table with --table"
            )
        limits = self._limits(kind)
        choices = self.choices and [_typed(value, kind) for value in self.choices]
        type_: Any = kind | None if self.nullable else kind
        return Column(
            type_, **limits, choices=choices, unique=self.unique, monotonic=self.monotonic
        )

    def _limits(self, kind: type) -> dict[str, Any]:
        """Return the narrowest bound of each name: texts of dates cannot be compared."""
        limits: dict[str, Any] = {}
        try:
            for name, value in self.bounds:
                limits[name] = narrowest(name, _typed(value, kind), limits)
        except TypeError:
            raise Refused("its bounds cannot be compared with each other") from None
        return limits

    def _guess(self) -> type | None:
        """Return the kind that all choices have; numbers in between may have fractions."""
        types = set(map(type, self.choices or ()))
        if len(types) == 1:
            return types.pop()
        if types == {int, float}:
            return float
        limits = {type(value) for _, value in self.bounds}
        if limits and limits <= {int, float}:
            return float
        return None


def _typed(value: Any, kind: type) -> Any:
    """Return a date of its text, and a whole number of a float that is one."""
    if kind in {date, datetime} and isinstance(value, str):
        try:
            return datetime.fromisoformat(value) if kind is datetime else date.fromisoformat(value)
        except ValueError as error:
            raise Refused(str(error)) from None
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
