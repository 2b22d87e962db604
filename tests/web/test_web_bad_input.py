"""Invalid requests of every kind that people and programs send."""

import errno
import gc
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import Workbook

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.errors import DeclarationError
from mmf_core.target import RESERVED
from mmf_core.web import create_app
from mmf_core.web.http import multipart
from mmf_core.web.http.requests import FormParser

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NOT_UTF8 = b"a\n\xea\xf0\xe0\xf1\xed\xee\xe5\n"  # windows-1251
RIGHT = [{"a": 1.5}]


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def empty_workbook() -> bytes:
    buffer = io.BytesIO()
    Workbook().save(buffer)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _still_serving(client: FlaskClient) -> Iterator[None]:
    """Send a valid request with the same client after every invalid one."""
    yield
    assert client.post("/strict", json=RIGHT).get_json() == RIGHT


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "FOO"])
@pytest.mark.parametrize(
    "path",
    [
        *("/page", "/nothing", "/Strict", "/strict/", "/strict/x", "/static/x", "/favicon.ico"),
        *("/..%2f..%2fetc%2fpasswd", "/%00", "/%ff%fe", "/%0d%0aSet-Cookie:x", "/%D0%B6", "/'<b>"),
    ],
)
def test_unknown_path(client: FlaskClient, method: str, path: str) -> None:
    assert_problem(client.open(path, method=method, data=b"x"), 404, "nothing is served at")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "FOO"])
def test_unsupported_method_on_a_target(client: FlaskClient, method: str) -> None:
    response = client.open("/strict", method=method, json=RIGHT)
    assert_problem(response, 405, method, "GET", "POST", path="/strict")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/ping", "/health", "/version"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_unsupported_method_on_health(client: FlaskClient, method: str, path: str) -> None:
    response = client.open(path, method=method)
    assert_problem(response, 405, method, path=path)
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/json"},
        {"Content-Type": "text/csv"},
        {"Content-Type": XLSX},
        {"Content-Type": "application/octet-stream"},
        {"Content-Type": "text/plain", "Content-Length": "0"},
    ],
    ids=str,
)
def test_missing_body(client: FlaskClient, headers: dict[str, str]) -> None:
    assert_problem(client.post("/strict", headers=headers), 400, "no body", "send data")


def test_missing_body_for_several_arguments(client: FlaskClient) -> None:
    assert_problem(
        client.post("/labelled"), 400, "no body", "multipart/form-data", "data, label, times"
    )


@pytest.mark.parametrize("media_type", ["multipart/form-data; boundary=b", "application/json"])
def test_missing_one_of_several_arguments(client: FlaskClient, media_type: str) -> None:
    is_form = media_type.startswith("multipart")
    part = b'--b\r\nContent-Disposition: form-data; name="label"\r\n\r\nx\r\n--b--\r\n'
    response = client.post(
        "/labelled", data=part if is_form else b'{"label": "x"}', content_type=media_type
    )
    problem = assert_problem(response, 422, "data: missing")
    assert problem["errors"] == [{"where": "data", "message": "expected a DataFrame"}]


@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"[{", b"[1,]", b"{'a': 1}", b"nothing", b"[NaN]", b"[Infinity]", b"\xff\xfe["),
        *(b'[{"a": 1}] extra', b'["\xd0"]', b'["\\ud800"]', b"[" * 5_000, b"\x00", b" "),
        b'\xef\xbb\xbf\xef\xbb\xbf["a": 1.5}]',
    ],
    ids=lambda body: repr(body[:20]),
)
@pytest.mark.parametrize("route", ["strict", "swap", "double", "mirror", "next_one", "labelled"])
def test_invalid_json(client: FlaskClient, route: str, body: bytes) -> None:
    response = client.post(f"/{route}", data=body, content_type="application/json")
    assert_problem(response, 400, "JSON", path=f"/{route}")


@pytest.mark.parametrize(
    "body",
    [
        *(b"\n\n", b'"a', b"a\n1,2,3\n1,2,3,4\n", NOT_UTF8, b"\x00\x01\x02", b"PK\x03\x04"),
        *(b'a,b\n"1,2\n', b"\xff\xfea\x00\n\x001"),
    ],
    ids=repr,
)
def test_invalid_csv(client: FlaskClient, body: bytes) -> None:
    response = client.post("/strict", data=body, content_type="text/csv")
    assert response.status_code in {400, 422}
    assert_problem(response, response.status_code)


