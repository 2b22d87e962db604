"""Cells of separated text and of XML, which share a reader: numbers are exact."""

import csv
import io
import math
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_series_equal

import mmf_core as mmf
from mmf_core.codecs.csv_reader import _NULL_WORDS
from mmf_core.codecs.number_format import any_number, number_format_of, real_number, whole_number
from mmf_core.codecs.table_csv import TableCSV, TableTSV
from mmf_core.codecs.table_xml import TableXML
from mmf_core.codecs.typed_columns import typed_column
from mmf_core.errors import InvalidValue

CSV, TSV, XML = TableCSV(), TableTSV(), TableXML()
EXACT = 2**53 + 1  # the first whole number that no float holds
NULL = None


def _csv(cells: list[Any], separator: str = ",") -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\n")
    writer.writerows([("a", "b"), *((cell, "x") for cell in cells)])
    return buffer.getvalue().encode()


def _xml(cells: list[Any]) -> bytes:
    rows = "".join(f"<r>{'' if cell is None else f'<a>{cell}</a>'}<b>x</b></r>" for cell in cells)
    return f"<t>{rows}</t>".encode()


def _column(codec: Any, cells: list[Any], **options: Any) -> pd.Series:
    if isinstance(codec, TableXML):
        data = _xml(cells)
    else:
        data = _csv(cells, "\t" if codec is TSV else options.pop("separator", ","))
    column: pd.Series = codec.decode(data, options)["a"]
    return column


@pytest.mark.parametrize("codec", [CSV, TSV, XML], ids=["csv", "tsv", "xml"])
@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        ([EXACT, -EXACT], "int64"),
        ([2**63, 1], "uint64"),
        ([EXACT, None], "Int64"),
        ([None, -EXACT, None], "Int64"),
        ([2**64 - 1, None], "UInt64"),
        ([EXACT, 0.5], object),
        ([EXACT, 0.5, None], object),
        ([2**64, 0.5], object),
        ([2**64, None], object),
        ([None, 2**64, 0.5], object),
        ([2**64 - 1, -1], object),
        ([2**64 - 1, -1, None], object),
        ([2**64, -1], object),
        ([2**53, 0.5], object),
        ([2**53 - 1, 0.5], "float64"),
        ([1e300, 1e20, None], "float64"),
        ([0.1, None, 12345678.12345678], "float64"),
        ([5, None], "float64"),
    ],
)
def test_inferred_numbers_are_exact(codec: Any, cells: list[Any], dtype: Any) -> None:
    column = _column(codec, cells)
    assert column.dtype == dtype
    assert [None if pd.isna(cell) else cell for cell in column] == cells


LONG = "9" * 309  # no float holds it


@pytest.mark.parametrize("codec", [CSV, TSV, XML], ids=["csv", "tsv", "xml"])
@pytest.mark.parametrize(
    ("cells", "rows"),
    [([LONG], [0]), ([1, f"-{LONG}"], [1]), ([None, LONG, 0.5, "NA", LONG * 20], [1, 4])],
    ids=["alone", "negative", "mixed"],
)
def test_rejects_whole_numbers_that_no_float_holds(
    codec: Any, cells: list[Any], rows: list[int]
) -> None:
    """Python takes the square of the time for ten times the digits, and JSON refuses them."""
    with pytest.raises(
        InvalidValue, match=r"^expected a number, got -?9+…; send a finite"
    ) as caught:
        _column(codec, cells)
    assert [(error.row, error.column) for error in caught.value.errors] == [
        (row, "a") for row in rows
    ]
    texts = [cell if cell is None else str(cell) for cell in cells]
    column = _column(codec, cells, types={"a": str})
    assert [None if pd.isna(cell) else cell for cell in column] == texts


@pytest.mark.parametrize("codec", [CSV, TSV, XML], ids=["csv", "tsv", "xml"])
def test_long_digits_among_words_are_texts(codec: Any) -> None:
    assert _column(codec, [LONG, "x"]).tolist() == [LONG, "x"]
    assert _column(codec, ["x", LONG * 20]).tolist() == ["x", LONG * 20]
    assert _column(codec, [LONG], keep=True, types={}).tolist() == [LONG]


def test_rejected_numbers_are_the_first() -> None:
    with pytest.raises(InvalidValue) as caught:
        _column(CSV, [LONG] * 100)
    assert [error.row for error in caught.value.errors] == list(range(20))


