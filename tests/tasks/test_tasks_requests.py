"""Every target as a task, in every format: submitted, validated immediately, run like a call."""

import gzip
import io
import shutil
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from task_services import ASYNC, Queue, declare

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.settings import MIB
from mmf_core.tasks import routes
from mmf_core.tasks.errors import TasksUnavailable
from mmf_core.web import create_app

CSV = {"data": b"id,a\nx,1.5\n", "content_type": "text/csv"}


def assert_own_problem(queue: Queue, task: dict[str, Any], status: int, words: str) -> str:
    """Check that a task's result is its error; return the error's text."""
    response = queue.client.get(task["urls"]["result"])
    problem = response.get_json()
    assert response.content_type == "application/problem+json"
    assert (response.status_code, problem["status"]) == (status, status)
    assert problem["instance"] == task["urls"]["self"]
    assert problem["request_id"] != response.headers["X-Request-ID"]  # that of the task's own lines
    assert words in problem["detail"]
    assert queue.client.get(task["urls"]["self"]).get_json()["error"] == problem
    return response.text


def test_task_is_the_object_of_the_contract(queue: Queue) -> None:
    response = queue.client.post("/double", headers=ASYNC, **CSV)
    task = response.get_json()
    assert response.status_code == 202
    assert response.headers["Location"] == task["urls"]["self"] == f"/tasks/{task['id']}"
    assert response.headers["Preference-Applied"] == "respond-async"
    assert task | {"id": "", "created_at": "", "urls": {}} == {
        "id": "",
        "target": "double",
        "status": "queued",
        "created_at": "",
        "started_at": None,
        "completed_at": None,
        "progress": None,
        "message": "",
        "position": 0,
        "attempts": 0,
        "error": None,
        "metrics": {"predict_time": None},
        "urls": {},
    }
    assert queue.submit("nothing")["position"] == 1
    assert queue.work() == 2
    done = queue.client.get(task["urls"]["self"]).get_json()
    assert (done["status"], done["progress"], done["attempts"]) == ("succeeded", 1.0, 1)
    assert done["created_at"] <= done["started_at"] <= done["completed_at"]
    assert done["metrics"]["predict_time"] > 0


def test_result_is_available_in_every_format(queue: Queue) -> None:
    task = queue.submit("double", **CSV)
    queue.work()
    url = task["urls"]["result"]
    assert queue.client.get(url).text == "id,a\nx,3.0\n"
    assert queue.client.get(f"{url}?format=json").get_json() == [{"id": "x", "a": 3.0}]
    sheet = queue.client.get(url, headers={"Accept": mmf.XLSX.media_type})
    assert pd.read_excel(io.BytesIO(sheet.data), engine="calamine").to_dict("records") == [
        {"id": "x", "a": 3.0}
    ]
    assert_problem(queue.client.get(f"{url}?format=png"), 406, "expected one of csv")


def test_format_that_cannot_hold_a_result_is_rejected_and_the_task_is_kept(queue: Queue) -> None:
    task = queue.submit("cube", json=[2, 2, 2])
    queue.work()
    assert_problem(queue.client.get(task["urls"]["result"] + "?format=csv"), 406, "accept")
    assert queue.client.get(task["urls"]["result"]).status_code == 200


def test_form_is_a_task_too_and_is_the_same_with_another_boundary(queue: Queue) -> None:
    def send(left: bytes) -> Any:
        data = {"left": (io.BytesIO(left), "a.txt"), "right": "7"}
        return queue.client.post("/both", data=data, headers=ASYNC | {"TASK-ID": "mine"})

    first, second = send(b"left"), send(b"left")
    assert (first.status_code, second.status_code) == (202, 202)
    assert_problem(send(b"other"), 409, "that of another task")
    assert queue.work() == 1
    assert queue.client.get("/tasks/mine/result").get_json() == {"result": "left7"}
    assert send(b"left").get_json()["status"] == "succeeded"


