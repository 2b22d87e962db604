"""JSON in the wild: with a byte order mark, in UTF-16, with numbers of any length."""

import json
from codecs import BOM_UTF8
from typing import Any

import pytest
from flask.testing import FlaskClient

V2 = {"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1.5]}]}
BODIES = {
    "/records": ("application/json", '[{"a": 1.5}]', [{"a": 1.5}]),
    "/records?": ("application/x-ndjson", '{"a": 1.5}\n', [{"a": 1.5}]),
    "/swap": ("application/json", '{"a": "b"}', {"b": "a"}),
    "/swap?": ("application/yaml", "a: b", {"b": "a"}),
    "/next_one": ("application/json", "1", {"result": 2}),
    "/invocations/records": (
        "application/json",
        '{"dataframe_records": [{"a": 1.5}]}',
        {"predictions": [{"a": 1.5}]},
    ),
    "/v2/models/records/infer": (
        "application/json",
        json.dumps(V2),
        {"outputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1.5]}]},
    ),
}


@pytest.mark.parametrize("path", BODIES)
def test_byte_order_mark_is_skipped(client: FlaskClient, path: str) -> None:
    media_type, text, expected = BODIES[path]
    headers = {"Accept": "application/json"}
    response = client.post(
        path, data=BOM_UTF8 + text.encode(), content_type=media_type, headers=headers
    )
    body = response.get_json()
    assert response.status_code == 200, body
    is_object = isinstance(body, dict)
    assert ({name: body[name] for name in expected} if is_object else body) == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("path", [path for path in BODIES if BODIES[path][0] != "application/yaml"])
def test_utf_16_is_a_400_with_a_reason(client: FlaskClient, path: str, encoding: str) -> None:
    media_type, text, _ = BODIES[path]
    response = client.post(path, data=text.encode(encoding), content_type=media_type)
    assert response.status_code == 400
    assert "UTF-8" in response.get_data(as_text=True)


WIDE: list[list[Any]] = [
    [2**53 + 1, 1.0],
    [2**53 + 1, None],
    [2**64 - 1, None],
    [2**64, 0.5],
    [-(2**63) - 1, 10**30],
    [2**53 + 1, True, "x"],
]


@pytest.mark.parametrize("cells", WIDE, ids=repr)
def test_table_integers_are_exact(client: FlaskClient, cells: list[Any]) -> None:
    records = [{"a": cell, "b": 0.5} for cell in cells]
    lines = "\n".join(map(json.dumps, records))
    split = {"columns": ["a", "b"], "data": [[cell, 0.5] for cell in cells]}
    for body in (records, split, {"a": cells, "b": [0.5] * len(cells)}):
        assert client.post("/records", json=body).get_json() == records
    response = client.post("/records", data=lines, content_type="application/x-ndjson")
    assert response.get_json() == records
    for wrapped in ({"dataframe_records": records}, {"dataframe_split": split}):
        response = client.post("/invocations/records", json=wrapped)
        assert response.get_json() == {"predictions": records}
