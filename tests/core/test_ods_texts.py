"""Texts in the cells of an OpenDocument sheet: every character arrives, within limits."""

import re
from contextlib import nullcontext
from operator import ge
from xml.parsers.expat import ExpatError

import pytest
import sheets
from hypothesis import given, settings
from hypothesis import strategies as st
from test_workbooks import repacked

from mmf_core.codecs import table_ods
from mmf_core.codecs.table_ods import TableODS
from mmf_core.errors import BodyTooLarge, RequestError

MARK = b"<text:p>mark</text:p>"


def read(paragraphs: bytes) -> str:
    """Return the text of a cell with these paragraphs."""
    workbook = repacked(
        sheets.ods([["a", "b"], ["mark", 1]]),
        "content.xml",
        lambda xml: xml.replace(b'office:string-value="mark"', b"").replace(MARK, paragraphs),
    )
    text: str = TableODS().decode(workbook, {"max_body": 10**6})["a"][0]
    return text


@pytest.mark.parametrize(
    ("paragraphs", "text"),
    [
        (b"<text:p>a<text:line-break/>b<text:tab/>c</text:p>", "a\nb\tc"),
        (b"<text:p>a<text:tab></text:tab>b<text:line-break />c</text:p>", "a\tb\nc"),
        (b'<text:p><text:span>a<text:tab text:tab-ref="1"/></text:span>b</text:p>', "a\tb"),
        (b'<text:p>a<text:s/>b<text:s text:c="3"/>c</text:p>', "a b   c"),
        (b"<text:p>a</text:p><text:p>b</text:p>", "a\nb"),
    ],
)
def test_line_breaks_tabs_and_spaces_are_read(paragraphs: bytes, text: str) -> None:
    assert read(paragraphs) == text


@pytest.mark.parametrize("count", ["900000000", "-900000000"])
def test_repeated_spaces_count_in_full(count: str) -> None:
    with pytest.raises(BodyTooLarge):
        read(b'<text:p>a<text:s text:c="%b"/>b</text:p>' % count.encode())


@pytest.mark.parametrize("element", [b"<text:s/>", b"<text:span></text:span>"])
def test_number_of_tags_is_limited(element: bytes) -> None:
    """Each takes a function call: 12,000,000 took ten seconds."""
    with pytest.raises(BodyTooLarge, match="at most 3,000,000 XML tags"):
        read(b"<text:p>" + element * 3_000_000 + b"</text:p>")


@pytest.mark.parametrize(
    "cell",
    [
        b'<table:table-cell table:formula="of:=1"/>',
        b'<table:table-cell office:value-type="float"><text:p>#N/A</text:p></table:table-cell>',
    ],
    ids=["formulas", "errors"],
)
def test_rewritten_cells_are_limited(cell: bytes) -> None:
    """They were unlimited: 1,000,000 formulas without values took 20 seconds."""
    row = b"<table:table-row>" + cell * 1_000 + b"</table:table-row>"
    workbook = repacked(
        sheets.ods([["a"], ["b"]]),
        "content.xml",
        lambda xml: xml.replace(b"</table:table>", row * 201 + b"</table:table>"),
    )
    with pytest.raises(BodyTooLarge, match="at most 200,000 cells with an error"):
        TableODS().decode(workbook, {})


PIECES = [
    *(
        "<table:table-row>",
        "</table:table-row>",
        "<table:table-row/>",
        "<table:table>",
        "</table:table>",
    ),
    *('<table:table-cell office:value="1"/>', "<table:covered-table-cell/>", "<table:table-cell/>"),
    *(
        '<table:table-cell office:string-value="long text"/>',
        "<text:s/>",
        "text",
        "<!-- x -->",
        "&lt;",
    ),
    *(
        '<table:table-cell table:number-columns-repeated="9" office:value="1"/>',
        '<text:s text:c="9"/>',
    ),
    *("<table:table-row-group>", "</table:table-row-group>", "\n", "<", "&undefined;"),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES)), st.sampled_from(["", "<!DOCTYPE a>"]))
def test_plain_dimensions_are_upper_bounds(pieces: list[str], doctype: str) -> None:
    xml = f"{doctype}<a>{''.join(pieces)}{' ' * 9_000}</a>".encode()
    try:
        exact = table_ods.dimensions(xml)
    except (ExpatError, RequestError) as error:
        repeats = any(sign in xml for sign in table_ods._REPEATS)
        with nullcontext() if repeats else pytest.raises(type(error), match=re.escape(str(error))):
            assert table_ods._plain_dimensions(xml) is None
    else:
        bounds = table_ods._plain_dimensions(xml)
        assert (bounds is None) == (b"repeated" in xml or b"text:c" in xml)
        assert bounds is None or all(map(ge, bounds, exact))


def test_uneven_rows_are_counted_exactly() -> None:
    cells = "<table:table-cell/>" * 2_000
    row = '<table:table-row><table:table-cell office:value="1"/></table:table-row>'
    xml = f"<a><table:table-row>{cells}</table:table-row>{row * 1_000}</a>".encode()
    assert table_ods._plain_dimensions(xml) is None
    assert table_ods.dimensions(xml) == (1_001, 1, 0)
