"""Every way to send arguments to a target."""

import io
import json
from base64 import b64encode
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from openpyxl import Workbook
from PIL import Image
from werkzeug.test import TestResponse

from error_shape import assert_problem

ROWS = [{"a": 1, "b": 2.5}, {"a": 3, "b": 4.5}]
CSV = b"a,b\n1,2.5\n3,4.5\n"


def workbook() -> bytes:
    book = Workbook()
    for row in (["a", "b"], [1, 2.5], [3, 4.5]):
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def picture() -> bytes:
    """Draw two pixels as PNG: a red and a blue one."""
    buffer = io.BytesIO()
    Image.fromarray(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def result(response: TestResponse) -> Any:
    assert response.status_code == 200, response.data
    return response.get_json()


# One argument: the body is the argument.


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (CSV, "text/csv"),
        (workbook(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (json.dumps(ROWS).encode(), "application/json"),
        (b'{"columns": ["a", "b"], "data": [[1, 2.5], [3, 4.5]]}', "application/json"),
        (b'{"a": [1, 3], "b": [2.5, 4.5]}', "application/json"),
        (b'{"dataframe_records": [{"a": 1, "b": 2.5}, {"a": 3, "b": 4.5}]}', "application/json"),
    ],
    ids=["csv", "xlsx", "records", "split", "columns", "mlflow"],
)
def test_body_is_the_only_argument(client: FlaskClient, body: bytes, media_type: str) -> None:
    assert result(client.post("/records", data=body, content_type=media_type)) == ROWS


@pytest.mark.parametrize(
    ("route", "value", "expected"),
    [
        ("shout", "тихо", "ТИХО"),
        ("shout", "", ""),
        ("next_one", 41, 42),
        ("half", 3, 1.5),
        ("half", None, None),
        ("opposite", True, False),
        ("next_year", "2026-01-31T12:00:00+03:00", "2027-01-31T12:00:00+03:00"),
    ],
)
class TestScalar:
    """One scalar argument, in every possible location."""

    def test_scalar_as_json_body(
        self, client: FlaskClient, route: str, value: Any, expected: Any
    ) -> None:
        response = client.post(f"/{route}", data=json.dumps(value), content_type="application/json")
        assert result(response) == {"result": expected}

    def test_scalar_as_text_body(
        self, client: FlaskClient, route: str, value: Any, expected: Any
    ) -> None:
        if value in {None, ""}:  # null has no text, and an empty body counts as missing
            value = {None: "nan", "": "\n"}[value]
            expected = {None: None, "": "\n"}[expected]
        text = str(value).encode()
        response = client.post(f"/{route}", data=text, content_type="text/plain")
        assert result(response) == {"result": expected}

    @pytest.mark.parametrize("place", ["query", "urlencoded", "multipart"])
    def test_scalar_by_name(
        self, client: FlaskClient, route: str, value: Any, expected: Any, place: str
    ) -> None:
        name = client.get(f"/{route}").get_json()["arguments"][0]["id"]
        fields = {name: "nan" if value is None else str(value)}
        match place:
            case "query":
                response = client.post(f"/{route}", query_string=fields)
            case "urlencoded":
                response = client.post(f"/{route}", data=fields)
            case _:
                response = client.post(f"/{route}", data=fields, content_type="multipart/form-data")
        assert result(response) == {"result": expected}


def test_dict_as_json_body(client: FlaskClient) -> None:
    assert result(client.post("/swap", json={"ключ": "да"})) == {"да": "ключ"}


def test_array_as_json_body(client: FlaskClient) -> None:
    assert result(client.post("/double", json=[[1, 2], [3, None]])) == [[2.0, 4.0], [6.0, None]]


@pytest.mark.parametrize("media_type", ["application/pdf", "application/octet-stream", "text/csv"])
def test_accepts_any_file(client: FlaskClient, media_type: str) -> None:
    assert result(client.post("/size", data=b"\x00\xff1", content_type=media_type)) == {"result": 3}


def test_file_without_content_type(client: FlaskClient) -> None:
    assert result(client.post("/size", data=b"\x00\xff1")) == {"result": 3}


def test_file_as_base64_in_json(client: FlaskClient) -> None:
    text = b64encode(b"\x00\xff1").decode()
    assert result(client.post("/size", json=text)) == {"result": 3}


@pytest.mark.parametrize("name", ["data.json", "data.csv", "data"])
def test_uploaded_file_is_its_bytes(client: FlaskClient, name: str) -> None:
    """Even a .json: base64 applies to files inside a JSON text, not to parts."""
    part = (io.BytesIO(b'{"a": 1}'), name)
    assert result(client.post("/size", data={"file": part})) == {"result": 8}


def test_octet_stream_is_bytes_regardless_of_name(client: FlaskClient) -> None:
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": "attachment; filename=data.json",
    }
    assert result(client.post("/size", data=b"{}", headers=headers)) == {"result": 2}


def test_image_as_body(client: FlaskClient) -> None:
    response = client.post("/mirror", data=picture(), content_type="image/png")
    assert response.content_type == "image/png"
    pixels = np.asarray(Image.open(io.BytesIO(response.data)))
    assert pixels.tolist() == [[[0, 0, 255], [255, 0, 0]]]


