"""`extra="keep"`: extra columns are returned unchanged beside the prediction."""

# ruff: noqa: B008 - a target's arguments and their descriptors

import io
import json
from collections.abc import Callable
from datetime import date, datetime
from threading import Barrier, Event, Thread
from time import sleep
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.codecs import Format, Kind, find
from mmf_core.errors import DeclarationError, DescriptorError
from mmf_core.web import create_app

JSON, CSV, XLSX = (Format[name].media_type for name in ("JSON", "CSV", "XLSX"))
HOUSE = mmf.DataFrame(schema={"area": float, "rooms": float}, extra="keep")
TABLE = mmf.DataFrame(format=mmf.JSON)
Serve = Callable[..., FlaskClient]


def price(rooms: Any = HOUSE) -> Any:
    assert list(rooms.columns) == ["area", "rooms"]
    return (rooms["area"] * rooms["rooms"]).to_numpy()


@pytest.fixture
def client(serve_function: Serve) -> FlaskClient:
    return serve_function(price, returns=TABLE)


def send(client: FlaskClient, body: Any, media_type: str = JSON, accept: str = JSON) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post("/price", data=data, content_type=media_type, headers={"Accept": accept})
    assert response.status_code == 200, response.text
    return response.json if accept == JSON else response.data


# Places


def test_extra_columns_keep_their_positions(client: FlaskClient) -> None:
    rows = [{"id": "007", "area": 2.0, "note": None, "rooms": 3, "city": "Omsk"}]
    (row,) = send(client, rows)
    assert list(row.items()) == [
        ("id", "007"),
        ("note", None),
        ("city", "Omsk"),
        ("prediction", 6.0),
    ]


def test_result_columns_keep_their_input_positions(serve_function: Serve) -> None:
    def price(rooms: Any = HOUSE) -> Any:
        return rooms.assign(total=1.5)[["total", "rooms", "area"]]

    client = serve_function(price, returns=TABLE)
    (row,) = send(client, [{"a": 1, "area": 2.0, "b": 2, "rooms": 3.0, "c": 3}])
    assert list(row) == ["a", "area", "b", "rooms", "c", "total"]


def test_no_extra_columns(client: FlaskClient) -> None:
    assert send(client, [{"area": 2.0, "rooms": 3.0}]) == [{"prediction": 6.0}]


def test_omitted_argument_keeps_no_columns(serve_function: Serve) -> None:
    def price(
        rooms: Any = mmf.DataFrame(schema={"a": int}, extra="keep", default=None),
        n: Any = mmf.Integer(),
    ) -> Any:
        return [n if rooms is None else 0]

    assert send(serve_function(price, returns=TABLE), {"n": 3}) == [{"prediction": 3}]


# Values: in and out of every format

CELLS: dict[str, list[Any]] = {
    "text of a number": ["007", "1.50", "+1"],
    "words": ["NA", "null", "true"],
    "texts with a null": ["a", None, "b"],
    "whole": [1, 2, 3],
    "whole with a null": [7, None, 9],
    "fractions": [0.5, 1.25, -2.5],
    "long": [2**60 + 1, 2**53 + 1, 1],
    "formula": ["=1+1", "-", "@x"],
    "dates": ["2026-01-05", "05.01.2026", "12:00"],
    "letters": ["Казань", "a,b;c", 'q"q\n'],
}
MIXED: dict[str, list[Any]] = {  # for formats that allow columns of mixed types
    "texts and numbers": [1, "a", None],
    "whole and fractions": [1, 2.5, None],
}
READABLE = ["CSV", "TSV", "JSON", "JSONL", "XLSX", "XML", "PARQUET", "ARROW", "FEATHER"]
ONE_TYPE = {"PARQUET", "ARROW", "FEATHER"}
TYPED = {"JSON", "JSONL", *ONE_TYPE}


@pytest.fixture(scope="module")
def shared() -> FlaskClient:
    registry = mmf.Registry()
    registry.target(returns=TABLE)(price)
    return create_app(registry).test_client()


