"""`POST /feedback`: the records of responses, valid and invalid feedback, and metrics."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.feedback import service, writer
from mmf_core.feedback.body import MAX_ROWS
from mmf_core.feedback.database import MIGRATIONS
from mmf_core.feedback.errors import FeedbackUnavailable, UnknownResponse
from mmf_core.feedback.predictions import Predictions
from mmf_core.feedback.service import Feedback
from mmf_core.feedback.settings import FeedbackSettings
from mmf_core.feedback.store import FeedbackStore, ResponseRecord, encoded
from mmf_core.feedback.truth import Outcome
from mmf_core.sqlite_file import SQLiteFile
from mmf_core.web import create_app

TABLE = mmf.DataFrame(schema={"a": float}, format=mmf.JSON)
NUMBER, TEXT = mmf.Float(), mmf.String()
ROWS = [{"a": 1.0}, {"a": 2.0}, {"a": 3.0}]


def declare() -> mmf.Registry:
    registry = mmf.Registry()
    registry.version = "v7"
    target = registry.target

    @target(returns=mmf.DataFrame(format=mmf.JSON), default=True)
    def price(data: Any = TABLE) -> Any:
        return np.array(data["a"]) * 10.0

    @target(returns=mmf.DataFrame(format=mmf.JSON))
    def colour(data: Any = TABLE) -> Any:
        return data.assign(prediction="red", probability=0.9)[["prediction", "probability"]]

    @target(returns=mmf.Dict())
    def explain(x: Any = NUMBER) -> Any:
        return {"probabilities": {"a": x, "b": 1 - x}}

    @target(returns=mmf.Stream(mmf.String()))
    def say(text: Any = TEXT) -> Any:
        yield from text

    return registry


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setenv("MMF_FEEDBACK", "1")
    monkeypatch.setenv("MMF_FEEDBACK_DIR", str(tmp_path / "feedback"))
    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path / "tasks"))
    monkeypatch.setattr(service, "FRESH", 0.0)
    monkeypatch.setattr(service, "_RETRY_PAUSES", ())
    yield create_app(declare())
    feedback().store.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def feedback() -> Feedback:
    current = service.current()
    assert current is not None
    return current


def call(client: FlaskClient, path: str = "/price", body: Any = ROWS) -> str:
    """Call a target; return the id of the response."""
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.headers["X-Request-ID"]


def report(client: FlaskClient, response_id: str, *rows: dict[str, Any]) -> Any:
    return client.post("/feedback", json={"request_id": response_id, "rows": rows})


def metrics(client: FlaskClient) -> dict[str, float]:
    """Return the samples of feedback by their names and labels."""
    lines = client.get("/metrics").text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if line.startswith("mmf_feedback"))
    return {name.removeprefix("mmf_feedback_"): float(value) for name, _, value in pairs}


def sample(target: str, name: str, version: str = "v7") -> str:
    return f'{name}{{target="{target}",version="{version}"}}'


def test_rewards_and_truths_are_counted_by_version(client: FlaskClient) -> None:
    response_id = call(client)
    response = report(client, response_id, {"row": 0, "reward": 1}, {"row": 2, "reward": 0.5})
    assert (response.status_code, response.get_json()) == (
        202,
        {"request_id": response_id, "rows": 2},
    )
    assert (
        report(client, response_id, {"row": 0, "truth": 12}, {"row": 1, "truth": 20}).status_code
        == 202
    )
    values = metrics(client)
    assert values[sample("price", "rewards")] == 2
    assert values[sample("price", "reward_mean")] == 0.75
    assert values[sample("price", "truths")] == 2
    assert values[sample("price", "mae")] == 1.0
    assert sample("price", "accuracy") not in values
    assert sample("price", "calibration_error") not in values
    assert values["dropped"] == 0


def test_classes_have_accuracy_and_calibration_error(client: FlaskClient) -> None:
    response_id = call(client, "/colour")
    rows = [{"row": row, "truth": truth} for row, truth in enumerate(["red", "white", "white"])]
    assert report(client, response_id, *rows).status_code == 202
    values = metrics(client)
    assert values[sample("colour", "accuracy")] == pytest.approx(1 / 3)
    assert values[sample("colour", "calibration_error")] == pytest.approx(0.9 - 1 / 3)
    explained = call(client, "/explain", {"x": 0.25})
    assert report(client, explained, {"row": 0, "truth": "b"}).status_code == 202
    assert metrics(client)[sample("explain", "accuracy")] == 1.0
    assert metrics(client)[sample("explain", "calibration_error")] == pytest.approx(0.25)


def test_last_feedback_on_a_row_counts(client: FlaskClient) -> None:
    response_id = call(client)
    for reward in (1, 0, 0.25):
        assert report(client, response_id, {"row": 0, "reward": reward}).status_code == 202
    for truth in (10, 13):
        assert report(client, response_id, {"row": 0, "truth": truth}).status_code == 202
    both = report(
        client, response_id, {"row": 0, "reward": 0.5, "truth": 14}, {"row": 0, "reward": 0.75}
    )
    assert both.status_code == 202
    values = metrics(client)
    assert (values[sample("price", "rewards")], values[sample("price", "reward_mean")]) == (1, 0.75)
    assert (values[sample("price", "truths")], values[sample("price", "mae")]) == (1, 4.0)


V2_BODY = {"inputs": [{"name": "a", "shape": [3], "datatype": "FP64", "data": [1.0, 2.0, 3.0]}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/price", ROWS),
        ("/invocations", {"dataframe_records": ROWS}),
        ("/v2/models/price/infer", V2_BODY),
    ],
)
def test_responses_of_every_protocol_accept_feedback(
    client: FlaskClient, path: str, body: Any
) -> None:
    assert report(client, call(client, path, body), {"row": 2, "truth": 30}).status_code == 202
    assert metrics(client)[sample("price", "mae")] == 0


def test_v2_response_accepts_feedback_by_either_id(client: FlaskClient) -> None:
    response = client.post("/v2/models/price/infer", json=V2_BODY | {"id": "mine ü"})
    assert response.get_json()["id"]
    for response_id in ("mine ü", response.headers["X-Request-ID"]):
        assert report(client, response_id, {"row": 0, "truth": 10}).status_code == 202, response_id
    assert metrics(client)[sample("price", "truths")] == 1


def test_task_accepts_feedback_by_either_id(app: Flask, client: FlaskClient) -> None:
    from mmf_core.tasks.runner import run_task
    from mmf_core.tasks.service import TaskService

    response = client.post("/price", json=ROWS, headers={"Prefer": "respond-async"})
    store = TaskService.of(app).store
    claimed = store.claim("here", 1)
    assert claimed is not None
    with store.open_input(claimed) as body:
        assert run_task(app, claimed, body).status == "succeeded"
    for response_id in (response.get_json()["id"], response.headers["X-Request-ID"]):
        assert report(client, response_id, {"row": 1, "truth": 20}).status_code == 202
    assert metrics(client)[sample("price", "truths")] == 1
    store.close()


def test_stream_accepts_rewards_only(client: FlaskClient) -> None:
    response = client.post("/say", json={"text": "hello"})
    assert response.data
    response_id = response.headers["X-Request-ID"]
    assert report(client, response_id, {"row": 0, "reward": 1}).status_code == 202
    problem = assert_problem(
        report(client, response_id, {"row": 0, "truth": "x"}), 422, "has no prediction"
    )
    assert problem["errors"][0]["row"] == 0


def test_error_response_accepts_no_feedback(client: FlaskClient) -> None:
    response = client.post("/price", json=[{"a": "x"}])
    assert response.status_code == 422
    response_id = response.headers["X-Request-ID"]
    assert_problem(
        report(client, response_id, {"row": 0, "reward": 1}), 404, "no response has the id"
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"row": 3, "reward": 1}], "rows[0]: the response has no row 3; it has 3"),
        (
            [{"row": 0, "reward": 1}, {"row": 9**99, "reward": 1}],
            "rows[1]: the response has no row",
        ),
        (
            [{"row": -1, "reward": 1}],
            "expected the number of a row of the response, from 0, got -1",
        ),
        ([{"row": "0", "reward": 1}], 'from 0, got "0"'),
        ([{"row": True, "reward": 1}], "from 0, got true"),
        ([{"reward": 1}], "from 0, got null"),
        ([{"row": 0}], "expected a reward or the truth"),
        ([{"row": 0, "reward": None}], "expected a reward or the truth"),
        ([{"row": 0, "reward": 1.5}], "expected a number from 0 to 1, got 1.5"),
        ([{"row": 0, "reward": -0.5}], "expected a number from 0 to 1, got -0.5"),
        ([{"row": 0, "reward": "1"}], 'expected a number from 0 to 1, got "1"'),
        ([{"row": 0, "reward": True}], "expected a number from 0 to 1, got true"),
        ([{"row": 0, "truth": [1]}], "expected a number, true, false or a short text"),
        ([{"row": 0, "truth": 10**30}], "expected a number, true, false or a short text"),
        ([{"row": 0, "truth": 10**400}], "rows[0].truth: expected a number, got 1000"),
        ([{"row": 0, "truth": "x" * 201}], "expected a number, true, false or a short text"),
        ([{"row": 0, "truth": "10"}], "expected a number, as the prediction is"),
        ([{"row": 0, "truth": True}], "expected a number, as the prediction is, got true"),
        ([{"row": 0, "rewards": 1}], 'unknown member "rewards"'),
        ([1], "expected {"),
        ([], "rows: expected [{"),
        ({}, "rows: expected [{"),
    ],
)
def test_invalid_rows_are_rejected(client: FlaskClient, rows: Any, words: str) -> None:
    body = {"request_id": call(client), "rows": rows}
    assert_problem(client.post("/feedback", json=body), 422, words)
    assert sample("price", "rewards") not in metrics(client), "nothing is stored"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_rejected(client: FlaskClient, number: str) -> None:
    for name in ("reward", "truth"):
        rows = f'[{{"row": 0, "{name}": {number}}}]'
        body = f'{{"request_id": "{call(client)}", "rows": {rows}}}'
        problem = assert_problem(client.post("/feedback", data=body), 422, f"rows[0].{name}")
        assert "send a finite number" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "not valid JSON"),
        (b'{"request_id": "NaN"', 400, "not valid JSON"),
        (b"[]", 422, 'expected {"request_id"'),
        (b'{"rows": []}', 422, "expected the X-Request-ID of a response"),
        (b'{"request_id": 7, "rows": []}', 422, "expected the X-Request-ID of a response"),
        (b'{"request_id": "", "rows": []}', 422, "expected the X-Request-ID of a response"),
        (
            b'{"request_id": "a", "rows": [{"row": 0, "reward": 1}], "more": 1}',
            422,
            'unknown member "more"',
        ),
        (
            b'{"request_id": "a", "request_id": "b", "rows": [{"row": 0, "reward": 1}]}',
            422,
            'expected each name once, got "request_id" twice',
        ),
        (
            b'{"request_id": "a", "rows": [{"row": 0, "reward": 1, "reward": 0}]}',
            422,
            'expected each name once, got "reward" twice',
        ),
        (
            b'{"request_id": "nobody\'s", "rows": [{"row": 0, "reward": 1}]}',
            404,
            'no response has the id "nobody',
        ),
    ],
)
def test_invalid_bodies_are_rejected(
    client: FlaskClient, body: bytes, status: int, words: str
) -> None:
    assert_problem(client.post("/feedback", data=body), status, words, path="/feedback")


def test_body_with_too_many_rows_is_rejected(client: FlaskClient) -> None:
    rows = ",".join(['{"row":0,"reward":1}'] * 1_000_000)
    body = f'{{"request_id": "{call(client)}", "rows": [{rows}]}}'
    assert_problem(client.post("/feedback", data=body), 413, "at most 10,000 rows")
    numbers = ",".join(["1"] * (MAX_ROWS + 1))
    body = f'{{"request_id": "x", "rows": [{numbers}]}}'
    assert_problem(client.post("/feedback", data=body), 413, "at most 10,000 rows")


def test_feedback_is_off_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_FEEDBACK_DIR", str(tmp_path / "feedback"))
    client = create_app(declare()).test_client()
    response_id = call(client)
    assert_problem(report(client, response_id, {"row": 0, "reward": 1}), 403, "set MMF_FEEDBACK=1")
    assert metrics(client) == {}
    assert not (tmp_path / "feedback").exists()


def test_feedback_survives_a_restart(client: FlaskClient) -> None:
    response_id = call(client)
    assert report(client, response_id, {"row": 0, "reward": 1}).status_code == 202
    before = metrics(client)
    feedback().store.close()
    service._Current.feedback = None
    client = create_app(declare()).test_client()
    assert metrics(client) == before
    assert report(client, response_id, {"row": 1, "reward": 0}).status_code == 202
    assert metrics(client)[sample("price", "reward_mean")] == 0.5


def new_record(**changes: Any) -> ResponseRecord:
    content = encoded(Predictions(1, [1]))
    return replace(ResponseRecord("a", "", "score", "v1", time.time(), 1, content), **changes)


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., FeedbackStore]:
    def make(**settings: Any) -> FeedbackStore:
        return FeedbackStore(FeedbackSettings(folder=str(tmp_path / "f"), **settings))

    return make


def test_repeated_id_refers_to_the_last_response(
    make_store: Callable[..., FeedbackStore],
) -> None:
    store = make_store()
    store.add(
        [new_record(), new_record(version="v2"), new_record(id="b", client_id="a", version="v3")], 0
    )
    store.add([new_record(version="v4")], 0)
    stored = store.find("a")
    assert stored is not None
    store.record(stored, [(0, 1.0)], [])
    assert [*store.sums()] == [("score", "v4")]


def test_expired_responses_are_removed(
    make_store: Callable[..., FeedbackStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(keep=3600.0)
    old = [new_record(id=f"old {number}", at=time.time() - 7200) for number in range(250)]
    store.add([*old, new_record(id="new")], 0)
    for name in ("old 0", "new"):
        stored = store.find(name)
        assert stored is not None
        store.record(stored, [(0, 1.0)], [(0, Outcome(hit=True, bin=9, probability=0.95))])
    before = store.find("old 1")
    assert before is not None
    monkeypatch.setattr("mmf_core.feedback.store.EXPIRE_INTERVAL", 0.0)
    store.add([], 0)
    assert store.find("old 0") is None
    assert store.find("new") is not None
    sums = store.sums()["score", "v1"][9]
    assert (sums.rewards, sums.classes, sums.hits) == (1, 1, 1)
    assert sums.probability == pytest.approx(0.95)
    with pytest.raises(UnknownResponse):
        store.record(before, [(0, 1.0)], [])


def test_database_size_is_bounded(make_store: Callable[..., FeedbackStore]) -> None:
    store = make_store(max_kept=500_000)
    for group in range(40):
        records = [
            new_record(id=f"{group} {number}", predictions=b"[" * 500) for number in range(100)
        ]
        store.add(records, 0)
    assert store.find("0 0") is None
    assert store._file.path.stat().st_size < 800_000
    connection = sqlite3.connect(store._file.path)
    assert 300 < connection.execute("SELECT count(*) FROM responses").fetchone()[0] < 1_000
    connection.close()


def test_bandit_keeps_rewards_of_removed_responses(
    make_store: Callable[..., FeedbackStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(keep=3600.0)
    store.add([new_record(id="before")], 0)
    assert store.arms("rollout", ["v1", "v2"]) == {"v1": (0, 0.0), "v2": (0, 0.0)}
    store.add([new_record(id="1", at=0.0), new_record(id="2", version="v2", at=0.0)], 0)
    for name, reward in {"before": 1.0, "1": 0.25, "2": 1.0}.items():
        stored = store.find(name)
        assert stored is not None
        store.record(stored, [(0, 1.0)], [])
        store.record(stored, [(0, reward)], [(0, Outcome(error=1.0))])
    expected = {"v1": (1, 0.25), "v2": (1, 1.0)}
    assert store.arms("rollout", []) == expected
    monkeypatch.setattr("mmf_core.feedback.store.EXPIRE_INTERVAL", 0.0)
    store.add([], 0)
    assert store.find("1") is None
    store.close()
    assert store.arms("rollout", ["v1", "v2"]) == expected
    assert store.arms("another", ["v1", "v2"]) == {"v1": (0, 0.0), "v2": (0, 0.0)}


def test_truth_and_reward_are_accepted_in_either_order(
    make_store: Callable[..., FeedbackStore],
) -> None:
    """A row moves from one bin to another when it gets a probability."""
    store = make_store()
    store.add([new_record(id="a"), new_record(id="b")], 0)
    stored = [store.find(name) for name in "ab"]
    outcomes = [(0, Outcome(hit=True, bin=3, probability=0.35))]
    for response, order in zip(stored, ([1, 0], [0, 1]), strict=True):
        assert response is not None
        for is_reward in order:
            store.record(response, [(0, 0.5)] * is_reward, outcomes * (1 - is_reward))
    bins = store.sums()["score", "v1"]
    assert (bins[3].rewards, bins[3].reward, bins[3].hits) == (2, 1.0, 2)
    assert [(sums.rewards, sums.classes) for number, sums in bins.items() if number != 3] in (
        [],
        [(0, 0)],
    )


def test_responses_beyond_the_queue_are_dropped_and_counted(
    make_store: Callable[..., FeedbackStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 2_000)
    monkeypatch.setattr(writer, "LINGER", 3600.0)
    store = make_store()
    queue = writer.ResponseWriter(store)
    for number in range(10):
        queue.put(new_record(id=str(number)))
    queue.write()
    assert store.dropped() == 6
    assert store.find("3") is not None
    assert store.find("4") is None


def test_full_disk_fails_no_request(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    call(client)
    feedback().writer.write()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(feedback().store._file, "write", full)
        response_ids = [call(client) for _ in range(3)]
        for _ in response_ids:
            feedback().writer.write()
        (line,) = [record.message for record in caplog.records if "recorded" in record.message]
        assert line == (
            "responses are not recorded: feedback cannot be stored (set MMF_FEEDBACK_DIR): "
            "database or disk is full"
        )
    assert_problem(report(client, response_ids[0], {"row": 0, "reward": 1}), 404)
    assert metrics(client)["dropped"] == 3


def test_folder_that_cannot_be_created_is_a_503(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MMF_FEEDBACK_DIR", str(tmp_path / "file" / "folder"))
    client = create_app(declare()).test_client()
    response_id = call(client)
    response = report(client, response_id, {"row": 0, "reward": 1})
    assert_problem(response, 503, "set MMF_FEEDBACK_DIR")
    assert client.get("/metrics").status_code == 200


def test_responses_are_recorded_by_a_thread(client: FlaskClient) -> None:
    response_ids = [call(client) for _ in range(50)]
    end = time.monotonic() + 30
    while feedback().store.find(response_ids[-1]) is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert "mmf-feedback" in {thread.name for thread in threading.enumerate()}
    connection = sqlite3.connect(feedback().settings.file)
    assert connection.execute("SELECT count(*) FROM responses").fetchone()[0] == 50
    connection.close()


def test_openapi_describes_feedback(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    body = document["paths"]["/feedback"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["rows"]["maxItems"] == MAX_ROWS


def test_database_of_a_newer_version_is_refused(
    make_store: Callable[..., FeedbackStore],
) -> None:
    store = make_store()
    store.add([new_record()], 0)
    store.close()
    connection = sqlite3.connect(store._file.path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(FeedbackUnavailable, match="newer version"):
        store.find("a")


def test_database_of_the_first_version_is_migrated(
    make_store: Callable[..., FeedbackStore],
) -> None:
    store = make_store()
    old = SQLiteFile(store._file.path, MIGRATIONS[:1])
    old.write(lambda connection: connection.execute("INSERT INTO served VALUES (1, 'score', 'v1')"))
    response = (time.time(), new_record().predictions)
    sql = "INSERT INTO answers VALUES (1, 'a', NULL, 1, ?, 1, ?)"
    old.write(lambda connection: connection.execute(sql, response))
    old.close()
    stored = store.find("a")
    assert stored is not None
    store.record(stored, [(0, 1.0)], [])
    assert [*store.sums()] == [("score", "v1")]
    assert store.dropped() == 0


@pytest.mark.usefixtures("app")
def test_response_without_a_result_accepts_rewards() -> None:
    registry = mmf.Registry()

    @registry.target
    def forget(text: Any = TEXT) -> None:
        del text

    client = create_app(registry).test_client()
    response = client.post("/forget", json={"text": "x"})
    assert response.status_code == 204
    reported = report(client, response.headers["X-Request-ID"], {"row": 0, "reward": 1})
    assert reported.status_code == 202


REPORTED = st.tuples(
    st.integers(0, 3),
    st.integers(0, 2),
    st.none() | st.sampled_from([0.0, 0.25, 1.0]),
    st.none()
    | st.builds(Outcome, error=st.sampled_from([0.5, 2.0]))
    | st.builds(Outcome, hit=st.booleans(), bin=st.integers(-1, 9), probability=st.just(0.5)),
)


@given(st.lists(REPORTED, max_size=40), st.integers(0, 4))
def test_sums_match_the_rows(reported: list[Any], removed: int) -> None:
    """For any feedback, changes and removals, in any order."""
    with TemporaryDirectory() as folder:
        store = FeedbackStore(FeedbackSettings(folder=folder))
        store.add([new_record(id=str(number), version=f"v{number % 2}") for number in range(4)], 0)
        assert store.arms("rollout", []) == {}
        store.arms("rollout", ["v0", "v1"])
        store.add(
            [new_record(id=str(number), version=f"v{number % 2}") for number in range(2, 4)], 0
        )
        for number, row, reward, result in reported:
            stored = store.find(str(number))
            assert stored is not None
            rewards = [] if reward is None else [(row, reward)]
            store.record(stored, rewards, [] if result is None else [(row, result)])
        learned = [
            store._rows(
                "SELECT count(reward), total(reward) FROM feedback JOIN served ON "
                "served.id = feedback.served WHERE version = ? AND response > 4",
                version,
            )[0]
            for version in ("v0", "v1")
        ]
        store._rows("DELETE FROM responses WHERE seq <= ?", removed)
        expected = {
            (served, number): values
            for served, number, *values in store._rows(
                "SELECT served, bin, count(reward), total(reward), count(hit), total(hit), "
                "count(error), total(error), total(probability) FROM feedback GROUP BY 1, 2"
            )
        }
        for served, number, *values in store._rows("SELECT * FROM sums"):
            assert values == pytest.approx(expected.pop((served, number), [0] * 7))
        assert expected == {}
        assert [*store.arms("rollout", []).values()] == learned
        store.close()


def test_version_without_stored_responses_has_no_metrics(
    make_store: Callable[..., FeedbackStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(keep=3600.0)
    store.add([new_record(id="old", at=time.time() - 7200), new_record(id="new", version="v2")], 0)
    for name in ("old", "new"):
        stored = store.find(name)
        assert stored is not None
        store.record(stored, [(0, 1.0)], [])
    assert {version for _, version in store.sums()} == {"v1", "v2"}
    monkeypatch.setattr("mmf_core.feedback.store.EXPIRE_INTERVAL", 0.0)
    store.add([], 0)
    assert {version for _, version in store.sums()} == {"v2"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children),
    max_leaves=8,
)
ENTRIES = JSON | st.dictionaries(st.sampled_from(["row", "reward", "truth", "more"]), JSON)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    JSON
    | st.fixed_dictionaries(
        {"request_id": JSON | st.just("mine"), "rows": JSON | st.lists(ENTRIES, max_size=4)}
    )
)
def test_no_body_causes_a_server_error(client: FlaskClient, body: Any) -> None:
    """Including Python's spelling of numbers that JSON lacks."""
    client.post("/price", json=ROWS, headers={"X-Request-ID": "mine"})
    response = client.post("/feedback", data=json.dumps(body))
    assert response.status_code in {202, 400, 404, 422}, response.text


def test_cross_site_page_cannot_send_feedback(client: FlaskClient) -> None:
    body = {"request_id": call(client), "rows": [{"row": 0, "reward": 1}]}
    headers = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/feedback", json=body, headers=headers).status_code == 403
    assert sample("price", "rewards") not in metrics(client)
