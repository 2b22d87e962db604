"""Limits of decoding, enforced by codecs, in every protocol and orientation."""

from __future__ import annotations

import json
import struct
import time
import tracemalloc
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from cpu_time import at_most
from mmf_core.codecs.decoded_size import MAX_COLUMNS
from mmf_core.settings import MIB
from mmf_core.web import create_app
from mmf_core.web.http import content_encoding, negotiation, requests

LENGTH = "Inference-Header-Content-Length"
TABLE = mmf.DataFrame(format=mmf.JSON)


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    registry = mmf.Registry()

    @registry.target(returns=TABLE, default=True)
    def table(data: Any = mmf.DataFrame()) -> Any:  # noqa: B008
        return data

    @registry.target(returns=mmf.Array())
    def array(data: Any = mmf.Array()) -> Any:  # noqa: B008
        return data

    @registry.target(returns=mmf.Integer())
    def several(data: Any = mmf.DataFrame(), more: Any = mmf.Dict()) -> Any:  # noqa: B008
        return len(data) + len(more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMF_MAX_BODY_MIB", "1")
        return create_app(registry).test_client()


def record(columns: int) -> dict[str, Any]:
    return {f"c{index}": (1, 1.5, "x", None)[index % 4] for index in range(columns)}


def tensors(columns: int, size: int = 1) -> list[dict[str, Any]]:
    shape = {"shape": [size, 1], "datatype": "FP64", "data": [1.5] * size}
    return [{"name": f"c{index}", **shape} for index in range(columns)]


def matrix(columns: int) -> dict[str, Any]:
    return {"name": "m", "shape": [1, columns], "datatype": "FP64", "data": [1.5] * columns}


WAYS: dict[str, tuple[str, Any]] = {
    "records": ("/table", lambda n: [record(n)]),
    "records that differ": ("/table", lambda n: [record(n), {"a": 1}]),
    "floats": ("/table", lambda n: [dict.fromkeys(record(n), 1.5)]),
    "split": ("/table", lambda n: {"columns": list(record(n)), "data": [list(range(n))]}),
    "data": ("/table", lambda n: {"data": [list(range(n))]}),
    "columns": ("/table", lambda n: {name: [cell] for name, cell in record(n).items()}),
    "an argument": ("/several", lambda n: {"data": [record(n)], "more": {}}),
    "MLflow records": ("/invocations", lambda n: {"dataframe_records": [record(n)]}),
    "MLflow split": ("/invocations", lambda n: {"dataframe_split": {"data": [list(range(n))]}}),
    "MLflow inputs": ("/invocations", lambda n: {"inputs": {name: [1] for name in record(n)}}),
    "MLflow instances": ("/invocations", lambda n: {"instances": [[1] * n]}),
    "V2 matrix": ("/v2/models/table/infer", lambda n: {"inputs": [matrix(n)]}),
}


@pytest.mark.parametrize("route", WAYS)
def test_table_columns_are_limited(route: str, client: FlaskClient) -> None:
    path, make = WAYS[route]
    response = client.post(path, json=make(MAX_COLUMNS + 1))
    assert response.status_code == 400, response.data[:200]
    assert b"16,384 columns" in response.data


def test_tensor_count_is_limited(client: FlaskClient) -> None:
    body = {"inputs": [{"name": "a"}] * (MAX_COLUMNS + 1)}
    response = client.post("/v2/models/table/infer", json=body)
    assert response.status_code == 400
    assert b"16,384" in response.data


@pytest.mark.parametrize(
    ("path", "start", "unit", "end"),
    [
        ("/table", b"[", b'{"a":1},', b'{"a":1}]'),
        ("/several", b'{"more":{},"data":[', b'{"a":1},', b'{"a":1}]}'),
        ("/several", b'{"data":[],"more":{"a":[', b"[],", b"[]]}}"),
        ("/invocations", b'{"dataframe_records":[', b'{"a":1},', b'{"a":1}]}'),
        ("/invocations", b'{"dataframe_split":{"data":[', b"[1,2],", b"[1,2]]}}"),
        ("/invocations", b'{"x":NaN,"instances":[', b"[1],", b"[1]]}"),
        (
            "/v2/models/array/infer",
            b'{"inputs":[{"name":"data","shape":[1],"datatype":"FP64","data":[',
            b"1,",
            b"1]}]}",
        ),
        (
            "/v2/models/table/infer",
            b'{"inputs":[{"name":"a","shape":[1],"datatype":"BYTES","data":[',
            b'"",',
            b'""]}]}',
        ),
    ],
)
def test_memory_of_small_values_is_limited(
    path: str, start: bytes, unit: bytes, end: bytes, client: FlaskClient
) -> None:
    data = start + unit * ((MIB - 1000) // len(unit)) + end
    response = client.post(path, data=data, content_type="application/json")
    assert response.status_code == 413, response.data[:200]
    assert b"MMF_MAX_BODY_MIB" in response.data


NAMES = b",".join(b"c%d" % index for index in range(2_000))


@pytest.mark.parametrize(
    "header",
    [
        NAMES,
        NAMES.replace(b",", b";"),
        b'"a,b",' + NAMES,
        b'x",' + NAMES + b',y"z',  # quotes that do not begin a cell are part of its text
        b" \n\n" + NAMES,
        b"sep=,\n" + NAMES,
    ],
)
@pytest.mark.parametrize("row", [b"1\n", b"1\r\n", b'"1"\n', b'1"\n', b'"\n"\n'])
def test_short_rows_do_not_become_a_huge_table(
    header: bytes, row: bytes, client: FlaskClient
) -> None:
    body = header + b"\n" + row * 5_000
    with at_most(1):
        response = client.post("/table", data=body, content_type="text/csv")
    assert response.status_code == 400
    assert b"nearly empty" in response.data


def test_line_breaks_in_cells_are_no_rows(client: FlaskClient) -> None:
    header = NAMES[: NAMES.index(b"c100")] + b"text\n"
    body = header + b"1," * 100 + b'"' + b"\n" * 20_000 + b'"\n'
    response = client.post("/table", data=body, content_type="text/csv")
    assert response.status_code == 200, response.data[:200]


def test_columns_beside_quotes_are_limited(client: FlaskClient) -> None:
    body = b'x",' + b"a," * MAX_COLUMNS + b'y"z\n1\n'
    response = client.post("/table", data=body, content_type="text/csv")
    assert response.status_code == 400
    assert b"16,384" in response.data


@pytest.mark.parametrize("header", [b'x",' + b"a," * 16_000 + b'y"z', b'"a",' * 16_000 + b'"a"'])
def test_repeated_names_beside_quotes_are_limited(header: bytes, client: FlaskClient) -> None:
    with at_most(1):
        response = client.post("/table", data=header + b"\n1\n", content_type="text/csv")
    assert response.status_code == 422
    assert b"unique column names" in response.data


def test_memory_of_binary_texts_is_limited(client: FlaskClient) -> None:
    data = (struct.pack("<I", 2) + b"xy") * (MIB // 8)
    parameters = {"binary_data_size": len(data)}
    entry = {"name": "a", "shape": [MIB // 8], "datatype": "BYTES", "parameters": parameters}
    head = json.dumps({"inputs": [entry]}).encode()
    headers = {LENGTH: str(len(head))}
    response = client.post("/v2/models/table/infer", data=head + data, headers=headers)
    assert response.status_code == 413, response.data[:200]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


DEEP: dict[str, tuple[str, Any]] = {
    "a record": ("/table", lambda cell: [{"a": cell}]),
    "a record among others": ("/table", lambda cell: [{"a": 1}, {"a": cell}]),
    "records that differ": ("/table", lambda cell: [{"b": 1}, {"a": cell}]),
    "split": ("/table", lambda cell: {"columns": ["a"], "data": [[cell]]}),
    "columns": ("/table", lambda cell: {"a": [cell]}),
    "MLflow": ("/invocations", lambda cell: {"dataframe_records": [{"a": {"b": cell}}]}),
    "V2": (
        "/v2/models/table/infer",
        lambda cell: {
            "inputs": [
                {
                    "name": "a",
                    "shape": [1],
                    "datatype": "BYTES",
                    "data": [json.dumps(cell)],
                    "parameters": {"content_type": "pd_json"},
                }
            ]
        },
    ),
}


@pytest.mark.parametrize("route", DEEP)
@pytest.mark.parametrize(("depth", "is_accepted"), [(50, True), (110, False), (500, False)])
def test_cell_depth_is_limited(
    route: str, depth: int, is_accepted: bool, client: FlaskClient
) -> None:
    path, make = DEEP[route]
    response = client.post(path, json=make(nested(depth)))
    assert response.status_code in ({200} if is_accepted else {400, 422}), response.data[:200]
    if not is_accepted:
        assert b"levels of nesting" in response.data


@pytest.mark.parametrize("shape", [(10**9, 0), (100_001, 0), (2000, 0, 2000), (0, 10**9)])
def test_empty_array_shape_is_limited(shape: tuple[int, ...], client: FlaskClient) -> None:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".encode()
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    response = client.post("/array", data=data, content_type="application/x-npy")
    assert response.status_code == 400
    assert b"without values" in response.data
    entry = {"name": "data", "shape": list(shape), "datatype": "FP64", "data": []}
    response = client.post("/v2/models/array/infer", json={"inputs": [entry]})
    assert response.status_code == 400
    assert b"without values" in response.data


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/late", [{"a": 1}]),
        ("/invocations/late", {"dataframe_records": [{"a": 1}]}),
        ("/v2/models/late/infer", {"inputs": tensors(1)}),
    ],
)
def test_deadline_includes_decoding(path: str, body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow part is orjson, which every protocol calls."""
    calls: list[Any] = []
    registry = mmf.Registry()

    @registry.target(returns=TABLE, timeout=0.2)
    def late(data: Any = mmf.DataFrame()) -> Any:  # noqa: B008
        calls.append(data)
        return data

    client = create_app(registry).test_client()
    assert client.post(path, json=body).status_code == 200
    loads = orjson.loads

    def slow(text: bytes) -> Any:
        time.sleep(0.3)
        return loads(text)

    monkeypatch.setattr(orjson, "loads", slow)
    response = client.post(path, json=body)
    assert response.status_code == 504, response.data
    assert len(calls) == 1


def count_text(text: Any = mmf.String()) -> int:  # noqa: B008
    return len(text)


def test_form_escapes_are_limited(serve_function: Callable[..., FlaskClient]) -> None:
    """48 MB of %41 took more than 2.5 GB: each escape was three objects."""
    client = serve_function(count_text, returns=mmf.Integer())
    form = "application/x-www-form-urlencoded"
    most = requests._MAX_ESCAPES
    with at_most(seconds=5):
        response = client.post("/count_text", data=b"text=" + b"%41" * most, content_type=form)
    assert response.get_json() == {"result": most}
    response = client.post("/count_text", data=b"text=" + b"%41" * (most + 1), content_type=form)
    assert response.status_code == 413
    assert "at most 2,000,000 bytes written as %XX, got 2,000,001" in response.get_json()["detail"]


def test_joined_headers_are_limited(client: FlaskClient) -> None:
    """A hundred lines of 8 kB took three seconds and stayed in a cache."""
    for header, cache in (
        ("Accept", negotiation._accepted),
        ("Accept-Encoding", content_encoding._preferred_coding),
    ):
        cache.cache_clear()
        lines = ",".join(f"a/b{index}" for index in range(80_000))
        rows = [{"a": index} for index in range(1_000)]
        with at_most(seconds=1):
            response = client.post("/table", json=rows, headers={header: f"{lines}, */*"})
        assert cache.cache_info().currsize == 0
        if header == "Accept":
            assert response.status_code == 400
            assert "of at most 8,192 characters together, got 7" in response.get_json()["detail"]
        else:
            assert response.status_code == 200
            assert "Content-Encoding" not in response.headers


def test_joined_content_disposition_is_limited(client: FlaskClient) -> None:
    """A hundred lines of 8 kB took two seconds."""
    headers = {"Content-Disposition": "a;" + "b=c;" * 200_000, "Content-Type": "text/csv"}
    with at_most(seconds=0.5):
        response = client.post("/table", data=b"a\n1\n", headers=headers)
    assert response.status_code == 400
    assert "expected Content-Disposition headers of at most 8,192" in response.get_json()["detail"]


def test_form_escapes_take_little_memory(client: FlaskClient) -> None:
    """Each was an object: two million took 460 MiB."""
    body = b"data=" + b"%5b" * 300_000
    tracemalloc.start()
    try:
        client.post("/table", data=body, content_type="application/x-www-form-urlencoded")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(body)


@given(st.binary(), st.integers(3, 9))
def test_unquoting_matches_urllib(data: bytes, size: int) -> None:
    data = data.replace(b"a", b"%41").replace(b"b", b"%%4")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests, "_SLICE", size)
        assert requests._unquoted(data) == unquote_to_bytes(data.replace(b"+", b" "))
