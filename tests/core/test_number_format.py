"""Numbers in texts are read exactly, in the format of the file, in bounded time."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from fractions import Fraction
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cpu_time import at_most
from mmf_core.codecs import json
from mmf_core.codecs.number_format import (
    NumberFormat,
    any_number,
    number_format_of,
    real_number,
    set_number_format,
    whole_number,
)
from mmf_core.errors import InvalidValue

LONG = 100_000
NOT_NUMBERS = (
    *("", " ", ".", "+", "-", "e5", "1e", "1e+", "--5", "+-5", "- 5", "5-", "1_0", "0x10", "1d5"),
    *("infin", "--inf", "+ inf", "nan", "NaN", "NA", "1.2.3", "1,5", "1 2", "\u00a01", "5\u2009"),
    *("\u0661", "\u0967\u0968", "\uff11", "\u00b2", "\u22121", "1e\u0665", "5\0", "true", "1e1.0"),
)


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_rejects_other_texts(text: str) -> None:
    assert (whole_number(text), real_number(text), any_number(text)) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("7", 7), ("+7", 7), ("-7", -7), ("007", 7), (" 7\t", 7), ("7.", 7), ("7.0", 7)),
        *(("7e2", 700), ("7E+2", 700), ("700e-2", 7), ("0.7e1", 7), (".7e1", 7), ("-0", 0)),
        *(("0e999999999999", 0), ("0.000", 0), ("1e00000000000000", 1)),
        *((str(2**53 + 1), 2**53 + 1), (str(2**64 - 1), 2**64 - 1), (str(-(2**63)), -(2**63))),
        *((f"{2**53 + 1}.000", 2**53 + 1), ("9007199254740993e0", 2**53 + 1)),
        *(("1.5", None), ("7e-1", None), ("1.0000000000000000000000001", None)),
        *((str(2**64), None), (str(-(2**63) - 1), None), ("1e20", None), ("inf", None)),
        *(("1e999999999", None), ("1e-999999999", None), ("1e99999999999", None)),
    ],
)
def test_integers_are_64_bit_and_exact(text: str, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("1.5", 1.5), (" -1.5e-3 ", -0.0015), ("1.", 1.0), (".5", 0.5), ("1e400", float("inf"))),
        *(("-1e400", float("-inf")), ("1e-400", 0.0), ("INF", float("inf"))),
        *((" -Infinity ", float("-inf")), (str(2**53 + 1), 2.0**53), ("0.1", 0.1)),
    ],
)
def test_real_number_is_the_nearest_float(text: str, number: float) -> None:
    assert real_number(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("7.0", 7.0), ("7e2", 700.0), (str(10**30), 10**30), ("inf", float("inf"))],
)
def test_inferred_integers_of_any_length_are_exact(text: str, number: float) -> None:
    assert (any_number(text), type(any_number(text))) == (number, type(number))


@pytest.mark.parametrize("sign", ["", "+", "-"])
def test_inferred_integers_are_those_that_json_holds(sign: str) -> None:
    largest = f"{sign}{int(sys.float_info.max)}"
    assert any_number(largest) == json.loads(largest.removeprefix("+")) == int(largest)
    for text in (str(2**1024), "9" * 309, "1" + "0" * 309, "9" * LONG):
        with pytest.raises(OverflowError):
            any_number(sign + text)
        with pytest.raises(InvalidValue):
            json.loads(sign.removeprefix("+") + text)
    for text, number in (("0" * 5_000 + "7", 7), ("0" * 5_000, 0)):
        assert any_number(sign + text) == int(f"{sign}{number}")


def test_only_the_given_decimal_sign_is_accepted() -> None:
    assert real_number("1,5", ",") == 1.5
    assert whole_number("1,0", ",") == 1
    for text, decimal in (
        ("1.5", ","),
        ("1.234", ","),
        ("1.234,5", ","),
        ("1,5", "."),
        ("1,234", "."),
    ):
        assert real_number(text, decimal) is None
        assert whole_number(text, decimal) is None


def test_declared_thousands_sign() -> None:
    assert whole_number("1.234.567", ",", ".") == 1_234_567
    assert real_number("-1.234,5", ",", ".") == -1234.5
    assert any_number("1 234", ".", " ") == 1234
    assert whole_number("1234567,0", ",", ".") == 1_234_567
    for text in (".5", "1,2.3", "1.e", "1.5", "1234.567", "1.2345", "12.34.567", "1.234."):
        assert real_number(text, ",", ".") is None


@pytest.mark.parametrize("digit", "0123456789")
def test_long_texts_are_fast(digit: str) -> None:
    with at_most(seconds=1):
        for text in (
            *(digit * LONG, f"{digit * LONG}x", f"0.{digit * LONG}", f"{digit * LONG}."),
            *(f"1e{digit * LONG}", f"1e-{digit * LONG}", " " * LONG + digit, f"{digit * LONG}.e"),
            *(f"{digit},{'1' * LONG}", f"{digit}{' ' * LONG}x"),
        ):
            for read in (whole_number, real_number, any_number):
                with suppress(OverflowError):
                    read(text)


@given(st.from_regex(r"\A[+-]?[0-9]{0,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,3})?\Z"))
@example("9007199254740993.00000000000000000000000000000000000000000000000001e0")
def test_numbers_are_exact(text: str) -> None:
    if real_number(text) is None:
        assert not any(character.isdecimal() for character in text.lower().partition("e")[0])
        return
    exact = Fraction(text.replace(".e", ".0e").replace(".E", ".0E"))
    assert real_number(text) == _nearest(exact)
    is_whole = exact.denominator == 1 and -(2**63) <= exact < 2**64
    assert whole_number(text) == (exact if is_whole else None)
    assert any_number(text) in {exact, _nearest(exact)}


def _nearest(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return float("inf") if exact > 0 else float("-inf")


CELLS = st.text("0123456789+-.,eE infxX_\t", min_size=1, max_size=12) | st.sampled_from(NOT_NUMBERS)


@given(cell=CELLS.filter(lambda cell: not {*cell} & {"\0", ","}))
def test_agrees_with_pandas(cell: str) -> None:
    assert any_number(cell) == _by_pandas(f'"{cell}"')


def _by_pandas(cell: str) -> Any:
    table = pd.read_csv(io.StringIO(f"a,b\n{cell},x\n"), na_filter=False)
    (number,) = table["a"]
    return number if not isinstance(number, str | bool) else None


def test_table_stores_its_number_format() -> None:
    table = pd.DataFrame({"a": ["1,5"]})
    assert number_format_of(table) == (".", "", True)
    set_number_format(table, NumberFormat())
    assert table.attrs == {}
    set_number_format(table, NumberFormat(",", "."))
    assert real_number("1.234,5", *number_format_of(table)) == 1234.5