@pytest.mark.parametrize(
    "body",
    [
        *(b"a,b\n1,2\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b" ", b"<html>"),
        *(zipped(), zipped(**{"xl/workbook.xml": b"<x"}), empty_workbook()[:-40]),
    ],
    ids=["csv", "zip", "xls", "space", "html", "empty zip", "other zip", "cut off"],
)
def test_invalid_workbook(client: FlaskClient, body: bytes) -> None:
    response = client.post("/strict", data=body, content_type=XLSX)
    assert_problem(response, 400, "workbook")


@pytest.mark.parametrize("body", [b"", b"GIF", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"a,b"])
def test_invalid_image(client: FlaskClient, body: bytes) -> None:
    form = {"photo": (io.BytesIO(body), "photo.png")}
    problem = assert_problem(client.post("/mirror", data=form), 400, "picture")
    assert problem["errors"][0]["where"] == "photo"


def test_text_that_is_not_utf8(client: FlaskClient) -> None:
    assert_problem(client.post("/shout", data=NOT_UTF8, content_type="text/plain"), 400, "UTF-8")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--b\r\n"),
        ("multipart/form-data; boundary=", b"--b\r\n"),
        ("multipart/form-data; boundary=\xd0\xb6", b"--b\r\n"),
        ("multipart/form-data; boundary=b", b"no boundary in it"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="who"\r\n\r\ncut off',
        ),
        ("multipart/form-data; boundary=b", b"--b\r\nno header\r\n\r\nx\r\n--b--\r\n"),
        ("application/x-www-form-urlencoded", NOT_UTF8),
    ],
)
def test_invalid_form_is_not_treated_as_empty(
    client: FlaskClient, content_type: str, body: bytes
) -> None:
    """Every argument of `greet` has a default, so an empty form would succeed."""
    response = client.post("/greet", data=body, headers={"Content-Type": content_type})
    assert_problem(response, 400, "form cannot be read")


def test_too_many_parts(client: FlaskClient) -> None:
    form = {f"part_{place}": "x" for place in range(1_001)}
    response = client.post("/greet", data=form, content_type="multipart/form-data")
    assert_problem(response, 413, "1000 parts")


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([{"b": 1.5}], ["a"]),
        ([{"A": 1.5}], ["a"]),
        ([{" a": 1.5}], ["a"]),
        ([{"а": 1.5}], ["a"]),  # noqa: RUF001 - the Cyrillic letter looks the same
    ],
)
def test_missing_or_misnamed_column(client: FlaskClient, rows: Any, columns: list[str]) -> None:
    problem = assert_problem(client.post("/strict", json=rows), 422, "missing", "a")
    assert [error["column"] for error in problem["errors"]] == columns
    assert problem["errors"][0]["where"] == "data"


@pytest.mark.parametrize("value", ["text", "", True, [1], {"b": 1}])
def test_invalid_cell_type(client: FlaskClient, value: Any) -> None:
    rows = [{"a": 1.5}, {"a": value}, {"a": 2.5}]
    problem = assert_problem(client.post("/strict", json=rows), 422, "1")
    (error,) = problem["errors"]
    assert (error["where"], error["row"], error["column"]) == ("data", 1, "a")
    assert error["value"] == value


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b'[{"a": 1.5}, {"a": null}]', "application/json"), (b"a,b\n1.5,1\n,2\n", "text/csv")],
)
def test_null_in_a_required_column(client: FlaskClient, body: bytes, media_type: str) -> None:
    problem = assert_problem(client.post("/strict", data=body, content_type=media_type), 422)
    assert problem["errors"] == [
        {
            "where": "data",
            "row": 1,
            "column": "a",
            "message": "expected a number, got an empty cell",
        }
    ]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"[]", "application/json"),
        (b"{}", "application/json"),
        (b"[{}]", "application/json"),
        (b'{"a": []}', "application/json"),
        (b'{"columns": ["a"], "data": []}', "application/json"),
        (b"a\n", "text/csv"),
        (empty_workbook(), XLSX),
    ],
)
def test_empty_table(client: FlaskClient, body: bytes, media_type: str) -> None:
    for route in ("strict", "records"):
        response = client.post(f"/{route}", data=body, content_type=media_type)
        assert_problem(response, 422, "no rows")


@pytest.mark.parametrize(
    "body", [b"5", b'"text"', b"null", b"true", b"[1, 2]", b'{"a": 1}', b'{"a": [1], "b": []}']
)
def test_json_that_is_not_a_table(client: FlaskClient, body: bytes) -> None:
    assert_problem(client.post("/strict", data=body, content_type="application/json"), 422)


