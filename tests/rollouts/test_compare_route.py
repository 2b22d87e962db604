"""`POST /rollout/compare`: from a table to a workbook of the rows that change."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import openpyxl
import pandas as pd
import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.execution import Execution
from mmf_core.page.translations.errors import translate_errors
from mmf_core.rollouts import compare_route, service
from mmf_core.rollouts.mirror import Mirror
from mmf_core.rollouts.plan import of
from mmf_core.rollouts.rollout import Rollout
from mmf_core.web import create_app

TABLE = mmf.DataFrame(schema={"a": float})
CSV = b"a\n1\n2\n3\n"


def declare(predict: Callable[[Any], Any]) -> mmf.Registry:
    registry = mmf.Registry()

    @registry.target(returns=mmf.DataFrame(), default=True)
    def score(data: Any = TABLE) -> Any:
        return predict(data["a"])

    @registry.target(returns=mmf.DataFrame())
    def twice(data: Any = TABLE) -> Any:
        return predict(data["a"]) * 2

    @registry.target(returns=mmf.Float())
    def total(data: Any = TABLE) -> Any:
        return float(data["a"].sum())

    return registry


def loaded(stable: mmf.Registry, candidate: mmf.Registry) -> Rollout:
    plan = of({"candidate": {"name": "v2", "artifacts": {"model": "new"}}})
    rollout = Rollout(plan, "key", candidate, "v1")
    rollout.stable = {route: Execution(each) for route, each in stable.targets.items()}
    rollout.executions = {route: Execution(each) for route, each in candidate.targets.items()}
    return rollout


Make = Callable[..., FlaskClient]


@pytest.fixture
def mirrors() -> Iterator[list[Mirror]]:
    """Return a list of objects that are closed in the end."""
    made: list[Mirror] = []
    yield made
    for mirror in made:
        mirror._receiver.close()
        mirror._sender.close()


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, mirrors: list[Mirror]) -> Make:
    """Return a function that serves two versions, whose second is less than the limit."""
    monkeypatch.setenv("MMF_ADMIN_HTTP", "1")

    def make(predict: Callable[[Any], Any] = lambda a: a.clip(0, 2).to_numpy()) -> FlaskClient:
        stable = declare(lambda a: a.to_numpy())
        rollout = loaded(stable, declare(predict))
        mirrors.append(rollout.mirror)
        monkeypatch.setattr(service._Current, "rollout", rollout)
        return create_app(stable).test_client()

    return make


def upload(client: FlaskClient, body: bytes = CSV, query: str = "", name: str = "t.csv") -> Any:
    data = {"file": (io.BytesIO(body), name)}
    return client.post(f"/rollout/compare{query}", data=data)


def test_changed_rows_are_returned_as_a_workbook(make: Make) -> None:
    response = upload(make())
    assert (response.status_code, response.mimetype) == (200, mmf.XLSX.media_type)
    names = ("X-Rows", "X-Changed-Rows", "X-Model-Version", "Content-Disposition")
    expected = ["3", "1", "v2", "attachment; filename=changed.xlsx"]
    assert [response.headers[name] for name in names] == expected
    sheet = openpyxl.load_workbook(io.BytesIO(response.data)).active
    assert [[cell.value for cell in row] for row in sheet] == [
        ["row", "a", "prediction (v1)", "prediction (v2)"],
        [3, 3, 3, 2],
    ]
    assert sheet["D2"].fill.start_color.rgb.endswith("C6EFCE")
    assert not sheet["B2"].fill.patternType


def test_table_may_have_any_format_and_a_named_target(make: Make) -> None:
    client, buffer = make(), io.BytesIO()
    pd.DataFrame({"a": [1.0, 5.0]}).to_excel(buffer, index=False, sheet_name="second")
    response = upload(client, buffer.getvalue(), "?target=twice&sheet=second", "t.xlsx")
    assert response.status_code == 200
    assert response.headers["X-Changed-Rows"] == "1"


def test_workbook_of_equal_predictions_has_no_rows(make: Make) -> None:
    response = upload(make(lambda a: a.to_numpy()))
    assert (response.status_code, response.headers["X-Changed-Rows"]) == (200, "0")
    assert openpyxl.load_workbook(io.BytesIO(response.data)).active.max_row == 1


@pytest.mark.parametrize(
    ("body", "query", "name", "status", "words"),
    [
        (b"a\nmany\n", "", "t.csv", 422, "v1: 1 cell does not match the schema"),
        (b"b\n1\n", "", "t.csv", 422, "missing columns: a"),
        (b"a\n", "", "t.csv", 422, "the table has no rows"),
        (b"\x00", "", "t.bin", 415, ""),
        (b"no workbook", "", "t.xlsx", 400, ""),
        (CSV, "?target=total", "t.csv", 422, "rows for a table: score, twice"),
        (CSV, "?target=../main", "t.csv", 422, "rows for a table: score, twice"),
        (CSV, "?version=v3", "t.csv", 422, 'unknown query "version"; expected target'),
        (CSV, "?sheet=one", "t.csv", 422, "expected a workbook"),
    ],
)
def test_invalid_tables_and_queries_are_rejected(
    make: Make, body: bytes, query: str, name: str, status: int, words: str
) -> None:
    assert_problem(upload(make(), body, query, name), status, words)


def test_form_without_a_file_is_rejected(make: Make) -> None:
    response = make().post("/rollout/compare", data={"other": "x"})
    assert_problem(response, 400, "expected the table in part file")


def test_body_over_the_size_limit_is_rejected(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_MAX_BODY_MIB", "0.125")
    assert_problem(upload(make(), CSV + b"1\n" * 2**17), 413, "the body exceeds 0.125 MiB")


def test_failing_version_is_named_without_its_reason(make: Make) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("a secret")

    response = upload(make(fail))
    assert_problem(response, 500, "the service failed")
    assert "secret" not in response.text
    assert response.headers["X-Model-Version"] == "v2"


def test_too_few_predictions_name_the_version(make: Make) -> None:
    response = upload(make(lambda a: a.to_numpy()[:1]))
    problem = assert_problem(
        response, 422, "v2: expected a prediction for each of the 3 rows, got 1"
    )
    assert translate_errors([problem["detail"]], "ru") == ["v2: строк 3, а ответов 1"]  # noqa: RUF001


def test_size_of_the_workbook_is_limited(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_route, "MAX_CELLS", 3)
    client = make()
    problem = assert_problem(upload(client), 413, "expected at most 3 cells")
    assert translate_errors([problem["detail"]], "ru")[0].startswith("изменилось слишком много")
    assert upload(client, b"a\n1\n").status_code == 200


def test_only_one_comparison_runs_at_a_time(make: Make) -> None:
    client = make()
    with compare_route._one_at_a_time:
        assert_problem(upload(client), 503, "being compared already")
    assert upload(client).status_code == 200


def test_comparison_needs_a_candidate_and_the_setting(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make()
    panel = client.get("/page/panels/en").get_json()["panels"]["rollouts"]
    assert panel == {"versions": ["v1", "v2"], "targets": ["score", "twice"]}
    monkeypatch.setattr(service._Current, "rollout", None)
    assert_problem(upload(client), 409, "no candidate is loaded")
    assert "rollouts" not in client.get("/page/panels/en").get_json()["panels"]
    make()
    monkeypatch.setenv("MMF_ADMIN_HTTP", "0")
    client = create_app(declare(lambda a: a)).test_client()
    assert_problem(upload(client), 403, "MMF_ADMIN_HTTP")
    assert "rollouts" not in client.get("/page/panels/en").get_json()["panels"]


def test_openapi_describes_the_comparison(make: Make) -> None:
    paths = make().get("/openapi.json").get_json()["paths"]
    post = paths["/rollout/compare"]["post"]
    assert list(post["responses"]["200"]["content"]) == [mmf.XLSX.media_type]
    assert set(post["responses"]["200"]["headers"]) >= {"X-Rows", "X-Changed-Rows"}
