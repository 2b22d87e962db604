"""Lists of scalars in every location of a request, in every protocol, and on the page."""

import io
import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgpack
import pandas as pd
import pytest
import yaml
from flask.testing import FlaskClient

import mmf_core as mmf
from error_shape import assert_problem

Serve = Callable[..., FlaskClient]
BERLIN = ZoneInfo("Europe/Berlin")
TEXTS, NUMBERS = mmf.List(mmf.String()), mmf.List(mmf.Integer(ge=1), max_items=3)
SOME = mmf.List(mmf.String(), default=["none"])
TABLE = mmf.DataFrame()
# descriptor, sent as JSON, the function's argument, the response, datatype of V2
LISTS: dict[str, tuple[Any, list[Any], list[Any], list[Any], str]] = {
    "texts": (
        TEXTS,
        ["red", "Бароло", "a,b"],
        ["red", "Бароло", "a,b"],
        ["red", "Бароло", "a,b"],
        "BYTES",
    ),
    "numbers": (NUMBERS, [1, 2], [1, 2], [1, 2], "INT64"),
    "floats": (mmf.List(mmf.Float()), [1.5, 2], [1.5, 2.0], [1.5, 2.0], "FP64"),
    "flags": (mmf.List(mmf.Bool()), [True, False], [True, False], [True, False], "BOOL"),
    "days": (mmf.List(mmf.Date()), ["2026-01-31"], [date(2026, 1, 31)], ["2026-01-31"], "BYTES"),
    "moments": (
        mmf.List(mmf.Datetime(tz="Europe/Berlin")),
        ["2026-01-31T11:00:00Z"],
        [datetime(2026, 1, 31, 12, tzinfo=BERLIN)],
        ["2026-01-31T12:00:00+01:00"],
        "BYTES",
    ),
}


def served(serve: Serve, name: str) -> FlaskClient:
    descriptor, _, expected, *_ = LISTS[name]

    def same(tags: Any = descriptor) -> Any:
        assert tags == expected
        assert list(map(type, tags)) == list(map(type, expected))
        return tags

    return serve(same, returns=descriptor)


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("name", LISTS)
def test_list_in_every_location(serve_function: Serve, name: str) -> None:
    client, (_, sent, _, returned, _) = served(serve_function, name), LISTS[name]
    file = (io.BytesIO(json.dumps(sent).encode()), "tags.json")
    for call in (
        client.post("/same", json=sent),
        client.post("/same", data=yaml.safe_dump(sent), content_type="application/yaml"),
        client.post("/same", data=msgpack.packb(sent), content_type="application/msgpack"),
        client.post("/same?" + urlencode([("tags", text(value)) for value in sent])),
        client.post("/same", query_string={"tags": json.dumps(sent)}),
        client.post("/same", data={"tags": [text(value) for value in sent]}),
        client.post("/same", data={"tags": json.dumps(sent)}),
        client.post("/same", data={"tags": json.dumps(sent)}, content_type="multipart/form-data"),
        client.post(
            "/same",
            data={"tags": [text(value) for value in sent]},
            content_type="multipart/form-data",
        ),
        client.post("/same", data={"tags": file}),
    ):
        assert call.get_json() == returned


@pytest.mark.parametrize("name", LISTS)
def test_list_in_other_protocols(serve_function: Serve, name: str) -> None:
    client, (_, sent, _, returned, datatype) = served(serve_function, name), LISTS[name]
    response = client.post("/invocations", json={"inputs": sent})
    assert response.get_json() == {"predictions": returned}
    tensor = {"shape": [len(sent)], "datatype": datatype, "data": sent}
    for other in (tensor, {**tensor, "shape": [len(sent), 1]}):
        message = {"inputs": [{"name": "tags", **other}]}
        (output,) = client.post("/v2/models/same/infer", json=message).get_json()["outputs"]
        assert (output["data"], output["shape"]) == (returned, [len(sent)])
        assert output["datatype"] == datatype
    metadata = client.get("/v2/models/same").get_json()
    assert metadata["inputs"] == [{"name": "tags", "datatype": datatype, "shape": [-1]}]


