"""Tables as XML."""

import encodings
import tracemalloc

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from tables import MIXED, fuzz

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, csv_reader, find
from mmf_core.codecs.table_xml import TableXML
from mmf_core.errors import BodyTooLarge, RequestError
from mmf_core.settings import MIB

CODEC = TableXML()
TEXTS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cs", "Cn"), exclude_characters="\ufffe\uffff"
    ),
    min_size=1,
).filter(
    lambda text: (
        not any(char < " " and char not in "\t\n\r" for char in text)
        and text not in csv_reader._NULL_WORDS  # without a schema they are nulls
    )
)
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
LAUGHS = b'<!DOCTYPE t [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><t><r><a>&b;</a></r></t>'
OUTSIDE = b'<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]><t><r><a>&a;</a></r></t>'


def _read(text: str) -> dict[str, list[object]]:
    table: dict[str, list[object]] = CODEC.decode(text.encode(), {}).to_dict("list")
    return table


def test_codec_is_registered() -> None:
    assert isinstance(find(Kind.TABLE, Format.XML), TableXML)


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))),
    st.lists(
        st.tuples(TEXTS, st.integers(-(2**63), 2**63 - 1), st.floats()), min_size=1, max_size=9
    ),
)
def test_tables_round_trip(name: str, rows: list[tuple[str, int, float]]) -> None:
    columns = [f"{name} text", "n", f"x{name}"]
    table = pd.DataFrame(rows, columns=columns)
    options = {"dtype": {columns[0]: str, columns[2]: float}}
    assert_frame_equal(CODEC.decode(CODEC.encode(table, {}), options), table, check_exact=True)


def test_output() -> None:
    table = pd.DataFrame(
        {"a": [1, 2], "my column": ["<&>", None], "цена": [True, 0.5], "xml": "\r"}
    )
    assert CODEC.encode(table, {}).decode().splitlines() == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<table {XSI}>",
        (
            '<row><a>1</a><cell name="my column">&lt;&amp;&gt;</cell><цена>True</цена>'
            '<cell name="xml">&#13;</cell></row>'
        ),
        (
            '<row><a>2</a><cell name="my column" xsi:nil="true"/><цена>0.5</цена>'
            '<cell name="xml">&#13;</cell></row>'
        ),
        "</table>",
    ]


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("<t><r><a>1</a><b>x</b></r></t>", {"a": [1], "b": ["x"]}),
        ("<wines><wine a='1' b='x'/><wine a='2' b='y'/></wines>", {"a": [1, 2], "b": ["x", "y"]}),
        ("<t><r a='1'><b>2.5</b></r></t>", {"a": [1], "b": [2.5]}),
        ('<t><r><cell name="{my} column">1</cell></r></t>', {"{my} column": [1]}),
        ('<t><r><cell name="cell">1</cell><a>true</a></r></t>', {"cell": [1], "a": [True]}),
        ("<t><r><cell>1</cell></r></t>", {"cell": [1]}),
        ('<x:t xmlns:x="urn:x"><x:r x:b="2"><x:a>1</x:a></x:r></x:t>', {"b": [2], "a": [1]}),
        ("<t>\n  <r>\n    <a><![CDATA[<b>]]></a>\n  </r>\n</t>", {"a": ["<b>"]}),
        ("<t><r><a>NA</a></r><r><a>x</a></r></t>", {"a": ["NA", "x"]}),
        ("<t><r><a>9007199254740993</a></r></t>", {"a": [2**53 + 1]}),
    ],
)
def test_accepts_any_element_names_and_attributes(
    text: str, table: dict[str, list[object]]
) -> None:
    assert _read(text) == table


def test_nil_empty_and_missing_elements_are_null_among_numbers() -> None:
    text = f'<t {XSI}><r><a xsi:nil="true"/><b>1</b></r><r><a/><b>2</b></r><r><b>3</b></r></t>'
    table = CODEC.decode(text.encode(), {})
    assert table["a"].isna().tolist() == [True] * 3
    assert table["b"].tolist() == [1, 2, 3]


def test_empty_element_among_texts_is_an_empty_text() -> None:
    text = f'<t {XSI}><r><a>x</a></r><r><a/></r><r a=""/><r><a xsi:nil="true"/></r><r/></t>'
    column = CODEC.decode(text.encode(), {})["a"]
    assert column.fillna("null").tolist() == ["x", "", "", "null", "null"]


