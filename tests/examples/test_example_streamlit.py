"""examples/streamlit: the page, run by Streamlit's own AppTest before a real service."""

from collections.abc import Callable

import pytest


@pytest.mark.long
def test_the_page_has_files_predicted(page_tests: Callable[..., None]) -> None:
    what = "two files uploaded to the page"
    page_tests("streamlit", "-m", "unittest", client=".", count=2, what=what)