def table_of(cells: dict[str, list[Any]]) -> pd.DataFrame:
    columns = {name: pd.Series(column, dtype=object) for name, column in cells.items()}
    return pd.DataFrame({**columns, "area": [2.0] * 3, "rooms": [0.0, 1.0, 2.0]})


def written(table: pd.DataFrame, name: str) -> bytes:
    codec = find(Kind.TABLE, Format[name])
    assert codec
    return codec.encode(table, {})


def read(body: bytes, name: str) -> dict[str, list[Any]]:
    codec = find(Kind.TABLE, Format[name])
    assert codec
    table = codec.decode(body, {"types": {"prediction": float}, "keep": True})
    return {
        str(name): [None if pd.isna(cell) else cell for cell in column.astype(object).tolist()]
        for name, column in table.items()
    }


@pytest.mark.parametrize("sent", READABLE)
@pytest.mark.parametrize("accepted", READABLE)
def test_kept_cells_are_unchanged(shared: FlaskClient, sent: str, accepted: str) -> None:
    cells = CELLS if ONE_TYPE & {sent, accepted} else CELLS | MIXED
    if sent == "XLSX":  # XLSX has rounded long numbers already
        cells = {name: column for name, column in cells.items() if name != "long"}
    body = written(table_of(cells), sent)
    response = send(shared, body, Format[sent].media_type, Format[accepted].media_type)
    received = read(json.dumps(response).encode() if accepted == "JSON" else response, accepted)
    assert list(received) == [*cells, "prediction"]
    for name, column in cells.items():
        assert list(map(str, received[name])) == list(map(str, column)), name
        if {sent, accepted} <= TYPED:
            assert list(map(type, received[name])) == list(map(type, column)), name


def test_workbook_dates_stay_dates(shared: FlaskClient) -> None:
    table = table_of({"day": [date(2026, 1, 5)] * 3, "at": [datetime(2026, 1, 5, 12, 30)] * 3})
    body = written(table, "XLSX")
    rows = send(shared, body, XLSX)
    assert (rows[0]["day"], rows[0]["at"]) == ("2026-01-05", "2026-01-05T12:30:00")
    assert send(shared, body, XLSX, CSV).splitlines()[1].startswith(b"2026-01-05,2026-01-05 12:30")
    again = read(send(shared, body, XLSX, XLSX), "XLSX")
    assert again["day"] == [date(2026, 1, 5)] * 3
    assert again["at"] == [datetime(2026, 1, 5, 12, 30)] * 3


def test_arrow_columns_keep_their_types(shared: FlaskClient) -> None:
    columns = {
        "id": pa.array([1, None], pa.int32()),
        "day": pa.array([date(2026, 1, 5), None]),
        "kind": pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), ["a", "b"]),
        "at": pa.array([datetime(2026, 1, 5), None], pa.timestamp("us", "UTC")),
    }
    own = {"area": pa.array([1.0, 2.0]), "rooms": pa.array([1.0, 2.0])}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns | own), buffer)
    parquet = Format.PARQUET.media_type
    response = pq.read_table(io.BytesIO(send(shared, buffer.getvalue(), parquet, parquet)))
    for name, column in columns.items():
        assert response[name].to_pylist() == column.to_pylist()
        assert response[name].type == column.type


def test_integers_in_long_lists_stay_integers(shared: FlaskClient) -> None:
    rows = [{"id": 2**60 + n, "n": n or None, "area": 1.0, "rooms": 2.0} for n in range(4_000)]
    for media_type, body in {
        JSON: json.dumps(rows).encode(),
        Format.JSONL.media_type: "\n".join(map(json.dumps, rows)).encode(),
    }.items():
        response = send(shared, body, media_type)
        assert [(row["id"], row["n"]) for row in response] == [
            (row["id"], row["n"]) for row in rows
        ]
        assert {type(row["n"]) for row in response} == {int, type(None)}


