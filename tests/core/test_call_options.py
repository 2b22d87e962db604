"""Call options of a target, and invalid ones that are rejected."""

# ruff: noqa: ARG001, B008 - a target's arguments and their descriptors

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mmf_core as mmf
from mmf_core.call_options import CallOptions
from mmf_core.errors import DeclarationError


def test_call_options_have_defaults(registry: mmf.Registry) -> None:
    @registry.target
    def score(data: Any = mmf.DataFrame()) -> None: ...

    assert registry.targets["score"].call_options == CallOptions()


def test_call_options_are_kept(registry: mmf.Registry) -> None:
    @registry.target(timeout=2.5, max_concurrency=3, max_queue=0)
    def score(data: Any = mmf.DataFrame()) -> None: ...

    expected = CallOptions(timeout=2.5, max_concurrency=3, max_queue=0)
    assert registry.targets["score"].call_options == expected


@pytest.mark.parametrize(
    ("batch", "expected"),
    [(True, mmf.Batch()), (mmf.Batch(max_rows=7), mmf.Batch(7)), (False, None)],
)
def test_batch_is_a_flag_or_a_size(
    registry: mmf.Registry, batch: bool | mmf.Batch, expected: mmf.Batch | None
) -> None:
    @registry.target(returns=mmf.DataFrame(), batch=batch)
    def score(data: Any = mmf.DataFrame(), n: Any = mmf.Integer(default=1)) -> Any:
        return data

    assert registry.targets["score"].call_options.batch == expected


@pytest.mark.parametrize(
    "wish",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": "2"},
        {"timeout": True},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"max_concurrency": 0},
        {"max_concurrency": "2"},
        {"max_concurrency": 1.5},
        {"max_queue": -1},
        {"max_queue": None},
        {"batch": 64},
        {"batch": mmf.Batch},
        {"batch": mmf.Batch(), "max_concurrency": 1},
    ],
)
def test_rejects_invalid_options(wish: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=next(iter(wish))):
        CallOptions(**wish)


def test_accepts_numpy_numbers() -> None:
    options = CallOptions(timeout=np.float32(2.5), max_queue=np.int64(3))  # type: ignore[arg-type]
    assert (options.timeout, options.max_queue) == (2.5, 3)


@pytest.mark.parametrize("max_rows", [0, "1", 1.5, True])
def test_rejects_invalid_max_rows(max_rows: Any) -> None:
    with pytest.raises(DeclarationError, match="max_rows"):
        mmf.Batch(max_rows=max_rows)


def _no_table(n: Any = mmf.Integer()) -> None: ...


def _two_tables(a: Any = mmf.DataFrame(), b: Any = mmf.Array()) -> None: ...


def _a_dict_beside(a: Any = mmf.DataFrame(), b: Any = mmf.Dict()) -> None: ...


def _a_table(a: Any = mmf.DataFrame()) -> None: ...


@pytest.mark.parametrize(
    ("function", "returns"),
    [
        (_no_table, mmf.DataFrame()),
        (_two_tables, mmf.DataFrame()),
        (_a_dict_beside, mmf.DataFrame()),
        (_a_table, None),
        (_a_table, mmf.Dict()),
    ],
)
def test_rejects_batch_without_rows(
    registry: mmf.Registry, function: Callable[..., None], returns: Any
) -> None:
    with pytest.raises(DeclarationError, match="batch="):
        registry.target(returns=returns, batch=True)(function)
    assert not registry.targets