def test_compressed_bodies_queries_and_streams_are_tasks_too(queue: Queue) -> None:
    import gzip

    headers = {"Content-Encoding": "gzip", "Content-Type": "application/octet-stream"}
    compressed = queue.submit("both?right=3", data=gzip.compress(b"left"), headers=headers)
    words, nothing = queue.submit("words"), queue.submit("nothing")
    queue.work()
    assert queue.client.get(compressed["urls"]["result"]).get_json() == {"result": "left3"}
    accept = {"Accept": "application/x-ndjson"}
    lines = queue.client.get(words["urls"]["result"], headers=accept)
    assert lines.text.split() == ['"one"', '"two"']
    assert queue.client.get(nothing["urls"]["result"]).status_code == 204


@pytest.mark.parametrize(
    ("target", "request_", "status"),
    [
        ("double", {"data": b"id,a\nx,red\n", "content_type": "text/csv"}, 422),
        ("double", {"data": b"a\n1\n", "content_type": "image/png"}, 415),
        ("double", {}, 400),
        ("double?format=png", CSV, 406),
        ("double?errors=pdf", CSV, 422),
        ("double?surprise=1", CSV, 422),
        ("both", {"data": {"right": "7"}}, 422),
        ("missing", CSV, 404),
    ],
)
def test_callers_errors_are_reported_immediately(
    queue: Queue, target: str, request_: dict[str, Any], status: int
) -> None:
    response = queue.client.post(f"/{target}", headers=ASYNC, **request_)
    assert_problem(response, status)
    assert queue.store.counts() == {}


def test_errors_of_a_task_are_those_of_its_call(queue: Queue) -> None:
    own, crash = (queue.submit("broken", json=text) for text in ("own", "other"))
    queue.work()
    assert_own_problem(queue, own, 422, "the house is sold")
    assert "secret" not in assert_own_problem(queue, crash, 500, "its log has the reason")


def test_task_waits_for_its_upstream_and_holds_up_no_other(queue: Queue) -> None:
    waiting, other = queue.submit("broken", json="later"), queue.submit("double", **CSV)
    assert queue.work() == 2
    state = queue.client.get(waiting["urls"]["self"]).get_json()
    assert (state["status"], state["attempts"]) == ("queued", 1)
    assert state["message"] == "the cadastre does not respond"
    assert queue.client.get(other["urls"]["self"]).get_json()["status"] == "succeeded"
    assert not queue.store.has_queued()
    queue.store._database.rows("UPDATE tasks SET retry_at = retry_at - 60")
    assert queue.store.has_queued()
    assert queue.work() == 1
    assert_own_problem(queue, waiting, 503, "the cadastre does not respond")