@pytest.mark.parametrize(
    "body",
    [
        {"columns": ["id", "area", "rooms"], "data": [[7, 1, 2], [None, 1, 2]]},
        {"id": [7, None], "area": [1, 1], "rooms": [2, 2]},
        [{"id": 7, "area": 1, "rooms": 2}, {"area": 1, "rooms": 2}],
    ],
    ids=["split", "columns", "uneven records"],
)
def test_every_json_orientation(shared: FlaskClient, body: Any) -> None:
    first, second = send(shared, body)
    assert (json.dumps(first["id"]), second["id"]) == ("7", None)


# Rows


def labelled(rows: Any) -> Any:
    return rows["area"].rename("prediction").to_frame()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (labelled, "012"),
        (lambda rows: labelled(rows).sort_index(ascending=False), "210"),
        (lambda rows: labelled(rows).iloc[[1, 0, 2]], "102"),
        (lambda rows: rows["area"].tolist(), "012"),
        (lambda rows: labelled(rows).set_axis([5, 6, 7]), None),
        (lambda rows: labelled(rows).set_axis(["a", "b", "c"]), None),
        (lambda rows: labelled(rows).iloc[[0, 0, 1]], None),
        (lambda rows: labelled(rows).iloc[:2], None),
        (lambda rows: labelled(rows).iloc[[1, 2]].reset_index(drop=True), None),
        (lambda rows: pd.concat([labelled(rows)] * 2), None),
    ],
    ids=[
        *("same", "sorted down", "shuffled", "list", "other numbers", "names", "one twice"),
        *("first two", "last two, counted anew", "all twice"),
    ],
)
def test_rows_are_matched_exactly_or_rejected(
    serve_function: Serve, change: Callable[[Any], Any], expected: str | None
) -> None:
    def price(rooms: Any = HOUSE) -> Any:
        return change(rooms)

    client = serve_function(price, returns=TABLE)
    rows = [{"id": str(n), "area": float(n), "rooms": 1.0} for n in range(3)]
    if expected is None:
        assert_problem(client.post("/price", json=rows), 500)
        assert client.post("/price", json=[{"area": 1.0, "rooms": 1.0}] * 3).status_code == 200
    else:
        response = send(client, rows)
        assert [row["id"] for row in response] == list(expected)
        assert [row["prediction"] for row in response] == list(map(float, expected))


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.set_index("area").sort_index(),
        lambda rows: rows.groupby("area")["rooms"].sum(),
        lambda rows: rows.set_index(["area", "rooms"]).assign(p=1).sort_index(),
        lambda rows: rows.groupby(rows["area"].astype(int).rename("key"))["rooms"].sum(),
        lambda rows: rows.sort_values("area", ignore_index=True).assign(p=rows["area"]),
        lambda rows: rows.sort_values("area").reset_index(),
    ],
    ids=["index", "groups", "two columns", "a key that counts", "counted anew", "old index"],
)
def test_rejects_renumbered_rows(serve_function: Serve, change: Callable[[Any], Any]) -> None:
    def price(rooms: Any = HOUSE) -> Any:
        return change(rooms)

    client = serve_function(price, returns=TABLE)
    rows = [{"id": f"A-{n}", "area": float(n), "rooms": 1.0 + n} for n in (2, 0, 1)]
    problem = assert_problem(client.post("/price", json=rows), 500)
    assert "return the table's own index" in problem["detail"]
    own = [{name: row[name] for name in ("area", "rooms")} for row in rows]
    assert client.post("/price", json=own).status_code == 200  # nothing is kept


def test_declared_columns_may_be_changed(serve_function: Serve) -> None:
    def price(rooms: Any = HOUSE) -> Any:
        return rooms.assign(area=rooms["area"].max() - rooms["area"], p=1)

    rows = [{"id": n, "area": float(n), "rooms": float(n)} for n in range(2)]
    response = send(serve_function(price, returns=TABLE), rows)
    assert [(row["id"], row["area"]) for row in response] == [(0, 1.0), (1, 0.0)]


