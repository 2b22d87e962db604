"""Parameters of which `make test` takes a few, and `make test-all` all of them."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def long_except(parameters: Iterable[T], keep: Callable[[T], object] | Iterable[T]) -> list[Any]:
    """Return the parameters of a test, marked as long but for those to keep."""
    keeps = keep if callable(keep) else list(keep).__contains__
    return [
        each if keeps(each) else pytest.param(each, marks=pytest.mark.long) for each in parameters
    ]


def selected(request: pytest.FixtureRequest, name: str) -> set[Any]:
    """Return the values of a parameter in those tests of a file that run: what a fixture makes."""
    in_file = [item for item in request.session.items if item.path == request.path]
    calls = [getattr(item, "callspec", None) for item in in_file]
    return {call.params[name] for call in calls if call and name in call.params}
