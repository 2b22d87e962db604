"""Schemas with descriptions, unusual names, very many columns and categories."""

import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from cpu_time import at_most
from error_shape import assert_problem
from mmf_core.codecs import Format, Kind, find, readable, writable
from mmf_core.errors import DescriptorError

LONG = "Ответ " * 100 + '<&">\n'
DESCRIBED = {
    "alcohol": mmf.Column(float, ge=0, description="alcohol, % by volume"),
    "colour": mmf.Column(str, choices=["red", "white"], description="of the wine"),
    "day": mmf.Column(date, ge=date(2020, 1, 1), description="of the harvest"),
    "hue": float,
    "note": mmf.Column(str, description=LONG),
}
WINES = mmf.DataFrame(schema=DESCRIBED)
Serve = Callable[..., FlaskClient]


@pytest.fixture
def described(serve_function: Serve) -> FlaskClient:
    def score(wines: Any = WINES) -> Any:
        return wines["alcohol"]

    return serve_function(score, returns=mmf.DataFrame(format=mmf.JSON))


def test_descriptions_are_in_openapi_and_target_metadata(described: FlaskClient) -> None:
    post = described.get("/openapi.json").get_json()["paths"]["/score"]["post"]
    cells = post["requestBody"]["content"]["application/json"]["schema"]["items"]["properties"]
    assert cells["alcohol"]["description"] == "alcohol, % by volume"
    assert cells["day"]["description"] == "of the harvest (a date >= 2020-01-01)"
    assert "description" not in cells["hue"]
    (argument,) = described.get("/score").get_json()["arguments"]
    assert argument["columns"]["colour"] == "of the wine"
    assert "description='alcohol, % by volume'" in argument["schema"]
    assert "hue" not in argument["columns"]


def test_template_has_descriptions_and_is_accepted(described: FlaskClient) -> None:
    template = described.get("/page/example/score/wines.xlsx").data
    sheet = openpyxl.load_workbook(io.BytesIO(template)).active
    messages = {str(rule.sqref): rule.prompt for rule in sheet.data_validations.dataValidation}
    assert messages["A1:A1048576"] == "alcohol, % by volume"
    assert messages["B1:B1048576"] == "of the wine"
    assert len(messages["E1:E1048576"]) == 255
    assert LONG.startswith(messages["E1:E1048576"][:-1])
    assert "D1:D1048576" not in messages
    assert [cell.value for cell in sheet[1]] == list(DESCRIBED)
    response = described.post("/score", data=template, content_type=Format.XLSX.media_type)
    assert response.get_json() == [{"alcohol": 0.5}]


def test_note_is_shortened_between_characters() -> None:
    codec = find(Kind.TABLE, Format.XLSX)
    assert codec is not None
    data = codec.encode(pd.DataFrame({"a": [1]}), {"notes": {"a": "🍷" * 200, "b": "unused"}})
    (rule,) = openpyxl.load_workbook(io.BytesIO(data)).active.data_validations.dataValidation
    assert rule.prompt == "🍷" * 127 + "…"


def test_page_shows_descriptions(described: FlaskClient) -> None:
    page = described.get("/?lang=en").text
    assert "<td>alcohol, % by volume<br><span>number, ≥ 0</span></td>" in page
    assert 'data-note="of the wine"' in page


ODD = [
    *("price [€]", "a b", " left", "x<y", "x>1", 'quote"d', "semi;colon", "comma,name", "{brace}"),
    *(
        "Цена",
        "価格",
        "🍷",
        "a.1",
        "a/b",
        "a\\b",
        "=1+1",
        "class",
        "0",
        "True",
        "null",
        "__proto__",
    ),
    *("%percent", "#hash", "line-break", "tab", "'apostrophe", "$ref", "a" * 200),
]
ODDLY_NAMED = mmf.DataFrame(schema=dict.fromkeys(ODD, float))


@pytest.mark.parametrize("format", [f for f in readable(Kind.TABLE) if f in writable(Kind.TABLE)])
def test_unusual_names_round_trip_in_every_format(serve_function: Serve, format: Format) -> None:
    def same(data: Any = ODDLY_NAMED) -> Any:
        return data

    client = serve_function(same, returns=mmf.DataFrame(format=mmf.JSON))
    row = {name: index + 0.5 for index, name in enumerate(ODD)}
    codec = find(Kind.TABLE, format)
    assert codec is not None
    body = codec.encode(pd.DataFrame([row]), {})
    response = client.post("/same", data=body, content_type=format.media_type)
    assert response.get_json() == [row]
    assert client.post(f"/same?format={format.extension}", json=[row]).status_code == 200