def test_clock_that_is_set_back_delays_no_further_attempt(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = queue.submit("broken", json="later")
    assert queue.work() == 1
    assert not queue.store.has_queued()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    assert queue.store.has_queued()
    assert queue.work() == 1
    assert queue.client.get(waiting["urls"]["self"]).get_json()["status"] == "failed"


def test_call_without_the_preference_is_not_a_task(queue: Queue) -> None:
    for prefer in ("wait=5", "return=minimal", ""):
        response = queue.client.post("/double", headers={"Prefer": prefer}, **CSV)
        assert response.status_code == 200
    assert queue.store.counts() == {}


def test_result_that_is_ready_in_time_is_the_response(queue: Queue) -> None:
    task_id = queue.submit("double", headers={"Idempotency-Key": '"a b"'}, **CSV)["id"]
    assert task_id == "a b"
    queue.work()
    headers = {"Prefer": "respond-async, wait=5", "TASK-ID": "a b"}
    response = queue.client.post("/double?format=json", headers=headers, **CSV)
    assert_problem(response, 409)  # the query is a part of the request
    response = queue.client.post("/double", headers=headers, **CSV)
    assert (response.status_code, response.text) == (200, "id,a\nx,3.0\n")
    assert response.headers["Location"] == "/tasks/a%20b"
    headers["TASK-ID"], headers["Prefer"] = "other", "respond-async, wait=0"
    assert queue.client.post("/double", headers=headers, **CSV).status_code == 202


@pytest.mark.parametrize("task_id", ["x" * 10_000, "a/b", "..", " . ", "a\x01b", "x" * 201])
def test_ids_that_cannot_be_part_of_a_url_are_rejected(queue: Queue, task_id: str) -> None:
    headers = ASYNC | {"TASK-ID": task_id}
    assert_problem(
        queue.client.post("/double", headers=headers, **CSV), 422, "printable characters"
    )
    for path in (f"/tasks/{task_id}", f"/tasks/{task_id}/result", f"/tasks/{task_id}/log"):
        assert queue.client.get(path).status_code == 404


@pytest.mark.parametrize("task_id", ["задание №1", "x" * 200, "%2e?#", "任务", "a;b=c&d"])
def test_ids_may_have_any_characters(queue: Queue, task_id: str) -> None:
    header = task_id.encode().decode("latin-1")
    task = queue.submit("double", headers={"TASK-ID": header}, **CSV)
    assert task["id"] == task_id
    queue.work()
    assert queue.client.get(task["urls"]["self"]).get_json()["id"] == task_id
    assert queue.client.get(task["urls"]["result"]).text == "id,a\nx,3.0\n"


def test_id_in_another_encoding_is_rejected_and_so_are_two(queue: Queue) -> None:
    response = queue.client.post("/double", headers=ASYNC | {"TASK-ID": "\xe9"}, **CSV)
    assert_problem(response, 422, "UTF-8")
    headers = ASYNC | {"TASK-ID": "a", "Idempotency-Key": "b"}
    assert_problem(queue.client.post("/double", headers=headers, **CSV), 422, "different")


def test_task_that_is_not_done_has_no_result(queue: Queue) -> None:
    task = queue.submit("double", **CSV)
    assert_problem(queue.client.get(task["urls"]["result"]), 409, "the task is queued")
    assert_problem(queue.client.get("/tasks/unknown"), 404, "no task has the id")
    assert_problem(queue.client.post("/tasks/unknown/cancel"), 404)


def test_cancelled_task_never_runs(queue: Queue) -> None:
    first, second = queue.submit("double", **CSV), queue.submit("nothing")
    cancelled = queue.client.post(first["urls"]["cancel"])
    assert (cancelled.status_code, cancelled.get_json()["status"]) == (200, "canceled")
    assert_problem(queue.client.post(first["urls"]["cancel"]), 409, "canceled already")
    assert_problem(queue.client.delete(first["urls"]["self"]), 409)
    assert_problem(queue.client.get(first["urls"]["result"]), 409, "canceled")
    assert queue.work() == 1
    assert_problem(queue.client.delete(second["urls"]["self"]), 409, "succeeded already")


def test_tasks_are_listed_by_pages(queue: Queue) -> None:
    ids = [queue.submit("nothing")["id"] for _ in range(5)]
    queue.work()
    ids += [queue.submit("words")["id"]]
    page = queue.client.get("/tasks?limit=2").get_json()
    assert [task["id"] for task in page["tasks"]] == [ids[5], ids[4]]
    assert (page["next"], page["done"], page["pending"]) == (ids[4], [ids[4]], [ids[5]])
    page = queue.client.get(f"/tasks?limit=10&after={page['next']}").get_json()
    assert [task["id"] for task in page["tasks"]] == ids[3::-1]
    assert page["next"] is None
    queued = queue.client.get("/tasks?status=queued&target=words").get_json()["tasks"]
    assert [task["id"] for task in queued] == [ids[5]]
    for query in ("limit=0", "limit=many", "limit=1001", "status=odd"):
        assert_problem(queue.client.get(f"/tasks?{query}"), 422)
    assert_problem(queue.client.get("/tasks?after=unknown"), 404)


def test_page_of_tasks_gets_all_positions_in_two_statements(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        queue.submit("nothing")
    queue.work()
    names = ["words", "nothing", "words", "nothing", "nothing", "words"]
    ids = [queue.submit(name)["id"] for name in names]
    queue.client.post(f"/tasks/{ids[1]}/cancel")
    rows, statements = queue.store._database.rows, []

    def counted(sql: str, *values: Any) -> list[tuple[Any, ...]]:
        statements.append(sql)
        return rows(sql, *values)

    monkeypatch.setattr(queue.store._database, "rows", counted)
    for query, places in (
        ("", [4, 3, 2, 1, None, 0, None, None]),
        ("?target=words", [4, 1, 0]),
        ("?limit=2", [4, 3]),
        ("?status=succeeded", [None, None]),
        (f"?after={ids[4]}&limit=2", [2, 1]),
    ):
        statements.clear()
        page = queue.client.get(f"/tasks{query}").get_json()["tasks"]
        assert [task["position"] for task in page] == places, query
        assert len(statements) <= 2 + query.startswith("?after")


def test_positions_are_right_though_a_task_was_just_claimed(queue: Queue) -> None:
    for _ in range(3):
        queue.submit("nothing")
    page = queue.tasks.listing.page({}, None, 3)
    queue.store.claim("worker", 1)
    assert queue.tasks.listing.positions(page) == [1, 0, 0]
    assert queue.tasks.listing.positions(page[2:]) == [0]
    assert queue.tasks.listing.positions([]) == []


def test_the_dialect_of_mmf(queue: Queue) -> None:
    post, get = queue.client.post, queue.client.get
    assert_problem(post("/double?as_task=true", **CSV), 422, "TASK-ID: missing header")
    assert_problem(post("/double?as_task=perhaps", **CSV), 422, "true or false")
    assert post("/double?as_task=false", **CSV).status_code == 422  # no argument of the target
    headers = {"TASK-ID": "mine"}
    response = post("/double?as_task=true&format=json", headers=headers, **CSV)
    assert (response.status_code, response.get_json()["id"]) == (200, "mine")
    assert get("/tasks").get_json()["pending"] == ["mine"]
    queue.work()
    assert get("/tasks").get_json()["done"] == ["mine"]
    assert get("/log/?task_id=mine").text == "the log\n"
    assert get("/task?auto_remove=false", headers=headers).text == "id,a\nx,3.0\n"
    with get("/task?format=json", headers=headers) as response:
        assert response.get_json() == [{"id": "x", "a": 3.0}]
    assert_problem(get("/task", headers=headers), 404)
    assert_problem(get("/task"), 422, "TASK-ID: missing header")
    for task_id in ("a", "b"):
        post("/nothing?as_task=true", headers={"TASK-ID": task_id})
    assert queue.client.delete("/task", headers={"TASK-ID": "a"}).get_json()["status"] == "canceled"
    assert queue.client.delete("/tasks?only_done=true").get_json() == {"removed": ["a"]}
    assert queue.client.delete("/tasks").get_json() == {"removed": ["b"]}


def test_results_are_removed_after_a_while_and_then_gone(queue: Queue) -> None:
    ids = [queue.submit("double", **CSV)["id"] for _ in range(3)]
    queue.work()
    with queue.store.open_result(queue.store.find(ids[0])) as result:  # type: ignore[arg-type]
        size = len(result.read()) + len("the log\n")
    queue.store.expire(3600, 2 * size)
    assert_problem(queue.client.get(f"/tasks/{ids[0]}/result"), 410, "MMF_TASK_KEEP_HOURS")
    assert queue.client.get(f"/tasks/{ids[0]}").get_json()["status"] == "succeeded"
    assert queue.client.get(f"/tasks/{ids[1]}/result").status_code == 200
    older = "UPDATE tasks SET completed_at = completed_at - ?"
    queue.store._database.rows(older, 3601)
    queue.store.expire(3600, 2 * size)
    assert_problem(queue.client.get(f"/tasks/{ids[2]}/result"), 410)
    queue.store._database.rows(older, 7 * 3600)
    queue.store.expire(3600, 2 * size)
    assert_problem(queue.client.get(f"/tasks/{ids[2]}/result"), 404)


def test_as_many_finished_tasks_are_kept_as_may_wait(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their results may be small or missing: the limit of bytes does not apply."""
    monkeypatch.setattr(queue.store.limits, "max_tasks", 2)
    ids = []
    for number in range(6):
        task = queue.submit("nothing")
        if number % 2:
            queue.client.post(task["urls"]["cancel"])
        queue.work()
        ids.append(task["id"])
        queue.store.expire(3600, 1_000)
    results = [queue.client.get(f"/tasks/{each}/result").status_code for each in ids]
    assert results == [404, 404, 410, 409, 204, 409]
    waiting = queue.submit("nothing")
    queue.store.expire(3600, 1_000)
    assert queue.client.get(waiting["urls"]["self"]).get_json()["status"] == "queued"


def test_large_contents_are_files_that_end_with_their_tasks(file_queue: Queue) -> None:
    folder = file_queue.tasks.settings.folder
    large = b"id,a\n" + b"x,1.5\n" * 300_000
    task = file_queue.submit("double", data=large, content_type="text/csv")
    (file,) = Path(folder, "files").iterdir()
    assert file.read_bytes() == large
    file_queue.work()
    assert not file.exists()
    (result,) = file.parent.iterdir()
    assert len(file_queue.client.get(task["urls"]["result"]).data) == 5 + 6 * 300_000
    result.rename(file)
    assert_problem(file_queue.client.get(task["urls"]["result"]), 410, "was deleted")
    file.rename(result)
    file_queue.store.clear(only_done=True)
    assert list(file.parent.iterdir()) == []


def test_large_body_is_gone_while_its_response_waits(
    file_queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []

    def wait(_tasks: Any, task: Any, _seconds: float) -> Any:
        held.append(tracemalloc.get_traced_memory()[0])
        return task

    monkeypatch.setattr(routes, "wait_for", wait)
    request: dict[str, Any] = {
        "data": gzip.compress(b"id,a\n" + b"x,1.5\n" * 1_000_000),
        "content_type": "text/csv",
        "headers": {"Content-Encoding": "gzip"},
    }
    tracemalloc.start()
    try:
        file_queue.submit("double", **request)
    finally:
        tracemalloc.stop()
    assert held[0] < 2 * MIB


def test_files_without_a_task_are_swept(file_queue: Queue) -> None:
    file_queue.submit(
        "both?right=1", data=bytes(2_000_000), content_type="application/octet-stream"
    )
    own = file_queue.store._files
    _, orphan = own.put(bytes(2_000_000))  # by a process that crashes before it stores the task
    folder = Path(file_queue.tasks.settings.folder, "files")
    (folder / "another").write_bytes(b"x")
    file_queue.store.expire(3600, 1 << 30)
    assert (folder / str(orphan)).exists()  # it may be that of a task that is being stored
    file_queue.store._database.rows("UPDATE files SET delete_at = 1")
    file_queue.store.expire(3600, 1 << 30)
    assert not (folder / str(orphan)).exists()
    assert (folder / "another").exists()  # it is nobody's of ours
    with file_queue.store.open_input(file_queue.store.claim("worker", 1)) as body:  # type: ignore[arg-type]
        assert len(body) == 2_000_000  # type: ignore[arg-type] # it is not a path
    file_queue.store.clear(only_done=False)
    assert file_queue.store._database.rows("SELECT * FROM files") == []


def test_file_is_kept_while_its_task_is_uncertain(
    file_queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database whose connection breaks may have stored what it has not confirmed."""
    rows = file_queue.store._database.rows
    body = {"data": bytes(2_000_000), "content_type": "application/octet-stream"}
    stored: list[bool] = []

    def broken(sql: str, *values: Any) -> Any:
        if sql.startswith("INSERT INTO tasks"):
            if stored[-1]:
                rows(sql, *values)
            raise TasksUnavailable("the connection broke")
        return rows(sql, *values)

    monkeypatch.setattr(file_queue.store._database, "rows", broken)
    for is_stored in (False, True):
        stored.append(is_stored)
        response = file_queue.client.post("/both?right=1", headers=ASYNC, **body)
        assert_problem(response, 503, "the connection broke")
        files = [*Path(file_queue.tasks.settings.folder, "files").iterdir()]
        assert len(files) == int(is_stored)
    assert file_queue.work() == 1
    assert not files[0].exists()


def test_large_contents_are_stored_in_the_configured_place(
    file_queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    monkeypatch.setenv("MMF_TASK_FILES", str(shared))
    queue = Queue(create_app(declare()))
    body = {"data": bytes(2_000_000), "content_type": "application/octet-stream"}
    queue.submit("both?right=1", **body)
    (file,) = shared.iterdir()
    assert file.stat().st_size == 2_000_000
    assert not Path(file_queue.tasks.settings.folder, "files").exists()
    assert queue.work() == 1
    queue.store.clear(only_done=True)
    assert [*shared.iterdir()] == []
    shared.rmdir()
    shared.write_bytes(b"not a folder")
    response = queue.client.post("/both?right=1", headers=ASYNC, **body)
    assert_problem(response, 503, "tasks cannot be stored (set MMF_TASK_FILES): File exists")
    assert queue.client.get("/health/ready").status_code == 200
    queue.close()


def test_folder_that_cannot_be_used_is_a_503_and_the_service_is_ready(
    file_queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_queue.store._database._file
    monkeypatch.setattr(file, "path", Path("/proc/nowhere/tasks.db"))
    response = file_queue.client.post("/double", headers=ASYNC, **CSV)
    assert_problem(response, 503, "set MMF_TASKS_DIR")
    assert response.headers["Retry-After"]
    assert "/proc" not in response.text
    assert file_queue.client.get("/health/ready").status_code == 200
    assert file_queue.client.post("/double", **CSV).status_code == 200
    assert_problem(file_queue.client.get("/tasks/any"), 404)
    assert "mmf_tasks{" in file_queue.client.get("/metrics").text


@pytest.mark.parametrize(
    ("limits", "target", "request_"),
    [
        ({"MMF_MAX_TASKS": "3"}, "nothing", {}),
        (
            {"MMF_MAX_TASKS_MIB": "4"},
            "both",
            {"data": bytes(MIB - 1_000), "query_string": "right=1"},
        ),
        (
            {"MMF_MAX_TASKS_MIB": "5"},
            "both",
            {"data": bytes(3 * MIB // 2), "query_string": "right=1"},
        ),
    ],
    ids=["tasks", "MiB in the queue", "MiB in files"],
)
@pytest.mark.usefixtures("queue")
def test_full_queue_rejects_new_tasks_until_one_has_started(
    monkeypatch: pytest.MonkeyPatch,
    limits: dict[str, str],
    target: str,
    request_: dict[str, Any],
) -> None:
    for name, text in limits.items():
        monkeypatch.setenv(name, text)
    limited = Queue(create_app(declare()))
    most = 4 if limits.get("MMF_MAX_TASKS_MIB") == "4" else 3

    def send(task_id: str, **changed: Any) -> Any:
        headers = ASYNC | {"TASK-ID": task_id, "Content-Type": "application/octet-stream"}
        return limited.client.post(f"/{target}", headers=headers, **(request_ | changed))

    for number in range(most):
        assert send(str(number)).status_code == 202
    response = send("more")
    assert_problem(response, 503, "too many tasks wait (set MMF_MAX_TASKS, MMF_MAX_TASKS_MIB)")
    assert response.headers["Retry-After"] == "1"
    assert limited.client.get("/tasks/more").status_code == 404
    folder = Path(limited.tasks.settings.folder) / "files"
    files = len([*folder.iterdir()]) if folder.exists() else 0
    assert files in (0, most)  # nothing of the refused one
    assert send("0").status_code == 202  # it is known
    limited.client.post("/tasks/1/cancel")
    assert send("more").status_code == 202
    assert send("again").status_code == 503
    assert limited.store.claim("worker", 1)
    assert send("again").status_code == 202
    limited.client.delete("/tasks")
    assert limited.store.counts() == {"canceled": 1}  # its process has still to be ended
    assert not folder.exists() or not [*folder.iterdir()]
    for number in range(most):
        assert send(f"new {number}").status_code == 202
    limited.close()


def test_full_disk_rejects_new_tasks_and_loses_none(file_queue: Queue) -> None:
    first = file_queue.submit("double", **CSV)
    rows = file_queue.store._database.rows
    (pages,) = rows("PRAGMA page_count")[0]
    rows(f"PRAGMA max_page_count={pages}")
    body = {"data": b"id,a\n" + b"x,1.5\n" * 20_000, "content_type": "text/csv"}
    assert_problem(file_queue.client.post("/double", headers=ASYNC, **body), 503, "full")
    rows("PRAGMA max_page_count=100000")
    assert file_queue.work() == 1
    assert file_queue.client.get(first["urls"]["result"]).status_code == 200


def test_accepted_task_is_not_rejected_when_its_position_is_unavailable(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise TasksUnavailable("tasks cannot be stored")

    monkeypatch.setattr(queue.store, "find", fail)
    monkeypatch.setattr(queue.tasks.listing, "positions", fail)
    headers = {"Prefer": "respond-async, wait=1"}
    response = queue.client.post("/double", headers=headers, **CSV)
    assert response.status_code == 202
    assert (response.get_json()["status"], response.get_json()["position"]) == ("queued", None)
    assert queue.work() == 1


def test_deleted_folder_is_recreated(file_queue: Queue) -> None:
    file_queue.submit("double", **CSV)
    shutil.rmtree(file_queue.tasks.settings.folder)
    task = file_queue.submit("double", **CSV)
    assert Path(file_queue.tasks.settings.folder, "tasks.db").exists()
    assert file_queue.store.counts() == {"queued": 1}
    assert file_queue.work() == 1
    assert file_queue.client.get(task["urls"]["result"]).status_code == 200


def test_queue_of_a_newer_version_is_left_alone(file_queue: Queue) -> None:
    file_queue.submit("double", **CSV)
    file_queue.store._database.rows("PRAGMA user_version=99")
    file_queue.store.close()
    response = file_queue.client.post("/double", headers=ASYNC, **CSV)
    assert_problem(response, 503, "newer version")


def test_tasks_of_an_older_version_of_the_code_end_with_a_reason(queue: Queue) -> None:
    gone, changed, done = (
        queue.submit("words"),
        queue.submit("both?right=1", data=b"x"),
        queue.submit("double", **CSV),
    )
    queue.tasks.calls["both"] = queue.tasks.calls["double"]
    del queue.tasks.calls["words"]
    queue.work()
    assert_own_problem(queue, gone, 404, "no such target")
    assert queue.client.get(changed["urls"]["self"]).get_json()["status"] == "failed"
    queue.store._database.rows("UPDATE tasks SET result = ? WHERE id = ?", b"odd", done["id"])
    assert_problem(queue.client.get(done["urls"]["result"]), 410, "another version")
    del queue.tasks.calls["double"]
    assert_problem(queue.client.get(done["urls"]["result"]), 410, "no target double")


def test_other_requests_are_other_tasks_whatever_their_boundary(queue: Queue) -> None:
    """The boundary 1 was taken out of the values, too."""
    ids = {"TASK-ID": "form"}

    def send(boundary: str, number: int) -> Any:
        parts = (("left", "; filename=a", "x--1"), ("right", "", str(number)))
        body = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{text}\r\n'
            for name, more, text in parts
        )
        return queue.client.post(
            "/both",
            headers=ASYNC | ids,
            data=f"{body}--{boundary}--\r\n".encode(),
            content_type=f"multipart/form-data; boundary={boundary}",
        )

    assert send("1", 2).status_code == 202
    assert send("b", 2).status_code == 202
    assert_problem(send("1", 12), 409, "that of another task")


def test_head_request_does_not_remove_a_result(queue: Queue) -> None:
    headers = {"TASK-ID": "mine"}
    queue.client.post("/double?as_task=true", headers=headers, **CSV)
    queue.work()
    for _ in range(2):
        with queue.client.head("/task", headers=headers) as response:
            assert response.status_code == 200
    with queue.client.get("/task", headers=headers) as response:
        assert response.text == "id,a\nx,3.0\n"


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", "/tasks?state=failed", "?state=: unknown parameter; expected status, target"),
        ("GET", "/tasks?status=failed&status=queued", "?status=: expected one value, got 2"),
        ("DELETE", "/tasks?only_don=true", "?only_don=: unknown parameter; expected only_done"),
        ("DELETE", "/tasks?only_done=true&only_done=false", "expected one value"),
        ("GET", "/tasks/mine/result?formta=csv", "?formta=: unknown parameter; expected format"),
        ("GET", "/tasks/mine?wait=30", "?wait=: unknown parameter; expected none"),
        ("GET", "/tasks/mine/log?limit=1", "?limit=: unknown parameter; expected none"),
        ("POST", "/tasks/mine/cancel?dry_run=true", "?dry_run=: unknown parameter"),
        ("DELETE", "/tasks/mine?only_done=true", "?only_done=: unknown parameter"),
        ("DELETE", "/task?only_done=true", "?only_done=: unknown parameter; expected none"),
        ("GET", "/task?auto-remove=false", "?auto-remove=: unknown parameter"),
        ("GET", "/log/?task-id=mine", "?task-id=: unknown parameter; expected task_id"),
    ],
)
def test_parameter_that_would_be_ignored_is_rejected(
    queue: Queue, method: str, path: str, words: str
) -> None:
    """A misspelt `only_done` cancelled everyone's tasks."""
    headers = {"TASK-ID": "mine"}
    queue.submit("double", headers=headers, **CSV)
    response = queue.client.open(path, method=method, headers=headers)
    assert_problem(response, 422, words)
    assert queue.store.counts() == {"queued": 1}


def test_stored_requests_are_counted_and_removed_at_the_end(queue: Queue) -> None:
    """A hundred lines of 8 kB were kept for each task, and not counted."""
    name = "Content-Disposition"
    response = queue.client.post("/double", headers=ASYNC | {name: "a=b;" * 2_100}, **CSV)
    assert_problem(response, 400, "of at most 8,192 characters together, got 8,400")
    for end in ("cancel", "clear", "finish"):
        queue.submit("double", headers={name: "a=b;" * 2_000}, **CSV)
        ((size,),) = queue.store._database.rows("SELECT size FROM tasks WHERE status = 'queued'")
        assert size > 8_000
        if end == "finish":
            queue.work()
        elif end == "cancel":
            queue.client.delete("/tasks/" + queue.client.get("/tasks").get_json()["pending"][0])
        else:
            queue.client.delete("/tasks")
        assert {
            request for (request,) in queue.store._database.rows("SELECT request FROM tasks")
        } <= {"{}"}


def test_preferences_of_any_length_are_parsed_quickly_or_rejected(queue: Queue) -> None:
    prefer = {"Prefer": "respond-async," * 600}
    assert_problem(queue.client.post("/double", headers=prefer, **CSV), 400, "expected Prefer")
