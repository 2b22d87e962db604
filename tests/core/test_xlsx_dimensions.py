"""The limit on a sheet's size, checked before any memory is allocated for it."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmf_core.codecs import xlsx_dimensions
from mmf_core.codecs.xlsx_dimensions import dimensions

PLACES = st.tuples(st.integers(1, 16_384), st.integers(1, 1_048_576))


def _letters(place: int) -> str:
    more, last = divmod(place - 1, 26)
    return (_letters(more) if more else "") + chr(ord("A") + last)


def _sheet(*references: str, cell: str = '<c r="{}"><v>1</v></c>') -> bytes:
    head, *rest = (cell.format(reference) for reference in references)
    cells = f'<row r="1">{head}</row><row>{"".join(rest)}</row>'
    return f"<worksheet><sheetData>{cells}</sheetData></worksheet>".encode()


@given(st.lists(PLACES, min_size=1, max_size=30))
def test_dimensions_include_every_cell(places: list[tuple[int, int]]) -> None:
    rows, columns = dimensions(_sheet(*(f"{_letters(column)}{row}" for column, row in places)))
    assert rows >= max(row for _, row in places)
    assert columns >= max(column for column, _ in places)


@given(PLACES)
def test_ordered_cells_are_counted_exactly(last: tuple[int, int]) -> None:
    column, row = last
    size = dimensions(_sheet("A1", f"{_letters(column)}{row}"))
    assert size == (row, column)


@pytest.fixture
def only_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the piecewise reader unavailable."""

    def fail(_: bytes) -> Any:
        raise AssertionError

    monkeypatch.setattr(xlsx_dimensions, "_from_any_cells", fail)


@pytest.mark.usefixtures("only_plain")
def test_plain_table_dimensions() -> None:
    places = [f"{_letters(column)}{row}" for row in range(1, 120) for column in range(1, 30)]
    assert dimensions(_sheet(*places, f"{_letters(29)}120")) == (120, 29)


@pytest.mark.parametrize(
    ("cell", "rows", "columns"),
    [
        ("<c r='{}'/>", 9, 1),
        ('<x:c r="{}"/>', 9, 1),
        ('<c\tr="{}"/>', 9, 1),
        ('<c s="1" r="{}"/>', 9, 1),
        ('<c r = "{}"/>', 9, 1),
        ('<c r="{}"/><c/>', 9, 3),
    ],
)
def test_other_cell_notations_are_counted(cell: str, rows: int, columns: int) -> None:
    size = dimensions(_sheet("A1", "A9", cell=cell))
    assert size[0] >= rows
    assert size[1] >= columns


def test_rows_after_a_closing_tag_are_counted() -> None:
    text = _sheet("A1", "B2").replace(
        b"</row>", b'</row><!-- </sheetData> --><row><c r="XFD9"/></row>', 1
    )
    assert dimensions(text) >= (9, 16_384)


@given(st.integers(1, 16_384), st.integers(1, 16_384))
def test_column_pattern_compares_numerically(number: int, limit: int) -> None:
    pattern = xlsx_dimensions._up_to(_letters(limit).encode(), b"A", b"Z")
    assert (re.fullmatch(pattern, _letters(number).encode()) is not None) == (number <= limit)


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_row_pattern_compares_numerically(number: int, limit: int) -> None:
    pattern = xlsx_dimensions._up_to(str(limit).encode(), b"0", b"9")
    assert (re.fullmatch(pattern, str(number).encode()) is not None) == (number <= limit)
