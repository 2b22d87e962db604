"""Tables as Parquet and Arrow."""

import io
import struct
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from tables import MIXED, fuzz

from mmf_core.codecs import Codec, Kind, find
from mmf_core.codecs.table_pyarrow import TableArrow, TableFeather, TableParquet
from mmf_core.errors import BodyTooLarge, RequestError

PARQUET, ARROW, FEATHER = TableParquet(), TableArrow(), TableFeather()
each_codec = pytest.mark.parametrize(
    "codec", [PARQUET, ARROW, FEATHER], ids=lambda codec: codec.format.name
)
RICH = pd.DataFrame(
    {
        "nullable": pd.array([1, None, 2**62], dtype="Int64"),
        "category": pd.Categorical(["b", "a", "b"], categories=["b", "a", "c"], ordered=True),
        "zoned": pd.to_datetime(["2026-01-31T12:00:00+01:00"] * 3).tz_convert("Europe/Moscow"),
        "plain": pd.to_datetime(["2026-01-31", None, "2026-02-01"]),
        "after": pd.to_timedelta([1, 2, None], unit="s"),
        "text": ["x", None, "Вино"],
        "flag": pd.array([True, None, False], dtype="boolean"),
        "small": np.array([1, 2, 3], dtype=np.int8),
        "float": [1.5, np.nan, -np.inf],
    }
)


@each_codec
def test_each_is_the_codec_of_its_format(codec: Codec[pd.DataFrame]) -> None:
    assert type(find(Kind.TABLE, codec.format)) is type(codec)


@each_codec
def test_types_survive_a_round_trip(codec: Codec[pd.DataFrame]) -> None:
    again = codec.decode(codec.encode(RICH, {}), {})
    assert_frame_equal(again, RICH, check_index_type=False)


@each_codec
@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8")),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(),
            st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_tables_survive_a_round_trip(
    codec: Codec[pd.DataFrame], rows: list[tuple[str, int, float, datetime]]
) -> None:
    table = pd.DataFrame(rows, columns=["text", "n", "x", "when"])
    again = codec.decode(codec.encode(table, {}), {})
    assert_frame_equal(again, table, check_exact=True, check_index_type=False)


def test_a_stream_and_a_file_are_read_under_either_name() -> None:
    for writer in (ARROW, FEATHER):
        for reader in (ARROW, FEATHER):
            assert_frame_equal(
                reader.decode(writer.encode(MIXED, {}), {}), MIXED, check_index_type=False
            )
    assert pa.ipc.open_stream(ARROW.encode(MIXED, {})).read_all().num_rows == 3
    assert FEATHER.encode(MIXED, {}).startswith(b"ARROW1")


@each_codec
def test_the_functions_may_write_into_what_they_get(codec: Codec[pd.DataFrame]) -> None:
    table = codec.decode(codec.encode(pd.DataFrame({"a": [1.5, 2.5]}), {}), {})
    table.loc[0, "a"] = 3.5
    table["a"] += 1
    assert table["a"].tolist() == [4.5, 3.5]


@each_codec
@pytest.mark.parametrize("column", [[1, "x"], [object()], [1 + 2j]])
def test_a_column_of_no_one_type_is_refused(
    codec: Codec[pd.DataFrame], column: list[object]
) -> None:
    with pytest.raises((TypeError, ValueError)):
        codec.encode(pd.DataFrame({"a": pd.Series(column, dtype=object)}), {})


@each_codec
@pytest.mark.parametrize("data", [b"", b"PAR1", b"ARROW1", b"a,b\n1,2\n", b"\xff" * 64, b"\0" * 64])
def test_what_is_no_such_file_is_the_callers_fault(codec: Codec[pd.DataFrame], data: bytes) -> None:
    with pytest.raises(RequestError):
        codec.decode(data, {})


@each_codec
def test_a_table_without_rows_keeps_its_columns(codec: Codec[pd.DataFrame]) -> None:
    empty = RICH.drop(columns="category").head(0)  # choices travel with cells
    again = codec.decode(codec.encode(empty, {}), {})
    assert_frame_equal(again, empty, check_index_type=False)


def _stream(array: Any) -> bytes:
    buffer = io.BytesIO()
    batch = pa.record_batch([array], names=["a"])
    with pa.ipc.new_stream(buffer, batch.schema) as writer:
        writer.write_batch(batch)
    return buffer.getvalue()


def test_offsets_out_of_range_are_refused() -> None:
    data = _stream(pa.array(["first", "second"]))
    offsets = struct.pack("<3i", 0, 5, 11)
    assert data.count(offsets) == 1
    for forged in ((0, 2**30, 11), (0, 5, 2**30), (0, -7, 11), (5, 0, 11)):
        with pytest.raises(RequestError):
            ARROW.decode(data.replace(offsets, struct.pack("<3i", *forged)), {})


def test_text_that_is_not_utf8_is_refused() -> None:
    offsets = pa.py_buffer(struct.pack("<2i", 0, 2))
    forged = pa.Array.from_buffers(pa.utf8(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])
    with pytest.raises(RequestError):
        ARROW.decode(_stream(forged), {})


def test_a_category_out_of_range_is_refused() -> None:
    forged = pa.DictionaryArray.from_arrays(pa.array([7], pa.int8()), pa.array(["x"]), safe=False)
    with pytest.raises(RequestError):
        ARROW.decode(_stream(forged), {})


def test_data_that_decompresses_to_too_much_is_refused() -> None:
    table = pa.table({"a": np.zeros(4_000_000)})
    parquet, arrow = io.BytesIO(), io.BytesIO()
    pq.write_table(table, parquet)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(arrow, table.schema, options=options) as writer:
        writer.write_table(table)
    for codec, data, error, message in (
        (PARQUET, parquet.getvalue(), RequestError, "nearly empty"),  # its footer says so
        (ARROW, arrow.getvalue(), BodyTooLarge, r"1 MiB.*MMF_MAX_DECOMPRESSED_MIB"),
    ):
        assert len(data) < 100_000
        with pytest.raises(error, match=message) as caught:
            codec.decode(data, {"max_decompressed": 2**20})
        assert type(caught.value) is error
        assert len(codec.decode(data, {})) == 4_000_000


@each_codec
def test_lack_of_memory_is_not_the_callers_fault(
    codec: Codec[pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = codec.encode(MIXED, {})

    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("mmf_core.codecs.table_pyarrow._checked", exhausted)
    with pytest.raises(MemoryError):
        codec.decode(data, {})


@each_codec
def test_damaged_files_are_refused_or_read(codec: Codec[pd.DataFrame]) -> None:
    fuzz(codec, codec.encode(MIXED, {}))
