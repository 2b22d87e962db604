"""Tables as HTML pages."""

from html.parser import HTMLParser

import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find, formats, readable, writable
from mmf_core.codecs.table_html import TableHTML

CODEC = TableHTML()


class Cells(HTMLParser):
    """Collects the texts of cells, and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells and data != "\n":
            self.cells[-1] += data


def _page(table: pd.DataFrame) -> Cells:
    parser = Cells()
    parser.feed(CODEC.encode(table, {}).decode())
    return parser


def test_html_is_write_only() -> None:
    assert isinstance(find(Kind.TABLE, Format.HTML), TableHTML)
    assert Format.HTML in formats(Kind.TABLE)
    assert Format.HTML in writable(Kind.TABLE)
    assert Format.HTML not in readable(Kind.TABLE)


def test_rejects_read_only_formats_for_results() -> None:
    assert {Format.XLS, Format.ODS} <= set(readable(Kind.TABLE))
    assert not {Format.XLS, Format.ODS} & set(writable(Kind.TABLE))
    with pytest.raises(mmf.DescriptorError, match="xlsx"):
        mmf.DataFrame(format=mmf.XLS)


def test_cells_match_csv() -> None:
    table = pd.DataFrame(
        {"x": [0.1, None], "t": ["long " * 50, "$rows"], "d": pd.to_datetime(["2026-01-31"] * 2)}
    )
    assert _page(table).cells == [
        *("x", "t", "d"),
        *("0.1", "long " * 50, "2026-01-31 00:00:00"),
        *("", "$rows", "2026-01-31 00:00:00"),
    ]


def test_markup_is_escaped() -> None:
    evil = '</td><script>alert("1")</script><img src=x onerror=alert(1)>'
    page = _page(pd.DataFrame({evil: [evil]}))
    assert page.cells == [evil, evil]
    assert not {"script", "img", "link"} & page.tags


def test_output_is_a_complete_page() -> None:
    text = CODEC.encode(pd.DataFrame({"a": [1]}), {}).decode()
    assert text.startswith("<!doctype html>\n")
    assert "default-src 'none'" in text
    assert text.endswith("</html>\n")
