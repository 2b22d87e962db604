"""Drift in a service: counted by version in a sliding window, and reported from the payload log."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sklearn.linear_model import LogisticRegression

import mmf_core as mmf
from mmf_core.cli import main
from mmf_core.drift import observer, window
from mmf_core.drift.comparison import MIN_ROWS
from mmf_core.drift.profile import PREDICTION
from mmf_core.drift.window import PARTS, Window
from mmf_core.models import profile_of
from mmf_core.payload_log.writer import Writer
from mmf_core.tasks.runner import run_task
from mmf_core.tasks.service import TaskService
from mmf_core.web import create_app
from mmf_core.web.observed_calls import ObservedExecution
from mmf_core.web.request_context import RequestContext

COLUMNS = ["a", "b", "c"]
RANDOM = np.random.default_rng(7)


def rows(count: int, **moved: float) -> pd.DataFrame:
    """Return rows of the reference's distribution, except for the shifted columns."""
    table = pd.DataFrame(RANDOM.normal(size=(count, 3)), columns=COLUMNS)
    table["kind"] = RANDOM.choice(["red", "white"], count, p=[0.3, 0.7])
    for name, distance in moved.items():
        table[name] += distance
    return table


REFERENCE = rows(2_000)
SCHEMA = {**dict.fromkeys(COLUMNS, float), "kind": mmf.Column(str | None)}


class Model:
    """A model that is a separate file, and accepts a column of texts."""

    def __init__(self, table: pd.DataFrame) -> None:
        labels = np.where(table["a"] > 0, "yes", "no")
        self.inner = LogisticRegression().fit(table[COLUMNS], labels)

    def predict(self, table: pd.DataFrame) -> Any:
        return self.inner.predict(table[COLUMNS])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    example = REFERENCE.head()
    mmf.save_model(Model(REFERENCE), "model.joblib", example=example, reference=REFERENCE)
    return tmp_path


def declare(folder: Path) -> mmf.Registry:
    """Return a project whose model is in a folder."""
    registry = mmf.Registry()
    registry.folder = folder
    model = registry.artifact("model.joblib").load()
    table = mmf.DataFrame(schema=SCHEMA)

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def score(data: Any = table) -> Any:
        return model.predict(data)

    registry.load_artifacts()
    return registry


def service(**options: Any) -> FlaskClient:
    registry = mmf.Registry()
    model = registry.artifact("model.joblib").load()
    table, text = mmf.DataFrame(schema=SCHEMA), mmf.String()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON), **options)
    def score(data: Any = table) -> Any:
        if data["c"].max() > 1_000:
            raise RuntimeError("too much")
        return model.predict(data)

    @registry.target(returns=mmf.String())
    def other(text: Any = text) -> Any:
        return text

    app = create_app(registry)
    registry.version = "v1"
    return app.test_client()


Make = Callable[..., FlaskClient]


@pytest.fixture
def make(project: Path, monkeypatch: pytest.MonkeyPatch) -> Make:  # noqa: ARG001 - the model is there
    monkeypatch.setenv("MMF_DRIFT_SECONDS", "3600")
    return service


def drift(client: FlaskClient, name: str = "mmf_drift_psi") -> dict[tuple[str, str], float]:
    """Return a metric of the service by version and column."""
    text = client.get("/metrics").text
    families = text_string_to_metric_families(text)
    all_samples = [sample for family in families for sample in family.samples]
    values = [(each.labels, each.value) for each in all_samples if each.name == name]
    assert all(labels["target"] == "score" for labels, _ in values)
    return {(labels["version"], labels["column"]): value for labels, value in values}


def send(client: FlaskClient, table: pd.DataFrame, status: int = 200) -> None:
    response = client.post("/score", data=table.to_csv(index=False), content_type="text/csv")
    assert response.status_code == status, response.text


def test_same_distribution_has_not_drifted(make: Make) -> None:
    client = make()
    for _ in range(5):
        send(client, rows(400))
    distances, p_values = drift(client), drift(client, "mmf_drift_p_value")
    assert distances.keys() == p_values.keys()
    assert {column for _, column in distances} == {*COLUMNS, "kind", PREDICTION}
    assert {version for version, _ in distances} == {"v1"}
    assert all(value < 0.02 for value in distances.values())
    assert all(value > 0.01 for value in p_values.values())


