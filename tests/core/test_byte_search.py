"""Searches for signs in texts, short and long."""

import re

import pytest

from mmf_core.codecs.byte_search import MIN_SIZE, count_pairs, count_signs, is_between


@pytest.mark.parametrize("times", [1, MIN_SIZE], ids=["short", "long"])
@pytest.mark.parametrize(
    "piece", [b"", b":", b'":', b'a" :1\t:', b":::", b"<f><x:f", b"<f", b":f>", b"\xff:\0f"]
)
def test_searches_find_what_bytes_find(piece: bytes, times: int) -> None:
    text = piece * times
    assert count_signs(text, b":") == text.count(b":")
    searches = ((b'"', b":"), (b" \t\n\r", b":"), (b"<:", b"f"), (b"<:", b"f>"), (b":", b"f><"))
    for firsts, second in searches:
        expected = len(re.findall(b"(?<=[%b])%b" % (firsts, second), text))
        assert count_pairs(text, firsts, second) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", True),
        (b"{}", True),
        (b"{}\n{}\n{}", True),
        (b"\n", False),
        (b"\n{}", False),
        (b"{}\n", False),
        (b"{}\n\n{}", False),
        (b"{}\n {}", False),
        (b"{}\n{} \n{}", False),
    ],
)
def test_a_sign_is_between_two_others(text: bytes, expected: bool) -> None:
    assert is_between(text, b"\n", b"}", b"{") is expected
