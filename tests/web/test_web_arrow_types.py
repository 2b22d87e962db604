"""Every Arrow type in, every table format out: unchanged, or a 4xx with the reason."""

import decimal
import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from mmf_core.codecs import Kind, writable

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
YEAR_10000, YEAR_0 = 253_402_300_800, -62_135_596_801
TIMES = {
    f"{unit} {zone} {count}": pa.array([count], pa.timestamp(unit, zone))
    for unit, parts in PER_SECOND.items()
    for zone in (None, "UTC", "Europe/Berlin", "+03:00", "Mars/Base")
    for count in (0, 2**62, -(2**62), YEAR_10000 * parts, YEAR_0 * parts)
    if abs(count) < 2**63
}
BYTES = pa.array([b"a", None])
TYPES: dict[str, Any] = {
    **TIMES,
    "bytes": BYTES,
    "large bytes": BYTES.cast(pa.large_binary()),
    "two bytes": pa.array([b"ab"], pa.binary(2)),
    "viewed bytes": pa.array([b"a"], pa.binary_view()),
    "bytes by index": BYTES.dictionary_encode(),
    "runs of bytes": pa.RunEndEncodedArray.from_arrays([2], pa.array([b"a"])),
    "bytes in lists": pa.array([[b"a"]]),
    "bytes in structs": pa.array([{"a": 1, "b": b"x"}]),
    "bytes in maps": pa.array([[(b"a", 1)]], pa.map_(pa.binary(), pa.int64())),
    "maps": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    "lists": pa.array([[1, None], None]),
    "views of lists": pa.array([[1, 2]], pa.list_view(pa.int64())),
    "no fields": pa.array([{}], pa.struct([])),
    "times in lists": pa.array([[2**62]], pa.list_(pa.timestamp("s", "UTC"))),
    "times by index": pa.array([0, 2**55], pa.timestamp("s", "UTC")).dictionary_encode(),
    "durations": pa.array([2**62], pa.duration("s")),
    "days": pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
    "milliseconds of days": pa.array([864 * 10**15]).cast(pa.date64()),
    "times of a day": pa.array([1], pa.time64("ns")),
    "spans": pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
    "decimals": pa.array([decimal.Decimal("1.25")], pa.decimal256(76, 2)),
    "nulls": pa.nulls(2),
    "halves": pa.array([1.5], pa.float16()),
    "long integers": pa.array([2**64 - 1, None], pa.uint64()),
    "infinity": pa.array([float("inf"), None]),
    "unions": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
    "no character": pa.array(["\x01"]),
    "a long text": pa.array(["x" * 40_000]),
    "UUIDs": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16))),
    "opaque": pa.ExtensionArray.from_storage(pa.opaque(pa.binary(), "a", "b"), pa.array([b"a"])),
    "tensors": pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.int32(), (2,)), pa.array([[1, 2]], pa.list_(pa.int32(), 2))
    ),
}


TABLE = mmf.DataFrame()


@pytest.fixture
def client(serve_function: Callable[..., FlaskClient]) -> FlaskClient:
    def table(data: Any = TABLE) -> Any:
        return data

    return serve_function(table, returns=mmf.DataFrame(format=mmf.CSV))


def bodies(array: Any) -> list[tuple[str, bytes]]:
    """Return files with an array: some types exist only in Arrow."""
    table = pa.table({"a column": array})
    stream, file = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    try:
        pq.write_table(table, file)
    except (pa.ArrowException, NotImplementedError):
        return [(ARROW, stream.getvalue())]
    return [(ARROW, stream.getvalue()), (PARQUET, file.getvalue())]


@pytest.mark.parametrize("name", TYPES)
def test_no_arrow_type_causes_a_500(client: FlaskClient, name: str) -> None:
    formats = [f"?format={format.extension}" for format in writable(Kind.TABLE)]
    for media_type, body in bodies(TYPES[name]):
        for query in ["", *formats]:
            response = client.post(f"/table{query}", data=body, content_type=media_type)
            assert response.status_code in {200, 400, 406, 422}, (query, response.text)
            if response.status_code == 422:
                assert response.json["errors"][0]["column"] == "a column"


def test_bytes_are_available_in_another_format(client: FlaskClient) -> None:
    _, body = bodies(BYTES)[0]
    response = client.post("/table", data=body, content_type=ARROW)
    assert response.status_code == 406
    assert "a column" in response.json["detail"]
    assert response.json["detail"].endswith(f"accept {PARQUET}")
    response = client.post("/table", data=body, content_type=ARROW, headers={"Accept": PARQUET})
    assert pq.read_table(io.BytesIO(response.data))["a column"].to_pylist() == [b"a", None]


@pytest.mark.parametrize("count", [YEAR_10000, YEAR_0])
def test_rejects_zoned_years_out_of_range(client: FlaskClient, count: int) -> None:
    body = bodies(pa.array([0, count], pa.timestamp("s", "UTC")))[0][1]
    response = client.post("/table", data=body, content_type=ARROW)
    assert response.status_code == 422
    assert response.json["errors"][0]["column"] == "a column"
