"""examples/django: its own tests on Django's live server, before a real service."""

from collections.abc import Callable

import pytest


@pytest.mark.long
def test_the_page_has_workbooks_predicted(page_tests: Callable[..., None]) -> None:
    command = ("-W", "error", "manage.py", "test")
    what = "five uploads on Django's live server"
    page_tests("django", *command, client="front", count=5, what=what)
