"""Patterns of Thrift's structures as most programs write them into a Parquet file.

A structure of Thrift's compact protocol is a field's kind and step from the field before in one
byte, its value, and so on, up to a zero. A pattern matches only what is read field by field in the
same way: steps forward, of the expected kinds.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

_LONGEST_VALUE, _LONGEST_NAME = 16, 40
_VARINT = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"


def _texts(longest: int) -> bytes:
    """Return a pattern of a text with its length."""
    sizes = (rb"\x%02x%b" % (size, b"." * size) for size in range(longest + 1))
    return b"(?:%b)" % b"|".join(sizes)


def _field(*kinds: int) -> bytes:
    """Return a pattern of a field's first byte; its number is more than that of the one before."""
    return b"[%b]" % b"".join(
        rb"\x%02x" % (16 * step + kind) for step in range(1, 16) for kind in kinds
    )


_INTS = b"|".join(
    rb"[\x%02x\x%02x]%b" % (16 * count + 5, 16 * count + 6, _VARINT * count) for count in range(5)
)
_ITEMS = b"|".join(
    rb"\x%02x%b" % (16 * count + 12, rb"(?:\x15%b)*+\x00" % _VARINT * count)
    for count in range(1, 5)
)
_PLAIN = b"|".join(
    [
        _field(1, 2),
        _field(3) + b".",
        _field(4, 5, 6) + _VARINT,
        _field(7) + b".{8}",
        _field(8) + _texts(_LONGEST_VALUE),
        _field(9) + b"(?:%b)" % _INTS,
    ]
)
_NESTED = rb"(?:%b|%b(?:%b)*+\x00|%b(?:%b))*+\x00" % (
    *(_PLAIN, _field(12), _PLAIN, _field(9), _ITEMS),
)


class Patterns(NamedTuple):
    """What is looked for at a place of a file."""

    plain: re.Pattern[bytes]
    """A structure without any other."""
    column: re.Pattern[bytes]
    """A column chunk; the groups are the numbers 5, 9 and 11 of its metadata."""
    page: re.Pattern[bytes]
    """The header of a page; the groups are both sizes and the number of values in a data page."""


@cache
def patterns() -> Patterns:
    """Return the patterns, which take ten milliseconds to compile."""
    parts = {
        b"n": _VARINT,
        b"ints": _INTS,
        b"name": _texts(_LONGEST_NAME),
        b"rest": _NESTED,
        b"no_field_10": rb"(?=[\x00\x30-\xff])",
    }
    column = (
        rb"\x26%(n)b\x1c\x15%(n)b\x19(?:%(ints)b)\x19\x18%(name)b\x15%(n)b\x16(%(n)b)"
        rb"\x16%(n)b\x16%(n)b\x26(%(n)b)(?:\x26(%(n)b)|%(no_field_10)b)%(rest)b%(rest)b"
    )
    page = rb"\x15%(n)b\x15(%(n)b)\x15(%(n)b)(?:[\x2c\x5c]\x15(%(n)b)|\x4c)%(rest)b\x00"
    return Patterns(
        re.compile(rb"(?:%b)*+\x00" % _PLAIN, re.DOTALL),
        re.compile(column % parts, re.DOTALL),
        re.compile(page % parts, re.DOTALL),
    )
