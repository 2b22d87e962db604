"""Texts in the cells of an OpenDocument sheet: every character arrives, within bounds."""

import pytest
import sheets
from test_workbooks import repacked

from mmf_core.codecs.table_ods import TableODS
from mmf_core.errors import BodyTooLarge

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
def test_breaks_tabs_and_spaces_are_characters(paragraphs: bytes, text: str) -> None:
    assert read(paragraphs) == text


@pytest.mark.parametrize("count", ["900000000", "-900000000"])
def test_spaces_count_for_as_many_as_they_are(count: str) -> None:
    with pytest.raises(BodyTooLarge):
        read(b'<text:p>a<text:s text:c="%b"/>b</text:p>' % count.encode())
