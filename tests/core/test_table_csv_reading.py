"""CSV and TSV in the wild: encodings, separators, nulls, width."""

from datetime import datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from tables import MIXED, fuzz

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find
from mmf_core.codecs.csv_reader import MAX_REPLACED
from mmf_core.codecs.csv_text import MAX_REPEATED
from mmf_core.codecs.decoded_size import MAX_COLUMNS
from mmf_core.codecs.table_csv import TableCSV, TableTSV
from mmf_core.errors import InvalidValue, RequestError

CSV, TSV = TableCSV(), TableTSV()
KEPT = {"keep": True, "types": {"x": float}}
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1)


def _read(data: bytes, **options: object) -> dict[str, list[object]]:
    table: dict[str, list[object]] = CSV.decode(data, options).to_dict("list")
    return table


def test_tsv_codec_is_registered() -> None:
    assert isinstance(find(Kind.TABLE, Format.TSV), TableTSV)


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=10))
def test_tsv_round_trip(rows: list[tuple[str, int]]) -> None:
    table = pd.DataFrame(rows, columns=["text", "n"])
    options = {"types": {"text": str}}
    assert_frame_equal(TSV.decode(TSV.encode(table, {}), options), table)


def test_tsv_splits_only_on_tabs() -> None:
    assert TSV.decode(b"a,b\tc;d\n1,5\tx\n", {}).to_dict("list") == {"a,b": ["1,5"], "c;d": ["x"]}
    assert TSV.encode(pd.DataFrame({"a": ["x\ty"], "b": [1]}), {}) == b'a\tb\n"x\ty"\t1\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1251"])
@pytest.mark.parametrize("codec", [CSV, TSV])
def test_encodings_are_detected(codec: TableCSV, encoding: str) -> None:
    data = "цена,имя\n1,Вино\n".replace(",", codec.separator).encode(encoding)
    assert codec.decode(data, {}).to_dict("list") == {"цена": [1], "имя": ["Вино"]}


def test_declared_encoding_takes_precedence() -> None:
    assert _read("é\nü\n".encode("cp1252"), encoding="cp1252") == {"é": ["ü"]}
    with pytest.raises(RequestError, match="ascii"):
        CSV.decode("é\n1\n".encode(), {"encoding": "ascii"})


@pytest.mark.parametrize(
    ("data", "table"),
    [
        (b"a;b\n1,5;x\n", {"a": [1.5], "b": ["x"]}),
        (b"a;b\n-1,5e3;1,2 and 3\n", {"a": [-1500.0], "b": ["1,2 and 3"]}),
        (b"a;b\n1.5;x\n", {"a": [1.5], "b": ["x"]}),  # as R and UCI write it
        (b"a;b\n1;2\n", {"a": [1], "b": [2]}),
        (b'"a,x";b;"c,d,e"\n"1,5";2;3\n', {"a,x": [1.5], "b": [2], "c,d,e": [3]}),
        (b"\n\na;b\n1;2\n", {"a": [1], "b": [2]}),
        (b'"a;b;c",d\n1,2\n', {"a;b;c": [1], "d": [2]}),
        (b"a,b\n1;5,2;5\n", {"a": ["1;5"], "b": ["2;5"]}),
        (b'"a;\n;b",c\r\n1,2\r\n', {"a;\n;b": [1], "c": [2]}),
    ],
)
def test_semicolons_are_detected(data: bytes, table: dict[str, list[object]]) -> None:
    assert _read(data) == table


def test_declared_separator_takes_precedence() -> None:
    assert _read(b"a;b\n1;2\n", sep=",") == {"a;b": ["1;2"]}
    assert _read(b"a;b\n1,5;2\n", decimal=".") == {"a": ["1,5"], "b": [2]}
    assert _read(b"a|b\n1|2\n", delimiter="|") == {"a": [1], "b": [2]}


@pytest.mark.parametrize("names", [["a;b"], ["a;b;c", "d"], [";", '"'], ["a|b"], ["a\tb", "c"]])
def test_names_with_separators_round_trip(names: list[str]) -> None:
    table = pd.DataFrame([range(len(names))], columns=names)
    assert_frame_equal(CSV.decode(CSV.encode(table, {}), {}), table)


@pytest.mark.parametrize("word", ["NA", "null", "None", "NaN", "N/A", "nan", "<NA>"])
def test_null_word_is_null_among_numbers_and_text_among_texts(word: str) -> None:
    table = CSV.decode(f"n,t,e\n1,x,\n{word},{word},\n,,\n".encode(), {})
    assert table["n"].tolist()[0] == 1
    assert table["n"].isna().tolist() == [False, True, True]
    assert table["t"].tolist()[:2] == ["x", word]
    assert table["t"].isna().tolist() == [False, False, True]
    assert table["e"].isna().all()