def test_schema_keeps_leading_zeros() -> None:
    descriptor = mmf.DataFrame(schema={"code": str, "n": int})
    data = b"<t><r><code>007</code><n>1</n></r><r><code>NA</code><n>2</n></r></t>"
    table = descriptor.validate(CODEC.decode(data, descriptor.options))
    assert table.to_dict("list") == {"code": ["007", "NA"], "n": [1, 2]}


def test_csv_options_do_not_apply_to_xml() -> None:
    table = CODEC.decode(b"<t><r><a>1.5</a></r></t>", {"sep": ";", "decimal": ",", "header": 3})
    assert table.to_dict("list") == {"a": [1.5]}


def test_utf_16_is_read() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><t><r><a>цена</a></r></t>'
    assert CODEC.decode(text.encode("utf-16"), {}).to_dict("list") == {"a": ["цена"]}


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"a,b\n1,2\n", b"<t><r>", b"<t><r><a>1</b></r></t>", b"<t/><t/>", b"\x00"),
        *(LAUGHS, OUTSIDE, b"<!DOCTYPE t><t><r><a>1</a></r></t>"),
        *(b"<t><r><a><b>1</b></a></r></t>", b"<t>x</t>", b"<t><r>x<a>1</a></r></t>"),
        *(b"<t><r><a>1</a><a>2</a></r></t>", b"<t><r a='1'><a>2</a></r></t>"),
        b"<t><r><a currency='EUR'>1</a></r></t>",
        b'<?xml version="1.0" encoding="no-such"?><t><r><a>1</a></r></t>',
        b"<a>" * 100_000,
    ],
    ids=lambda data: repr(data[:30]),
)
def test_rejects_other_xml(data: bytes) -> None:
    with pytest.raises(RequestError, match="XML"):
        CODEC.decode(data, {})


def test_rejects_rows_with_ever_new_columns() -> None:
    rows = "".join(f"<r a{place}='1'/>" for place in range(9_000))
    with pytest.raises(RequestError, match="nearly empty"):
        CODEC.decode(f"<t>{rows}</t>".encode(), {})


@pytest.mark.parametrize("text", ["a\x0bb", "\x00", "\ud800", "\uffff"])
def test_rejects_text_that_xml_cannot_represent(text: str) -> None:
    names = pd.Index([text], dtype=object)
    for table in (pd.DataFrame({"a": [text]}, dtype=object), pd.DataFrame([[1]], columns=names)):
        with pytest.raises(ValueError, match="XML"):
            CODEC.encode(table, {})


@pytest.mark.parametrize("kind", [Kind.TABLE, Kind.JSON])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["a%d", "p:a%d", "a p:b%d=''"])
def test_rejects_long_namespace_with_many_names(kind: Kind, encoding: str, name: str) -> None:
    """500 kB for 2,000 names took two gigabytes; 25 MB for a million would take days."""
    uri = "u" * 100_000
    cells = "".join(f"<{name % i}/>" for i in range(1_000))
    text = f"<t xmlns='{uri}' xmlns:p = \n\"{uri}\"><r>{cells}</r></t>"
    codec = find(kind, Format.XML)
    assert codec
    tracemalloc.start()
    with pytest.raises(BodyTooLarge, match="got a namespace of 100,000; send names without"):
        codec.read(text.encode(encoding), {})
    assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    tracemalloc.stop()


def test_accepts_short_namespace_with_many_names() -> None:
    cells = "".join(f"<b{number}>1</b{number}>" for number in range(12))
    row = f"<r><a xsi:nil='true'/>{cells}</r>"
    text = f"<t {XSI} long='{'x' * 100_000}'>" + row * 50_000
    assert len(CODEC.decode(f"{text}</t>".encode(), {})) == 50_000


@pytest.mark.parametrize("kind", [Kind.TABLE, Kind.JSON])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_unknown_encoding_names_are_not_cached(kind: Kind, encoding: str) -> None:
    """It would keep each name that it has looked up, of any length, forever."""
    name = f"x-{kind.name}-{encoding}" + "x" * 1_000
    codec = find(kind, Format.XML)
    assert codec
    with pytest.raises(RequestError, match=r"unknown encoding: x-.*…"):
        codec.read(f'<?xml version="1.0" encoding="{name}"?><t/>'.encode(encoding), {})
    assert not [known for known in encodings._cache if known.startswith("x_")]  # type: ignore[attr-defined]
    russian = '<?xml version="1.0" encoding="windows-1251"?><t><r><цена>два</цена></r></t>'
    assert codec.read(russian.encode("cp1251"), {}) is not None


def test_corrupted_xml_is_rejected_or_read() -> None:
    fuzz(CODEC, CODEC.encode(MIXED, {}))