@pytest.mark.parametrize(
    ("route", "body", "word"),
    [
        ("swap", b"[1]", "object"),
        ("swap", b"null", "object"),
        ("double", b'["a"]', "numbers"),
        ("double", b"[[1], [1, 2]]", "equal length"),
        ("double", b"{}", "list"),
        ("mirror", b"5", "base64"),
        ("shout", b"5", "text"),
        ("shout", b"null", "text"),
        ("next_one", b'"one"', "whole number"),
        ("next_one", b"1.5", "whole number"),
        ("next_one", b"true", "whole number"),
        ("next_one", b"null", "whole number"),
        ("next_one", b"1e400", "finite number"),
        ("next_one", b"[1]", "whole number"),
        ("half", b'"a half"', "number"),
        ("half", b"false", "number"),
        ("opposite", b"1", "true or false"),
        ("opposite", b'"perhaps"', "true or false"),
        ("next_year", b"2026", "ISO 8601"),
        ("next_year", b'"tomorrow"', "ISO 8601"),
    ],
)
def test_invalid_value_type(client: FlaskClient, route: str, body: bytes, word: str) -> None:
    response = client.post(f"/{route}", data=body, content_type="application/json")
    problem = assert_problem(response, 422, word)
    assert problem["errors"][0]["where"] == client.get(f"/{route}").get_json()["arguments"][0]["id"]


def test_huge_invalid_value_is_not_echoed(client: FlaskClient) -> None:
    response = client.post("/next_one", json="9" * 1_000_000)
    assert_problem(response, 422, "whole number")
    assert len(response.data) < 1_000


@pytest.mark.parametrize(
    ("sent", "promised"), [(b"a\n1.5\n2", 20), (b"a", 2), (b'[{"a": 1.5}]', 13)]
)
def test_truncated_body_is_rejected(client: FlaskClient, sent: bytes, promised: int) -> None:
    """Gunicorn's input ends without an error if the connection is lost."""
    media_type = "application/json" if sent.startswith(b"[") else "text/csv"
    response = client.post(
        "/strict",
        data=sent,
        content_type=media_type,
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": str(promised)},
    )
    assert_problem(response, 400, f"{len(sent)} of the {promised} bytes")