def test_image_as_base64_in_json(client: FlaskClient) -> None:
    response = client.post("/mirror", json=b64encode(picture()).decode())
    assert response.status_code == 200
    assert response.content_type == "image/png"


def test_target_without_arguments_needs_no_body(client: FlaskClient) -> None:
    assert result(client.post("/hello")) == {"result": "hello"}
    assert result(client.post("/hello", json={})) == {"result": "hello"}


def test_target_without_arguments_rejects_a_body(client: FlaskClient) -> None:
    assert_problem(client.post("/hello", data=b"a", content_type="text/csv"), 415, "empty body")
    assert_problem(client.post("/hello", json={"who": "x"}), 422, "who", "none")


# Several arguments


def test_multipart_mixes_files_and_scalars(client: FlaskClient) -> None:
    form = {
        "data": (io.BytesIO(CSV), "wines.csv"),
        "picture": (io.BytesIO(b"1234"), "glass.png"),
        "label": "красное",
        "times": "3",
    }
    assert result(client.post("/mixed", data=form)) == {
        "rows": ROWS,
        "bytes": 4,
        "label": "красное",
        "times": 3,
    }


def test_multipart_accepts_tables_as_json_text(client: FlaskClient) -> None:
    form = {"data": json.dumps(ROWS), "label": "x"}
    response = client.post("/labelled", data=form, content_type="multipart/form-data")
    assert result(response)["rows"] == ROWS


def test_multipart_accepts_a_file_as_base64_text(client: FlaskClient) -> None:
    form = {"file": json.dumps(b64encode(b"12345").decode())}
    response = client.post("/size", data=form, content_type="multipart/form-data")
    assert result(response) == {"result": 5}


def test_multipart_accepts_a_scalar_as_file(client: FlaskClient) -> None:
    form = {"who": (io.BytesIO("мир".encode()), "who.txt")}
    assert result(client.post("/greet", data=form)) == {"result": "мир"}


def test_json_object_by_argument_name(client: FlaskClient) -> None:
    body = {"data": ROWS, "picture": b64encode(b"1234").decode(), "label": "x", "times": 2}
    expected = {"rows": ROWS, "bytes": 4, "label": "x", "times": 2}
    assert result(client.post("/mixed", json=body)) == expected


def test_query_scalars_combine_with_a_body(client: FlaskClient) -> None:
    response = client.post(
        "/labelled",
        query_string={"label": "белое", "times": "2"},
        data=CSV,
        content_type="text/csv",
    )
    assert result(response) == {"rows": ROWS, "label": "белое", "times": 2}


def test_query_scalars_combine_with_a_json_object(client: FlaskClient) -> None:
    response = client.post("/labelled?label=x", json={"data": ROWS})
    assert result(response) == {"rows": ROWS, "label": "x", "times": 1}


def test_query_scalars_combine_with_a_form(client: FlaskClient) -> None:
    form = {"data": (io.BytesIO(CSV), "wines.csv")}
    response = client.post("/labelled?label=x&times=5", data=form)
    assert result(response) == {"rows": ROWS, "label": "x", "times": 5}


@pytest.mark.parametrize("place", ["query", "form", "form and files", "query and form"])
def test_rejects_duplicate_argument(client: FlaskClient, place: str) -> None:
    match place:
        case "query":
            response = client.post("/labelled?label=x&label=y", json={"data": ROWS})
        case "form":
            response = client.post("/labelled", data={"label": ["x", "y"]})
        case "form and files":
            response = client.post(
                "/labelled", data={"label": ["x", (io.BytesIO(b"y"), "label.txt")]}
            )
        case _:
            response = client.post("/labelled?label=x", data={"label": "y"})
    problem = assert_problem(response, 422, "duplicate", "label")
    assert [error["where"] for error in problem["errors"]] == ["label"]


def test_rejects_ambiguous_body(client: FlaskClient) -> None:
    response = client.post("/mixed?label=x", data=CSV, content_type="text/csv")
    assert_problem(response, 415, "text/csv", "multipart/form-data", "data, picture")


@pytest.mark.parametrize("filename", ["", '; filename="a.csv"'])
def test_rejects_part_without_a_name(client: FlaskClient, filename: str) -> None:
    part = f"Content-Disposition: form-data{filename}\r\n\r\nx"
    body = f"--b\r\n{part}\r\n--b--\r\n"
    response = client.post("/mixed", data=body, content_type="multipart/form-data; boundary=b")
    assert_problem(response, 400, "no name", path="/mixed")


@pytest.mark.parametrize("how", ["nothing", "json", "urlencoded", "multipart"])
def test_defaults_replace_missing_arguments(client: FlaskClient, how: str) -> None:
    match how:
        case "nothing":
            response = client.post("/greet")
        case "json":
            response = client.post("/greet", json={})
        case "urlencoded":
            response = client.post("/greet", data={})
        case _:
            response = client.post(
                "/greet", data={"times": "2"}, content_type="multipart/form-data"
            )
    expected = "none given" * (2 if how == "multipart" else 1)
    assert result(response) == {"result": expected}


