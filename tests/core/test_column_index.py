"""Column labels are cached between requests, and no request can change them for another."""

from __future__ import annotations

from typing import Any

import pytest

from mmf_core.codecs import Format, Kind, column_index, find
from mmf_core.codecs.column_labels import (
    MAX_CHARACTERS,
    MAX_COLUMNS,
    MAX_ENTRIES,
    LabelCache,
    forget_labels,
)


def decode(data: bytes) -> Any:
    """Read a JSON table."""
    codec = find(Kind.TABLE, Format.JSON)
    assert codec is not None
    return codec.decode(data, {})


def test_renaming_columns_does_not_affect_the_cache() -> None:
    first = decode(b'[{"a": 1.5, "b": 2.5}]')
    first.columns.name = "changed"
    assert decode(b'[{"a": 1.5, "b": 2.5}]').columns.name is None


def test_cached_labels_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        column_index(("a", "b")).values[0] = "z"
    assert column_index(("a", "b")).tolist() == ["a", "b"]


@pytest.mark.parametrize("label", ["1", "1.0", "true"])
def test_equal_labels_of_different_types_are_distinct(label: str) -> None:
    for first in ("1", "1.0", "true"):
        decode(f'{{"columns": [{first}], "data": [[0.5]]}}'.encode())
    table = decode(f'{{"columns": [{label}], "data": [[0.5]]}}'.encode())
    assert table.columns.tolist() == [label]


@pytest.mark.parametrize(
    ("names", "is_cached"),
    [
        (tuple(map(str, range(MAX_COLUMNS))), True),
        (tuple(map(str, range(MAX_COLUMNS + 1))), False),
        (("a" * MAX_CHARACTERS,), True),
        (("a" * (MAX_CHARACTERS + 1),), False),
        ((1, 2), False),
    ],
)
def test_only_a_few_short_names_are_cached(names: tuple[Any, ...], *, is_cached: bool) -> None:
    cache = LabelCache(list)
    assert cache.get(names) == list(names)
    assert len(cache) == is_cached
    assert (cache.get(names) is cache.get(names)) == is_cached


def test_cache_is_bounded() -> None:
    cache = LabelCache(list)
    for number in range(MAX_ENTRIES + 1):
        cache.get((str(number),))
        assert 1 <= len(cache) <= MAX_ENTRIES


def test_forgotten_labels_are_made_again() -> None:
    cache = LabelCache(list)
    first = cache.get(("a", "b"))
    forget_labels()
    assert len(cache) == 0
    assert cache.get(("a", "b")) == first
