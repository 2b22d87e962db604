"""Strategies that build tables from cells, and the schemas of these cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from hypothesis import strategies as st

import mmf_core as mmf

Tables = st.SearchStrategy[pd.DataFrame]


def columns(cells: st.SearchStrategy[Any] | Sequence[Any], dtype: Any, *always: Any) -> Tables:
    """Make tables of one column `x` that holds each of `always`, and few other cells."""

    def table(drawn: tuple[list[Any], list[Any]]) -> pd.DataFrame:
        before, after = drawn
        return pd.DataFrame({"x": pd.Series([*before, *always, *after], dtype=dtype)})

    cell = cells if isinstance(cells, st.SearchStrategy) else st.sampled_from(cells)
    before = st.lists(cell, min_size=0 if always else 1, max_size=4)
    return st.tuples(before, st.lists(cell, max_size=2)).map(table)


def texts(*cells: str) -> Tables:
    """Make tables of a column of these texts."""
    return columns(cells, "str", *cells[:1])


def headers(*names: str) -> Tables:
    """Make tables of small numbers with some of these names, in any order."""
    several = st.lists(st.sampled_from(names), min_size=1, unique=True)
    return several.map(
        lambda chosen: pd.DataFrame([range(len(chosen))] * 2, columns=chosen, dtype="int64")
    )


def schema(declared: Any) -> Callable[[pd.DataFrame], mmf.DataFrame]:
    """Declare the type of the column `x`."""
    return lambda _: mmf.DataFrame(schema={"x": declared})


def category(table: pd.DataFrame) -> mmf.DataFrame:
    """Declare a column `x` of the categories that it has."""
    choices = list(table["x"].cat.categories)
    return schema(mmf.Column(str, choices=choices, category=True))(table)


def whole_numbers(table: pd.DataFrame) -> mmf.DataFrame:
    """Declare that all columns are whole numbers."""
    return mmf.DataFrame(schema=dict.fromkeys(table.columns, int))
