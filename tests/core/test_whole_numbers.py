"""A run of digits is found wherever it is in a long text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmf_core.codecs import whole_numbers


@given(text=st.text("01.,-", max_size=40), count=st.integers(1, 17), size=st.integers(1, 9))
def test_long_digit_runs_are_found_across_chunks(text: str, count: int, size: int) -> None:
    expected = re.search(rf"(?<![0-9.])[0-9]{{{count}}}", text) is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_numbers, "_PIECE_SIZE", size)
        assert whole_numbers.has_many_digits(text.encode(), count) is expected