def test_unusual_names_are_described_in_every_protocol(serve_function: Serve) -> None:
    def same(data: Any = ODDLY_NAMED) -> Any:
        return data

    client = serve_function(same, returns=mmf.DataFrame(format=mmf.JSON))
    row = {name: index + 0.5 for index, name in enumerate(ODD)}
    records = {"dataframe_records": [row]}
    assert client.post("/invocations", json=records).get_json()["predictions"] == [row]
    tensors = [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
        for name, value in row.items()
    ]
    outputs = client.post("/v2/models/same/infer", json={"inputs": tensors}).get_json()["outputs"]
    assert {output["name"]: output["data"][0] for output in outputs} == row
    page = client.get("/").text
    assert "<y" not in page
    problem = assert_problem(client.post("/same", json=[{**row, "x<y": "text"}]), 422)
    assert problem["errors"][0]["column"] == "x<y"


@pytest.mark.parametrize("names", [["a", "a"], ["a", "b", "a"]])
def test_rejects_duplicate_features_at_startup(names: list[str]) -> None:
    table = pd.DataFrame([range(len(names))], columns=names)
    for declare in (
        lambda: mmf.DataFrame(schema=table.dtypes),
        lambda: mmf.DataFrame(schema=mmf.schema_of(table)),
        lambda: mmf.Array(columns=names),
    ):
        with pytest.raises(DescriptorError, match=r"unique|distinct"):
            declare()


LEVELS = [f"level {number}" for number in range(100_000)]


@pytest.mark.parametrize(
    "column",
    [
        mmf.Column(str, choices=LEVELS),
        mmf.Column(str, choices=LEVELS, category=True),
        mmf.Column(pd.CategoricalDtype(LEVELS)),
    ],
    ids=["choices", "category", "dtype"],
)
def test_category_with_many_levels(serve_function: Serve, column: mmf.Column) -> None:
    table = mmf.DataFrame(schema={"a": column})

    def same(data: Any = table) -> Any:
        return data.astype(str)

    client = serve_function(same, returns=mmf.DataFrame(format=mmf.JSON))
    for path in ("/", "/openapi.json", "/same", "/v2/models/same"):
        assert len(client.get(path).data) < 100_000, path
    row = {"a": LEVELS[-1]}
    assert client.post("/same", json=[row] * 1_000).get_json() == [row] * 1_000
    response = client.post("/same", json=[row, {"a": "level x"}])
    assert len(response.data) < 1_000
    (error,) = assert_problem(response, 422)["errors"]
    assert error["message"].startswith('expected one of "level 0", "level 1"')


def test_text_with_many_choices(serve_function: Serve) -> None:
    choice = mmf.String(choices=LEVELS)

    def same(data: Any = choice) -> Any:
        return data

    client = serve_function(same, returns=mmf.String())
    assert len(client.get("/").data) < 20_000
    response = client.post("/same", json="level x")
    assert response.status_code == 422
    assert len(response.data) < 1_000
    with pytest.raises(DescriptorError) as caught:
        mmf.Column(str, choices=[*LEVELS, LEVELS[0]])
    assert len(str(caught.value)) < 200


FEATURES = [f"feature_{number}" for number in range(5_000)]
WIDE, WIDE_ARRAY = mmf.DataFrame(schema=dict.fromkeys(FEATURES, float)), mmf.Array(columns=FEATURES)


def test_five_thousand_features(serve_function: Serve) -> None:
    def total(data: Any = WIDE) -> Any:
        return data.sum(axis=1)

    client = serve_function(total, returns=mmf.DataFrame(format=mmf.JSON))
    with at_most(seconds=5):
        page = client.get("/?lang=en")
    assert len(page.data) < 40_000
    assert "Expected columns: 5000" in page.text
    assert "and 4900 more" in page.text
    assert "feature_99<" in page.text
    assert "feature_100<" not in page.text
    with at_most(seconds=0.1):
        assert client.get("/?lang=en").data == page.data
    row = dict.fromkeys(FEATURES, 1.0)
    assert client.post("/total", json=[row]).get_json() == [{"prediction": 5000.0}]
    response = client.post("/total", json=[{"feature_1": 1.0}])
    assert len(response.data) < 10_000
    assert "missing columns" in assert_problem(response, 422)["detail"]
    template = client.get("/page/example/total/data.xlsx").data
    sent = client.post("/total", data=template, content_type=Format.XLSX.media_type)
    assert sent.get_json() == [{"prediction": 2500.0}]


def test_array_columns_are_listed(serve_function: Serve) -> None:
    def total(data: Any = WIDE_ARRAY) -> Any:
        return np.sum(data, axis=1)

    client = serve_function(total, returns=mmf.Array())
    assert "and 4900 more" in client.get("/?lang=en").text
    row = dict.fromkeys(FEATURES, 1.0)
    assert json.loads(client.post("/total", json=[row]).data) == [5000.0]