# Other scripts


def test_cyrillic_route_arguments_and_file_name(client: FlaskClient) -> None:
    form = {"таблица": (io.BytesIO("сорт\n1\n".encode()), "вина за год.csv"), "имя": "Вася"}
    response = client.post("/предсказать", data=form)
    assert response.status_code == 200, response.data
    assert response.data.decode() == "сорт,имя\n1,Вася\n"


def test_cyrillic_in_a_percent_encoded_path(client: FlaskClient) -> None:
    route = "".join(f"%{byte:02X}" for byte in "предсказать".encode())
    response = client.post(f"/{route}", json=[{"a": 1}])
    assert response.data.decode() == "a,имя\n1,none given\n"


def test_cyrillic_names_as_raw_utf8_in_a_part(client: FlaskClient) -> None:
    """As browsers and `requests` send them (RFC 7578, 5.1)."""
    body = (
        "--b\r\n"
        'Content-Disposition: form-data; name="таблица"; filename="вина.csv"\r\n\r\n'
        "a\n1\n\r\n--b--\r\n"
    ).encode()
    response = client.post(
        "/предсказать", data=body, content_type="multipart/form-data; boundary=b"
    )
    assert response.data.decode() == "a,имя\n1,none given\n"


@pytest.mark.parametrize("encoding", ["base64", "Quoted-Printable", "8BIT", "binary"])
@pytest.mark.parametrize("filename", ["", '; filename="a.csv"'])
def test_rejects_content_transfer_encoding(
    client: FlaskClient, filename: str, encoding: str
) -> None:
    """RFC 7578, 4.7."""
    value = "a\n1\n" if filename else '[{"a": 1}]'
    body = (
        f'--b\r\nContent-Disposition: form-data; name="таблица"{filename}\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
        f"{value}\r\n--b--\r\n"
    ).encode()
    response = client.post(
        "/предсказать", data=body, content_type="multipart/form-data; boundary=b"
    )
    if encoding in {"8BIT", "binary"}:
        assert response.status_code == 200
    else:
        assert_problem(response, 400, "таблица", encoding)


# Rejected arguments, with their locations


@pytest.mark.parametrize("place", ["query", "form", "json", "file"])
def test_rejects_unknown_arguments(client: FlaskClient, place: str) -> None:
    match place:
        case "query":
            response = client.post("/greet?whom=x")
        case "form":
            response = client.post("/greet", data={"whom": "x"})
        case "json":
            response = client.post("/greet", json={"whom": "x"})
        case _:
            response = client.post("/greet", data={"whom": (io.BytesIO(b"x"), "x.txt")})
    problem = assert_problem(response, 422, "whom", "who, times")
    assert [error["where"] for error in problem["errors"]] == ["whom"]


def test_rejects_table_in_the_query_string(client: FlaskClient) -> None:
    assert_problem(client.post("/labelled?data=x&label=y"), 422, "data", "label, times")


def test_file_sent_as_a_form_is_not_echoed(client: FlaskClient) -> None:
    """`curl -d @wines.csv` sends application/x-www-form-urlencoded."""
    body = b"a;b\n" + b"1;2\n" * 100_000
    response = client.post("/table", data=body, content_type="application/x-www-form-urlencoded")
    assert_problem(response, 422, "unknown", "data", "-H 'Content-Type: …'")
    assert len(response.data) < 1_000


def test_unknown_argument_list_is_limited(client: FlaskClient) -> None:
    response = client.post("/greet", json={f"column_{place}": 1 for place in range(10_000)})
    assert_problem(response, 422, "column_0")
    assert len(response.data) < 5_000


def test_all_missing_arguments_are_reported_together(client: FlaskClient) -> None:
    problem = assert_problem(client.post("/mixed", json={"data": ROWS}), 422, "picture", "label")
    assert {error["where"] for error in problem["errors"]} == {"picture", "label"}


@pytest.mark.parametrize(
    ("field", "text", "status"),
    [
        ("data", "not json", 400),
        ("data", '"a string"', 422),
        ("data", "[{}]", 422),
        ("times", "many", 422),
        ("times", "1.5", 422),
    ],
)
def test_invalid_field_is_named(client: FlaskClient, field: str, text: str, status: int) -> None:
    form = {"data": json.dumps(ROWS), "label": "x", field: text}
    response = client.post("/labelled", data=form, content_type="multipart/form-data")
    problem = assert_problem(response, status)
    assert {error["where"] for error in problem["errors"]} == {field}


@pytest.mark.parametrize("text", ["not base64!", "", "YQ"])
def test_rejects_file_in_json_that_is_not_base64(client: FlaskClient, text: str) -> None:
    response = client.post("/size", json=text)
    if text:
        problem = assert_problem(response, 422, "base64")
        assert problem["errors"][0]["where"] == "file"
    else:
        assert result(response) == {"result": 0}


def test_rejects_json_list_for_several_arguments(client: FlaskClient) -> None:
    assert_problem(client.post("/mixed", json=["x"]), 422, "object", "data, picture")
