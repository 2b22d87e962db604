"""How much text a sheet's cells hold where many are the same one, written once beside the sheet."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

_STRING = re.compile(rb"<(?:[\w.-]+:)?si[\s/>]")
_PLAIN_CELL = re.compile(rb't="s"[^<>]*><v>([0-9]{1,7})</v>')


def text_size(parts: Iterable[bytes], enough: int) -> int:
    """Return how many bytes of text the cells of a workbook's largest sheet hold at most.

    Where that cannot be more than `enough`, it is not counted exactly.
    """
    parts = list(parts)
    lengths = array("Q", chain.from_iterable(map(_lengths, parts)))
    if not lengths:
        return 0
    longest, largest = max(lengths), 0
    for part in parts:
        cells = part.count(b'"s"') + part.count(b"'s'")  # <c t="s"> says that a text is shared
        size = cells * longest
        if size > enough:
            places = list(map(int, _PLAIN_CELL.findall(part)))
            known = sum(lengths[place] for place in places if place < len(lengths))
            size = known + max(0, cells - len(places)) * longest
        largest = max(largest, size)
    return largest


def _lengths(part: bytes) -> Iterator[int]:
    """Yield how long the texts of a part are, with their tags."""
    if b"<si" not in part and b":si" not in part:
        return
    starts = chain((text.end() for text in _STRING.finditer(part)), [len(part)])
    for start, end in pairwise(starts):
        yield end - start