@pytest.mark.parametrize("codec", [CSV, TSV, XML], ids=["csv", "tsv", "xml"])
def test_null_words_beside_long_numbers(codec: Any) -> None:
    assert _column(codec, [EXACT, "NA", ""]).isna().tolist() == [False, True, True]
    assert _column(codec, [EXACT, "NA", "x"]).tolist() == [str(EXACT), "NA", "x"]
    assert _column(codec, [EXACT, "1_000"]).tolist() == [str(EXACT), "1_000"]


@pytest.mark.parametrize("codec", [CSV, TSV, XML], ids=["csv", "tsv", "xml"])
@pytest.mark.parametrize(
    ("type_", "cells", "expected"),
    [
        (int, [EXACT, 7], [EXACT, 7]),
        (int, [EXACT, "NA", "007"], [str(EXACT), NULL, "007"]),
        (int, [EXACT, "3.0"], [str(EXACT), "3.0"]),
        (int, ["1.0000000000000000001"], ["1.0000000000000000001"]),
        (int, [2**64, "x"], [str(2**64), "x"]),
        (int, ["true"], ["true"]),
        (float, [EXACT, None], [float(EXACT), NULL]),
        (float, ["true", "null", "1_0"], ["true", NULL, "1_0"]),
        (float, [2**64], [str(2**64)]),
        (str, ["007", "NA", None], ["007", "NA", NULL]),
        (bool, ["1", "true", "NA", None], ["1", "true", NULL, NULL]),
        (datetime, ["2026", "NaN", None], ["2026", NULL, NULL]),
    ],
)
def test_declared_column_keeps_the_text_it_needs(
    codec: Any, type_: type, cells: list[Any], expected: list[Any]
) -> None:
    column = _column(codec, cells, types={"a": type_})
    assert [None if pd.isna(cell) else cell for cell in column] == expected


@pytest.mark.parametrize(
    ("type_", "cell"), [(int, "x"), (float, "x"), (bool, "1"), (datetime, "x")]
)
def test_empty_xml_element_is_null_unless_declared_as_text(type_: type, cell: str) -> None:
    assert _column(XML, ["", cell], types={"a": type_}).isna().tolist() == [True, False]


def test_duplicate_names_are_kept() -> None:
    assert list(CSV.decode(b"a,b,a\n1,2,3\n", {}).columns) == ["a", "b", "a"]
    assert list(TSV.decode(b'a\ta\t"a.1"\n1\t2\t3\n', {}).columns) == ["a", "a", "a.1"]
    assert list(CSV.decode(b"a,a.1\n1,2\n", {}).columns) == ["a", "a.1"]
    assert list(CSV.decode(b"a,a,,\n1,2,3,4\n", {}).columns) == [
        *("a", "a", "Unnamed: 2", "Unnamed: 3")
    ]
    table = CSV.decode(b"a,a\n9007199254740993,\n,1\n", {})
    assert table.iloc[:, 0].tolist() == [EXACT, pd.NA]


def test_decimal_commas() -> None:
    table = CSV.decode(f"a;b;c\n1,5;1.5;{EXACT}\nx;2;,5\n".encode(), {"types": {"a": float}})
    assert table["a"].tolist() == ["1,5", "x"]
    assert table["b"].tolist() == ["1.5", "2"]
    assert table["c"].tolist() == [EXACT, 0.5]
    assert number_format_of(table) == (",", "", True)
    assert number_format_of(CSV.decode(b"a,b\n1.5,2\n", {})) == (".", "", True)


def test_declared_signs_apply_to_every_column() -> None:
    options = {"thousands": ".", "types": {"a": float, "d": int}}
    data = b"a;b;c;d\n1.234,5;1.234;9.007.199.254.740.993;1.000\nx;5;;2\n"
    table = CSV.decode(data, options)
    assert table["a"].tolist() == ["1.234,5", "x"]
    assert table["b"].tolist() == [1234, 5]
    assert table["c"].tolist() == [EXACT, pd.NA]
    assert table["d"].tolist() == ["1.000", "2"]
    assert number_format_of(table) == (",", ".", True)


def test_pandas_params_dtypes_take_precedence() -> None:
    data = f"a,b\n{EXACT},x\n,y\n".encode()
    for options in (
        {"dtype": float, "usecols": ["a"]},
        {"dtype": {"a": float}},
        {"dtype": {0: float}},
        {"converters": {"a": lambda text: float(text or "nan")}},
    ):
        for types in ({}, {"a": int, "b": str}):
            table = CSV.decode(data, {**options, "types": types})
            assert table["a"].dtype == float
    table = CSV.decode(b"a\n2026-01-31\n", {"parse_dates": ["a"], "types": {"a": datetime}})
    assert table["a"].dtype.kind == "M"
    options = {"true_values": ["ja"], "false_values": ["nein"], "types": {"a": bool}}
    assert CSV.decode(b"a\nja\nnein\n", options)["a"].tolist() == [True, False]


