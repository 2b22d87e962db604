"""Responses built from the results of targets."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask import Response
from flask.testing import FlaskClient
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse, create_environ, run_wsgi_app

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.codecs import Format
from mmf_core.errors import ResultError
from mmf_core.target import Target
from mmf_core.web import create_app
from mmf_core.web.http.responses import ResultWriter, WholeResponse

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS = [{"a": 1, "b": 2.5}, {"a": 3, "b": 4.5}]


def test_target_without_result_returns_204(client: FlaskClient) -> None:
    response = client.post("/forget", json="x")
    assert response.status_code == 204
    assert response.data == b""
    assert "Content-Type" not in response.headers
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("route", "media_type", "name"),
    [
        ("sheet", XLSX, "sheet.xlsx"),
        ("table", "text/csv; charset=utf-8", "table.csv"),
        ("предсказать", "text/csv; charset=utf-8", "предсказать.csv"),
    ],
)
def test_attachment_is_named_after_the_target(
    client: FlaskClient, route: str, media_type: str, name: str
) -> None:
    body = {"таблица": ROWS} if route == "предсказать" else ROWS
    response = client.post(f"/{route}", json=body)
    disposition, options = parse_options_header(response.headers["Content-Disposition"])
    assert response.content_type == media_type
    assert (disposition, options["filename"]) == ("attachment", name)
    assert response.headers["Content-Disposition"].isascii()


@pytest.mark.parametrize("route", ["records", "shout"])
def test_json_and_text_are_inline(client: FlaskClient, route: str) -> None:
    body = ROWS if route == "records" else "x"
    for accept in ("application/json", "text/plain" if route == "shout" else "*/*"):
        response = client.post(f"/{route}", json=body, headers={"Accept": accept})
        assert response.status_code == 200
        assert "Content-Disposition" not in response.headers


def test_table_rows_in_every_format(client: FlaskClient) -> None:
    def post(format: str) -> bytes:
        return client.post(f"/table?format={format}", json=ROWS).data

    assert post("csv") == b"a,b\n1,2.5\n3,4.5\n"
    assert pd.read_excel(io.BytesIO(post("xlsx")), engine="calamine").to_dict("records") == ROWS
    assert client.post("/table?format=json", json=ROWS).get_json() == ROWS


def test_nan_and_infinity_are_null(client: FlaskClient) -> None:
    response = client.post("/gaps")
    assert response.get_json() == [{"a": 1.5, "b": None}, {"a": None, "b": None}]


def test_null_in_requests_is_nan(client: FlaskClient) -> None:
    response = client.post("/typed", json=[{"a": 1, "b": None}, {"a": 2, "b": 0.5}])
    assert response.get_json() == [{"a": 1, "b": None}, {"a": 2, "b": 0.5}]


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("vector", [{"prediction": 1.0}, {"prediction": 3.0}]),
        (
            "matrix",
            [
                {"prediction_0": 1.0, "prediction_1": 2.5},
                {"prediction_0": 3.0, "prediction_1": 4.5},
            ],
        ),
        ("series", [{"prediction": 1}, {"prediction": 3}]),
        ("named", [{"cultivar": 1}, {"cultivar": 3}]),
    ],
)
def test_arrays_and_series_become_tables(
    client: FlaskClient, route: str, expected: list[dict[str, Any]]
) -> None:
    assert client.post(f"/{route}", json=ROWS).get_json() == expected


@pytest.mark.parametrize(
    ("route", "value", "text"),
    [
        ("shout", "тихо", "ТИХО"),
        ("next_one", 1, "2"),
        ("half", 3, "1.5"),
        ("opposite", False, "true"),
        ("next_year", "2026-01-31T12:00:00", "2027-01-31T12:00:00"),
    ],
)
def test_scalars_are_wrapped_as_json_and_bare_as_text(
    client: FlaskClient, route: str, value: Any, text: str
) -> None:
    wrapped = client.post(f"/{route}", json=value)
    assert wrapped.content_type == "application/json"
    assert list(wrapped.get_json()) == ["result"]
    bare = client.post(f"/{route}", json=value, headers={"Accept": "text/plain"})
    assert bare.content_type == "text/plain; charset=utf-8"
    assert bare.get_data(as_text=True) == text


def test_file_is_returned_as_bytes_or_base64(client: FlaskClient) -> None:
    response = client.post("/copied", data=b"\x00\xff")
    assert (response.content_type, response.data) == ("application/octet-stream", b"\x00\xff")
    assert client.post("/copied?format=json", data=b"\x00\xff").get_json() == {"result": "AP8="}


def test_image_is_returned_in_the_requested_format(client: FlaskClient) -> None:
    png = client.post("/mirror", data=_dot(), content_type="image/png")
    jpeg = client.post("/mirror?format=jpg", data=_dot(), content_type="image/png")
    assert png.data[:4] == b"\x89PNG"
    assert jpeg.data[:3] == b"\xff\xd8\xff"
    assert jpeg.content_type == "image/jpeg"


def _dot() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("returns", "result", "words"),
    [
        (mmf.Integer(), "text", ("whole number", "str")),
        (mmf.Integer(), 1.5, ("whole number", "float")),
        (mmf.String(), None, ("text", "NoneType")),
        (mmf.Bool(), 1, ("true or false", "int")),
        (mmf.Datetime(), "2026-01-31", ("date", "str")),
        (mmf.Dict(), [1], ("list",)),
        (mmf.Dict(), {"model": object()}, ("result.model: a object cannot be written as JSON",)),
        (mmf.Dict(), {"a": [0, {"b": b""}]}, ("result.a[1].b: a bytes",)),
        (mmf.JsonFile(), [{"a": {(1, 2): 3}}], ("result[0].a", "tuple")),
        (mmf.DataFrame(), 5, ("table", "int")),
        (mmf.DataFrame(), None, ("table", "NoneType")),
        (mmf.DataFrame(), np.zeros((2, 2, 2)), ("dimensions", "3")),
        (
            mmf.DataFrame(format=mmf.JSON),
            pd.DataFrame({"a": [0, object()]}),
            ("result[1].a: a object",),
        ),
        (mmf.DataFrame(schema={"b": float}), pd.DataFrame({"a": [1]}), ("missing", "b")),
        (mmf.File(), "text", ("bytes", "str")),
        (mmf.Img(), np.zeros((2, 2)), ("uint8", "float64")),
        (mmf.Array(), np.array(["a"]), ("numbers",)),
        (None, 5, ("int", "returns=")),
    ],
)
def test_invalid_result_is_500(
    serve_function: Callable[..., FlaskClient],
    returns: Any,
    result: Any,
    words: tuple[str, ...],
) -> None:
    def predict() -> Any:
        return result

    client = serve_function(predict, returns=returns)
    assert_problem(client.post("/predict"), 500, "predict", *words, path="/predict")
    assert client.get("/health/live").status_code == 200


def test_rejects_format_without_codec() -> None:
    def predict() -> dict[str, int]:
        return {}

    target = Target.of(predict, returns=mmf.Dict())
    with pytest.raises(ResultError, match="predict: no codec writes a Dict as CSV"):
        ResultWriter(target, {}).write({}, mmf.CSV)


def test_target_description(client: FlaskClient) -> None:
    described = client.get("/mixed").get_json()
    assert described["route"] == "mixed"
    assert [argument["id"] for argument in described["arguments"]] == [
        "data",
        "picture",
        "label",
        "times",
    ]
    assert "text/csv" in described["arguments"][0]["accepts"]
    assert described["returns"]["formats"][0] == "application/json"
    assert described["limits"] == {"body_bytes": 50 * 1024 * 1024}


@pytest.mark.parametrize("route", ["table", "typed", "mixed", "next_one", "size", "mirror"])
def test_described_example_succeeds(client: FlaskClient, route: str) -> None:
    example = client.get(f"/{route}").get_json()["example"]
    head, _, body = example.partition(" -d ")
    assert head == f"curl http://localhost/{route} -H 'Content-Type: application/json'"
    response = client.post(f"/{route}", data=body[1:-1], content_type="application/json")
    assert response.status_code == 200, response.data


@pytest.mark.parametrize("host", ["xn--", "xn--a.example", "localhost:x", "[::1"])
def test_target_description_with_an_unusual_host(client: FlaskClient, host: str) -> None:
    environ = create_environ("/table", headers={"Host": host})  # the client cannot send all of them
    _, status, _ = run_wsgi_app(client.application, environ)
    assert status == "200 OK"


def test_description_of_a_target_without_a_result(client: FlaskClient) -> None:
    assert client.get("/forget").get_json()["returns"] is None


def test_head_of_a_target_description(client: FlaskClient) -> None:
    response = client.head("/table")
    assert (response.status_code, response.data) == (200, b"")


def _changed(change: Callable[[Response], Response | None]) -> TestResponse:
    registry = mmf.Registry()

    @registry.target(returns=mmf.Integer())
    def one() -> int:
        return 1

    app = create_app(registry)

    @app.after_request
    def hook(response: Response) -> Response:
        return change(response) or response

    result = app.test_client().post("/one")
    assert result.headers["X-Request-ID"]
    return result


def test_after_request_hook_may_change_the_response() -> None:
    result = _changed(lambda response: response.headers.add("X-Own", "a"))
    assert (result.headers["X-Own"], result.get_json()) == ("a", {"result": 1})
    result = _changed(lambda response: response.headers.add("Location", "/ä"))
    assert result.headers["Location"] == "/%C3%A4"
    result = _changed(lambda response: response.set_data("text"))
    assert (result.text, result.headers.getlist("Content-Length")) == ("text", ["4"])
    result = _changed(lambda response: setattr(response, "response", iter([b"a", b"b"])))
    assert result.data == b"ab"
    result = _changed(lambda response: setattr(response, "status_code", 204))
    assert (result.status_code, result.data) == (204, b"")
    assert "Content-Length" not in result.headers
    result = _changed(lambda _: Response("other"))
    assert result.text == "other"


def test_after_request_hook_may_register_on_close() -> None:
    closed: list[bool] = []
    result = _changed(lambda response: response.call_on_close(lambda: closed.append(True)) and None)
    result.close()
    assert closed == [True]


def test_response_headers_are_not_shared() -> None:
    response = WholeResponse(b"{}", [("Content-Type", "application/json")])
    copied = response.headers.copy()
    response.headers["X-Own"] = "a"
    assert "X-Own" not in copied
    assert "X-Own" not in WholeResponse(b"{}", [("Content-Type", "application/json")]).headers
    with pytest.raises(ValueError, match="newline"):
        response.headers["X-Own"] = "a\r\nX-Other: b"


def test_file_media_type_cannot_inject_headers() -> None:
    file = mmf.FileBytes(b"a")
    file.media_type = "text/plain\r\nX-Other: b"

    def predict() -> mmf.FileBytes:
        return file

    writer = ResultWriter(Target.of(predict, returns=mmf.File()), {})
    with pytest.raises(ValueError, match="newline"):
        writer.write(file, Format.BINARY)
