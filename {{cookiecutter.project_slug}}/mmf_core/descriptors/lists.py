"""Lists of scalars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..codecs import Kind, as_container
from ..errors import DescriptorError, ErrorDetail, InvalidValue, max_errors
from .base import Descriptor
from .scalars import Scalar

MAX_ITEMS = 1_000_000
"""Of a list whose author names no limit: a scalar is checked by itself, in some microseconds."""


@dataclass(kw_only=True, eq=False)
class List(Descriptor[list[Any]]):
    """A list of texts, numbers, flags or dates: `list`.

    - `item`: the descriptor of each value, such as `mmf.String()`.
    - `min_items`, `max_items`: the lowest and the highest allowed number of values; a
      million if the latter is missing.

    In a query string and in a form each value is an argument of its own, `?tag=red&tag=dry`; a
    single text that begins with `[` is JSON. A result may also be a tuple, an array or a Series.

    >>> mmf.List(mmf.Integer(ge=1), max_items=3).validate([1, "2"])
    [1, 2]
    """

    item: Scalar[Any] = field(kw_only=False)
    min_items: int = 0
    max_items: int | None = None

    kind: ClassVar[Kind] = Kind.JSON
    fits_query: ClassVar[bool] = True

    def __post_init__(self) -> None:
        item: Any = self.item
        if not isinstance(item, Scalar) or not item.required:
            raise DescriptorError(
                f"List({self.item!r}): expected a scalar without a default, such as mmf.String(); "
                "a list of objects is mmf.JsonFile(), one of numbers also mmf.Array()"
            )
        highest = self.min_items if self.max_items is None else self.max_items
        if not 0 <= self.min_items <= highest or self.max_items == 0:
            raise DescriptorError(
                f"min_items={self.min_items}, max_items={self.max_items}: expected 0 or more, and "
                "as many or more, at least 1"
            )
        super().__post_init__()

    def validate(self, value: Any) -> list[Any]:
        most = MAX_ITEMS if self.max_items is None else self.max_items
        return self._each(value, self.item.validate, most)

    def to_output(self, result: Any) -> list[Any]:
        return self._each(result, self.item.to_output, self.max_items)

    def guess(self) -> Any:
        return [self.item.plain_example] * max(1, self.min_items)

    def json_schema(self) -> dict[str, Any]:
        return self._schema(self.item.json_schema())

    def output_schema(self) -> dict[str, Any]:
        return self._schema(self.item.output_schema())

    @property
    def example_is_valid(self) -> bool:
        return self.item.example_is_valid

    def meta(self) -> dict[str, Any]:
        bounds = {"min_items": self.min_items or None, "max_items": self.max_items}
        limits = {name: bound for name, bound in bounds.items() if bound is not None}
        return {**super().meta(), "item": self.item.meta(), **limits}

    def _each(self, value: Any, check: Callable[[Any], Any], most: int | None) -> list[Any]:
        items = as_container(value)
        if not isinstance(items, list):
            raise InvalidValue(f"expected a list of values, got {type(value).__name__}")
        if len(items) < self.min_items:
            raise InvalidValue(
                f"expected a list of at least {self.min_items} values, got {len(items)}"
            )
        if most is not None and len(items) > most:
            raise InvalidValue(f"expected a list of at most {most} values, got {len(items)}")
        values: list[Any] = []
        errors: list[ErrorDetail] = []
        most_errors = max_errors.get()
        for index, item in enumerate(items):
            try:
                values.append(check(item))
            except InvalidValue as error:
                if len(errors) == most_errors:  # a million may be invalid: the rest is not read
                    raise _invalid(errors, f"more than {most_errors}") from None
                errors.append(ErrorDetail(error.detail, row=index, value=item))
        if errors:
            raise _invalid(errors, str(len(errors)))
        return values

    def _schema(self, item: dict[str, Any]) -> dict[str, Any]:
        bounds = {"minItems": self.min_items or None, "maxItems": self.max_items}
        limits = {name: bound for name, bound in bounds.items() if bound is not None}
        return {"type": "array", "items": item, **limits}


def _invalid(errors: list[ErrorDetail], count: str) -> InvalidValue:
    first = f"item {errors[0].row}: {errors[0].message}"
    if count == "1":
        return InvalidValue(first, errors)
    return InvalidValue(f"invalid items: {count}; {first}", errors)
