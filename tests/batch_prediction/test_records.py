"""A text is cut where pandas' parser ends a record, and nowhere else."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmf_core.batch_prediction.chunks import Limits
from mmf_core.batch_prediction.errors import BatchError
from mmf_core.batch_prediction.records import Records

HEADER = "one,two,three\n"
CELLS = st.text(alphabet='ab"\n\r ,é', max_size=6)
QUOTED = CELLS.map(lambda text: '"' + text.replace('"', '""') + '"')
BARE = st.text(alphabet='ab" é', max_size=4).filter(lambda text: not text.startswith('"'))
LOOSE = st.builds(lambda quoted, rest: quoted + rest, QUOTED, st.text(alphabet='ab"', max_size=3))


def rows_of(text: str) -> list[list[str]]:
    table = pd.read_csv(
        io.BytesIO((HEADER + text).encode()), dtype=str, na_filter=False, index_col=False
    )
    return table.to_numpy().tolist()


@given(
    st.lists(st.lists(QUOTED | BARE | LOOSE, min_size=3, max_size=3), max_size=12),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_each_record_is_read_alone_as_among_the_others(
    rows: list[list[str]], line_break: str, ends: bool
) -> None:
    text = line_break.join(map(",".join, rows)) + line_break * ends
    try:
        expected = rows_of(text)
    except (pd.errors.ParserError, pd.errors.ParserWarning):  # rows that are too long
        return
    pieces = Records(b",").split(text.encode())
    assert b"".join(pieces) == text.encode()
    read = [row for piece in pieces for row in rows_of(piece.decode())]
    assert read == expected


@given(
    st.lists(st.lists(QUOTED | BARE, min_size=2, max_size=2), min_size=1, max_size=30),
    st.integers(1, 5),
    st.integers(1, 60),
)
def test_blocks_are_whole_records_and_lose_nothing(
    rows: list[list[str]], count: int, size: int
) -> None:
    text = "".join(",".join(row) + "\n" for row in rows).encode()
    records = Records(b",")
    blocks = list(records.blocks(io.BytesIO(text), b"", Limits(count, size), "x"))
    assert b"".join(blocks) == text
    assert all(len(records.split(block)) <= count for block in blocks)
    assert [piece for block in blocks for piece in records.split(block)] == records.split(text)


def test_lines_of_json_have_no_quotes() -> None:
    assert Records().split(b'{"a": "\n{"a": 1}\r\n{"a": 2}') == [
        b'{"a": "\n',
        b'{"a": 1}\r\n',
        b'{"a": 2}',
    ]


def test_record_without_an_end_is_refused() -> None:
    text = io.BytesIO(b'1,"' + b"x\n" * 100)
    with pytest.raises(BatchError, match=r'x: the record that begins with "1,.* has more than 50'):
        list(Records(b",").blocks(text, b"", Limits(10, 20, longest_record=50), "x"))
