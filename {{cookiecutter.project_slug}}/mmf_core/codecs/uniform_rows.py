"""Rows of XML that differ in their numbers only, as programs write tables of numbers.

What is between the numbers of the first row must be between those of each other one, byte for byte:
then each number has the place in the XML that the same number of the first row has. Some rows at a
time, which stay in the processor's cache, are compared and converted, in a few passes over them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

NUMBER = rb"[0-9.+-]++"
"""A pattern of a row's numbers, those in its tags included."""
_NUMBER = re.compile(NUMBER)
_SIGNS = b"0123456789.+-"
_TO_SPACES = bytes(sign if sign in _SIGNS else ord(" ") for sign in range(256))
_PIECE_SIZE = 1 << 16
_EXPONENT = re.compile(
    rb'(?:(?<=>)|(?<=value="))-?[0-9]{1,20}+(?:\.[0-9]{1,20}+)?[eE][+-]?[0-9]{1,2}(?=[<"])'
)
_NAME_PART = ord("A")  # and what is above: after it, a hyphen is in a name, such as table-row
_POWERS = [10**digits for digits in range(18)]
_NEGATIVE_ZERO = re.compile(rb"-0++(?![0-9.])")


class Role(Enum):
    """What a number of each row is."""

    VALUE = "a cell's value"
    ROW = "the row's own number, which is 2 in the first one"
    CONSTANT = "a whole number, the same in each row"
    IGNORED = "any number"


def roles(row: bytes, places: Mapping[int, Role]) -> list[Role]:
    """Return the roles of a row's numbers, of which `places` has those that are not constant."""
    numbers = _NUMBER.finditer(_without_hyphens(row))
    return [places.get(number.start(), Role.CONSTANT) for number in numbers]


def number_block(
    text: bytes, start: int, end: int, row_end: bytes, roles: Sequence[Role]
) -> np.ndarray[Any, Any] | None:
    """Return the values of rows that all end with `row_end`; the first one's numbers have roles.

    None if the rows differ in anything else than numbers, or if one is not a number in JSON.
    """
    import numpy as np

    pattern = _Pattern(text[start : text.find(row_end, start, end) + len(row_end)], roles)
    blocks: list[Any] = []
    row = 2
    for piece in _pieces(text, start, end, row_end):
        if b"\0" in piece:
            return None
        block = pattern.values(piece, row)
        if block is None:  # else once more, as if the numbers had been written without exponents
            block = pattern.values(_EXPONENT.sub(_without_exponent, piece), row)
        if block is None:
            return None
        blocks.append(block)
        row += len(block)
    block = np.concatenate(blocks)
    return block if np.isfinite(block).all() else None


def is_well_formed(element: bytes) -> bool:
    """Return whether an element ends where its text does, and not inside of a comment."""
    from xml.parsers.expat import ExpatError, ParserCreate

    try:
        ParserCreate().Parse(element, True)
    except ExpatError:
        return False
    return True


def _pieces(text: bytes, start: int, end: int, row_end: bytes) -> Iterator[bytes]:
    while start < end:
        last = text.find(row_end, start + _PIECE_SIZE, end)
        stop = end if last < 0 else last + len(row_end)
        yield text[start:stop]
        start = stop


class _Pattern:
    """What each row has in common with the first one: what is between its numbers."""

    def __init__(self, first: bytes, roles: Sequence[Role]) -> None:
        import numpy as np

        first = _without_hyphens(first)
        self._between = first.translate(None, _SIGNS)
        head, *gaps, tail = map(len, _NUMBER.split(first))
        self._gaps = np.array([tail + head, *gaps])  # before each number
        self._tail = tail
        self._places = {
            role: [index for index, own in enumerate(roles) if own is role] for role in Role
        }
        texts = _NUMBER.findall(first)
        constants = [texts[index] for index in self._places[Role.CONSTANT]]
        self._constants = [float(text) for text in constants], [len(text) for text in constants]
        self._powers = np.array([10**digits for digits in range(18)])

    def values(self, piece: bytes, row: int) -> np.ndarray[Any, Any] | None:
        """Return the values of rows, the first of which has this number; None if one is unlike."""
        import numpy as np
        import orjson

        piece = _without_hyphens(piece)
        between = piece.translate(None, _SIGNS)
        rows, rest = divmod(len(between), len(self._between))
        if rest or between != self._between * rows or _has_negative_zero(piece):
            return None
        signs = np.frombuffer(bytearray(piece.translate(_TO_SPACES)), np.uint8)
        is_number = signs != ord(" ")
        edges = np.flatnonzero(is_number[1:] != is_number[:-1]) + 1
        if is_number[0] or is_number[-1] or len(edges) != 2 * rows * len(self._gaps):
            return None
        starts, ends = edges[::2], edges[1::2]
        gaps = starts.copy()
        gaps[1:] -= ends[:-1]
        gaps[0] += self._tail  # which is before each other row, too
        if (gaps.reshape(rows, -1) != self._gaps).any():
            return None
        signs[ends[:-1]] = ord(",")
        signs[0], signs[-1] = b"[]"
        try:
            numbers = orjson.loads(signs.data)
        except orjson.JSONDecodeError:  # such as 007
            return None
        block = np.frombuffer(Struct(f"{len(numbers)}d").pack(*numbers))  # faster than `array`
        block, lengths = block.reshape(rows, -1), (ends - starts).reshape(rows, -1)
        if not self._is_consistent(block, lengths, row):
            return None
        return block.take(self._places[Role.VALUE], axis=1)

    def _is_consistent(
        self, block: np.ndarray[Any, Any], lengths: np.ndarray[Any, Any], row: int
    ) -> bool:
        """Return whether the numbers that are not values are what their roles say.

        The length of a whole number without an exponent says that it has no point, either.
        """
        import numpy as np

        own = np.arange(row, row + len(block))[:, None]
        expected = {
            Role.ROW: (own, np.searchsorted(self._powers, own, side="right")),
            Role.CONSTANT: self._constants,
        }
        return not any(
            (numbers.take(self._places[role], axis=1) != own_numbers).any()
            for role in expected
            if self._places[role]
            for numbers, own_numbers in zip((block, lengths), expected[role], strict=True)
        )


def _without_hyphens(text: bytes) -> bytes:
    """Return a text with zeros, which XML has nowhere, in place of the hyphens of names."""
    import numpy as np

    if b"-" not in text:
        return text
    signs = np.frombuffer(bytearray(text), np.uint8)
    hyphens = np.flatnonzero(signs == ord("-"))
    signs[hyphens[signs[hyphens - 1] >= _NAME_PART]] = 0
    return signs.tobytes()


def _has_negative_zero(piece: bytes) -> bool:
    """Return whether there is a -0, which is 0 among JSON's whole numbers."""
    return b"-" in piece and b"-0" in piece and _NEGATIVE_ZERO.search(piece) is not None


def _without_exponent(number: re.Match[bytes]) -> bytes:
    return format(Decimal(number[0].decode()), "f").encode()
