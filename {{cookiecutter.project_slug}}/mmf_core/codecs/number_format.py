"""Numbers in texts: read exactly, in the number format of the file that they come from.

The syntax is that of pandas' CSV parser: ASCII digits with an optional sign, fraction and exponent,
and blanks around them; `inf` and `infinity` are numbers, hexadecimal digits and `1_000` are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from math import isinf
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import MAX_ERRORS, InvalidValue
from .json_overflow import overflow_detail

if TYPE_CHECKING:
    import pandas as pd

MAX_FLOAT_DIGITS = 309
"""Of the largest float, before its point."""
_KEY = "mmf_number_format"
_MAX_DIGITS = 20  # of a whole number of 64 bits
_MAX_POWER_DIGITS = 9
_INFINITY = re.compile(
    r"[ \t\n\r\v\f]*+([+-]?inf(?:inity)?)[ \t\n\r\v\f]*+", re.ASCII | re.IGNORECASE
)

_AMBIGUOUS = re.compile(r"[ \t\n\r\v\f]*+[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}(?![0-9eE])")


class NumberFormat(NamedTuple):
    """The signs in a file's numbers: the decimal sign, and the thousands sign if there is one.

    `is_proven` is false where nothing shows which sign is the decimal one: 12,000 may be 12, too.
    """

    decimal: str = "."
    thousands: str = ""
    is_proven: bool = True


_POINT = NumberFormat()


def whole_number(
    text: str, decimal: str = ".", thousands: str = "", is_proven: bool = True
) -> int | None:
    """Return a whole number of 64 bits, signed or not: `7`, `7.0`, `7e2`; None for other texts.

    No digit is ignored: `1.0000000000000000001` is not a whole number.
    """
    if is_proven and not thousands and text.isascii():  # most, in a quarter of the time
        whole, _, fraction = text.partition(decimal)
        if len(whole) < _MAX_DIGITS - 1 and whole.isdecimal() and not fraction.strip("0"):
            return int(whole)
    parts = _parts(text, decimal, thousands, is_proven)
    if parts is None:
        return None
    sign, whole, fraction, exponent = parts
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return 0
    power = exponent.lstrip("+-").lstrip("0") or "0"
    if len(power) > _MAX_POWER_DIGITS:
        return None
    significant = digits.rstrip("0")
    shift = -int(power) if exponent.startswith("-") else int(power)
    zeros = shift - len(fraction) + len(digits) - len(significant)
    if zeros < 0 or len(significant) + zeros > _MAX_DIGITS:
        return None
    number = int(sign + significant) * 10**zeros
    return number if -(2**63) <= number < 2**64 else None


def real_number(
    text: str, decimal: str = ".", thousands: str = "", is_proven: bool = True
) -> float | None:
    """Return the float that is nearest to a number, infinity if it is too large for any.

    None for a text that is not a number.
    """
    if is_proven and not thousands and _is_plain(text, decimal):
        return float(text)
    parts = _parts(text, decimal, thousands, is_proven)
    if parts is None:
        infinity = _INFINITY.fullmatch(text)
        return float(infinity[1]) if infinity else None
    sign, whole, fraction, exponent = parts
    return float(f"{sign}{whole}.{fraction}e{exponent or '0'}")


def any_number(text: str, decimal: str = ".", thousands: str = "") -> int | float | None:
    """Return the number that a text shows: digits alone are an exact int, else a float.

    This is the guess for a cell whose type is not declared. None for a text that is not a number,
    OverflowError as of `integer`.
    """
    parts = _parts(text, decimal, thousands)
    if parts is None or decimal in text or parts[3]:
        return real_number(text, decimal, thousands)
    sign, whole, _, _ = parts
    return integer(sign + whole)


def integer(text: str) -> int:
    """Return the whole number that digits show, with an optional sign before them.

    OverflowError if no float holds it, which JSON refuses, too: converting it takes a time that
    grows with the square of its digits.
    """
    digits = text.lstrip("+-0")
    if len(digits) >= MAX_FLOAT_DIGITS and isinf(float(digits)):
        raise OverflowError(f"a float cannot hold a whole number of {len(digits):,} digits")
    return int(("-" if text.startswith("-") else "") + (digits or "0"))


def cell_overflow_error(cells: Iterable[tuple[int, str, str]], *signs: str) -> InvalidValue:
    """Return the error that lists the cells for which `any_number` raises OverflowError.

    `cells` are rows, columns and texts; at least one of them is such a cell.
    """
    numbers = (cell for cell in cells if _overflows(cell[2], *signs))
    errors = [
        overflow_detail(text, row, column) for row, column, text in islice(numbers, MAX_ERRORS)
    ]
    return InvalidValue(errors[0].message, errors)


def _overflows(text: str, *signs: str) -> bool:
    try:
        any_number(text, *signs)
    except OverflowError:
        return True
    return False


def is_ambiguous(text: str) -> bool:
    """Return whether a number's only sign may be the decimal or the thousands sign: 1,234."""
    return _AMBIGUOUS.match(text) is not None


def number_format_in(options: Mapping[str, Any]) -> NumberFormat:
    """Return the format that an author declares in pandas' terms."""
    return NumberFormat(options.get("decimal", "."), options.get("thousands") or "")


def set_number_format(table: pd.DataFrame, number_format: NumberFormat) -> None:
    """Note the format of the texts in a table's cells, for column types; `.` needs none."""
    if number_format != _POINT:
        table.attrs[_KEY] = number_format


def number_format_of(table: pd.DataFrame) -> NumberFormat:
    """Return the format of the texts in a table's cells."""
    number_format: NumberFormat = table.attrs.get(_KEY) or _POINT
    return number_format


def _is_plain(text: str, decimal: str) -> bool:
    """Return whether a text is digits, with a point among them if that is the decimal sign."""
    digits = text.replace(".", "", 1) if decimal == "." else text
    return digits.isdecimal() and digits.isascii()


def _parts(
    text: str, decimal: str, thousands: str, is_proven: bool = True
) -> tuple[str, str, str, str] | None:
    """Return a number's sign, digits before and after the decimal sign, and exponent."""
    match = _pattern(decimal, thousands).fullmatch(text)
    if match is None or (not is_proven and is_ambiguous(text)):
        return None
    sign, whole, fraction, exponent = match.groups(default="")
    if thousands:
        whole = whole.replace(thousands, "")
    return sign, whole, fraction, exponent


@lru_cache(maxsize=16)
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    point, separator = re.escape(decimal), re.escape(thousands)
    # Possessive quantifiers: a text of any length is read once.
    groups = rf"[0-9]{{1,3}}(?:{separator}[0-9]{{3}})++(?![0-9])|" if thousands else ""
    return re.compile(
        rf"[ \t\n\r\v\f]*+([+-]?)(?={point}?[0-9])((?:{groups}[0-9]++)?+)"
        rf"(?:{point}([0-9]*+))?+(?:[eE]([+-]?[0-9]++))?+[ \t\n\r\v\f]*+"
    )
