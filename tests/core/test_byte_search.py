"""Searches for characters in short and long texts."""

import re

import numpy as np
import pytest

from mmf_core.codecs import byte_search
from mmf_core.codecs.byte_search import MIN_SIZE, count_pairs, count_signs, is_between, places


@pytest.mark.parametrize(
    ("times", "piece_size"),
    [(1, 1), (MIN_SIZE, 1 << 17), (MIN_SIZE, 5)],
    ids=["short", "long", "in pieces"],
)
@pytest.mark.parametrize(
    "piece", [b"", b":", b'":', b'a" :1\t:', b":::", b"<f><x:f", b"<f", b":f>", b"\xff:\0f"]
)
def test_searches_agree_with_bytes(
    piece: bytes, times: int, piece_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_search, "_PIECE_SIZE", piece_size)
    text = piece * times
    assert count_signs(text, b":") == text.count(b":")
    searches = ((b'"', b":"), (b" \t\n\r", b":"), (b"<:", b"f"), (b"<:", b"f>"), (b":", b"f><"))
    for firsts, second in searches:
        expected = len(re.findall(b"(?<=[%b])%b" % (firsts, second), text))
        assert count_pairs(text, firsts, second) == expected
    characters = np.frombuffer(text, np.uint8)
    for signs in ((b":",), (b"<:", b"f"), (b"f", b">", b"<:"), (b"<", b"f", b"><", b"<:")):
        pattern = b"".join(b"[%b]" % sign for sign in signs)
        expected_places = [match.start() for match in re.finditer(b"(?=%b)" % pattern, text)]
        assert places(characters, *signs).tolist() == expected_places


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
def test_is_between_two_characters(text: bytes, expected: bool) -> None:
    assert is_between(text, b"\n", b"}", b"{") is expected
