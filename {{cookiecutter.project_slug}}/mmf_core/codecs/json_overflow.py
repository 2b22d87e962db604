"""Numbers that no JSON text and no float of 64 bits holds, such as 1e309: refused by their places.

JSON readers make infinity of them, and JSON is written with null in its place.
"""

from __future__ import annotations

import json as standard_json
from collections.abc import Iterator
from itertools import islice
from math import isfinite
from typing import Any

from ..errors import MAX_ERRORS, ErrorDetail, InvalidValue, shortened

_Path = tuple[str | int, ...]


class _TooLarge(str):
    """The text of such a number."""

    __slots__ = ()


def overflow_error(text: bytes) -> InvalidValue | None:
    """Return the error that lists these numbers; None if the text is not JSON otherwise."""
    texts: list[_TooLarge] = []

    def number(text: str) -> float | _TooLarge:
        value = float(text)
        if isfinite(value) or len(texts) == MAX_ERRORS:  # no more are listed: infinity is smaller
            return value
        texts.append(_TooLarge(text))
        return texts[-1]

    try:
        value = standard_json.loads(
            text, parse_float=number, parse_int=number, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        return None
    return not_finite_error(value)


def not_finite_error(value: Any) -> InvalidValue | None:
    """Return the error that lists the numbers that are too large, infinite or NaN; None if none."""
    numbers = islice(_numbers(value), MAX_ERRORS)
    errors = [_error(path, number, value) for path, number in numbers]
    return InvalidValue(errors[0].message, errors) if errors else None


def overflow_detail(number: str, row: int, column: str) -> ErrorDetail:
    """Return the error for a number in a table that is too large."""
    return ErrorDetail(_message(number), row=row, column=column, value=number)


def _message(number: str) -> str:
    return f"expected a number, got {shortened(number)}; send a finite number"


def _refuse(name: str) -> None:
    raise ValueError(name)


def _numbers(value: Any) -> Iterator[tuple[_Path, str]]:
    """Yield such numbers in a value, in their order, and the keys and positions that lead there.

    Only the path to the present one is kept: those of all items take more memory than the items.
    """
    path: list[str | int] = []
    levels = [_children([value])]
    while levels:
        for key, item in levels[-1]:
            if isinstance(item, dict | list):
                path.append(key)
                levels.append(_children(item))
                break
            if isinstance(item, _TooLarge) or (isinstance(item, float) and not isfinite(item)):
                yield (*path, key)[1:], str(item)
        else:
            levels.pop()
            if path:
                path.pop()


def _children(container: dict[str, Any] | list[Any]) -> Iterator[tuple[str | int, Any]]:
    return iter(container.items() if isinstance(container, dict) else enumerate(container))


def _error(path: _Path, number: str, value: Any) -> ErrorDetail:
    """Return an error with row and column, if this is a table; else its message has the place."""
    match path:
        case (int(row), str(column)) | (str(column), int(row)):
            pass
        case ("data", int(row), int(index)):
            columns = value.get("columns")
            column = str(
                columns[index] if isinstance(columns, list) and index < len(columns) else index
            )
        case _:
            place = f"{_place(path)}: " if path else ""
            return ErrorDetail(place + _message(number), value=number)
    return overflow_detail(number, row, column)


def _place(path: _Path) -> str:
    """Return a path as JavaScript writes it: `a[0].b`."""
    keys = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return shortened("".join(keys).lstrip("."))
