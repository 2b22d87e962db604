"""Tables as Parquet and Arrow."""

import io
import struct
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from tables import MIXED, fuzz

import mmf_core as mmf
from mmf_core.codecs import Codec, Kind, SparseTable, find
from mmf_core.codecs.table_pyarrow import TableArrow, TableFeather, TableParquet
from mmf_core.errors import BodyTooLarge, InvalidValue, RequestError

PARQUET, ARROW, FEATHER = TableParquet(), TableArrow(), TableFeather()
each_codec = pytest.mark.parametrize(
    "codec", [PARQUET, ARROW, FEATHER], ids=lambda codec: codec.format.name
)
RICH = pd.DataFrame(
    {
        "nullable": pd.array([1, None, 2**62], dtype="Int64"),
        "short": pd.array([1, None, 2], dtype="Int64"),
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
def test_codecs_are_registered(codec: Codec[pd.DataFrame]) -> None:
    assert type(find(Kind.TABLE, codec.format)) is type(codec)


@each_codec
def test_types_round_trip(codec: Codec[pd.DataFrame]) -> None:
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
def test_tables_round_trip(
    codec: Codec[pd.DataFrame], rows: list[tuple[str, int, float, datetime]]
) -> None:
    table = pd.DataFrame(rows, columns=["text", "n", "x", "when"])
    again = codec.decode(codec.encode(table, {}), {})
    assert_frame_equal(again, table, check_exact=True, check_index_type=False)


def test_streams_and_files_are_read_by_both_codecs() -> None:
    for writer in (ARROW, FEATHER):
        for reader in (ARROW, FEATHER):
            assert_frame_equal(
                reader.decode(writer.encode(MIXED, {}), {}), MIXED, check_index_type=False
            )
    assert pa.ipc.open_stream(ARROW.encode(MIXED, {})).read_all().num_rows == 3
    assert FEATHER.encode(MIXED, {}).startswith(b"ARROW1")


@each_codec
def test_decoded_table_is_writable(codec: Codec[pd.DataFrame]) -> None:
    table = codec.decode(codec.encode(pd.DataFrame({"a": [1.5, 2.5]}), {}), {})
    table.loc[0, "a"] = 3.5
    table["a"] += 1
    assert table["a"].tolist() == [4.5, 3.5]


@each_codec
@pytest.mark.parametrize("column", [[1, "x"], [object()], [1 + 2j]])
def test_rejects_columns_of_mixed_types(codec: Codec[pd.DataFrame], column: list[object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        codec.encode(pd.DataFrame({"a": pd.Series(column, dtype=object)}), {})


@each_codec
@pytest.mark.parametrize("data", [b"", b"PAR1", b"ARROW1", b"a,b\n1,2\n", b"\xff" * 64, b"\0" * 64])
def test_invalid_file_raises_request_error(codec: Codec[pd.DataFrame], data: bytes) -> None:
    with pytest.raises(RequestError):
        codec.decode(data, {})


@each_codec
def test_empty_table_keeps_its_columns(codec: Codec[pd.DataFrame]) -> None:
    empty = RICH.drop(columns="category").head(0)  # categories are stored with cells
    again = codec.decode(codec.encode(empty, {}), {})
    assert_frame_equal(again, empty, check_index_type=False)


def _stream(array: Any) -> bytes:
    buffer = io.BytesIO()
    batch = pa.record_batch([array], names=["a"])
    with pa.ipc.new_stream(buffer, batch.schema) as writer:
        writer.write_batch(batch)
    return buffer.getvalue()


def _read(array: Any, codec: Codec[pd.DataFrame]) -> Any:
    """Write a column as other programs do, without pandas' metadata; return it as it is read."""
    table, buffer = pa.table({"a": array}), io.BytesIO()
    if codec is PARQUET:
        pq.write_table(table, buffer)
    else:
        with pa.ipc.new_stream(buffer, table.schema) as writer:
            writer.write_table(table)
    return codec.decode(buffer.getvalue(), {})["a"]


LONG = 2**53 + 1
EXTENSION = pa.ExtensionArray.from_storage
EPOCH = datetime(1970, 1, 1, 0, 0, 0, 1)


@pytest.mark.parametrize("codec", [PARQUET, ARROW], ids=["PARQUET", "ARROW"])
@pytest.mark.parametrize(
    ("array", "dtype", "cells"),
    [
        (pa.array([1, None], pa.int8()), "float64", [1.0, None]),
        (pa.array([1, None]), "float64", [1.0, None]),
        (pa.array([2**53 - 1, None]), "float64", [2.0**53 - 1, None]),
        (pa.array([LONG, None]), "Int64", [LONG, None]),
        (pa.array([-LONG, None]), "Int64", [-LONG, None]),
        (pa.array([-(2**63), None]), "Int64", [-(2**63), None]),
        (pa.array([2**64 - 1, None], pa.uint64()), "UInt64", [2**64 - 1, None]),
        (pa.array([2**64 - 1, 0], pa.uint64()), "uint64", [2**64 - 1, 0]),
        (pa.array([True, None]), "object", [True, None]),
        (pa.nulls(1), "object", [None]),
        (pa.array([0.1, None], pa.float32()), "float32", [float(np.float32(0.1)), None]),
        (pa.array([1.5, None], pa.float16()), "float16", [1.5, None]),
        (
            pa.array([Decimal(10**19 + 1), None], pa.decimal128(20, 0)),
            "object",
            [Decimal(10**19 + 1), None],
        ),
        (pa.array([Decimal("0.10")], pa.decimal256(70, 2)), "object", [Decimal("0.10")]),
        (pa.array(["x", None], pa.large_string()), "str", ["x", None]),
        (pa.array(["x", None], pa.string_view()), "str", ["x", None]),
        (pa.array(["x", None], pa.json_()), "object", ["x", None]),
        (pa.array([b"x", None]), "object", [b"x", None]),
        (pa.array([bytes(16), None], pa.uuid()), "object", [UUID(int=0), None]),
        (
            pa.array([date(1, 1, 1), date(9999, 12, 31), None]),
            None,
            [date(1, 1, 1), date.max, None],
        ),
        (pa.array([date(2026, 1, 31)], pa.date64()), "object", [date(2026, 1, 31)]),
        (pa.array([time(1, 2, 3, 4), None], pa.time64("us")), "object", [time(1, 2, 3, 4), None]),
        (pa.array([1000], pa.int64()).cast(pa.time64("ns")), "object", [time(0, 0, 0, 1)]),
        (pa.array([time(1, 2, 3)], pa.time32("s")), "object", [time(1, 2, 3)]),
        (pa.array([timedelta(1), None]), "timedelta64[us]", [timedelta(1), None]),
        (
            pa.array([1, None]).cast(pa.timestamp("ns")),
            "datetime64[ns]",
            [pd.Timestamp(1, unit="ns"), None],
        ),
        (
            pa.array([datetime.max, datetime.min], pa.timestamp("us")),
            "datetime64[us]",
            [datetime.max, datetime.min],
        ),
        (
            pa.array([datetime(2026, 1, 31, tzinfo=UTC)], pa.timestamp("us", "+03:00")),
            "datetime64[us, UTC+03:00]",
            [datetime(2026, 1, 31, tzinfo=UTC)],
        ),
        (pa.array([[1, 2], None, []]), "object", [np.array([1, 2]), None, np.array([], int)]),
        (pa.array([[LONG, None], [1]]), "object", [[LONG, None], [1]]),
        (pa.array([[[LONG, None]]]), "object", [[[LONG, None]]]),
        (pa.array([[LONG, None]], pa.list_(pa.int64(), 2)), "object", [[LONG, None]]),
        (
            pa.array([{"n": LONG, "of": [None, LONG]}, {"n": None}]),
            "object",
            [{"n": LONG, "of": [None, LONG]}, {"n": None, "of": None}],
        ),
        (pa.array([[("n", LONG), ("m", None)]], pa.map_(pa.string(), pa.int64())), None, None),
        (
            pa.array([{"at": datetime(2026, 1, 31, tzinfo=UTC)}]),
            "object",
            [{"at": datetime(2026, 1, 31, tzinfo=UTC)}],
        ),
        (
            pa.StructArray.from_arrays([pa.array([1]).cast(pa.timestamp("ns"))], ["at"]),
            "object",
            [{"at": pd.Timestamp(1, unit="ns")}],
        ),
        (pa.array([LONG, None, LONG]).dictionary_encode(), None, [LONG, None, LONG]),
    ],
)
def test_types_without_pandas_metadata_are_exact(
    codec: Codec[pd.DataFrame], array: Any, dtype: str | None, cells: list[Any] | None
) -> None:
    column = _read(array, codec)
    expected = array.to_pylist() if cells is None else cells
    assert dtype is None or column.dtype == dtype
    for cell, value in zip(column.tolist(), expected, strict=True):
        if value is None:
            assert pd.isna(cell)
        else:
            np.testing.assert_array_equal(cell, value, strict=True)
            assert isinstance(cell, type(value))


@pytest.mark.parametrize("codec", [PARQUET, ARROW], ids=["PARQUET", "ARROW"])
@pytest.mark.parametrize(
    ("declared", "array", "dtype", "cells"),
    [
        (float, pa.array([100, 3], pa.int8()), "float64", [100.0, 3.0]),
        (float, pa.array([LONG, 3]), "float64", [float(LONG), 3.0]),
        (float, pa.array([0.1], pa.float16()), "float64", [float(np.float16(0.1))]),
        (float, pa.array([Decimal("0.1")]), "float64", [0.1]),
        (float | None, pa.array([100, None], pa.uint8()), "float64", [100.0, None]),
        (float | None, pa.array([LONG, None]), "float64", [float(LONG), None]),
        (int, pa.array([7], pa.uint8()), "int64", [7]),
        (int, pa.array([Decimal(LONG)], pa.decimal128(20, 0)), "int64", [LONG]),
        (int, pa.array([2.0**53 - 1]), "int64", [2**53 - 1]),
        (int, pa.array([2.0**53]), None, []),
        (int, pa.array([2**63], pa.uint64()), None, []),
        (int, pa.array([Decimal("0.5")]), None, []),
        (int | None, pa.array([LONG, None]), "Int64", [LONG, None]),
        (int | None, pa.array([7, None], pa.int8()), "Int64", [7, None]),
        (int | None, pa.array([LONG, None]).dictionary_encode(), "Int64", [LONG, None]),
        (bool | None, pa.array([True, None]), "boolean", [True, None]),
        (bool, pa.array([1, 0], pa.int8()), "bool", [True, False]),
        (str | None, pa.array(["7", None]).dictionary_encode(), "str", ["7", None]),
        (str, pa.array([7]), None, []),
        (str, pa.array([b"7"]), None, []),
        (datetime, pa.array([date(2026, 1, 31)]), "datetime64[us]", [datetime(2026, 1, 31)]),
        (datetime, pa.array([1000]).cast(pa.timestamp("ns")), "datetime64[us]", [EPOCH]),
        (datetime, pa.array([1001]).cast(pa.timestamp("ns")), None, []),
        (datetime, pa.array([10**12]).cast(pa.timestamp("s")), "datetime64[us]", None),
        (datetime, pa.array([10**15]).cast(pa.timestamp("s")), None, []),
    ],
)
def test_schema_decides_the_type(
    codec: Codec[pd.DataFrame], declared: Any, array: Any, dtype: str | None, cells: Any
) -> None:
    if array.type == pa.timestamp("s") and codec is PARQUET:
        pytest.skip("Parquet has no seconds")
    table = _read(array, codec).to_frame().assign(text="x", small=np.int8(1))
    descriptor = mmf.DataFrame(schema={"a": declared})
    if dtype is None:
        with pytest.raises(InvalidValue, match="1 cell does not match"):
            descriptor.validate(table)
        return
    column = descriptor.validate(table)["a"]
    assert column.dtype == dtype
    assert cells is None or [None if pd.isna(cell) else cell for cell in column.tolist()] == cells


DICTIONARY = pa.DictionaryArray.from_arrays


@pytest.mark.parametrize(
    ("array", "dtype", "cells"),
    [
        (pa.array(["b", None, "a"]).dictionary_encode(), "category", ["b", None, "a"]),
        (pa.array([LONG, None]).dictionary_encode(), "category", [LONG, None]),
        (pa.array([LONG, None]).dictionary_encode("encode"), "Int64", [LONG, None]),
        (DICTIONARY(pa.array([0, 1, None]), pa.array([LONG, LONG])), "Int64", [LONG, LONG, None]),
        (DICTIONARY(pa.array([0, 1]), pa.array([0.5, np.nan])), "float64", [0.5, None]),
        (EXTENSION(pa.bool8(), pa.array([1, 0, 3], pa.int8())), "bool", [True, False, True]),
        (EXTENSION(pa.bool8(), pa.array([3, None], pa.int8())), "object", [True, None]),
        (EXTENSION(pa.opaque(pa.int64(), "x", "y"), pa.array([LONG, None])), "Int64", [LONG, None]),
        (
            pa.RunEndEncodedArray.from_arrays([1, 3], pa.array([LONG, None])),
            "Int64",
            [LONG, None, None],
        ),
    ],
)
def test_arrow_encodings_are_exact(array: Any, dtype: str, cells: list[Any]) -> None:
    column = _read(array, ARROW)
    assert column.dtype == dtype
    assert [None if pd.isna(cell) else cell for cell in column.tolist()] == cells


@pytest.mark.parametrize("codec", [PARQUET, ARROW], ids=["PARQUET", "ARROW"])
@pytest.mark.parametrize(
    ("array", "words"),
    [
        (pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), "date32"),
        (pa.array([1], pa.int64()).cast(pa.time64("ns")), "non-zero nanoseconds"),
        (pa.array([1], pa.int64()).cast(pa.timestamp("us", "Moon/Sea")), "Moon/Sea"),
        (pa.array([2**40, 0], pa.timestamp("s", "Europe/Berlin")), "out of range"),
        (pa.array([10**15]).cast(pa.timestamp("s", "UTC")), "too large"),
        (pa.array([0, -(2**40)], pa.timestamp("s", "Europe/Berlin")), "out of range"),
    ],
)
def test_rejects_values_that_pandas_cannot_hold(
    codec: Codec[pd.DataFrame], array: Any, words: str
) -> None:
    with pytest.raises(InvalidValue, match=r"^a: expected values that pandas can hold") as caught:
        _read(array, codec)
    (error,) = caught.value.errors
    assert error.column == "a"
    assert words in error.message


def test_dictionary_of_times_keeps_the_zone() -> None:
    noon = pa.array([43_200], pa.timestamp("s", "Asia/Tokyo")).dictionary_encode()
    (time,) = _read(noon, ARROW)
    assert time.isoformat() == "1970-01-01T21:00:00+09:00"


INTEGERS = st.sampled_from([LONG, -LONG, 2**53, 2**63 - 1, -(2**63)]) | st.integers(-9, 9)


@pytest.mark.parametrize("codec", [PARQUET, ARROW], ids=["PARQUET", "ARROW"])
@settings(deadline=None)
@given(st.lists(INTEGERS | st.none(), min_size=1, max_size=5))
def test_integers_with_nulls_are_exact(codec: Codec[pd.DataFrame], cells: list[int | None]) -> None:
    column = _read(pa.array(cells, pa.int64()), codec)
    assert [None if pd.isna(cell) else int(cell) for cell in column] == cells


def test_rejects_offsets_out_of_range() -> None:
    data = _stream(pa.array(["first", "second"]))
    offsets = struct.pack("<3i", 0, 5, 11)
    assert data.count(offsets) == 1
    for forged in ((0, 2**30, 11), (0, 5, 2**30), (0, -7, 11), (5, 0, 11)):
        with pytest.raises(RequestError):
            ARROW.decode(data.replace(offsets, struct.pack("<3i", *forged)), {})


def test_rejects_text_that_is_not_utf_8() -> None:
    offsets = pa.py_buffer(struct.pack("<2i", 0, 2))
    forged = pa.Array.from_buffers(pa.utf8(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])
    with pytest.raises(RequestError):
        ARROW.decode(_stream(forged), {})


def test_rejects_category_out_of_range() -> None:
    forged = pa.DictionaryArray.from_arrays(pa.array([7], pa.int8()), pa.array(["x"]), safe=False)
    with pytest.raises(RequestError):
        ARROW.decode(_stream(forged), {})


def test_rejects_column_shorter_than_its_table() -> None:
    """Batches end where the shortest column does, without an error of pyarrow."""
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": range(77)}), buffer)
    data = buffer.getvalue()
    forged = data.replace(b"\x16\x9a\x01", b"\x16\x9c\x01")  # 77 rows in Thrift, and 78
    assert len(PARQUET.decode(data, {})) == 77
    with pytest.raises(RequestError, match="not a valid Parquet file"):
        PARQUET.decode(forged, {})


def test_decompressed_size_is_limited() -> None:
    table = pa.table({"a": np.zeros(4_000_000)})
    parquet, arrow = io.BytesIO(), io.BytesIO()
    pq.write_table(table, parquet)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(arrow, table.schema, options=options) as writer:
        writer.write_table(table)
    for codec, data, error, message in (
        (PARQUET, parquet.getvalue(), SparseTable, "nearly empty"),  # as its footer states
        (ARROW, arrow.getvalue(), BodyTooLarge, r"1 MiB.*MMF_MAX_DECOMPRESSED_MIB"),
    ):
        assert len(data) < 100_000
        with pytest.raises(error, match=message) as caught:
            codec.decode(data, {"max_decompressed": 2**20})
        assert type(caught.value) is error
        assert len(codec.decode(data, {})) == 4_000_000


@each_codec
def test_memory_error_is_not_a_request_error(
    codec: Codec[pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = codec.encode(MIXED, {})

    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("mmf_core.codecs.table_pyarrow._checked", exhausted)
    with pytest.raises(MemoryError):
        codec.decode(data, {})


@each_codec
def test_corrupted_files_are_rejected_or_read(codec: Codec[pd.DataFrame]) -> None:
    fuzz(codec, codec.encode(MIXED, {}))
