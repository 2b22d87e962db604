"""The format of a request's body and of its response."""

import io
import json
import sys
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import Workbook

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core import packages
from mmf_core.web import create_app

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS = [{"a": 1}]
BODY = json.dumps(ROWS).encode()


def workbook() -> bytes:
    book = Workbook()
    book.active.append(["a"])
    book.active.append([1])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


# The body


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "Application/Json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json; profile=x; charset=utf-8",
        "application/json;",
        "  application/json  ",
        "text/json",
    ],
)
def test_content_type_variants(client: FlaskClient, content_type: str) -> None:
    response = client.post("/records", data=BODY, headers={"Content-Type": content_type})
    assert response.get_json() == ROWS


@pytest.mark.parametrize("content_type", ["text/csv", "application/csv", "text/x-csv", "TEXT/CSV"])
def test_csv_aliases(client: FlaskClient, content_type: str) -> None:
    response = client.post("/records", data=b"a\n1\n", content_type=content_type)
    assert response.get_json() == ROWS


@pytest.mark.parametrize(
    "content_type",
    [
        *("json", "/", ";", "application/", "/json", "*/*", "a b c", "application/json text/csv"),
        *("application/yaml", "text/html", "image/png", "application/x-unheard-of", "text/plain"),
        "приложение/json".encode().decode("latin-1"),
    ],
)
def test_unsupported_content_type_lists_supported_ones(
    client: FlaskClient, content_type: str
) -> None:
    response = client.post("/records", data=BODY, headers={"Content-Type": content_type})
    problem = assert_problem(response, 415, "text/csv", "application/json", XLSX)
    assert problem["errors"][0]["where"] == "data"


def test_missing_content_type_lists_supported_ones(client: FlaskClient) -> None:
    assert_problem(client.post("/records", data=BODY), 415, "missing Content-Type", "text/csv")


def test_missing_content_type_for_several_arguments(client: FlaskClient) -> None:
    assert_problem(client.post("/mixed", data=BODY), 415, "multipart/form-data", "JSON object")


@pytest.mark.parametrize(
    "disposition",
    [
        'attachment; filename="wines.xlsx"',
        "attachment; filename=WINES.XLSX",
        "attachment; filename*=UTF-8''%D0%B2%D0%B8%D0%BD%D0%B0.xlsx",
    ],
)
def test_octet_stream_format_is_taken_from_the_file_name(
    client: FlaskClient, disposition: str
) -> None:
    headers = {"Content-Type": "application/octet-stream", "Content-Disposition": disposition}
    assert client.post("/records", data=workbook(), headers=headers).get_json() == ROWS


@pytest.mark.parametrize("disposition", ["", "attachment", "attachment; filename=wines", "=;="])
def test_octet_stream_without_a_known_extension(client: FlaskClient, disposition: str) -> None:
    headers = {"Content-Type": "application/octet-stream", "Content-Disposition": disposition}
    response = client.post("/records", data=workbook(), headers=headers)
    assert_problem(response, 415, "application/octet-stream", XLSX)


def test_body_content_type_takes_precedence_over_file_name(client: FlaskClient) -> None:
    headers = {
        "Content-Type": "text/csv",
        "Content-Disposition": "attachment; filename=wines.xlsx",
    }
    assert client.post("/records", data=b"a\n1\n", headers=headers).get_json() == ROWS


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("wines.csv", "application/vnd.ms-excel"),  # Windows with Excel
        ("wines.CSV", "text/plain"),
        ("wines.csv", "application/octet-stream"),
        ("wines.csv", "application/json"),
        ("wines", "text/csv"),
        ("wines.backup", "text/csv"),
        ("wines.png", "text/csv"),
        ("../../wines.csv", "application/octet-stream"),
    ],
)
def test_part_extension_takes_precedence_over_content_type(
    client: FlaskClient, name: str, media_type: str
) -> None:
    form = {"data": (io.BytesIO(b"a\n1\n"), name, media_type)}
    assert client.post("/records", data=form).get_json() == ROWS


def test_part_of_unknown_format_is_named(client: FlaskClient) -> None:
    form = {"data": (io.BytesIO(b"a\n1\n"), "wines.dat", "application/x-wines"), "label": "x"}
    problem = assert_problem(client.post("/labelled", data=form), 415, "application/x-wines")
    assert [error["where"] for error in problem["errors"]] == ["data"]


# The response


