"""Parameters of which `make test` takes a few, and `make test-all` all of them."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def shortened(parameters: Iterable[T], keep: Callable[[T], object] | Iterable[T]) -> list[Any]:
    """Return the parameters of a test, marked as long but for those to keep."""
    keeps = keep if callable(keep) else list(keep).__contains__
    return [
        each if keeps(each) else pytest.param(each, marks=pytest.mark.long) for each in parameters
    ]
