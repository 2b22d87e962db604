"""Tables over HTTP in every format, both ways."""

import io
import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import xlwt
from flask.testing import FlaskClient

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.codecs import Format, Kind, find, readable, writable
from mmf_core.web import create_app

ROWS = [{"a": 1, "b": 2.5}, {"a": 3, "b": 4.5}]
BOTH = [form for form in readable(Kind.TABLE) if form in writable(Kind.TABLE)]


def _written(form: Format) -> bytes:
    codec = find(Kind.TABLE, form)
    assert codec is not None
    data: bytes = codec.encode(pd.DataFrame(ROWS), {})
    return data


def _opened(form: Format, name: str = "Sheet1") -> bytes:
    buffer = io.BytesIO()
    engine: Any = {Format.ODS: "odf", Format.XLSX: "openpyxl"}[form]
    with pd.ExcelWriter(buffer, engine=engine) as writer:
        pd.DataFrame({"z": [0]}).to_excel(writer, sheet_name="first", index=False)
        pd.DataFrame(ROWS).to_excel(writer, sheet_name=name, index=False)
    return buffer.getvalue()


def _old() -> bytes:
    book = xlwt.Workbook()
    book.add_sheet("first").write(0, 0, "z")
    sheet = book.add_sheet("Sheet1")
    for row, cells in enumerate([tuple(ROWS[0]), *(record.values() for record in ROWS)]):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("form", BOTH, ids=lambda form: form.name)
def test_every_format_is_read(client: FlaskClient, form: Format) -> None:
    data = _written(form)
    for media_type in form.media_types:
        response = client.post("/records", data=data, content_type=media_type)
        assert response.get_json() == ROWS
    for extension in form.extensions:
        part = {"data": (io.BytesIO(data), f"wines.{extension}", "application/x-unheard-of")}
        assert client.post("/records", data=part).get_json() == ROWS


@pytest.mark.parametrize("form", BOTH, ids=lambda form: form.name)
def test_every_format_is_written(client: FlaskClient, form: Format) -> None:
    by_query = client.post(f"/table?format={form.extension}", json=ROWS)
    by_accept = client.post("/table", json=ROWS, headers={"Accept": form.media_type})
    for response in (by_query, by_accept):
        assert (response.status_code, response.mimetype) == (200, form.media_type)
        if form is not Format.JSON:
            disposition = response.headers["Content-Disposition"]
            assert disposition == f"attachment; filename=table.{form.extension}"
        again = client.post("/records", data=response.data, content_type=form.media_type)
        assert again.get_json() == ROWS


def test_html_is_inline_and_write_only(client: FlaskClient) -> None:
    response = client.post("/table", json=ROWS, headers={"Accept": "text/html"})
    assert response.content_type == "text/html; charset=utf-8"
    assert "Content-Disposition" not in response.headers
    assert "<td" in response.text
    refused = client.post("/records", data=response.data, content_type="text/html")
    assert_problem(refused, 415, "text/html", "text/csv")


def test_described_formats_work(client: FlaskClient) -> None:
    description = client.get("/table").get_json()
    accepts, formats = description["arguments"][0]["accepts"], description["returns"]["formats"]
    assert Format.HTML.media_type in formats
    assert Format.HTML.media_type not in accepts
    for form in (Format.XLS, Format.ODS):
        assert form.media_type in accepts
        assert form.media_type not in formats
        response = client.post(f"/table?format={form.extension}", json=ROWS)
        problem = assert_problem(response, 406, "csv, json, xlsx")
        assert form.extension not in problem["detail"].partition("ask for")[2].split(", ")


@pytest.mark.parametrize("form", [Format.XLSX, Format.ODS], ids=lambda form: form.name)
@pytest.mark.parametrize("sheet", ["лист", "1"])
def test_sheet_parameter(client: FlaskClient, form: Format, sheet: str) -> None:
    data, query = _opened(form, "лист"), {"sheet": sheet}
    response = client.post("/records", query_string=query, data=data, content_type=form.media_type)
    assert response.get_json() == ROWS
    part = {"data": (io.BytesIO(data), f"wines.{form.extension}")}
    assert client.post("/records", query_string=query, data=part).get_json() == ROWS


def _titled() -> dict[str, bytes]:
    """Return workbooks with column names in the third row, below a title."""
    workbooks = {}
    for extension, engine in (("xlsx", "openpyxl"), ("ods", "odf")):
        buffer = io.BytesIO()
        with pd.ExcelWriter(buffer, engine=engine) as writer:  # type: ignore[call-overload]
            table = pd.DataFrame([list("ab"), *(list(row.values()) for row in ROWS)])
            title = pd.DataFrame([["wines of 2026", None], [None, None]])
            pd.concat([title, table]).to_excel(writer, index=False, header=False)
        workbooks[extension] = buffer.getvalue()
    book = xlwt.Workbook()
    sheet = book.add_sheet("wines")
    sheet.write(0, 0, "wines of 2026")
    for row, cells in enumerate(["ab", *(record.values() for record in ROWS)], start=2):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    return {**workbooks, "xls": buffer.getvalue()}


WORKBOOKS = {"xlsx": _opened(Format.XLSX), "ods": _opened(Format.ODS), "xls": _old()}
TITLED = _titled()


