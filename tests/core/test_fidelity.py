"""docs/fidelity.md: every cell of its tables is a property, which holds, and none better does."""

import pytest
from fidelity import check
from fidelity_page import SECTIONS, Section, legend, read

from mmf_core.codecs import Format

CELLS = [
    pytest.param(section, row, format, id=f"{section.title}-{format.name}-{kind.name}")
    for section in SECTIONS
    for row, kind in enumerate(section.kinds)
    for format in section.formats
]
each_section = pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)


@each_section
def test_the_page_has_every_kind_and_format_in_order(section: Section) -> None:
    page = read(section)
    assert list(page) == [kind.name for kind in section.kinds]
    formats = [format.name for format in section.formats]
    assert all(list(cells) == formats for cells in page.values())


@each_section
def test_the_page_says_what_its_words_mean(section: Section) -> None:
    used = {word for cells in read(section).values() for word in cells.values()}
    assert legend(section, used) in section.text


@pytest.mark.parametrize(("section", "row", "format"), CELLS)
def test_a_value_comes_back_as_the_page_says(section: Section, row: int, format: Format) -> None:
    kind = section.kinds[row]
    check(kind, section.codec(format), section.outcomes, read(section)[kind.name][format.name])
