"""Dates and zoned times, in every table format and in every protocol."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.codecs import Format, Kind, find, readable, writable

BERLIN = ZoneInfo("Europe/Berlin")
SCHEMA = {
    "day": date,
    "at": mmf.Column(datetime, tz="Europe/Berlin"),
    "seen": mmf.Column(datetime | None, tz="naive"),
}
TABLE = mmf.DataFrame(schema=SCHEMA)
DAY, AT = date(2026, 1, 31), datetime(2026, 7, 31, 14, 30, tzinfo=BERLIN)
SEEN = datetime(2026, 3, 29, 2, 30)
TEXTS = {"day": "2026-01-31", "at": "2026-07-31T14:30:00+02:00", "seen": "2026-03-29T02:30:00"}
SENT = {
    "typed": pd.DataFrame({"day": [DAY, DAY], "at": [AT, AT], "seen": [SEEN, None]}),
    "texts": pd.DataFrame([TEXTS, {**TEXTS, "seen": None}]),
    "local": pd.DataFrame(
        {"day": [DAY, DAY], "at": [AT.replace(tzinfo=None)] * 2, "seen": [SEEN, None]}
    ),
    "in UTC": pd.DataFrame(
        {"day": [datetime(2026, 1, 31)] * 2, "at": [AT.astimezone(UTC)] * 2, "seen": [SEEN, None]}
    ),
}
DTYPES = ["datetime64[us]", "datetime64[us, Europe/Berlin]", "datetime64[us]"]


@pytest.fixture
def client(serve_function: Callable[..., FlaskClient]) -> FlaskClient:
    def same(data: Any = TABLE) -> Any:
        assert [str(dtype) for dtype in data.dtypes] == DTYPES
        assert data["at"].tolist() == [AT] * len(data)
        return data

    return serve_function(same, returns=mmf.DataFrame(schema=SCHEMA, format=mmf.JSON))


def body(table: pd.DataFrame, format: Format) -> bytes:
    codec = find(Kind.TABLE, format)
    assert codec is not None
    return codec.encode(table, {})


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("format", [f for f in readable(Kind.TABLE) if f in writable(Kind.TABLE)])
def test_every_format_decodes_to_the_same_table(
    client: FlaskClient, format: Format, sent: str
) -> None:
    response = client.post("/same", data=body(SENT[sent], format), content_type=format.media_type)
    assert response.get_json() == [TEXTS, {**TEXTS, "seen": None}]


@pytest.mark.parametrize("format", [f for f in readable(Kind.TABLE) if f in writable(Kind.TABLE)])
def test_results_of_every_format_can_be_sent_back(client: FlaskClient, format: Format) -> None:
    response = client.post(f"/same?format={format.extension}", json=[TEXTS])
    again = client.post("/same", data=response.data, content_type=format.media_type)
    assert again.get_json() == [TEXTS]


def test_workbook_dates(client: FlaskClient) -> None:
    response = client.post("/same?format=xlsx", json=[TEXTS])
    table = find(Kind.TABLE, Format.XLSX).decode(response.data, {})  # type: ignore[union-attr]
    assert table["day"].tolist() == [pd.Timestamp(DAY)]
    assert table["seen"].tolist() == [pd.Timestamp(SEEN)]
    assert table["at"].tolist() == [TEXTS["at"]]  # sheets have no time zones


def test_arrow_types(client: FlaskClient) -> None:
    import pyarrow as pa

    response = client.post("/same?format=arrow", json=[TEXTS])
    schema = pa.ipc.open_stream(response.data).schema
    assert [str(field.type) for field in schema] == [
        "date32[day]",
        "timestamp[us, tz=Europe/Berlin]",
        "timestamp[us]",
    ]


@pytest.mark.parametrize(
    ("name", "cell", "message"),
    [
        ("day", "2026-01-31T12:00", 'expected a date, got "2026-01-31T12:00"'),
        ("at", "2026-10-25T02:30", "clocks in Europe/Berlin repeat this time"),
        ("seen", "2026-01-31T12:00Z", "expected a date and time without a UTC offset"),
    ],
)
def test_invalid_cell_is_named_in_every_protocol(
    client: FlaskClient, name: str, cell: str, message: str
) -> None:
    row = {**TEXTS, name: cell}
    problem = assert_problem(client.post("/same", json=[TEXTS, row]), 422)
    (error,) = problem["errors"]
    assert (error["row"], error["column"]) == (1, name)
    assert message in error["message"]
    mlflow = client.post("/invocations", json={"dataframe_records": [row]})
    assert (mlflow.status_code, mlflow.get_json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert message in mlflow.get_json()["message"]
    tensors = [
        {"name": key, "shape": [1], "datatype": "BYTES", "data": [text]}
        for key, text in row.items()
    ]
    v2 = client.post("/v2/models/same/infer", json={"inputs": tensors})
    assert v2.status_code == 400
    assert message in v2.get_json()["error"]


def test_every_protocol_returns_the_same(client: FlaskClient) -> None:
    for shape in ({"dataframe_records": [TEXTS]}, {"inputs": [TEXTS]}):
        response = client.post("/invocations", json=shape)
        assert response.get_json() == {"predictions": [TEXTS]}
    tensors = [
        {"name": name, "shape": [1], "datatype": "BYTES", "data": [text]}
        for name, text in TEXTS.items()
    ]
    response = client.post("/v2/models/same/infer", json={"inputs": tensors})
    outputs = response.get_json()["outputs"]
    assert {output["name"]: output["data"] for output in outputs} == {
        name: [text] for name, text in TEXTS.items()
    }
    assert {output["parameters"]["content_type"] for output in outputs} == {"datetime"}
    metadata = client.get("/v2/models/same").get_json()
    assert {entry["datatype"] for entry in metadata["inputs"]} == {"BYTES"}


def test_openapi_and_template_match_the_service(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    content = document["paths"]["/same"]["post"]["requestBody"]["content"]["application/json"]
    cells = content["schema"]["items"]["properties"]
    assert cells["day"] == {"type": "string", "format": "date"}
    assert cells["at"]["description"] == "in Europe/Berlin unless it has a UTC offset"
    assert cells["seen"]["format"] == "date-time-local"
    assert len(TABLE.validate(pd.DataFrame(content["example"]))) == 1
    template = client.get("/page/example/same/data.xlsx")
    rows = find(Kind.TABLE, Format.XLSX).decode(template.data, {})  # type: ignore[union-attr]
    assert len(TABLE.validate(rows)) == 1


SCALARS: dict[str, tuple[Any, str, Any]] = {
    "day": (mmf.Date(), "2026-01-31", DAY),
    "at": (mmf.Datetime(tz="Europe/Berlin"), "2026-07-31T12:30:00Z", AT),
    "naive": (mmf.Datetime(tz="naive"), "2026-03-29T02:30:00", SEEN),
}


@pytest.mark.parametrize("name", SCALARS)
def test_scalar_in_every_location(serve_function: Callable[..., FlaskClient], name: str) -> None:
    descriptor, text, value = SCALARS[name]

    def same(moment: Any = descriptor) -> Any:
        assert (moment, type(moment)) == (value, type(value))
        return moment

    client = serve_function(same, returns=descriptor)
    result, tensor = value.isoformat(), {"shape": [1], "datatype": "BYTES", "data": [text]}
    for call in (
        client.post("/same", json=text),
        client.post("/same", data=text, content_type="text/plain"),
        client.post("/same", data={"moment": text}),
        client.post("/same", query_string={"moment": text}),
    ):
        assert call.get_json() == {"result": result}
    assert client.post("/same", json=text, headers={"Accept": "text/plain"}).text == result
    assert client.post("/invocations", json={"inputs": text}).get_json()["predictions"] == result
    for message in (
        {"inputs": [{"name": "moment", **tensor}]},
        {"inputs": [], "parameters": {"moment": text}},
    ):
        response = client.post("/v2/models/same/infer", json=message)
        assert response.get_json()["outputs"][0]["data"] == [result]


@pytest.mark.parametrize("name", SCALARS)
def test_invalid_scalar_is_422_and_uses_a_native_control(
    serve_function: Callable[..., FlaskClient], name: str
) -> None:
    descriptor, *_ = SCALARS[name]

    def same(moment: Any = descriptor) -> Any:
        return moment

    client = serve_function(same, returns=descriptor)
    wrong = {"day": "2026-01-31T00:00", "at": "2026-03-29T02:30", "naive": "2026-01-31T00:00Z"}
    assert_problem(client.post("/same", json=wrong[name]), 422)
    page = client.get("/?lang=en").text
    control = {"day": 'type="date"', "at": "in Europe/Berlin unless", "naive": "datetime-local"}
    assert control[name] in page
    content = client.get("/openapi.json").get_json()["paths"]["/same"]["post"]["requestBody"]
    example = content["content"]["application/json"]["example"]
    assert (
        client.post("/same", data=json.dumps(example), content_type="application/json").status_code
        == 200
    )
