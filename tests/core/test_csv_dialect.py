"""The dialect of a CSV: which characters separate cells, and which the decimals of numbers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpu_time import at_most
from mmf_core.codecs.csv_dialect import number_format, separator
from mmf_core.codecs.table_csv import TableCSV, TableTSV
from mmf_core.errors import RequestError

CSV, TSV = TableCSV(), TableTSV()
AMBIGUOUS_ONLY = re.compile(r"1,234;x|1,234;5\.678|1\.234;x|1,234,567;2|1,2 and 3;x|1 000,5;x")
DISTANCES = {"distance, km": [10.5, 7.0], "time, h": [3.0, 2.5]}


def _read(text: str, **options: object) -> dict[str, list[object]]:
    table: dict[str, list[object]] = CSV.decode(text.encode(), options).to_dict("list")
    return table


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1;2\n", ";"),
        ("a\n1\n", ","),
        ("a\n1;5\n", ","),
        ("distance, km;time, h\n10,5;3\n7;2,5\n", ";"),
        ("distance, km;time, h\n10,5;3,5\n", ";"),  # three cells in each line with commas as well
        ("a, b, c;d\n1;2\n", ";"),
        ("tags (a;b;c),n\nx,1\ny;z,2\n", ","),
        ("a;b;c,d;e\n1,2\n3,4\n", ","),
        ('"a, b, c";d\n1;2\n', ";"),
        ("a;b\n1,5;2,5\n", ";"),
        ("a;b\n1\n2\n", ";"),  # short rows
        ("a\tb\n1\t2\n", "\t"),
        ("a\tb, km\n1\t2,5\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("a|b\n5\n6\n", ","),  # the name of the only column
        ("P(x|y),n\n0.5,3\n", ","),
        ('a,"b\n;;;",c\n1,2,3\n', ","),
        ("", ","),
    ],
)
def test_separator_is_the_one_most_rows_agree_on(text: str, expected: str) -> None:
    assert separator(text.encode()) == expected


def test_names_may_contain_commas() -> None:
    assert _read("distance, km;time, h\n10,5;3\n7;2,5\n") == DISTANCES
    assert _read("a;b;c,d\nx;y,1\n") == {"a;b;c": ["x;y"], "d": [1]}


@pytest.mark.parametrize("codec", [CSV, TSV])
@pytest.mark.parametrize("line", ["sep=;\r\n", "\ufeffsep=;\n", '"sep=;"\n', "sep=;\r"])
def test_sep_line_declares_the_separator(codec: TableCSV, line: str) -> None:
    table = codec.decode(f"{line}distance, km;time, h\n10,5;3\n7;2,5\n".encode(), {})
    assert table.to_dict("list") == DISTANCES


def test_sep_line_is_not_the_header() -> None:
    assert _read("sep=\t\na\tb\n1\t2\n") == {"a": [1], "b": [2]}
    assert _read("sep=|\na|b\n1|x\n", sep="|") == {"a": [1], "b": ["x"]}
    assert _read("sep=;\nprice\n1,5\n") == {"price": [1.5]}
    assert _read("sep=x\n1\n") == {"sep=x": [1]}
    with pytest.raises(RequestError, match="CSV"):
        _read("sep=;")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("1.234;2,5", ","),
        ("12.000;1,5", ","),
        ("1,234;2.5", "."),
        ("1,234;x", ","),
        ("1,234;5.678", ","),  # a thousand in one of them
        ("1.234;x", "."),
        ("0,123;2.5", ","),
        ("0.123;1,234", "."),
        ("1.234,56;x", ","),
        ("1,234.56;1,234", "."),
        ("1,234,567;2", "."),
        ("1,234e3;2", ","),
        (",5;x", ","),
        ('"1,5";x', ","),
        (' 1,5 ;"2"\r\n', ","),
        ("2.5;-1,5", ","),
        ("+1,5e-3;x", ","),
        ("1,2 and 3;x", "."),
        ("1 000,5;x", "."),
        ("x;y", "."),
        ('"7,5;7,5";2.5', "."),
        ('"a ""7"";7,5;\n7,5;";2.5', "."),
        ('"a";7,5', ","),
        ('"a;";7,5', ","),
        ("2.5;x\r7,5;x", ","),
    ],
)
def test_decimal_comma_is_detected(rows: str, expected: str) -> None:
    is_proven = not AMBIGUOUS_ONLY.fullmatch(rows)
    for text in (f"a;b\n{rows}", f"a;b\nx;y\n{rows}\n"):
        assert number_format(text.encode()) == (expected, "", is_proven)


def test_header_does_not_affect_the_decimal_sign() -> None:
    assert number_format(b"1,5;b\n1.5;x\n") == (".", "", True)
    assert number_format(b"1,5;b\n1;x\n") == (".", "", True)
    assert number_format(b"a;b\n1;x\n") == (".", "", True)


@pytest.mark.parametrize(("sign", "expected"), [(".", ","), (",", "."), (" ", ",")])
def test_declared_thousands_sign_is_not_the_decimal_sign(sign: str, expected: str) -> None:
    assert number_format(b"a;b\n1,5;2.5\n", sign) == (expected, sign, True)


@given(
    st.lists(st.sampled_from(['"', ";", ",", "\n", "\r", "7", "1,5", "a", " ", '""']), max_size=40)
)
def test_any_text_yields_a_dialect(parts: list[str]) -> None:
    text = "".join(parts).encode()
    assert separator(text) in {",", ";"}
    assert number_format(text).decimal in {",", "."}


@pytest.mark.parametrize(
    "unit", ['";', ';"', ';"""', ';""""', ';"a;""b', ";1,", ";1,234", ";    ", "1", '"a,b;c', ";,"]
)
def test_dialect_of_a_long_line_is_fast(unit: str) -> None:
    text = b"a;,b\n" + unit.encode() * (600_000 // len(unit))
    with at_most(seconds=3):
        separator(text)
        number_format(text)


def test_separator_of_many_rows_is_fast() -> None:
    """Nine million rows took eight seconds."""
    with at_most(seconds=1):
        assert separator(b"a;b,c\n" + b"1;2\n" * 2_000_000) == ";"


@pytest.mark.parametrize("last", [b"", b"x,y\n", b"1,234\n", b"1.5\n"])
def test_decimal_sign_takes_one_pass(last: bytes) -> None:
    """Three passes over nine million rows took three seconds, even without any decimal sign."""
    with at_most(seconds=0.8 if last else 0.1):
        assert number_format(b"a;b,c\n" + b"1\n" * 2_000_000 + last).decimal in {",", "."}
