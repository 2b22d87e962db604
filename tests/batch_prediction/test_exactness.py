"""A file that is read in chunks means what the service reads, or it is refused."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from mmf_core.batch_prediction import readers
from mmf_core.batch_prediction.chunks import Limits
from mmf_core.batch_prediction.column_types import ColumnTypes
from mmf_core.batch_prediction.errors import BatchError
from mmf_core.batch_prediction.sources import Source
from mmf_core.codecs import Format, Kind, find
from mmf_core.errors import RequestError

NUMBERS = st.sampled_from(["1", "2.5", "-0", "1e3", "", "NA", "12345678901234567890", "007", "+4"])
SIGNS = st.sampled_from(["1,5", "1.5", "1,234", "1.234", "12", "1 234", "0,125"])
TEXTS = st.sampled_from(["a", '"x\ny"', '"a ""b"""', "é", "true", "2026-01-31", '""', " 7 "])
SCHEMA = mmf.DataFrame(schema={"n": float | None, "t": mmf.Column(str | None)})
NO_SCHEMA = mmf.DataFrame(schema=None)


def whole(format: Format, data: bytes, descriptor: mmf.DataFrame) -> pd.DataFrame | None:
    """Return what a request would give to the function, but for rows that it would refuse."""
    codec = find(Kind.TABLE, format)
    assert codec
    try:
        return descriptor.validate(codec.read(data, descriptor.options))
    except RequestError:
        return None


def in_chunks(
    path: Path, descriptor: mmf.DataFrame, *, rows: int, size: int
) -> Iterator[pd.DataFrame]:
    source = Source(path.name, path, Format.of_extension(path.suffix) or Format.CSV)
    types = None
    for chunk in readers.chunks(source, descriptor.options, Limits(rows, size)):
        table = chunk.read(descriptor.options)
        if "types" not in descriptor.options:
            table = types.apply(table) if types else table
            types = types or ColumnTypes.of(table, None)
        if len(table):
            yield descriptor.validate(table)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("descriptor", [SCHEMA, NO_SCHEMA], ids=["schema", "none"])
@given(
    st.data(),
    st.integers(1, 7),
    st.integers(8, 90),
)
def test_table_of_chunks_is_the_table_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory,
    separator: str,
    descriptor: mmf.DataFrame,
    data: st.DataObject,
    rows: int,
    size: int,
) -> None:
    cells = NUMBERS | SIGNS if separator == ";" else NUMBERS
    lines = data.draw(st.lists(st.tuples(cells, TEXTS), min_size=1, max_size=40))
    text = f"n{separator}t\n" + "".join(f"{n}{separator}{t}\n" for n, t in lines)
    path = tmp_path_factory.mktemp("rows") / "in.csv"
    path.write_text(text, encoding="utf-8")
    expected = whole(Format.CSV, text.encode(), descriptor)
    try:
        tables = list(in_chunks(path, descriptor, rows=rows, size=size))
    except (BatchError, RequestError):
        return  # refused
    if expected is None:
        pytest.fail("the service refuses what was read in chunks")
    pd.testing.assert_frame_equal(pd.concat(tables, ignore_index=True), expected)
