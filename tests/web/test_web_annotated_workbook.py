"""Workbooks returned with their errors marked."""

import gzip
import io
import subprocess
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from threading import Event
from time import perf_counter
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import Workbook, load_workbook

import mmf_core as mmf
from error_shape import assert_problem
from long_parameters import long_except
from mmf_core.errors import DeclarationError
from mmf_core.web import annotated_workbook

XLSX = mmf.XLSX.media_type


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


WRONG = workbook(("note", "a"), ("x", 1.5), ("y", "text"), ("z", None), ("=1+1", 2.5))


def post(client: FlaskClient, body: bytes, query: str = "?errors=xlsx", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/strict{query}", data=body, headers={"Content-Type": XLSX, **named})


def test_invalid_cells_are_highlighted_and_commented(client: FlaskClient) -> None:
    response = post(client, WRONG)
    assert (response.status_code, response.content_type) == (422, XLSX)
    assert "errors.xlsx" in response.headers["Content-Disposition"]
    book = load_workbook(io.BytesIO(response.data))
    sheet, errors = book.worksheets
    comments = {
        cell.coordinate: (cell.comment.text, cell.fill.fgColor.rgb[-6:])
        for row in sheet.iter_rows()
        for cell in row
        if cell.comment
    }
    assert comments == {
        "B3": ('expected a number, got "text"', "FFC7CE"),
        "B4": ("expected a number, got an empty cell", "FFC7CE"),
    }
    assert sheet["A5"].value == "=1+1"  # the rest is unchanged
    assert [list(row) for row in errors.iter_rows(values_only=True)] == [
        ["2 cells do not match the schema", None, None, None],
        ["row", "column", "message", "value"],
        [3, "a", 'expected a number, got "text"', "text"],
        [4, "a", "expected a number, got an empty cell", None],
    ]


def test_requested_sheet_is_annotated(client: FlaskClient) -> None:
    book = load_workbook(io.BytesIO(WRONG))
    book["Sheet"].title = "wines"
    book.create_sheet("first", 0).append(["a"])
    buffer = io.BytesIO()
    book.save(buffer)
    for sheet in ("wines", "1"):
        response = post(client, buffer.getvalue(), f"?errors=xlsx&sheet={sheet}")
        marked = load_workbook(io.BytesIO(response.data))
        assert marked["wines"]["B3"].comment.text == 'expected a number, got "text"'
        assert marked["first"]["B3"].comment is None
    response = post(client, buffer.getvalue(), "?errors=xlsx&sheet=2")
    assert "sheet '2' not found" in load_workbook(io.BytesIO(response.data))["errors"]["A1"].value


def test_cells_below_a_title_are_annotated(client: FlaskClient) -> None:
    titled = workbook(("a title", None), (None, None), ("note", "a"), ("x", "text"))
    response = post(client, titled, "?errors=xlsx&header_row=3")
    marked, errors = load_workbook(io.BytesIO(response.data)).worksheets
    assert marked["B4"].comment.text == 'expected a number, got "text"'
    assert errors["A3"].value == 4


def test_bomb_outside_the_sheets_is_not_decompressed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(client.application.config["MMF_CODEC_OPTIONS"], "max_decompressed", 100_000)
    buffer = io.BytesIO(WRONG)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(200_000))
    assert_problem(post(client, buffer.getvalue()), 422, "cells")
    assert post(client, WRONG).content_type == XLSX