def get_table(client: FlaskClient, accept: str | None, route: str = "table") -> Any:
    headers = {} if accept is None else {"Accept": accept}
    return client.post(f"/{route}", json=ROWS, headers=headers)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "text/csv"),
        ("", "text/csv"),
        ("*/*", "text/csv"),
        ("application/json", "application/json"),
        ("Application/JSON", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("text/csv; charset=utf-8; q=0.5", "text/csv"),
        ("text/json", "application/json"),
        ("text/*", "text/csv"),
        ("application/*", "application/json"),
        ("application/json;q=0.4, text/csv;q=0.5", "text/csv"),
        ("application/json;q=0.5, text/csv;q=0.4", "application/json"),
        ("text/csv;q=0.1, */*", "application/json"),
        ("*/*, text/csv;q=0.1", "application/json"),
        ("text/csv;q=0, */*", "application/json"),
        ("text/csv;q=0, application/json;q=0, */*;q=0.1", XLSX),
        ("text/*;q=0.9, application/json;q=0.1", "text/csv"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "text/html"),
        ("application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "application/xml"),
        ("image/png, application/json", "application/json"),
        (f"{XLSX}, text/csv", "text/csv"),  # equals: what `returns=` declares
    ],
)
def test_accept(client: FlaskClient, accept: str | None, media_type: str) -> None:
    response = get_table(client, accept)
    assert (response.status_code, response.mimetype) == (200, media_type)


def test_wildcard_selects_the_request_format(client: FlaskClient) -> None:
    """text/json is an alias of JSON, but responses do not use it."""
    assert get_table(client, "text/*", "records").mimetype == "text/csv"


@pytest.mark.parametrize(
    "accept",
    [
        *("image/png", "image/*", "text/plain", "nonsense", ";;;", "*/*;q=0", "text/csv;q=0"),
        "text/csv;q=0, text/plain",
        "application/vnd.ms-excel",  # read, but not written
        "application/json;q=0.0, text/csv;q=0",
    ],
)
def test_unacceptable_accept_is_406(client: FlaskClient, accept: str) -> None:
    assert_problem(get_table(client, accept), 406, "text/csv", "application/json", XLSX)


def test_status_406_is_sent_before_the_call(registry: mmf.Registry) -> None:
    calls: list[str] = []

    @registry.target(returns=mmf.String())
    def work() -> str:
        calls.append("called")
        return ""

    client = create_app(registry).test_client()
    assert_problem(client.post("/work", headers={"Accept": "image/png"}), 406)
    assert not calls


@pytest.mark.parametrize(
    ("format", "media_type"),
    [
        *(("csv", "text/csv"), ("JSON", "application/json"), ("xlsx", XLSX)),
        *((".csv", "text/csv"), ("text/csv", "text/csv"), ("application/json", "application/json")),
    ],
)
def test_format_parameter_takes_precedence_over_accept(
    client: FlaskClient, format: str, media_type: str
) -> None:
    response = client.post(
        "/table",
        query_string={"format": format},
        json=ROWS,
        headers={"Accept": "image/png, text/csv;q=0.5"},
    )
    assert (response.status_code, response.mimetype) == (200, media_type)


@pytest.mark.parametrize("format", ["", "png", "xls", "nonsense", "ж", "../csv", "csv,json"])
def test_unsupported_format_lists_supported_ones(client: FlaskClient, format: str) -> None:
    response = client.post("/table", query_string={"format": format}, json=ROWS)
    assert_problem(response, 406, f"format={format}", "csv, json, xlsx")


def test_formats_without_their_library_are_not_offered(
    everything: mmf.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = packages.find_spec
    monkeypatch.delitem(sys.modules, "python_calamine", raising=False)
    monkeypatch.setattr(
        packages, "find_spec", lambda name: None if name == "python_calamine" else installed(name)
    )
    client = create_app(everything).test_client()
    formats = client.get("/table").get_json()["returns"]["formats"]
    assert formats[:3] == ["text/csv", "application/json", "text/tab-separated-values"]
    assert XLSX not in formats
    response = client.post("/table", data=workbook(), content_type=XLSX)
    assert_problem(response, 415, "pip install python-calamine")
    assert_problem(get_table(client, XLSX), 406, "text/csv")
    assert_problem(get_table(client, None, "sheet"), 500, "pip install python-calamine")
    assert get_table(client, "text/csv", "sheet").status_code == 200
