"""docs/fidelity.md: every cell of its tables is a property that holds, and no better one does."""

import pytest
from fidelity import Kind, check
from fidelity_page import SECTIONS, Section, legend, read

ROWS = [
    pytest.param(section, kind, id=f"{section.title}-{kind.name}")
    for section in SECTIONS
    for kind in section.kinds
]
each_section = pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)


@each_section
def test_page_lists_every_kind_and_format(section: Section) -> None:
    page = read(section)
    assert list(page) == [kind.name for kind in section.kinds]
    formats = [format.name for format in section.formats]
    assert all(list(cells) == formats for cells in page.values())


@each_section
def test_page_has_a_legend(section: Section) -> None:
    used = {word for cells in read(section).values() for word in cells.values()}
    assert legend(section, used) in section.text


@pytest.mark.parametrize(("section", "kind"), ROWS)
def test_round_trips_match_the_page(section: Section, kind: Kind) -> None:
    row = read(section)[kind.name]
    words = {format: row[format.name] for format in section.formats}
    check(kind, section.codecs, section.outcomes, words)
