"""A token names targets: one rule for all routes to a target, its tasks and its feedback."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from signing import Signer

from mmf_core.feedback import service as feedback_service
from mmf_core.tasks.runner import run_task
from mmf_core.tasks.service import TaskService
from mmf_core.web.request_context import RequestContext, enter_target, set_context

JSON_BODY = {"x": 1.5}
V2_BODY = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1.5]}]}
V2_TABLE = {
    "inputs": [{"name": "secret_column", "shape": [1], "datatype": "FP64", "data": [1.5]}],
}
MLFLOW_TABLE = {"dataframe_records": [{"secret_column": 1.5}]}
ASYNC = {"Prefer": "respond-async"}
CALLS = [
    ("POST", "/{}", {"json": JSON_BODY}),
    ("POST", "/{}?x=1.5", {}),
    ("POST", "/{}", {"data": {"x": "1.5"}, "content_type": "multipart/form-data"}),
    ("GET", "/{}", {}),
    ("HEAD", "/{}", {}),
    ("POST", "/invocations/{}", {"json": {"inputs": [1.5]}}),
    ("GET", "/v2/models/{}", {}),
    ("GET", "/v2/models/{}/ready", {}),
    ("GET", "/v2/models/{}/versions/1", {}),
    ("GET", "/v2/models/{}/versions/1/ready", {}),
    ("POST", "/v2/models/{}/infer", {"json": V2_BODY}),
    ("POST", "/v2/models/{}/versions/1/infer", {"json": V2_BODY}),
    ("POST", "/{}", {"json": JSON_BODY, "headers": ASYNC}),
    ("POST", "/{}?as_task=true", {"json": JSON_BODY, "headers": {"TASK-ID": "mine"}}),
    ("GET", "/page/example/{}/x.csv", {}),
    ("POST", "/page/rows/{}", {}),
    ("POST", "/page/rows/{}/x", {}),
]


def call(client: FlaskClient, method: str, path: str, options: dict[str, Any], token: Any) -> Any:
    headers = {**options.get("headers", {}), **token}
    return client.open(path, method=method, **{**options, "headers": headers})


@pytest.mark.parametrize(("method", "path", "options"), CALLS)
def test_target_needs_a_token_that_names_it(
    client: FlaskClient, signer: Signer, method: str, path: str, options: dict[str, Any]
) -> None:
    for target, scope, is_refused in (
        ("score", ["score"], False),
        ("score", ["*"], False),
        ("score2", ["score"], True),
        ("score", ["score2"], True),
        ("score", [], True),
        ("nothing", ["score"], True),
        ("nothing", ["*"], False),
        ("score%32", ["score"], True),
        ("%73core", ["score"], False),
    ):
        if target == "nothing" and path.startswith("/{}"):
            continue  # not a route: 404
        response = call(client, method, path.format(target), options, signer.headers(targets=scope))
        assert (response.status_code == 403) == is_refused, (target, scope, response.text)


def test_default_target_needs_a_token_that_names_it(client: FlaskClient, signer: Signer) -> None:
    """The path names no target, so the check is made when the target is called."""
    for scope, status in ((["score"], 200), (["score2"], 403), ([], 403), (["*"], 200)):
        options = {"json": {"inputs": 1.5}}
        response = call(client, "POST", "/invocations", options, signer.headers(targets=scope))
        assert response.status_code == status, response.text


def test_every_call_of_a_target_is_checked(
    signer: Signer, make_service: Callable[[], Flask]
) -> None:
    """This covers a protocol without a check of its own: each enters its target."""
    app = make_service()
    del signer

    class Nobody:
        name, targets, claims = "nobody", frozenset[str](), dict[str, Any]()

        def check_target(self, route: str) -> None:
            raise PermissionError(route)

    context = RequestContext("-")
    context.caller = Nobody()
    set_context(context)
    for execution in TaskService.of(app).calls.values():
        with pytest.raises(PermissionError):
            enter_target(execution.target)


def test_lists_have_the_callers_targets_only(client: FlaskClient, signer: Signer) -> None:
    limited, full = signer.headers(targets=["score"]), signer.headers()

    def models(headers: dict[str, str]) -> tuple[list[str], list[str]]:
        index = client.post("/v2/repository/index", headers=headers).get_json()
        names = [model["name"] for model in index]
        return client.get("/v2/models", headers=headers).get_json()["models"], names

    assert models(full) == (["score", "score2", "wide"],) * 2
    assert models(limited) == (["score"],) * 2
    for path in ("/openapi.json", "/page/content"):
        whole = client.get(path, headers=full).text
        part = client.get(path, headers=limited).text
        assert all(word in whole for word in ("score2", "secret_column", "a secret of score2"))
        assert not any(word in part for word in ("score2", "secret_column", "wide"))
        assert "score" in part
        assert client.get(path, headers=full).text == whole
        assert client.get(path, headers=signer.headers(groups=["predict"])).status_code == 403


@pytest.fixture
def tasks(signer: Signer, make_service: Callable[[], Flask]) -> Iterator[tuple[Flask, FlaskClient]]:
    """Yield a service with finished tasks of `score` and `score2`."""
    app = make_service()
    client = app.test_client()
    for target in ("score", "score2"):
        headers = {**ASYNC, "TASK-ID": f"of-{target}", **signer.headers()}
        response = client.post(f"/{target}", json=JSON_BODY, headers=headers)
        assert response.status_code == 202, response.text
    store = TaskService.of(app).store
    while task := store.claim("worker", 1):
        with store.open_input(task) as body:
            assert store.finish(task, run_task(app, task, body))
    yield app, client
    store.close()


def test_tasks_of_other_targets_are_refused(
    tasks: tuple[Flask, FlaskClient], signer: Signer
) -> None:
    _, client = tasks
    limited = signer.headers(targets=["score"])
    for path, method, status in (
        ("/tasks/{}", "GET", 200),
        ("/tasks/{}/log", "GET", 200),
        ("/tasks/{}/result", "GET", 200),
        ("/tasks/{}/cancel", "POST", 409),
        ("/tasks/{}", "DELETE", 409),
        ("/tasks?after={}", "GET", 200),
        ("/log/?task_id={}", "GET", 200),
    ):
        for target, expected in (("score", status), ("score2", 403)):
            address = path.format(f"of-{target}")
            response = client.open(address, method=method, headers=limited)
            assert response.status_code == expected, (method, address, response.text)
    for method in ("DELETE", "GET"):
        for target, expected in (("score2", 403), ("score", 409 if method == "DELETE" else 200)):
            headers = {**limited, "TASK-ID": f"of-{target}"}
            query = "?auto_remove=false" if method == "GET" else ""
            response = client.open(f"/task{query}", method=method, headers=headers)
            assert response.status_code == expected, (method, target, response.text)


def test_task_list_has_the_callers_targets_only(
    tasks: tuple[Flask, FlaskClient], signer: Signer
) -> None:
    _, client = tasks
    limited, full = signer.headers(targets=["score"]), signer.headers()

    def ids(headers: dict[str, str], query: str = "") -> list[str]:
        page = client.get(f"/tasks{query}", headers=headers).get_json()
        assert page["done"] == [task["id"] for task in page["tasks"]]
        return page["done"]

    assert ids(full) == ["of-score2", "of-score"]
    assert ids(limited) == ["of-score"]
    assert ids(limited, "?target=score2") == []
    assert ids(limited, "?status=succeeded&limit=1") == ["of-score"]
    assert ids(signer.headers(targets=[])) == []
    assert client.delete("/tasks?only_done=true", headers=limited).status_code == 403
    assert len(ids(full)) == 2
    assert client.delete("/tasks?only_done=true", headers=full).status_code == 200
    assert ids(full) == []


def test_tasks_run_without_a_token(tasks: tuple[Flask, FlaskClient], signer: Signer) -> None:
    """The service calls the target itself, as the token may have expired by then."""
    _, client = tasks
    response = client.get("/tasks/of-score2/result", headers=signer.headers())
    assert response.get_json() == {"result": 4.5}


def test_feedback_for_other_targets_is_refused(
    signer: Signer,
    make_service: Callable[[], Flask],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("MMF_FEEDBACK", "1")
    monkeypatch.setenv("MMF_FEEDBACK_DIR", str(tmp_path / "f"))
    client = make_service().test_client()
    for target in ("score", "score2"):
        headers = {"X-Request-ID": f"of-{target}", **signer.headers()}
        assert client.post(f"/{target}", json=JSON_BODY, headers=headers).status_code == 200
    limited = signer.headers(targets=["score"])
    for target, status in (("score", 202), ("score2", 403)):
        body = {"request_id": f"of-{target}", "rows": [{"row": 0, "reward": 1.0}]}
        response = client.post("/feedback", json=body, headers=limited)
        assert response.status_code == status, response.text
    feedback_service._Current.feedback = None