@pytest.mark.long
def test_compressed_and_chunked_workbooks_are_annotated(client: FlaskClient) -> None:
    assert post(client, gzip.compress(WRONG), Content_Encoding="gzip").content_type == XLSX
    response = client.post(
        "/strict?errors=xlsx",
        input_stream=io.BytesIO(WRONG),
        content_type=XLSX,
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert response.content_type == XLSX


def test_missing_column_is_in_the_error_list(client: FlaskClient) -> None:
    errors = load_workbook(io.BytesIO(post(client, workbook(("b",), (1,))).data)).worksheets[1]
    assert errors["B3"].value == "a"


def test_formulas_stay_text(
    serve_function: Callable[..., FlaskClient],
) -> None:
    table = mmf.DataFrame()

    def strict(data: Any = table) -> None:
        del data
        raise mmf.InvalidValue("=1+1", [mmf.ErrorDetail("=2\x00", row=0, column="a", value="=3")])

    response = post(serve_function(strict), workbook(("a",), (1,)))
    errors = load_workbook(io.BytesIO(response.data)).worksheets[1]
    cells = (errors["A1"], errors["C3"], errors["D3"])
    assert [cell.data_type for cell in cells] == ["s", "s", "s"]


@pytest.mark.parametrize("query", ["", "?errors=json"])
def test_errors_are_json_by_default(client: FlaskClient, query: str) -> None:
    assert_problem(post(client, WRONG, query), 422)


def comments(response: Any, sheet: int = 0) -> dict[str, str]:
    assert (response.status_code, response.content_type) == (422, XLSX), response.data[:200]
    rows = load_workbook(io.BytesIO(response.data)).worksheets[sheet].iter_rows()
    return {cell.coordinate: cell.comment.text for row in rows for cell in row if cell.comment}


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"note,a\nx,1.5\n=1+1,text\n", "text/csv"),
        pytest.param(
            b"note\ta\nx\t1.5\n=1+1\ttext\n", "text/tab-separated-values", marks=pytest.mark.long
        ),
        pytest.param(
            b'[{"note": "x", "a": 1.5}, {"note": "=1+1", "a": "text"}]',
            "application/json",
            marks=pytest.mark.long,
        ),
        ("note;a\nжизнь;1.5\n=1+1;text\n".encode("cp1251"), "text/csv; charset=windows-1251"),
    ],
)
def test_other_formats_become_a_workbook(client: FlaskClient, body: bytes, media_type: str) -> None:
    response = client.post("/strict?errors=xlsx", data=body, content_type=media_type)
    assert comments(response) == {"B3": 'expected a number, got "text"'}
    sheet = load_workbook(io.BytesIO(response.data)).worksheets[0]
    assert (sheet["B3"].value, sheet["A3"].value, sheet["A3"].data_type) == ("text", "=1+1", "s")


@pytest.mark.parametrize(
    ("data", "name"), [(WRONG, "wines.xlsx"), (b"note,a\nx,1.5\ny,text\n", "wines.csv")]
)
def test_table_in_a_form_is_annotated(
    serve_function: Callable[..., FlaskClient], data: bytes, name: str
) -> None:
    table, text = mmf.DataFrame(schema={"a": float}), mmf.String(default="none")

    def strict(data: Any = table, label: Any = text) -> Any:
        del label
        return data

    form = {"data": (io.BytesIO(data), name), "label": "x"}
    response = serve_function(strict, returns=mmf.DataFrame()).post(
        "/strict?errors=xlsx", data=form
    )
    assert comments(response)["B3"] == 'expected a number, got "text"'


def test_more_than_twenty_errors_are_annotated(client: FlaskClient) -> None:
    rows = [("text",)] * 300
    assert len(comments(post(client, workbook(("a",), *rows)))) == 300
    problem = assert_problem(post(client, workbook(("a",), *rows), ""), 422, "first 20 errors")
    assert len(problem["errors"]) == 20


@pytest.mark.long
def test_number_of_further_errors_is_reported(client: FlaskClient) -> None:
    response = post(client, workbook(("a",), *[("text",)] * 1_200))
    assert len(comments(response)) == 1_000
    errors = load_workbook(io.BytesIO(response.data)).worksheets[1]
    assert errors["A1"].value == (
        "1200 cells do not match the schema; the first 1000 errors are listed"
    )


def test_text_columns_keep_their_original_values(
    serve_function: Callable[..., FlaskClient],
) -> None:
    table = mmf.DataFrame(schema={"code": str, "a": float})

    def strict(data: Any = table) -> Any:
        return data

    client = serve_function(strict, returns=mmf.DataFrame())
    response = client.post("/strict?errors=xlsx", data=b"code,a\n007,x\n", content_type="text/csv")
    assert load_workbook(io.BytesIO(response.data)).worksheets[0]["A2"].value == "007"


def test_oversized_workbook_falls_back_to_json(client: FlaskClient) -> None:
    most = client.application.config["MAX_CONTENT_LENGTH"]
    client.application.config["MAX_CONTENT_LENGTH"] = 40_000
    try:
        assert_problem(post(client, workbook(("a",), *[("text",)] * 1_000)), 422, "cells")
    finally:
        client.application.config["MAX_CONTENT_LENGTH"] = most


def test_requests_without_a_table_file_get_json(client: FlaskClient) -> None:
    assert_problem(client.post("/strict?errors=xlsx", data={"data": '[{"a": "x"}]'}), 422)
    assert_problem(client.post("/shout?errors=xlsx", json=[1]), 422)
    assert_problem(client.post("/labelled?errors=xlsx", json={"data": [], "label": "x"}), 422)
    assert_problem(post(client, b"PK\x03\x04"), 400, "workbook")


