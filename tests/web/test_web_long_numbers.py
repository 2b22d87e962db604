"""Integers over 64 bits: rejected where they would change, otherwise returned exactly."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

LONG = 2**64 + 1
FORMS = {
    "json": ("application/json", str(LONG)),
    "text": ("text/plain", str(LONG)),
    "a float of them": ("application/json", "1e308"),
    "least": ("application/json", str(-(2**63) - 1)),
}


@pytest.mark.parametrize("form", FORMS)
def test_rejects_65_bit_integer(client: FlaskClient, form: str) -> None:
    media_type, body = FORMS[form]
    response = client.post("/next_one", data=body, content_type=media_type)
    assert response.status_code == 422
    assert "64 bits" in response.get_json()["detail"]


@pytest.mark.parametrize("number", [LONG, -(2**63) - 1, 1e308])
def test_rejects_65_bit_integer_in_every_protocol(client: FlaskClient, number: float) -> None:
    value = {"name": "number", "shape": [1], "datatype": "BYTES", "data": [str(int(number))]}
    for path, body in (
        ("/invocations/next_one", {"inputs": number}),
        ("/v2/models/next_one/infer", {"inputs": [], "parameters": {"number": number}}),
        ("/v2/models/next_one/infer", {"inputs": [value]}),
    ):
        response = client.post(path, json=body)
        assert response.status_code == 400
        assert "64 bits" in response.get_data(as_text=True)


def test_extreme_64_bit_integers_are_exact(client: FlaskClient) -> None:
    for number in (2**64 - 2, -(2**63)):
        response = client.post("/next_one", json=number)
        assert response.get_json() == {"result": number + 1}


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/csv", f"a,b\n{LONG},x\n{-LONG},y"),
        ("application/xml", f"<r><row><a>{LONG}</a></row><row><a>{-LONG}</a></row></r>"),
    ],
)
def test_long_integers_in_tables_are_exact(client: FlaskClient, media_type: str, body: str) -> None:
    for path in ("/records", "/records?format=jsonl"):
        text = client.post(path, data=body, content_type=media_type).get_data(as_text=True)
        assert f":{LONG}" in text
        assert f":{-LONG}" in text


def test_long_integers_in_other_protocols_are_exact(client: FlaskClient) -> None:
    response = client.post("/invocations/records", data=f"a\n{LONG}", content_type="text/csv")
    assert response.get_json() == {"predictions": [{"a": LONG}]}
    cell = {"name": "a", "shape": [2], "datatype": "BYTES", "data": [str(LONG), '"x"']}
    cell["parameters"] = {"content_type": "pd_json"}
    response = client.post("/v2/models/records/infer", json={"inputs": [cell]})
    assert json.loads(response.get_json()["outputs"][0]["data"][0]) == LONG


def test_long_integers_in_json_values_are_exact(client: FlaskClient) -> None:
    response = client.post("/swap", data=f"a: {LONG}", content_type="application/yaml")
    assert response.get_json() == {str(LONG): "a"}


def test_integer_column_rejects_long_integers(client: FlaskClient) -> None:
    body: Any
    for body in ([{"a": LONG}], [{"a": -(2**63) - 1}], [{"a": 1}, {"a": LONG}]):
        assert client.post("/typed", json=body).status_code == 422
        table = {"dataframe_records": body}
        assert client.post("/invocations/typed", json=table).status_code == 400