@pytest.mark.parametrize(
    "options",
    [
        {"index_col": "b"},
        {"usecols": ["a", "b"]},
        {"names": ["a", "b"], "header": 0},
        {"skiprows": 0, "nrows": 2},
        {"na_values": ["-"]},
        {"header": 0, "engine": "python"},
    ],
    ids=str,
)
def test_second_pass_uses_the_same_options(options: dict[str, Any]) -> None:
    arguments = {key: value for key, value in options.items() if key != "engine"}
    assert CSV.decode(f"a,b\n{EXACT},x\n,y\n".encode(), arguments)["a"].tolist() == [EXACT, pd.NA]


CELLS = (
    st.sampled_from(
        [
            *(
                "",
                "7",
                "-7",
                "+7",
                "007",
                "-0",
                "0.5",
                ".5",
                "5.",
                "1e3",
                "1E+3",
                "-1e-3",
                " 5",
                "5 ",
            ),
            *("9007199254740992", "9007199254740993", "-9007199254740993", "9007199254740993.0"),
            *("9223372036854775807", "-9223372036854775808", "9223372036854775808"),
            *("18446744073709551615", "18446744073709551616", "1" * 30, "1.0000000000000000001"),
            *(
                "1e400",
                "-1e400",
                "1e-400",
                "4.9e-324",
                "1e22",
                "0.1000000000000000055511151231257827",
            ),
            *("inf", "-Infinity", "nan", "NA", "null", "NAN", "#N/A", "None", "x", "1_000", "0x1F"),
            *(
                "1,5",
                "1,234",
                "1.234,5",
                "1,234.5",
                "--5",
                "+-5",
                "- 5",
                "5 6",
                "1e",
                "e5",
                ".",
                "+",
            ),
            *(
                "true",
                "False",
                "TRUE",
                "yes",
                "2026-01-31",
                "\u0661",
                "5%",
                "'7",
                "\xa07",
                "1d3",
                "5f",
            ),
        ]
    )
    | st.integers(-(2**65), 2**65).map(str)
    | st.floats().map(repr)
)
WORDS = {**dict.fromkeys(["true", "True", "TRUE"], True), **dict.fromkeys(["False"], False)}
COLUMNS = st.lists(CELLS, min_size=1, max_size=5)


def _expected(cells: list[str], type_: type | None, decimal: str, empty: str | None) -> list[Any]:
    """Read each cell exactly from its own text."""
    if type_ is str:
        return [cell or empty for cell in cells]
    nulls = [cell == "" or cell in _NULL_WORDS for cell in cells]
    parse = {int: whole_number, float: real_number, None: any_number}.get(
        type_, lambda cell, _: cell
    )
    values = [
        None if null else parse(cell, decimal) for cell, null in zip(cells, nulls, strict=True)
    ]
    if type_ is not None:
        return [
            cell if value is None and not null else value
            for cell, value, null in zip(cells, values, nulls, strict=True)
        ]
    if all(map(np.logical_xor, nulls, [value is not None for value in values])):
        return pd.Series(typed_column(values)).tolist()
    words = [None if null else WORDS.get(cell) for cell, null in zip(cells, nulls, strict=True)]
    if all(map(np.logical_xor, nulls, [word is not None for word in words])):
        return words
    return [cell or empty for cell in cells]


def _plain(value: Any) -> Any:
    """Return None for null, and 0 for -0: a column of whole numbers has only one zero."""
    return None if pd.isna(value) else value + 0 if isinstance(value, float) else value


def _value(cell: Any, type_: type | None, decimal: str) -> Any:
    """Convert an exact cell to a declared type, as far as the codec does that."""
    if isinstance(cell, str) and type_ in {int, float}:
        value = (whole_number if type_ is int else real_number)(cell, decimal)
        return cell if value is None else value
    return type_(cell) if type_ in {int, float} else cell


@settings(deadline=None)
@given(
    COLUMNS,
    st.sampled_from([str, int, float, bool, datetime, None]),
    st.sampled_from([None, ",", ";", "\t"]),
    st.sampled_from([".", ","]),
)
def test_column_equals_its_cells_read_alone(
    cells: list[str], type_: type | None, separator: str | None, decimal: str
) -> None:
    types = {"types": {"a": type_}} if type_ else {}
    if separator:
        options = {"sep": separator, "decimal": decimal, **types}
        column = CSV.decode(_csv(cells, separator), options)["a"]
    else:
        decimal = "."
        column = XML.decode(_xml(cells), types)["a"]
    values = [None if pd.isna(cell) else _value(cell, type_, decimal) for cell in column.tolist()]
    expected = _expected(cells, type_, decimal, None if separator else "")
    shown = list(map(repr, map(_plain, values)))
    assert shown == list(map(repr, map(_plain, expected))), (cells, type_, separator)