def test_shifted_column_and_its_prediction_drift(make: Make) -> None:
    client = make()
    moved = rows(1_000, a=1.0)
    moved["kind"] = np.where(RANDOM.random(1_000) < 0.5, "blue", None)
    moved.loc[:100, "kind"] = "red"
    send(client, moved)
    distances, p_values = drift(client), drift(client, "mmf_drift_p_value")
    for column in ("a", "kind", PREDICTION):
        assert distances["v1", column] > 0.25, column
        assert p_values["v1", column] < 1e-6, column
    for column in ("b", "c"):
        assert distances["v1", column] < 0.05, column
        assert p_values["v1", column] > 0.01, column


def test_requests_of_one_row_count_as_a_table_does(make: Make) -> None:
    client = make()
    table = rows(MIN_ROWS)
    for record in table.to_dict("records"):
        assert client.post("/score", json=[record]).status_code == 200
    one_by_one = drift(client)
    client = make()
    send(client, table)
    assert drift(client) == one_by_one
    assert len(one_by_one) == 5


def test_target_may_change_its_table_and_its_result(project: Path, make: Make) -> None:
    """What waits to be counted is what came, and what was returned."""
    del make
    registry, table = declare(project), rows(1)
    observe = observer.make_observer(registry)
    assert observe is not None
    context, result = RequestContext("id"), np.array(["yes"])
    for cells in (table, rows(1)[["kind", "c", "b", "a"]]):
        report = observe(registry.targets["score"], {"data": cells})
        assert report is not None
        cells.loc[:, "a"] = 1e9
        cells.loc[:, "kind"] = "blue"
        context.model_version = "v1"
        report(context, result, None)
        result[0] = "other"
    counter = observer.counters()["score", ""]
    (counts,) = counter.counts().values()
    assert counts["a"][-1] < 2
    assert counts["kind"].tolist() == [0, *counts["kind"][1:3], 0]
    assert counts[PREDICTION].sum() == 2
    assert counts[PREDICTION][-1] == 1, "the second result only"


def test_texts_and_lists_are_not_kept() -> None:
    assert observer._small(np.array(["x" * 500, [1], 1.5, None], object)).tolist() == [
        "x" * observer.MAX_LENGTH,
        "[1]",
        1.5,
        None,
    ]


def test_few_rows_have_no_figures_and_errors_do_not_count(make: Make) -> None:
    client = make()
    send(client, rows(MIN_ROWS - 1))
    assert drift(client) == {}
    send(client, rows(MIN_ROWS, c=5_000.0), status=500)
    assert client.post("/other", json="x").status_code == 200
    assert drift(client) == {}
    send(client, rows(1))
    assert len(drift(client)) == 5


def test_large_tables_are_counted_in_part(make: Make) -> None:
    client = make()
    send(client, pd.concat([rows(4_000), rows(4_000, b=3.0)]))
    (counter,) = observer._Current.counters.values()
    (counts,) = counter.counts().values()
    assert counts["b"].sum() == 1_000
    assert drift(client)["v1", "b"] > 0.25, "rows of all of it"


def test_columns_in_another_order_and_texts_of_numbers(make: Make) -> None:
    client = make()
    table = rows(300)
    records = table[["kind", "c", "b", "a"]].astype({"a": str}).to_dict("records")
    assert client.post("/score", json=records).status_code == 200
    mixed = drift(client)
    client = make()
    send(client, table)
    assert mixed == drift(client)


def test_batched_requests_count_too(make: Make) -> None:
    client = make(batch=True)
    send(client, rows(300))
    assert len(drift(client)) == 5


def test_each_version_has_the_profile_of_its_own_model(make: Make, project: Path) -> None:
    """A candidate that was trained on current data has not drifted, but the old version has."""
    del make
    other = project / "candidate"
    other.mkdir()
    moved = rows(2_000, a=2.0)
    mmf.save_model(Model(moved), other / "model.joblib", example=moved.head(), reference=moved)
    stable, candidate = declare(project), declare(other)
    stable.others = {"v2": candidate}
    stable.version = "v1"
    observe = observer.make_observer(stable)
    assert observe is not None
    for version in ("v1", "v2"):
        table = rows(1_000, a=2.0)
        report = observe(stable.targets["score"], {"data": table})
        assert report is not None
        context = RequestContext("id")
        context.model_version = version
        report(context, candidate.targets["score"].function(table), None)
    values = {
        labels[1:]: value
        for gauge in observer.gauges()
        for labels, value in gauge.values.items()
        if gauge.name == "mmf_drift_psi"
    }
    assert {version for version, _ in values} == {"v1", "v2"}
    assert values["v1", "a"] > 1
    assert values["v2", "a"] < 0.1
    assert values["v2", PREDICTION] < 0.1