def test_rejects_extra_column_named_like_a_result_column(client: FlaskClient) -> None:
    rows = [{"prediction": 1, "area": 1.0, "rooms": 1.0}]
    response = client.post("/price", json=rows)
    message = "the result has a column of this name; rename this one"
    problem = assert_problem(response, 422)
    assert problem["detail"] == f'column "prediction": {message}'
    assert problem["errors"] == [{"where": "rooms", "column": "prediction", "message": message}]


def test_bytes_are_returned_only_in_capable_formats(client: FlaskClient) -> None:
    table = pa.table({"photo": pa.array([b"\xff"]), "area": [2.0], "rooms": [3.0]})
    buffer, parquet = io.BytesIO(), Format.PARQUET.media_type
    pq.write_table(table, buffer)
    response = pq.read_table(io.BytesIO(send(client, buffer.getvalue(), parquet, parquet)))
    assert response.to_pylist() == [{"photo": b"\xff", "prediction": 6.0}]
    for accept in JSON, CSV, XLSX:
        refused = client.post(
            "/price", data=buffer.getvalue(), content_type=parquet, headers={"Accept": accept}
        )
        message = "only Parquet, Arrow and Feather can return bytes; leave the column out"
        assert assert_problem(refused, 422)["errors"] == [
            {"where": "rooms", "column": "photo", "message": message}
        ]


def test_annotated_workbook_has_extra_columns(client: FlaskClient) -> None:
    body = b"id,area,rooms\n007,1.5,2\n008,large,3\n"
    response = client.post("/price?errors=xlsx", data=body, content_type=CSV)
    assert (response.status_code, response.content_type) == (422, XLSX)
    table = pd.read_excel(io.BytesIO(response.data), engine="calamine", dtype=object)
    assert table["id"].tolist() == ["007", "008"]
    assert table["area"].tolist() == [1.5, "large"] or table["area"].tolist() == ["1.5", "large"]


def test_batched_requests_keep_their_own_columns(serve_function: Serve) -> None:
    started, release, calls = Event(), Event(), []

    def price(rooms: Any = HOUSE) -> Any:
        calls.append(len(rooms))
        if len(calls) == 1:
            started.set()
            assert release.wait(20)
        return rooms.assign(prediction=rooms["area"])[["prediction"]]

    client = serve_function(price, returns=TABLE, batch=True)
    responses: dict[int, Any] = {}
    barrier = Barrier(4)

    def call(number: int) -> None:
        if number:
            barrier.wait()
        names = [f"id_{number}", "note"] if number % 2 else [f"id_{number}"]
        row = {"area": float(number), "rooms": 1.0} | dict.fromkeys(names, f"00{number}")
        responses[number] = client.application.test_client().post("/price", json=[row] * 2).json

    threads = [Thread(target=call, args=(number,)) for number in range(5)]
    threads[0].start()
    assert started.wait(20)
    for thread in threads[1:]:
        thread.start()
    sleep(1)  # they are queued now
    release.set()
    for thread in threads:
        thread.join(20)
    assert max(calls) > 2  # some were batched
    for number, response in responses.items():
        names = [f"id_{number}", "note"] if number % 2 else [f"id_{number}"]
        expected = dict.fromkeys(names, f"00{number}") | {"prediction": float(number)}
        assert response == [expected] * 2


def test_sorted_results_disable_batching(serve_function: Serve) -> None:
    started, release, calls = Event(), Event(), []

    def price(rooms: Any = HOUSE) -> Any:
        calls.append(len(rooms))
        if len(calls) == 1:
            started.set()
            assert release.wait(20)
        return rooms[["area"]].rename(columns={"area": "p"}).sort_values("p", ascending=False)

    client = serve_function(price, returns=TABLE, batch=True)
    responses: dict[int, Any] = {}

    def call(number: int) -> None:
        rows = [{"id": f"{number}-{n}", "area": 10.0 * n + number, "rooms": 1} for n in range(2)]
        responses[number] = client.application.test_client().post("/price", json=rows).json

    threads = [Thread(target=call, args=(number,)) for number in range(4)]
    threads[0].start()
    assert started.wait(20)
    for thread in threads[1:]:
        thread.start()
    sleep(1)
    release.set()
    for thread in threads:
        thread.join(20)
    assert max(calls) > 2  # a batch was tried
    for number, response in responses.items():
        assert [row["id"] for row in response] == [f"{number}-1", f"{number}-0"]
        assert [row["p"] for row in response] == [10.0 + number, float(number)]


