"""Workers of the service's own kind, ended with the test that has made them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from harness import Harness, closing


@pytest.fixture
def harness() -> Iterator[Callable[..., Harness]]:
    """Give a function that makes a worker for an application; it is ended with the test."""
    with ExitStack() as stack:

        def make(app: Any, **settings: Any) -> Harness:
            return stack.enter_context(closing(Harness(app, **settings)))

        yield make