def with_part(name: str, old: str, new: str) -> bytes:
    """Return the invalid workbook with a text replaced in one of its parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WRONG)) as source, zipfile.ZipFile(buffer, "w") as target:
        for part in source.namelist():
            text = source.read(part).decode()
            assert part != name or old in text
            target.writestr(part, text.replace(old, new) if part == name else text)
    return buffer.getvalue()


def with_area(xml: str) -> bytes:
    """Return the invalid workbook with an element after its cells."""
    return with_part("xl/worksheets/sheet1.xml", "</sheetData>", f"</sheetData>{xml}")


def test_unannotatable_workbook_falls_back_to_json(client: FlaskClient) -> None:
    assert_problem(post(client, with_part("xl/styles.xml", "<cellXfs", "<cellXf")), 422, "cells")


WHOLE_SHEET = "A1:XFD1048576"
AREAS = {
    "merged": f'<mergeCells><mergeCell ref="{WHOLE_SHEET}"/></mergeCells>',
    "linked": f'<hyperlinks><hyperlink ref="{WHOLE_SHEET}" location="A1"/></hyperlinks>',
    "validated": f'<dataValidations><dataValidation sqref="{WHOLE_SHEET}"/></dataValidations>',
    "conditional": f'<conditionalFormatting sqref="{WHOLE_SHEET}"><cfRule type="expression" '
    'priority="1"><formula>A1=1</formula></cfRule></conditionalFormatting>',
    "linked columns": '<hyperlinks><hyperlink location="A>1" ref="A:XFD"/></hyperlinks>',
    "many merged": "<mergeCells>"
    + "".join(f'<mergeCell ref="A{row}:XFD{row}"/>' for row in range(1, 1_000))
    + "</mergeCells>",
}


@pytest.mark.parametrize("name", long_except(AREAS, ("merged", "linked columns")))
def test_whole_sheet_ranges_do_not_use_worker_memory(
    client: FlaskClient,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before, started = getrusage(RUSAGE_SELF).ru_maxrss, perf_counter()
    largest_child = getrusage(RUSAGE_CHILDREN).ru_maxrss  # includes other tests in this process
    with monkeypatch.context() as patch:
        patch.setattr(annotated_workbook, "MAX_SECONDS", 5)
        response = post(client, with_area(AREAS[name]))
    assert response.status_code == 422
    assert perf_counter() - started < 8
    assert ("cells, at most 100,000" in caplog.text) == ("merged" in name or "linked" in name)
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert getrusage(RUSAGE_CHILDREN).ru_maxrss <= max(largest_child, 700 * 1024)
    assert post(client, WRONG).content_type == XLSX, "and the next one is marked"


def test_concurrent_annotations_are_limited(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty-two small requests held all threads of a worker for half a minute."""
    may_end, run = Event(), subprocess.run

    def wait_and_run(*args: Any, **kwargs: Any) -> Any:
        may_end.wait(30)
        return run(*args, **kwargs)

    monkeypatch.setattr(annotated_workbook.subprocess, "run", wait_and_run)
    with ThreadPoolExecutor(10) as pool:
        calls = [pool.submit(post, client.application.test_client(), WRONG) for _ in range(10)]
        ended = [call.result(30) for call in islice(as_completed(calls, 30), 6)]
        may_end.set()
    for response in ended:
        assert_problem(response, 422, "2 cells do not match")
    types = [call.result().content_type for call in calls]
    assert types.count(XLSX) == annotated_workbook.MAX_WAITING == 4


def test_merged_cells_are_kept(client: FlaskClient) -> None:
    book = with_area('<mergeCells><mergeCell ref="D1:E2"/></mergeCells>')
    marked = load_workbook(io.BytesIO(post(client, book).data))
    assert str(marked["Sheet"].merged_cells) == "D1:E2"


def test_rejects_unknown_error_format(client: FlaskClient) -> None:
    assert_problem(post(client, WRONG, "?errors=pdf"), 422, "json or xlsx")


def test_valid_workbook_gets_predictions(client: FlaskClient) -> None:
    assert post(client, workbook(("a",), (1.5,))).get_json() == [{"a": 1.5}]


def test_rejects_argument_named_errors(registry: mmf.Registry) -> None:
    text = mmf.String()

    def predict(errors: Any = text) -> None:
        del errors

    with pytest.raises(DeclarationError, match="errors"):
        registry.target(predict)