@settings(deadline=None)
@given(COLUMNS, COLUMNS, st.sampled_from([str, int, float, bool, datetime]))
def test_declared_column_is_independent_of_others(
    cells: list[str], others: list[str], type_: type
) -> None:
    rows = max(len(cells), len(others))
    other = (others * rows)[:rows]
    data = "a\tb\n" + "".join(
        f"{a}\t{b}\n" for a, b in zip((cells * rows)[:rows], other, strict=True)
    )
    alone = TSV.decode(data.encode(), {"types": {"a": type_}, "usecols": ["a"]})["a"]
    beside = TSV.decode(data.encode(), {"types": {"a": type_}})["a"]
    assert_series_equal(alone, beside)


@pytest.mark.parametrize(
    ("text", "types", "expected"),
    [
        ("a;b\n1.234;2,5\n", {"a": float, "b": float}, {(0, "a"): "1.234"}),
        ("qty;price\n12.000;1,5\n", {"qty": int, "price": float}, {(0, "qty"): "12.000"}),
        ("a;b\n1,234;2.5\n", {"a": float, "b": float}, {(0, "a"): "1,234"}),
        ("a;b\n7,5;1\n1.234,56;2\n8,5;3\n", {"a": float, "b": int}, {(1, "a"): "1.234,56"}),
        ("a;b\n7,5;x\n", {"a": float, "b": float}, {(0, "b"): "x"}),
        ("a;b\n7,5;1\n", {"a": float, "b": float}, {"a": [7.5], "b": [1.0]}),
        ("a;b\n1,234;x\n", {"a": float, "b": str}, {(0, "a"): "1,234"}),
        ("a;b\n1.234;x\n", {"a": float, "b": str}, {(0, "a"): "1.234"}),
        ("a;b\n1,234;2.345\n", {"a": float, "b": float}, {(0, "a"): "1,234", (0, "b"): "2.345"}),
        ("a;b\n12.000;1\n", {"a": int, "b": int}, {(0, "a"): "12.000"}),
        ("a;b\n12,000;1\n", {"a": int, "b": float}, {(0, "a"): "12,000"}),
        ("a;b\n1,000;1\n", {"a": bool, "b": float}, {(0, "a"): "1,000"}),
        ("a;b\n1,234;0,5\n", {"a": float, "b": float}, {"a": [1.234], "b": [0.5]}),
        ("a;b\n12.000;0.5\n", {"a": int, "b": float}, {"a": [12], "b": [0.5]}),
        ("a;b\n12;x.y\n", {"a": float, "b": str}, {"a": [12.0], "b": ["x.y"]}),
        ("a;b\n2,0;1.5\n", {"a": int, "b": str}, {"a": [2], "b": ["1.5"]}),
        ('a,b\n"1,5",1\n', {"a": float, "b": int}, {(0, "a"): "1,5"}),
        ("a\tb\n1,5\t1\n", {"a": float, "b": int}, {(0, "a"): "1,5"}),
    ],
)
def test_thousands_sign_is_never_read_as_decimal(
    text: str, types: dict[str, Any], expected: dict[Any, Any]
) -> None:
    descriptor = mmf.DataFrame(schema=types)
    table = CSV.decode(text.encode(), descriptor.options)
    if set(expected) == set(types):
        assert descriptor.validate(table).to_dict("list") == expected
        return
    with pytest.raises(InvalidValue) as caught:
        descriptor.validate(table)
    errors = {(error.row, error.column): error.value for error in caught.value.errors}
    assert errors == expected


def test_error_explains_thousands_signs() -> None:
    for params in ({}, {"decimal": ","}):
        descriptor = mmf.DataFrame(schema={"a": float, "b": float}, pandas_params=params)
        with pytest.raises(InvalidValue) as caught:
            descriptor.validate(CSV.decode(b"a;b\n1.234,5;2,5\n", descriptor.options))
        (error,) = caught.value.errors
        assert "thousands" in error.message


def test_ambiguous_number_error_names_both_readings() -> None:
    descriptor = mmf.DataFrame(schema={"a": int})
    with pytest.raises(InvalidValue) as caught:
        descriptor.validate(CSV.decode(b"a;b\n12,000;x\n", descriptor.options))
    (error,) = caught.value.errors
    assert error.message == (
        'expected a whole number, got "12,000"; it may be 12 or 12000: no number in this file '
        'shows its decimal sign, which the author declares: pandas_params={"decimal": ","}'
    )
    declared = mmf.DataFrame(schema={"a": int}, pandas_params={"decimal": ","})
    table = CSV.decode(b"a;b\n12,000;x\n", declared.options)
    assert declared.validate(table)["a"].tolist() == [12]
    assert CSV.decode(b"a;b\n12,000;1,234\n", {}).to_numpy().tolist() == [[12, 1.234]]