@pytest.mark.parametrize("sent_as", ["xlsx", "xlsm", "xls", "ods", "csv", "tsv", "json"])
@pytest.mark.parametrize("form", WORKBOOKS)
def test_workbook_format_is_detected_from_the_content(
    client: FlaskClient, form: str, sent_as: str
) -> None:
    """Regardless of its name and media type."""
    data = WORKBOOKS[form]
    file = {"data": (io.BytesIO(data), f"wines.{sent_as}")}
    responses = [client.post("/records?sheet=Sheet1", data=file)]
    if sent_as != "json":  # a JSON body is an object of arguments, or a table
        by_type = Format.of_extension(sent_as)
        assert by_type
        responses += [
            client.post("/records?sheet=Sheet1", data=data, content_type=media_type)
            for media_type in by_type.media_types
        ]
    for response in responses:
        assert (response.status_code, response.get_json()) == (200, ROWS)


def test_csv_that_starts_like_a_zip_is_csv(client: FlaskClient) -> None:
    response = client.post("/records", data=b"PK,b\n1,2.5\n", content_type="text/csv")
    assert response.get_json() == [{"PK": 1, "b": 2.5}]


def test_csv_named_as_a_workbook_is_400(client: FlaskClient) -> None:
    response = client.post("/records", data={"data": (io.BytesIO(b"a,b\n1,2\n"), "wines.xls")})
    assert_problem(response, 400, "expected an .xls workbook, got text, such as CSV")


@pytest.mark.parametrize("form", WORKBOOKS)
def test_header_row_parameter(client: FlaskClient, form: str) -> None:
    file = {"data": (io.BytesIO(TITLED[form]), f"wines.{form}")}
    response = client.post("/records?header_row=3", data=file)
    assert (response.status_code, response.get_json()) == (200, ROWS)


@pytest.mark.parametrize("row", ["0", "-1", "1.0", "x", "", "1001", "٣", "9" * 5_000])
def test_rejects_invalid_header_row(client: FlaskClient, row: str) -> None:
    media_type = Format.XLSX.media_type
    query, data = {"header_row": row}, TITLED["xlsx"]
    response = client.post("/records", query_string=query, data=data, content_type=media_type)
    assert_problem(response, 422, "?header_row=: expected a whole number >= 1")
    response = client.post("/records", query_string=query, json={"data": ROWS})
    assert_problem(response, 422, "?header_row=: expected a whole number >= 1")
    query = {"header_row": "1000"}
    response = client.post("/records", query_string=query, data=data, content_type=media_type)
    assert_problem(response, 422, "no rows")


def test_header_row_applies_only_to_workbooks(client: FlaskClient) -> None:
    response = client.post("/records?header_row=2", data=b"a\n1\n", content_type="text/csv")
    assert_problem(response, 422, "?header_row=2: expected a workbook, got CSV")
    response = client.post("/records?header_row=1", data=b"a\n1\n", content_type="text/csv")
    assert response.get_json() == [{"a": 1}]


def test_unknown_sheet_is_422_and_lists_sheets(client: FlaskClient) -> None:
    response = client.post(
        "/records?sheet=no", data=_opened(Format.XLSX), content_type=Format.XLSX.media_type
    )
    problem = assert_problem(response, 422, "sheet 'no' not found", "first, Sheet1")
    assert problem["errors"][0]["where"] == "data"


def test_sheet_parameter_for_another_format_is_422(client: FlaskClient) -> None:
    response = client.post("/records?sheet=1", data=b"a\n1\n", content_type="text/csv")
    assert_problem(response, 422, "?sheet=1", "CSV")
    assert_problem(client.post("/shout?sheet=1", json="x"), 422, "unknown", "sheet")


def test_settings_apply_to_codecs(
    everything: mmf.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_CSV_ESCAPE", "1")
    monkeypatch.setenv("MMF_MAX_DECOMPRESSED_MIB", "0.001")
    client = create_app(everything).test_client()
    response = client.post("/table", json=[{"a": "=1+1", "b": -1}])
    assert response.data == b"a,b\n'=1+1,-1\n"
    book = _opened(Format.XLSX)
    response = client.post("/records", data=book, content_type=Format.XLSX.media_type)
    assert_problem(response, 413, "MMF_MAX_DECOMPRESSED_MIB")


def test_formulas_are_not_escaped_by_default(client: FlaskClient) -> None:
    assert client.post("/table", json=[{"a": "=1+1"}]).data == b"a\n=1+1\n"


def test_large_integers_are_exact(client: FlaskClient) -> None:
    rows = [{"a": 2**53 + 1}, {"a": -(2**63)}]
    for form in (Format.JSON, Format.JSONL, Format.CSV, Format.XML, Format.PARQUET):
        response = client.post(f"/table?format={form.extension}", json=rows)
        again = client.post("/records", data=response.data, content_type=form.media_type)
        assert again.get_json() == rows


def test_leading_zeros_are_kept_in_text_columns(
    serve_function: Callable[..., FlaskClient],
) -> None:
    table = mmf.DataFrame(schema={"code": str})

    def codes(data: Any = table) -> Any:
        return data

    client = serve_function(codes, returns=mmf.DataFrame(format="json"))
    rows = [{"code": "007"}, {"code": "NA"}]
    for form in BOTH:
        response = client.post("/codes", json=rows, query_string={"format": form.extension})
        again = client.post("/codes", data=response.data, content_type=form.media_type)
        assert json.loads(again.data) == rows, form


@pytest.mark.parametrize(
    "accept", ["application/json", "text/csv", "application/vnd.apache.parquet"]
)
def test_result_of_rows_without_columns_is_an_error_of_the_target(
    accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    registry, table = mmf.Registry(), mmf.DataFrame()

    @registry.target(returns=table)
    def none_selected(data: Any = table) -> Any:
        return data[[]]

    client = create_app(registry).test_client()
    response = client.post("/none_selected", json=[{"a": 1}], headers={"Accept": accept})
    assert_problem(response, 500)
    assert "expected at least one column, got rows without any" in caplog.text
