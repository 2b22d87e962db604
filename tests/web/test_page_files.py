"""Requests of the page to the service: examples and file previews."""

import io
import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.codecs import Format
from mmf_core.page.first_rows import MAX_CELLS, MIN_ROWS, first_rows
from mmf_core.web import create_app

TABLE = pd.DataFrame({"id": ["007", "NA"], "a": [1.5, None]})
TYPED = mmf.DataFrame(schema={"id": str, "a": float})
TIMES = mmf.Integer(default=1)
RETURNS = mmf.DataFrame(format=mmf.XLSX)


@pytest.fixture
def client(serve_function: Callable[..., FlaskClient]) -> FlaskClient:
    def score(data: Any = TYPED, times: Any = TIMES) -> Any:
        return pd.concat([data] * times)

    return serve_function(score, returns=RETURNS)


def rows(client: FlaskClient, body: bytes, name: str, path: str = "score/data") -> Any:
    return client.post(f"/page/rows/{path}", data={"file": (io.BytesIO(body), name)})


def written(form: Format) -> bytes:
    buffer = io.BytesIO()
    if form is Format.PARQUET:
        TABLE.to_parquet(buffer)
    else:
        TABLE.to_excel(buffer, index=False)
    return buffer.getvalue()


@pytest.mark.parametrize("form", [Format.XLSX, Format.PARQUET])
@pytest.mark.parametrize("path", ["score/data", "score"])
def test_preview_of_requests_and_responses(client: FlaskClient, form: Format, path: str) -> None:
    response = rows(client, written(form), f"t.{form.extension}", path)
    assert response.status_code == 200
    assert response.get_json() == {
        "columns": ["id", "a"],
        "data": [["007", 1.5], ["NA", None]],
        "total": 2,
        "sheets": ["Sheet1"] if form is Format.XLSX else [],
    }


def test_preview_supports_sheet_and_header_row(client: FlaskClient) -> None:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer) as writer:
        TABLE.to_excel(writer, sheet_name="first", index=False)
        TABLE.to_excel(writer, sheet_name="second", index=False, startrow=2)
        TABLE.to_excel(writer, sheet_name="hidden", index=False)
        writer.book["hidden"].sheet_state = "hidden"
    response = rows(client, buffer.getvalue(), "t.xlsx", "score/data?sheet=second&header_row=3")
    assert (response.get_json()["columns"], response.get_json()["total"]) == (["id", "a"], 2)
    assert response.get_json()["sheets"] == ["first", "second"]


def test_duplicate_columns_are_shown(client: FlaskClient) -> None:
    body = json.dumps({"columns": ["a", "a"], "data": [[1, 2]]}).encode()
    response = rows(client, body, "t.json")
    assert response.get_json() == {
        "columns": ["a", "a"],
        "data": [[1, 2]],
        "total": 1,
        "sheets": [],
    }


def test_preview_size_is_limited() -> None:
    narrow = first_rows(pd.DataFrame({"a": range(MAX_CELLS + 1)}))
    assert (len(narrow["data"]), narrow["total"]) == (MAX_CELLS, MAX_CELLS + 1)
    wide = first_rows(pd.DataFrame([[1.5] * 2_000] * 200))
    assert (len(wide["data"]), wide["total"]) == (MIN_ROWS, 200)


def test_preview_errors_match_call_errors(client: FlaskClient, everything: mmf.Registry) -> None:
    assert_problem(rows(client, b"PK", "t.xlsx"), 400, "workbook")
    assert_problem(rows(client, b"x", "t.exe"), 415, "text/csv")
    assert_problem(client.post("/page/rows/score/data", data=b"a\n1"), 400, "multipart/form-data")
    for path in ("none/data", "score/none", "score/times"):
        assert_problem(rows(client, b"a\n1", "t.csv", path), 404)
    client_of_all = create_app(everything).test_client()
    assert_problem(rows(client_of_all, b"a\n1", "t.csv", "shout"), 404)  # it returns no table
    assert_problem(rows(client_of_all, b"a\n1", "t.csv", "forget"), 404)  # it returns nothing


def test_preview_limits_match_call_limits(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(client.application.config, "MAX_CONTENT_LENGTH", 1_000)
    assert_problem(rows(client, b"a" * 2_000, "t.csv"), 413, "MMF_MAX_BODY_MIB")


@pytest.mark.parametrize("form", [Format.XLSX, Format.CSV])
def test_example_file_is_accepted(client: FlaskClient, form: Format) -> None:
    example = client.get(f"/page/example/score/data.{form.extension}")
    assert example.mimetype == form.media_type
    assert f"example.{form.extension}" in example.headers["Content-Disposition"]
    response = client.post(
        "/score?format=json", data={"data": (io.BytesIO(example.data), f"e.{form.extension}")}
    )
    assert response.get_json() == [{"id": "text", "a": 0.5}]


def test_unknown_examples_are_404(client: FlaskClient) -> None:
    for path in ("score/data.parquet", "score/data.json", "score/times.csv", "none/data.csv"):
        assert_problem(client.get(f"/page/example/{path}"), 404)
    assert_problem(client.get("/page/example/score/none.csv"), 404)


def test_form_works_without_javascript(client: FlaskClient) -> None:
    """As posted by a browser without JavaScript, which prefers HTML."""
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    response = client.post(
        "/score?format=xlsx",
        data={"data": (io.BytesIO(b"id,a\n1,2\n"), "t.csv"), "times": "1"},
        headers={"Accept": accept},
    )
    assert "attachment; filename=score.xlsx" in response.headers["Content-Disposition"]
