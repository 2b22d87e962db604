"""The size of a sheet's text, if many cells share a text that is stored once, in another part."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

from .byte_search import count_pairs

_STRING = re.compile(rb"<(?:[\w.-]+:)?si[\s/>]")
# Bounded, or each of many t="s" in one tag would be searched to the tag's end.
_PLAIN_CELL = re.compile(rb't="s"[^<>]{0,64}><v>([0-9]{1,7})</v>')


def text_size(parts: Iterable[bytes], max_size: int) -> int:
    """Return an upper bound of the bytes of text in the cells of a workbook's largest sheet.

    It is counted exactly only if a rough estimate is more than `max_size`.
    """
    parts = list(parts)
    lengths = array("Q", chain.from_iterable(map(_lengths, parts)))
    if not lengths:
        return 0
    longest, largest = max(lengths), 0
    for part in parts:
        # <c t="s"> refers to a shared text
        cells = count_pairs(part, b'"', b's"') + count_pairs(part, b"'", b"s'")
        size = cells * longest
        if size > max_size:
            indices = list(map(int, _PLAIN_CELL.findall(part)))
            plain = sum(lengths[index] for index in indices if index < len(lengths))
            size = plain + max(0, cells - len(indices)) * longest
        largest = max(largest, size)
    return largest


def _lengths(part: bytes) -> Iterator[int]:
    """Yield the lengths of the texts of a part, with their tags."""
    if b"<si" not in part and b":si" not in part:
        return
    starts = chain((text.end() for text in _STRING.finditer(part)), [len(part)])
    for start, end in pairwise(starts):
        yield end - start