@pytest.mark.parametrize(
    "cell", ["1.5", "12.34.5", "12.34,5", "1234.567", "1.2345", ".5", "1..000"]
)
@pytest.mark.parametrize("type_", [int, float])
def test_thousands_groups_have_three_digits(cell: str, type_: type) -> None:
    params = {"thousands": ".", "decimal": ","}
    descriptor = mmf.DataFrame(schema={"a": type_}, pandas_params=params)
    for body in (f"a;b\n{cell};1\n", f"a;b\n{cell};x\n"):
        with pytest.raises(InvalidValue):
            descriptor.validate(CSV.decode(body.encode(), descriptor.options))
    table = CSV.decode(f"a;b\n{cell};1.000\n".encode(), params)
    assert table.to_dict("list") == {"a": [cell], "b": [1000]}


@pytest.mark.parametrize(
    "cells", [["-0", "1"], ["-0", "1.5"], ["-0", ""], ["1", "-00"], ["-0", "x"], ["-0", EXACT]]
)
@pytest.mark.parametrize("codec", [CSV, TSV, XML], ids=lambda codec: codec.format.name)
def test_negative_zero_keeps_its_sign(codec: Any, cells: list[Any]) -> None:
    body = (
        "".join(f"<row><a>{cell}</a><b>1</b></row>" for cell in cells).join(["<t>", "</t>"])
        if codec is XML
        else "\n".join([f"a{codec.separator}b", *(f"{cell}{codec.separator}1" for cell in cells)])
    )
    for schema in ({"a": float | None, "b": float}, {"a": float | None, "b": str}):
        descriptor = mmf.DataFrame(schema=schema)
        table = codec.decode(body.encode(), descriptor.options)
        column, _ = descriptor.columns["a"].convert(table["a"])
        zero = column.tolist()[cells.index(next(cell for cell in cells if cell.startswith("-")))]
        assert math.copysign(1, zero) == -1


def test_declared_thousands_sign_in_mixed_columns() -> None:
    params = {"thousands": ".", "decimal": ",", "na_values": ["-"]}
    descriptor = mmf.DataFrame(schema={"a": float | None, "b": float}, pandas_params=params)
    data = b"a;b\n1.234,5;1.234\n-;2,5\n1.234;x\n"
    table = CSV.decode(data, descriptor.options)
    with pytest.raises(InvalidValue) as caught:
        descriptor.validate(table)
    assert [(error.row, error.value) for error in caught.value.errors] == [(2, "x")]
    table = descriptor.validate(table.head(2))
    assert table["a"].fillna(0).tolist() == [1234.5, 0]
    assert table["b"].tolist() == [1234, 2.5]


def _outcome(type_: Any, cells: list[str], other: str) -> tuple[list[Any], Any]:
    """Return each row's value, or an error's text in its place, and the type of the column."""
    descriptor = mmf.DataFrame(schema={"a": type_, "b": str | None})
    rows = "".join(f"{cell}\t{other}\n" for cell in cells)
    table = TSV.decode(f"a\tb\n{rows}".encode(), descriptor.options)
    try:
        column = descriptor.validate(table)["a"]
    except InvalidValue as error:
        wrong = {detail.row: detail.message.partition(", got")[0] for detail in error.errors}
        good = [cell for row, cell in enumerate(cells) if row not in wrong]
        values = iter(_outcome(type_, good, other)[0] if good else [])
        return [wrong[row] if row in wrong else next(values) for row in range(len(cells))], None
    return list(map(_plain, column.tolist())), column.dtype


@settings(deadline=None)
@given(
    st.lists(CELLS, min_size=1, max_size=4),
    st.sampled_from([str, int, float, bool]).flatmap(
        lambda type_: st.sampled_from([type_, type_ | None])
    ),
    st.sampled_from(["x", "NA", "", "9007199254740993"]),
)
def test_cell_is_independent_of_other_cells(cells: list[str], type_: Any, other: str) -> None:
    together, dtype = _outcome(type_, cells, other)
    alone = [_outcome(type_, [cell], "y") for cell in cells]
    assert list(map(repr, together)) == [repr(values[0]) for values, _ in alone]
    assert len({dtype, *(alone_dtype for _, alone_dtype in alone)} - {None}) <= 1