def test_version_without_a_profile_has_no_figures(
    project: Path, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    del make
    stable, candidate = declare(project), mmf.Registry()
    candidate.folder = project / "nowhere"
    stable.others = {"v2": candidate}
    observe = observer.make_observer(stable)
    assert observe is not None
    assert "no drift is counted for v2" in caplog.text
    report = observe(stable.targets["score"], {"data": rows(500)})
    assert report is not None
    context = RequestContext("id")
    context.model_version = "v2"
    report(context, np.array(["yes"] * 500), None)
    assert [*observer.gauges()] == []


def test_tasks_are_counted(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path / "tasks"))
    client = make()
    body = rows(300).to_csv(index=False)
    headers = {"Prefer": "respond-async", "Content-Type": "text/csv"}
    assert client.post("/score", data=body, headers=headers).status_code == 202
    assert drift(client) == {}
    store = TaskService.of(client.application).store
    claimed = store.claim("here", 1)
    assert claimed is not None
    with store.open_input(claimed) as body:
        assert run_task(client.application, claimed, body).status == "succeeded"
    store.close()
    assert len(drift(client)) == 5


def test_panel_of_the_page_has_the_figures(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCHEMA, "c", mmf.Column(float, private=True))
    client = make()
    assert client.get("/page/panels/en").get_json()["panels"] == {}
    send(client, rows(10))
    (panel,) = client.get("/page/panels/en").get_json()["panels"]["drift"]
    assert panel == {"target": "score", "version": "v1", "rows": 10, "least": 200, "columns": []}
    send(client, rows(1_000, b=2.0))
    (panel,) = client.get("/page/panels/en").get_json()["panels"]["drift"]
    names = [each["column"] for each in panel["columns"]]
    assert names[0] == "b"
    assert set(names) == {"a", "b", "kind", PREDICTION}, "nothing of a private column"
    by_name = {each["column"]: each for each in panel["columns"]}
    assert by_name["b"]["verdict"] == "drifted"
    assert by_name["a"]["verdict"] == "same"
    assert by_name["kind"]["bins"] == [None, "white", "red", None]
    assert by_name["b"]["bins"][0] is None
    assert by_name["b"]["bins"][-1].startswith("> ")
    for each in panel["columns"]:
        assert len(each["bins"]) == len(each["expected"]) == len(each["actual"])
        assert sum(each["actual"]) == pytest.approx(1)
        assert each["psi"] == drift(client)["v1", each["column"]]


def test_versions_are_separate() -> None:
    both = Window(2, 60.0)
    for version, places in (("v1", [0]), ("v2", [1] * 5), ("v1", [0, 1]), ("v3", [0, 1, 1])):
        both.add(version, np.array(places))
    assert {name: counts.tolist() for name, counts in both.sums().items()} == {
        "v1": [2, 1],
        "v2": [0, 5],
    }


def test_processes_share_a_window() -> None:
    both = Window(2, 60.0)
    for version, places in (("v2", [0]), ("v1", [1, 1]), ("v2", [0, 1])):
        if not (child := os.fork()):
            both.add(version, np.array(places))
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    both.add("v1", np.array([0]))
    counts = {name: numbers.tolist() for name, numbers in both.sums().items()}
    assert counts == {"v2": [2, 1], "v1": [1, 2]}


def test_window_slides(monkeypatch: pytest.MonkeyPatch) -> None:
    now, places = [1_000.0], np.array([0])
    monkeypatch.setattr(window, "monotonic", lambda: now[0])
    counts = Window(1, 12.0 * PARTS)
    for _ in range(3 * PARTS):
        counts.add("v1", places)
        now[0] += 12.0
    assert counts.sums()["v1"].tolist() == [PARTS - 1]
    now[0] += 12.0 * (PARTS - 1)
    assert counts.sums()["v1"].tolist() == [0]
    now[0] += 1e6
    counts.add("v1", places)
    assert counts.sums()["v1"].tolist() == [1]


