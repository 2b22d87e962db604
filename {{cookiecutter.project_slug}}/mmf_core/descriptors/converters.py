"""The author's converters of texts, pandas' `converters=`, whose failures are the caller's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from ..errors import ErrorDetail, InvalidValue, quoted

Converter = Callable[[Any], Any]


def checked(converters: Mapping[Any, Converter]) -> dict[Any, Converter]:
    """Return converters that raise InvalidValue, with the column, for a text that they refuse."""
    return {column: _checked(str(column), convert) for column, convert in converters.items()}


def _checked(column: str, convert: Converter) -> Converter:
    def checked_convert(text: Any) -> Any:
        try:
            value = convert(text)
        except (ValueError, ArithmeticError) as error:  # Decimal("x") raises the latter
            raise _refused(column, text) from error
        # pandas' own comparisons raise for it.
        if isinstance(value, Decimal) and value.is_snan():
            raise _refused(column, text)
        return value

    return checked_convert


def _refused(column: str, text: Any) -> InvalidValue:
    message = f"expected a value that the target can convert, got {quoted(text)}"
    return InvalidValue(
        f"column {quoted(column)}: {message}", [ErrorDetail(message, column=column, value=text)]
    )