class BrokenInput(io.RawIOBase):
    """A lost connection, which each server reports with another exception."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise ArithmeticError("the server's own words")


@pytest.mark.parametrize("length", ["", "10"])
def test_unreadable_body(client: FlaskClient, length: str) -> None:
    response = client.post(
        "/strict",
        content_type="text/csv",
        environ_overrides={
            "wsgi.input": BrokenInput(),
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": length,
        },
    )
    assert_problem(response, 400, "broke in the middle of the body")


# Too large


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, registry: mmf.Registry) -> FlaskClient:
    """Return a client of a service with a limit of one MiB."""
    monkeypatch.setenv("MMF_MAX_BODY_MIB", "1")
    file = mmf.File()

    @registry.target(returns=mmf.Integer())
    def size(file: Any = file) -> int:
        return len(file)

    return create_app(registry).test_client()


# Werkzeug's test client leaves the file of a large form to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("how", ["length", "chunked", "multipart", "field", "urlencoded"])
def test_oversized_body_error_names_the_limit_and_the_setting(small: FlaskClient, how: str) -> None:
    data = b"x" * (1024 * 1024 + 1)
    match how:
        case "length":
            response = small.post("/size", data=data)
        case "chunked":
            terminated = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
            response = small.post(
                "/size", input_stream=io.BytesIO(data), environ_overrides=terminated
            )
        case "multipart":
            response = small.post("/size", data={"file": (io.BytesIO(data), "x")})
        case "field":
            response = small.post("/size", data={"file": data}, content_type="multipart/form-data")
        case _:
            response = small.post("/size", data={"file": data})
    assert_problem(response, 413, "1 MiB", "MMF_MAX_BODY_MIB", path="/size")
    del response
    gc.collect()
    assert small.post("/size", data=b"123").get_json() == {"result": 3}


def test_size_limit_is_inclusive(small: FlaskClient) -> None:
    data = b"x" * 1024 * 1024
    assert small.post("/size", data=data).get_json() == {"result": len(data)}


# Invalid declarations


@pytest.mark.parametrize("name", sorted(RESERVED - {"openapi.json"}))
def test_rejects_reserved_route_when_declared(registry: mmf.Registry, name: str) -> None:
    def predict() -> None:
        pass

    predict.__name__ = name
    with pytest.raises(DeclarationError, match=name):
        registry.target(predict)
    assert not registry.targets


# Failing targets


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a secret"),
        ValueError("a secret"),
        KeyError("a secret"),
        SystemExit("a secret"),
        SystemExit(0),
        MemoryError("a secret"),
        RecursionError("a secret"),
        OSError(2, "a secret", "/a/secret"),
        UnicodeDecodeError("utf-8", b"a secret", 0, 1, "a secret"),
        type("SecretError", (Exception,), {"__str__": lambda _: 1 / 0})(),
    ],
    ids=repr,
)
def test_error_in_a_target_is_500(
    serve_function: Callable[..., FlaskClient], error: BaseException
) -> None:
    def predict(again: Any = mmf.Bool(default=False)) -> str:  # noqa: B008
        if again:
            return "fine"
        raise error

    client = serve_function(predict, returns=mmf.String())
    response = client.post("/predict")
    assert_problem(response, 500, "log", "request_id", path="/predict")
    assert b"secret" not in response.data.lower()
    assert client.post("/predict?again=yes").get_json() == {"result": "fine"}


def test_rejects_form_with_too_many_fields_early(client: FlaskClient) -> None:
    body, media_type = b"&a" * 100_000, "application/x-www-form-urlencoded"
    assert_problem(client.post("/shout", data=body, content_type=media_type), 400, "fields")


def _form(*parts: bytes) -> bytes:
    """Write a form of parts, each of headers and a value."""
    return b"".join(b"--b\r\n%b\r\n" % part for part in parts) + b"--b--\r\n"


DISPOSITION = b'Content-Disposition: form-data; name="text"'
LONG = b"\r\na: " + b"x" * (multipart.MAX_HEADERS - len(DISPOSITION) - 5)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (_form(DISPOSITION + LONG + b"x\r\n\r\nhi"), "8192 bytes each"),
        (_form(DISPOSITION + b"x" * 200_000), "8192 bytes each"),
        (b"x" * 8_193 + b"\r\n" + _form(DISPOSITION + b"\r\n\r\nhi"), "8192 bytes each"),
        (b"--bx\r\n" * 20_000, "8192 bytes each"),
        (_form(*[DISPOSITION + LONG + b"\r\n\r\nhi"] * 130), "at most 1048576 bytes"),
    ],
)
def test_part_headers_are_limited(client: FlaskClient, body: bytes, words: str) -> None:
    media_type = "multipart/form-data; boundary=b"
    response = client.post("/shout", data=body, content_type=media_type)
    assert_problem(response, 413, words, path="/shout")


def test_accepts_maximal_part_headers_and_preamble(client: FlaskClient) -> None:
    body = b"x" * 8_192 + b"\r\n" + _form(DISPOSITION + LONG + b"\r\n\r\nhi")
    media_type = "multipart/form-data; boundary=b"
    response = client.post("/shout", data=body, content_type=media_type)
    assert response.status_code == 200, response.data


@pytest.mark.parametrize(
    ("number", "status"), [(errno.ENOSPC, 500), (errno.EMFILE, 500), (errno.ECONNRESET, 400)]
)
def test_full_disk_is_a_server_error(
    serve_function: Callable[..., FlaskClient],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    status: int,
) -> None:
    def write(*_: Any) -> int:
        raise OSError(number, os.strerror(number))

    def size(file: Any = mmf.File()) -> int:  # noqa: B008
        return len(file)

    client = serve_function(size, returns=mmf.Integer())
    monkeypatch.setattr(FormParser, "parse", write)
    assert client.post("/size", data={"file": (io.BytesIO(b"x"), "a")}).status_code == status


@pytest.mark.parametrize("path", ["/strict", "/invocations", "/v2/models/strict/infer"])
def test_error_is_short_for_long_column_names(
    serve_function: Callable[..., FlaskClient], path: str
) -> None:
    table = mmf.DataFrame(schema={"a": float})

    def strict(data: Any = table) -> int:
        return len(data)

    client = serve_function(strict, returns=mmf.Integer())
    record = {"n" * 50_000 + str(index): 1 for index in range(50)}
    inputs = [{"name": name, "shape": [1], "datatype": "FP64", "data": [1]} for name in record]
    bodies = {
        "/strict": [record],
        "/invocations": {"dataframe_records": [record]},
        "/v2/models/strict/infer": {"inputs": inputs},
    }
    response = client.post(path, json=bodies[path])
    assert (response.status_code in {400, 422}, len(response.data) < 60_000) == (True, True)
    assert "missing columns: a" in response.get_data(as_text=True)


def test_long_author_message_is_shortened(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def refuse(number: Any = mmf.Integer()) -> int:  # noqa: B008
        raise mmf.InvalidValue("x" * 100_000 * number)

    client = serve_function(refuse, returns=mmf.Integer())
    problem = assert_problem(client.post("/refuse", json=1), 422)
    assert problem["detail"] == "x" * 10_000 + "…"