def test_drift_is_off_by_default(
    project: Path,  # noqa: ARG001 - the profile is there
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unused(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ObservedExecution, "__init__", unused)
    client = service()
    send(client, rows(300))
    assert drift(client) == {}


@pytest.mark.parametrize("fault", ["absent", "another file's", "broken", "of other columns"])
def test_profile_of_another_file_is_ignored_and_logged(
    fault: str, make: Make, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    profile = profile_of(project / "model.joblib")
    document = json.loads(profile.read_text())
    match fault:
        case "absent":
            profile.unlink()
        case "another file's":
            profile.write_text(json.dumps(document | {"sha256": "0" * 64}))
        case "broken":
            profile.write_text("{")
        case _:
            columns = {"z": document["columns"]["a"]}
            profile.write_text(json.dumps(document | {"columns": columns}))
    caplog.set_level(logging.WARNING, "mmf.drift")
    client = make()
    send(client, rows(300))
    assert drift(client) == {}
    assert "no model has a profile" in caplog.text


@pytest.fixture
def logged(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that logs tables by a service, and returns the folder."""

    def log(*tables: pd.DataFrame) -> Path:
        made: list[Writer] = []
        start = Writer._start
        monkeypatch.setattr(Writer, "_start", lambda self: (start(self), made.append(self)))
        monkeypatch.setenv("MMF_PAYLOAD_LOG", str(project / "log"))
        client = service()
        for table in tables:
            send(client, table)
        for each in made:
            each.close()
        return project / "log"

    return log


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["drift", *map(str, arguments)])
    return done.exit_code, done.output


def test_report_is_computed_from_the_payload_log(
    logged: Callable[..., Path], project: Path
) -> None:
    folder = logged(rows(600, b=1.5), rows(600, b=1.5))
    code, text = run(folder)
    assert (code, text) == (1, "1 of 5 columns have drifted in 1,200 rows: drift.html\n")
    page = (project / "drift.html").read_text(encoding="utf-8")
    assert page.count("<tr><td>") == 5
    assert page.index("<td>b</td>") < page.index("<td>a</td>"), "the largest is first"
    assert '<td>b</td><td class="drifted">' in page
    assert "v1: 1,200" in page
    assert "<script" not in page
    assert run(folder, "--version", "v9", "-o", "none.html")[0] == 2
    assert not (project / "none.html").exists()


def test_report_without_drift_exits_with_0(logged: Callable[..., Path], project: Path) -> None:
    folder = logged(rows(900))
    code, text = run(folder, "--model", "model.joblib", "-o", project / "d.html")
    assert code == 0, text
    assert text.startswith("0 of 5 columns")


def test_report_needs_rows_a_log_and_a_profile(logged: Callable[..., Path], project: Path) -> None:
    folder = logged(rows(10))
    assert "expected at least 200 rows" in run(folder)[1]
    assert run("nowhere") == (
        2,
        "Error: nowhere: no such folder; it appears with the first file of the log\n",
    )
    profile_of(project / "model.joblib").unlink()
    assert "expected --model" in run(folder)[1]


def test_private_columns_are_left_out(
    logged: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCHEMA, "kind", mmf.Column(str | None, private=True))
    folder = logged(rows(400))
    assert run(folder)[1].startswith("0 of 4 columns")
    monkeypatch.setenv("MMF_PAYLOAD_LOG_KEY", "sixteen letters or more")
    folder = logged(rows(400))
    assert run(folder)[1].startswith("0 of 4 columns")


@pytest.mark.parametrize(
    "body",
    [
        [{"a": 1}],
        [{"a": 10**400, "b": 1, "c": 1, "kind": "red"}],
        [{"a": [1], "b": {"c": 1}, "c": True, "kind": {}}] * 20,
        [{"a": "x", "b": None, "c": 1, "kind": 5}],
        {"a": 1},
        [],
    ],
)
def test_rejected_calls_are_neither_counted_nor_logged(
    body: object, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    client = make()
    assert client.post("/score", json=body).status_code == 422
    (counter,) = observer._Current.counters.values()
    assert counter._window.sums() == {}
    assert "observer" not in caplog.text