@pytest.mark.parametrize("name", LISTS)
def test_openapi_example_is_accepted(serve_function: Serve, name: str) -> None:
    descriptor = LISTS[name][0]

    def same(tags: Any = descriptor) -> Any:
        return tags

    client = serve_function(same, returns=descriptor)
    document = client.get("/openapi.json").get_json()
    post = document["paths"]["/same"]["post"]
    body = post["requestBody"]["content"]["application/json"]
    assert body["schema"]["type"] == "array"
    assert client.post("/same", json=body["example"]).status_code == 200
    (query,) = [parameter for parameter in post["parameters"] if parameter["name"] == "tags"]
    assert (query["schema"]["type"], query["schema"]["minItems"]) == ("array", 1)
    form = post["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]["tags"]
    assert form["type"] == "array"
    v2 = document["paths"]["/v2/models/same/infer"]["post"]["requestBody"]["content"]
    assert (
        client.post("/v2/models/same/infer", json=v2["application/json"]["example"]).status_code
        == 200
    )


def test_invalid_items_are_named_in_every_protocol(serve_function: Serve) -> None:
    def same(tags: Any = NUMBERS) -> Any:
        return tags

    client = serve_function(same, returns=NUMBERS)
    for call in (
        client.post("/same", json=[1, 0]),
        client.post("/same?tags=1&tags=0"),
        client.post("/same", data={"tags": ["1", "0"]}),
    ):
        problem = assert_problem(call, 422)
        (error,) = problem["errors"]
        assert (error["where"], error["row"]) == ("tags", 1)
        assert error["message"].startswith("expected a whole number >= 1, got ")
        assert "item 1: expected a whole number" in problem["detail"]
    assert (
        "at most 3 values, got 4"
        in assert_problem(client.post("/same", json=[1] * 4), 422)["detail"]
    )
    assert "expected a list" in assert_problem(client.post("/same", json={"a": 1}), 422)["detail"]
    mlflow = client.post("/invocations", json={"inputs": [1, 0]})
    assert (mlflow.status_code, "item 1" in mlflow.get_json()["message"]) == (400, True)
    tensor = {"name": "tags", "shape": [2], "datatype": "INT64", "data": [1, 0]}
    v2 = client.post("/v2/models/same/infer", json={"inputs": [tensor]})
    assert (v2.status_code, "item 1" in v2.get_json()["error"]) == (400, True)
    square = {"name": "tags", "shape": [2, 2], "datatype": "INT64", "data": [1, 1, 1, 1]}
    v2 = client.post("/v2/models/same/infer", json={"inputs": [square]})
    assert (v2.status_code, "shape [n]" in v2.get_json()["error"]) == (400, True)


def test_single_text_is_json_if_it_starts_with_a_bracket(serve_function: Serve) -> None:
    def same(tags: Any = TEXTS) -> Any:
        return tags

    client = serve_function(same, returns=TEXTS)
    assert client.post("/same?tags=" + "%5B%22a%22%5D").get_json() == ["a"]
    assert client.post("/same?tags=%5Ba&tags=b").get_json() == ["[a", "b"]
    assert client.post("/same?tags=").get_json() == [""]
    assert client.post("/same?tags=%5B%5D").get_json() == []
    assert_problem(client.post("/same?tags=%5Ba"), 400)
    assert_problem(client.post("/same?tags=a", data={"tags": "b"}), 422)


def test_list_beside_a_table(serve_function: Serve) -> None:
    def count(data: Any = TABLE, tags: Any = SOME) -> Any:
        tags.append(str(len(data)))  # the default is a new list for each call
        return tags

    client = serve_function(count, returns=TEXTS)
    rows = [{"a": 1}, {"a": 2}]
    for _ in range(2):
        assert client.post("/count", json=rows).get_json() == ["none", "2"]
    assert client.post("/count?tags=x&tags=y", json=rows).get_json() == ["x", "y", "2"]
    csv = (io.BytesIO(b"a\n1\n2\n"), "a.csv")
    assert client.post("/count", data={"data": csv, "tags": ["x", "y"]}).get_json() == [
        "x",
        "y",
        "2",
    ]
    params = {"dataframe_records": rows, "params": {"tags": ["x"]}}
    assert client.post("/invocations", json=params).get_json()["predictions"] == ["x", "2"]
    tensors = [
        {"name": "a", "shape": [2], "datatype": "INT64", "data": [1, 2]},
        {"name": "tags", "shape": [1], "datatype": "BYTES", "data": ["x"]},
    ]
    response = client.post("/v2/models/count/infer", json={"inputs": tensors})
    assert response.get_json()["outputs"][0]["data"] == ["x", "2"]


def test_integers_in_results_are_exact(serve_function: Serve) -> None:
    numbers = mmf.List(mmf.Integer())

    def same(tags: Any = numbers) -> Any:
        return tags

    client = serve_function(same, returns=numbers)
    for sent in ([2**64 - 1, 1], [2**63 - 1, -(2**63)], []):
        assert client.post("/same", json=sent).get_json() == sent
        tensor = {"name": "tags", "shape": [len(sent)], "datatype": "UINT64", "data": sent}
        if -(2**63) in sent:
            tensor["datatype"] = "INT64"
        response = client.post("/v2/models/same/infer", json={"inputs": [tensor]})
        assert response.get_json()["outputs"][0]["data"] == sent


def test_binary_tensors_of_texts(serve_function: Serve) -> None:
    def same(tags: Any = TEXTS) -> Any:
        return tags

    client = serve_function(same, returns=TEXTS)
    elements = [item.encode() for item in ("red", "Бароло")]
    data = b"".join(len(item).to_bytes(4, "little") + item for item in elements)
    entry = {
        "name": "tags",
        "shape": [2],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(data)},
    }
    head = json.dumps({"inputs": [entry]}).encode()
    response = client.post(
        "/v2/models/same/infer",
        data=head + data,
        headers={"Inference-Header-Content-Length": str(len(head))},
    )
    assert response.get_json()["outputs"][0]["data"] == ["red", "Бароло"]


def test_null_in_a_list_of_floats(serve_function: Serve) -> None:
    floats = mmf.List(mmf.Float())

    def gaps(tags: Any = floats) -> Any:
        return pd.Series(tags)

    client = serve_function(gaps, returns=floats)
    assert client.post("/gaps", json=[1.5, None]).get_json() == [1.5, None]
    tensor = {"name": "tags", "shape": [2], "datatype": "FP64", "data": [1.5, None]}
    response = client.post("/v2/models/gaps/infer", json={"inputs": [tensor]})
    assert response.get_json()["outputs"][0]["data"] == [1.5, None]


def test_page_has_a_textarea_for_lists(serve_function: Serve) -> None:
    two, odd = mmf.List(mmf.String(), default=["a", "b"]), mmf.List(mmf.String(), default=["[", ""])

    def same(first: Any = TEXTS, second: Any = two, third: Any = odd) -> Any:
        return [*first, *second, *third]

    page = serve_function(same, returns=TEXTS).get("/?lang=en").text
    assert page.count('data-control="list"') == 3
    assert "one value per line" in page
    assert ">\na\nb</textarea>" in page
    assert ">\n[&#34;[&#34;,&#34;&#34;]</textarea>" in page
