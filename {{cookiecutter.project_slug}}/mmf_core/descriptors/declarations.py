"""The Python that declares a column, to be pasted or shown."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .columns import Column


def python_of(column: Column) -> str:
    """Return Python that declares a column, given `mmf`, `date` and `datetime`."""
    type_ = column.kind.__name__ + " | None" * column.nullable
    if column.dtype is not None and not column.category:
        type_ = repr(str(column.dtype))
    arguments = [type_, *(f"{name}={_literal(bound)}" for name, bound in column.bounds.items())]
    if column.choices is not None:
        arguments.append(f"choices=[{', '.join(map(_literal, column.choices))}]")
    arguments += ["category=True"] * column.category + ["finite=False"] * (not column.finite)
    arguments += [f"tz={column.tz!r}"] * (column.tz is not None)
    arguments += ["unique=True"] * column.unique
    arguments += [f"monotonic={column.monotonic!r}"] * (column.monotonic is not None)
    arguments += ["private=True"] * column.private
    arguments += [f"description={column.description!r}"] * bool(column.description)
    return type_ if len(arguments) == 1 else f"mmf.Column({', '.join(arguments)})"


def _literal(value: Any) -> str:
    if not isinstance(value, date):
        return repr(value)
    return f"{type(value).__name__}.fromisoformat({value.isoformat()!r})"
