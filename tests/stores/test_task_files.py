"""Large contents of tasks in a bucket: uploaded, read, and deleted with their tasks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple
from pathlib import Path

import pytest
import requests

from baking import PAYLOAD
from mmf_core.errors import MissingPackage, StoreError
from mmf_core.stores import store_for
from mmf_core.stores.s3_store import client
from mmf_core.tasks.file_storage import Bucket
from mmf_core.tasks.task import ClaimedTask
from mmf_core.web import create_app
from postgres import postgres
from s3_server import KEYS
from services import serve

sys.path.append(str(Path(__file__).parent.parent / "tasks"))  # for task_services

from task_services import APP, ASYNC, Queue, declare, end_of, until

from error_shape import assert_problem

LARGE = b"a\n" + b"1.5\n" * 600_000
CSV = {"data": LARGE, "content_type": "text/csv"}


def objects(bucket: str) -> list[int]:
    """Return the sizes of the objects in a bucket."""
    name, _, prefix = bucket.removeprefix("s3://").partition("/")
    listed = client().list_objects_v2(Bucket=name, Prefix=prefix)
    return [item["Size"] for item in listed.get("Contents", [])]


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: str) -> Iterator[Queue]:
    """Yield an application that keeps large contents in a bucket."""
    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path / "tasks"))
    monkeypatch.setenv("MMF_TASK_FILES", f"{bucket}/tasks/")
    monkeypatch.setenv("MMF_STORE_TIMEOUT", "2")
    with closing(Queue(create_app(declare()))) as queue:
        yield queue


def test_large_contents_are_deleted_with_their_tasks(queue: Queue, bucket: str) -> None:
    task = queue.submit("double", **CSV)
    small = queue.submit("double", data=b"a\n1\n", content_type="text/csv")
    assert objects(f"{bucket}/tasks/") == [len(LARGE)]
    assert queue.work() == 2
    assert queue.client.get(task["urls"]["result"]).data == b"a\n" + b"3.0\n" * 600_000
    assert queue.client.get(small["urls"]["result"]).data == b"a\n2.0\n"
    queue.store.expire(3600, 1 << 30)
    assert len(objects(bucket)) == 1, "the input is deleted, the result is kept"
    queue.store.expire(3600, 0)
    queue.store.expire(3600, 0)
    assert objects(bucket) == []
    assert_problem(queue.client.get(task["urls"]["result"]), 410, "was removed")
    cancelled = queue.submit("double", **CSV)
    queue.client.post(cancelled["urls"]["cancel"])
    queue.store.expire(3600, 1 << 30)
    assert objects(bucket) == []
    assert not [*Path(queue.tasks.settings.folder).glob("files/*")]


def test_unreachable_store_rejects_large_tasks_and_loses_none(
    queue: Queue, bucket: str, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = queue.submit("double", **CSV)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    words = "tasks cannot be stored (set MMF_TASK_FILES): the store does not respond"
    response = queue.client.post("/double", headers=ASYNC, **CSV)
    assert_problem(response, 503, words)
    assert response.headers["Retry-After"]
    assert "bucket" not in response.text
    assert queue.client.get("/health/ready").status_code == 200
    assert queue.client.post("/double", **CSV).status_code == 200
    queue.submit("double", data=b"a\n1\n", content_type="text/csv")
    task_record = queue.store.find(task["id"])
    assert task_record
    with pytest.raises(Exception, match="store does not respond"):
        queue.store.open_input(ClaimedTask(*astuple(task_record), input=None)).__enter__()
    queue.store._database.rows("UPDATE files SET delete_at = 1")  # an hour later
    with pytest.raises(Exception, match="store does not respond"):  # of the upload that failed
        queue.store.expire(3600, 1 << 30)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    queue.store.expire(3600, 1 << 30)
    assert objects(bucket) == [len(LARGE)]
    assert queue.work() == 2
    assert len(queue.client.get(task["urls"]["result"]).data) == len(LARGE)


def test_deleted_object_is_gone_and_truncated_one_is_rejected(
    queue: Queue, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = queue.submit("double", **CSV)
    task_record = queue.store.find(task["id"])
    assert task_record
    place = Bucket(f"{bucket}/tasks")
    opened = place._store.open

    def cut(uri: str) -> object:
        content = opened(uri)
        content.file.read(1000)
        return content

    with monkeypatch.context() as patch:
        patch.setattr(place._store, "open", cut)
        with pytest.raises(StoreError, match=f"ends after {len(LARGE) - 1000} of {len(LARGE)}"):
            place.open(str(task_record.input_file))
    place.delete(str(task_record.input_file))
    place.delete(str(task_record.input_file))
    with pytest.raises(Exception, match="was deleted"):
        queue.store.open_input(ClaimedTask(*astuple(task_record), input=None)).__enter__()


def test_delete_is_supported_only_by_s3(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="file: deletes nothing; use s3://"):
        store_for("file:///there").delete(f"file://{tmp_path}/model")


def test_missing_boto3_names_the_pip_command(without: object) -> None:
    assert callable(without)
    without("boto3")
    with pytest.raises(MissingPackage, match="pip install boto3"):
        Bucket("s3://bucket/tasks")


@pytest.mark.long
def test_machines_share_a_database_and_a_bucket(tmp_path: Path, bucket: str, s3: str) -> None:
    """Two separate folders: a web service, and a worker that is killed once."""
    web, machine = tmp_path / "web", tmp_path / "machine"
    main = APP.replace("registry = mmf.Registry()", "").replace("registry.target", "mmf.target")
    for folder in (web, machine):
        folder.mkdir()
        (folder / "main.py").write_text(main.replace("app = create_app(registry)", ""))
    app = 'from mmf_core.web import create_app\n\napp = create_app("main")\n'
    with postgres() as uri, (web / "log").open("wb") as log:
        shared = {
            "MMF_TASKS": uri,
            "MMF_TASK_FILES": f"{bucket}/tasks",
            "MMF_WARM_UP": "0",
            "AWS_ENDPOINT_URL_S3": s3,
            "AWS_REGION": "us-east-1",
            **KEYS,
        }

        def work() -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "mmf_core", "worker"]
            environment = {**os.environ, "PYTHONPATH": str(PAYLOAD), **shared}
            return subprocess.Popen(command, cwd=machine, env=environment)

        with serve("gunicorn", web, log, app, **shared) as service:
            file = tmp_path / "go"
            held = requests.post(f"{service.url}/wait", json=str(file), headers=ASYNC, timeout=60)
            large = requests.post(
                f"{service.url}/double",
                data=LARGE,
                headers=ASYNC | {"Content-Type": "text/csv"},
                timeout=60,
            )
            assert (held.status_code, large.status_code) == (202, 202)
            worker = work()
            until(lambda: Path(f"{file}.begun").exists())
            worker.kill()
            worker.wait()
            worker = work()
            file.touch()
            try:
                assert end_of(service.url, held.json())["status"] == "succeeded"
                done = end_of(service.url, large.json())
                assert (done["status"], done["error"]) == ("succeeded", None)
                result = requests.get(f"{service.url}{done['urls']['result']}", timeout=60)
                assert result.content == b"a\n" + b"3.0\n" * 600_000
                assert len(objects(bucket)) in (1, 2)  # the input is deleted within a minute
                assert not (web / ".tasks").exists()
                assert not (machine / ".tasks").exists()
            finally:
                worker.terminate()
                assert worker.wait(60) == 0
