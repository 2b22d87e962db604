"""The column types, which decide how a table is written as text."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mmf_core.codecs import is_block
from mmf_core.column_dtypes import column_dtypes

NUMBERS = pd.DataFrame({"a": [1.5, 2.5], "b": [3.5, 4.5]})
TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "one array": lambda: pd.DataFrame(np.zeros((2, 3)), copy=False),
    "columns of one type": lambda: NUMBERS,
    "a slice": lambda: pd.DataFrame(np.zeros((4, 3))).iloc[::2, [0, 2]],
    "an added column": lambda: NUMBERS.assign(c=0.5),
    "two tables": lambda: pd.concat([NUMBERS, NUMBERS.add_prefix("x")], axis=1),
    "two types": lambda: NUMBERS.assign(c=1),
    "a shorter type": lambda: NUMBERS.assign(c=np.float32(1)),
    "bools": lambda: pd.DataFrame({"a": [True], "b": [False]}),
    "texts": lambda: pd.DataFrame({"a": ["x"], "b": ["y"]}),
    "nulls beside whole numbers": lambda: pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
    "nullable floats": lambda: pd.DataFrame({"a": pd.array([1.5, None], dtype="Float64")}),
    "categories": lambda: pd.DataFrame({"a": pd.Categorical([1, 2])}),
    "dates": lambda: pd.DataFrame({"a": pd.to_datetime(["2026-01-31"])}),
    "sparse": lambda: pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 1.0])}),
    "nothing": pd.DataFrame,
    "no rows": lambda: pd.DataFrame({"a": np.zeros(0), "b": np.zeros(0, int)}),
}


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES.keys())
def test_column_dtypes_agree_with_pandas(make: Callable[[], pd.DataFrame]) -> None:
    table = make()
    dtypes = set(table.dtypes)
    assert column_dtypes(table) == dtypes
    is_numpy = all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in dtypes)
    assert is_block(table) is (len(dtypes) == 1 and is_numpy)


def test_pandas_has_blocks() -> None:
    """Without them `column_dtypes` is still correct, but slower than `dtypes`."""
    (block,) = pd.DataFrame(np.zeros((1, 2)))._mgr.blocks  # type: ignore[attr-defined] # private
    assert block.dtype == np.float64


def test_falls_back_to_dtypes_without_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    table = NUMBERS.assign(c=1)
    monkeypatch.setattr(type(table), "dtypes", [1, 2, 2])
    monkeypatch.setattr(table, "_mgr", object())
    assert column_dtypes(table) == {1, 2}
