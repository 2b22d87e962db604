"""From a suite to the Python that declares a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from math import isfinite
from typing import Any

from ..descriptors import Column, DataFrame
from ..descriptors.row_relations import RowCount
from ..errors import DescriptorError, quoted
from .column_drafts import ColumnDraft, Refused
from .errors import Untranslatable
from .suites import Expectation, Suite

_MODULE = '''"""What the suite {name} of Great Expectations accepts, by `mmfmeta schema from-gx`."""

{imports}import mmf_core as mmf

TABLE = mmf.DataFrame(
{arguments})
'''
_DATES = ("date", "datetime")
_LISTS = {"value_set", "type_list", "column_set"}
_TEXTS = {"column", "type_", "type_list", "column_set"}
_NESTED = (list, Mapping)


@dataclass(slots=True)
class _Draft:
    """A table as the expectations so far describe it."""

    columns: dict[str, ColumnDraft] = field(default_factory=dict)
    rows: tuple[int | None, int | None] | None = None
    is_exact: bool = False

    def column(self, name: str) -> ColumnDraft:
        return self.columns.setdefault(name, ColumnDraft(name))


def translate(suite: Suite, types: Mapping[str, Any] = {}) -> str:
    """Return a module that declares `TABLE`.

    `types` are those of the columns that the suite gives none for. Untranslatable lists all
    expectations that a schema cannot express.
    """
    draft = _Draft()
    reasons = []
    for expectation in suite.expectations:
        try:
            _add(draft, expectation)
        except (Refused, DescriptorError) as error:
            reasons.append(f"{expectation}: {error}")
    columns: dict[str, Column] = {}
    for name, column in draft.columns.items():
        try:
            columns[name] = column.finish(types.get(name))
        except (Refused, DescriptorError) as error:
            reasons.append(f'column "{name}": {error}')
    if not columns and not reasons:
        reasons.append("it names no column")
    if reasons:
        raise Untranslatable(f"suite {quoted(suite.name)}", reasons)
    extra = "refuse" if draft.is_exact else "ignore"
    DataFrame(schema=columns, rows=draft.rows, extra=extra)  # DescriptorError if it is none
    return _module(suite.name, columns, draft.rows, extra)


def _module(name: str, columns: Mapping[str, Column], rows: Any, extra: str) -> str:
    lines = "".join(f"        {name!r}: {column!r},\n" for name, column in columns.items())
    arguments = f"    schema={{\n{lines}    }},\n"
    arguments += "" if rows is None else f"    rows={rows!r},\n"
    arguments += "" if extra == "ignore" else f"    extra={extra!r},\n"
    used = [kind for kind in _DATES if re.search(rf"(?<![\w'.]){kind}\b", lines)]
    imports = f"from datetime import {', '.join(used)}\n\n" if used else ""
    return _MODULE.format(name=quoted(name), imports=imports, arguments=arguments)


def _add(draft: _Draft, expectation: Expectation) -> None:
    try:
        add, names = _TRANSLATIONS[expectation.name]
    except KeyError:
        raise Refused("a schema cannot express it") from None
    for name, value in expectation.parameters.items():
        if name not in names.split():
            raise Refused(f"{name}={value!r} cannot be expressed")
        _require_kind(name, value)
    try:
        signature(add).bind(draft, **expectation.parameters)
    except TypeError as error:
        raise Refused(str(error)) from None
    add(draft, **expectation.parameters)


def _require_kind(name: str, value: Any) -> None:
    """Refused unless the value of a parameter is of the kind that GX documents."""
    items = value if isinstance(value, list) else [value]
    if (items is value) != (name in _LISTS) or any(isinstance(item, _NESTED) for item in items):
        raise Refused(f"{name}: expected a {'list' if name in _LISTS else 'value'}, got {value!r}")
    if name in _TEXTS and not all(isinstance(item, str) for item in items):
        raise Refused(f"{name}: expected text, got {value!r}")
    if any(isinstance(item, float) and not isfinite(item) for item in items):
        raise Refused(f"{name}: expected finite numbers, got {value!r}")


def _exist(draft: _Draft, column: str) -> None:
    draft.column(column)


def _not_null(draft: _Draft, column: str) -> None:
    draft.column(column).nullable = False


def _unique(draft: _Draft, column: str) -> None:
    draft.column(column).unique = True


def _increasing(draft: _Draft, column: str, strictly: bool = False) -> None:
    draft.column(column).order("increasing", strictly=strictly)


def _decreasing(draft: _Draft, column: str, strictly: bool = False) -> None:
    draft.column(column).order("decreasing", strictly=strictly)


def _in_set(draft: _Draft, column: str, value_set: list[Any]) -> None:
    draft.column(column).choose(value for value in value_set if value is not None)


def _of_type(draft: _Draft, column: str, type_: str) -> None:
    draft.column(column).be([type_])


def _of_types(draft: _Draft, column: str, type_list: list[str]) -> None:
    draft.column(column).be(type_list)


def _between(draft: _Draft, column: str, **limits: Any) -> None:
    names = {"min_value": ("gt" if limits.get("strict_min") else "ge")}
    names |= {"max_value": ("lt" if limits.get("strict_max") else "le")}
    for limit, name in names.items():
        if limit in limits:
            draft.column(column).bound(name, limits[limit])


def _columns(draft: _Draft, column_set: list[str], exact_match: bool = True) -> None:
    for name in column_set:
        draft.column(name)
    draft.is_exact = draft.is_exact or exact_match


def _rows(draft: _Draft, min_value: int | None = None, max_value: int | None = None) -> None:
    if draft.rows is not None:
        raise Refused("the number of rows is expected twice")
    if max_value == 0:
        raise Refused("expected at least one row, got 0")
    RowCount.parse(rows := (min_value or None, max_value))
    draft.rows = rows


def _row_count(draft: _Draft, value: int) -> None:
    _rows(draft, value, value)


_TRANSLATIONS: dict[str, tuple[Callable[..., None], str]] = {
    "expect_column_to_exist": (_exist, "column"),
    "expect_column_values_to_not_be_null": (_not_null, "column"),
    "expect_column_values_to_be_unique": (_unique, "column"),
    "expect_column_values_to_be_increasing": (_increasing, "column strictly"),
    "expect_column_values_to_be_decreasing": (_decreasing, "column strictly"),
    "expect_column_values_to_be_in_set": (_in_set, "column value_set"),
    "expect_column_distinct_values_to_be_in_set": (_in_set, "column value_set"),
    "expect_column_values_to_be_of_type": (_of_type, "column type_"),
    "expect_column_values_to_be_in_type_list": (_of_types, "column type_list"),
    "expect_column_values_to_be_between": (
        _between,
        "column min_value max_value strict_min strict_max",
    ),
    "expect_table_columns_to_match_set": (_columns, "column_set exact_match"),
    "expect_table_row_count_to_be_between": (_rows, "min_value max_value"),
    "expect_table_row_count_to_equal": (_row_count, "value"),
}
"""Expectation → what it adds to a draft, and its parameters that have a translation."""