def test_null_word_in_a_declared_text_column_is_text() -> None:
    descriptor = mmf.DataFrame(schema={"code": str, "n": float | None})
    table = descriptor.validate(CSV.decode(b"code,n\nNA,NA\nnull,2\n007,3\n", descriptor.options))
    assert table["code"].tolist() == ["NA", "null", "007"]
    assert table["n"].isna().tolist() == [True, False, False]


def test_null_words_in_duplicate_columns() -> None:
    table = CSV.decode(b"a,a\nNA,NA\n1,x\n", {})
    assert table.iloc[:, 0].isna().tolist() == [True, False]
    assert table.iloc[:, 1].tolist() == ["NA", "x"]


def test_declared_null_words_take_precedence() -> None:
    assert CSV.decode(b"t\nx\n-\n", {"na_values": ["-"]})["t"].isna().tolist() == [False, True]
    assert _read(b"t,u\nx,1\n,2\n", keep_default_na=False) == {"t": ["x", ""], "u": [1, 2]}


def test_type_does_not_depend_on_length() -> None:
    rows = b"1\n" * 300_000
    assert set(map(type, CSV.decode(b"a\n" + rows + b"x\n", {})["a"])) == {str}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"," * 1_000_000 + b"\n1\n", id="columns"),
        pytest.param(b";" * 1_000_000, id="semicolons"),
        pytest.param(b'"\n"' + b"," * 1_000_000, id="behind a line break in quotes"),
        pytest.param(b"a,b\n1,2" + b"," * 1_000_000, id="first row"),
        pytest.param(b"a,b\n1,2\n1" + b",2" * 1_000_000, id="second row"),
        pytest.param(b'a,b\n"' + b"x" * 5_000_000, id="open quote"),
        pytest.param(b'"' * 2_000_001, id="quotes"),
    ],
)
def test_rejects_huge_line(data: bytes) -> None:
    with pytest.raises(RequestError, match=r"CSV|at most 16,384 columns"):
        CSV.decode(data, {})


def test_column_limit_is_inclusive() -> None:
    assert CSV.decode(b"," * (MAX_COLUMNS - 1) + b"\n1\n", {}).shape == (1, MAX_COLUMNS)


@pytest.mark.parametrize("codec", [CSV, TSV])
def test_formulas_are_escaped_on_request(codec: TableCSV) -> None:
    table = pd.DataFrame(
        {"=n": [-1, 2], "t": ["=1+1", "-x"], "u": ["@a", "a=b"], "v": ["+1", "\t"], "x": [-0.5, 1]}
    )
    escaped = codec.decode(codec.encode(table, {"escape_formulas": True}), {"dtype": str})
    assert escaped.to_dict("list") == {
        "'=n": ["-1", "2"],
        "t": ["'=1+1", "'-x"],
        "u": ["'@a", "a=b"],
        "v": ["'+1", "'\t"],
        "x": ["-0.5", "1.0"],
    }
    assert b"'" not in codec.encode(table, {})


@pytest.mark.parametrize("codec", [CSV, TSV])
def test_corrupted_text_is_rejected_or_read(codec: TableCSV) -> None:
    fuzz(codec, codec.encode(MIXED, {}))


def test_null_words_beside_integers_over_64_bits() -> None:
    body = b"a,b\nNA,NA\n100000000000000000001,2026-01-31\n1.5,NA\n"
    table = TableCSV().decode(body, {"types": {"b": datetime}})
    assert table["a"].tolist() == [None, 10**20 + 1, 1.5]
    assert table["b"].isna().tolist() == [True, False, True]


@pytest.mark.parametrize("repeats", [MAX_REPEATED, MAX_REPEATED + 1])
def test_rejects_header_with_too_many_duplicates(repeats: int) -> None:
    text = b",".join([b"a"] * (repeats + 1)) + b"\n" + b",".join([b"1"] * (repeats + 1)) + b"\n"
    if repeats > MAX_REPEATED:
        with pytest.raises(InvalidValue, match=r"^expected unique column names"):
            CSV.read(text, {})
    else:
        assert CSV.read(text, {}).columns.tolist() == ["a"] * (repeats + 1)


@pytest.mark.parametrize("columns", [MAX_REPLACED, MAX_REPLACED + 1])
def test_many_text_columns_are_restored(columns: int) -> None:
    names = [f"c{index}" for index in range(columns)]
    table = CSV.read(f"x,{','.join(names)}\n1.5,{','.join(['007'] * columns)}\n".encode(), KEPT)
    assert table.columns.tolist() == ["x", *names]
    assert table.iloc[0].tolist() == [1.5, *["007"] * columns]