# Declarations, descriptions, other protocols


@pytest.mark.parametrize(
    ("declare", "error", "message"),
    [
        (lambda: mmf.DataFrame(schema=None, extra="keep"), DescriptorError, "extra='keep' needs"),
        (lambda: mmf.DataFrame(schema={"a": int}, extra="all"), DescriptorError, "refuse, keep"),
        (
            lambda: mmf.DataFrame(
                schema={"a": int}, extra="keep", pandas_params={"index_col": 0}
            ),
            DescriptorError,
            "index_col= exclude each other",
        ),
        (
            lambda: mmf.Registry().target(returns=mmf.Dict())(price),
            DeclarationError,
            "price: extra='keep' .*: write returns=mmf.DataFrame",
        ),
        (
            lambda: mmf.Registry().target(returns=TABLE)(lambda_of_two),
            DeclarationError,
            "extra='keep' is for one table, got a, b",
        ),
    ],
    ids=["no schema", "unknown", "index", "result", "two tables"],
)  # fmt: skip
def test_rejects_unsupported_keep_when_declared(
    declare: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        declare()


def lambda_of_two(a: Any = HOUSE, b: Any = HOUSE) -> Any:
    return a, b


def test_openapi_allows_additional_properties(client: FlaskClient) -> None:
    call = client.get("/openapi.json").json["paths"]["/price"]["post"]
    request = call["requestBody"]["content"][JSON]["schema"]["items"]
    assert (request["required"], request["additionalProperties"]) == (["area", "rooms"], True)
    response = call["responses"]["200"]["content"][JSON]["schema"]["items"]
    assert response["additionalProperties"] is True


def test_other_protocols_return_only_predictions(client: FlaskClient) -> None:
    row = {"id": "007", "area": 2.0, "rooms": 3.0}
    response = client.post("/invocations/price", json={"dataframe_records": [row]})
    assert response.json == {"predictions": [6.0]}
    inputs = [
        {"name": "id", "shape": [1], "datatype": "BYTES", "data": ["007"]},
        {"name": "area", "shape": [1], "datatype": "FP64", "data": [2.0]},
        {"name": "rooms", "shape": [1], "datatype": "FP64", "data": [3.0]},
    ]
    response = client.post("/v2/models/price/infer", json={"inputs": inputs})
    assert [output["name"] for output in response.json["outputs"]] == ["prediction"]


def fitted() -> Any:
    from sklearn.linear_model import LinearRegression

    table = pd.DataFrame({"area": [1.0, 2.0], "rooms": [1.0, 3.0]})
    return LinearRegression().fit(table, np.array([1.0, 2.0]))


def test_model_schema_determines_extra_columns(registry: mmf.Registry) -> None:
    model = registry.artifact("model")(fitted)

    @registry.target(returns=TABLE)
    def price(rooms: Any = mmf.DataFrame(extra="keep")) -> Any:
        return model.predict(rooms)

    client = create_app(registry).test_client()
    (row,) = send(client, [{"id": "007", "area": 2.0, "rooms": 3.0}])
    assert (row["id"], row["prediction"]) == ("007", pytest.approx(2.0))


def test_rejects_keep_without_a_schema(registry: mmf.Registry) -> None:
    model = registry.artifact("model")(fitted)

    @registry.target(returns=TABLE)
    def price(rooms: Any = mmf.DataFrame(extra="keep")) -> Any:
        return model.predict(rooms.rename(columns={"size": "area"}))

    with pytest.raises(DeclarationError, match=r"price: extra='keep' needs .*; write schema="):
        create_app(registry)
