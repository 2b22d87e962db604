"""Tables larger than MMF_MAX_BODY_MIB: stored as files, and called for some rows at a time."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
from task_services import ASYNC, Queue, fetch, state_of, until

import mmf_core as mmf
from cpu_time import at_most
from mmf_core.processes import process_tree, pss
from mmf_core.reporting import reporter
from mmf_core.tasks import file_storage, files
from mmf_core.web import create_app
from services import serve

ROWS = 3_000
CSV = {"Content-Type": "text/csv"}


def declare() -> mmf.Registry:
    """Declare targets whose results are by rows."""
    registry = mmf.Registry()
    columns = {"a": float, "b": mmf.Column(int, ge=0)}
    table = mmf.DataFrame(schema=columns)
    kept = mmf.DataFrame(schema=columns, extra="keep")
    factor = mmf.Float(default=1.0)
    result = mmf.DataFrame(format=mmf.CSV)

    @registry.target(returns=result, batch=True)
    def score(data: Any = table, factor: Any = factor) -> Any:
        return (data["a"] + data["b"]) * factor

    @registry.target(returns=result, batch=True)
    def beside(data: Any = kept) -> Any:
        return data["b"].where(data["b"] != 2_500).rename("sum")  # floats only in one piece

    @registry.target(returns=result, batch=True)
    def backwards(data: Any = table) -> Any:
        return data.iloc[::-1]

    @registry.target(returns=result, batch=True)
    def fewer(data: Any = table) -> Any:
        return data.iloc[1:]

    @registry.target(returns=result, batch=True)
    def renamed(data: Any = table) -> Any:
        return data.rename(columns={"a": f"a{data['b'].max()}"})

    @registry.target(returns=result, batch=True)
    def free(data: Any = mmf.DataFrame(schema=None)) -> Any:  # noqa: B008 - read-only
        return data["b"]

    @registry.target(returns=result)
    def whole(data: Any = table) -> Any:
        return data

    return registry


@pytest.fixture
def open_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Queue]]:
    """Give a function that opens a queue, which reads small pieces if its bodies are small."""
    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path / "tasks"))
    queues: list[Queue] = []

    def open_(max_body: float) -> Queue:
        monkeypatch.setenv("MMF_MAX_BODY_MIB", str(max_body))
        queues.append(Queue(create_app(declare())))
        return queues[-1]

    yield open_
    for queue in queues:
        queue.close()


@pytest.fixture
def small(open_queue: Callable[..., Queue]) -> Queue:
    """Give a queue whose other requests have ten kilobytes at most."""
    return open_queue(0.01)


def text(rows: int = ROWS, **columns: Any) -> bytes:
    """Return a CSV with a text that looks like a number, in a quoted cell with a line break."""
    table = pd.DataFrame({"a": [row / 8 for row in range(rows)], "b": range(rows), **columns})
    return table.to_csv(index=False).encode()


def kept_text() -> bytes:
    notes = [f'007,\n"{row}"' for row in range(ROWS)]
    return text(id=[f"{row:05}" for row in range(ROWS)], note=notes)


def as_task(queue: Queue, target: str, data: bytes, **options: Any) -> dict[str, Any]:
    """Submit a large table and run it; return the task as it is then."""
    task = queue.submit(target, data=data, headers=options.pop("headers", CSV), **options)
    stored = queue.store.find(task["id"])
    assert stored is not None
    assert stored.is_large
    assert queue.work() == 1
    state: dict[str, Any] = queue.client.get(f"/tasks/{task['id']}").get_json()
    return state


def result_of(queue: Queue, task: dict[str, Any], format: str) -> bytes:
    with closing(queue.client.get(f"/tasks/{task['id']}/result?format={format}")) as response:
        assert response.status_code == 200, response.text
        assert response.content_length == len(response.data)
        return response.data


@pytest.mark.parametrize("target", ["score?factor=2", "beside"])
@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "json", "parquet", "arrow", "xlsx"])
def test_large_table_has_the_result_of_a_small_one(
    target: str,
    format: str,
    open_queue: Callable[..., Queue],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = kept_text() if target == "beside" else text()
    whole = open_queue(50).client.post(
        f"/{target}{'&' if '?' in target else '?'}format={format}", data=data, headers=CSV
    )
    assert whole.status_code == 200, whole.text
    reports: list[tuple[float, str]] = []
    monkeypatch.setattr(reporter, "progress", lambda *report: reports.append(report))
    small = open_queue(0.02)
    task = as_task(small, target, data)
    assert (task["status"], task["progress"]) == ("succeeded", 1.0), task
    assert reports[-1] == (1.0, "3,000 rows")
    assert len(reports) > 5
    if format in {"json", "xlsx"}:  # which need the whole result in memory
        small = open_queue(50)
    content = result_of(small, task, format)
    readers = {
        "parquet": pd.read_parquet,
        "xlsx": partial(pd.read_excel, engine="calamine"),
        "arrow": _read_arrow,
    }
    if format in readers:
        read = readers[format]
        pd.testing.assert_frame_equal(read(BytesIO(content)), read(BytesIO(whole.data)))
    else:
        assert content == whole.data


def _read_arrow(file: BytesIO) -> pd.DataFrame:
    import pyarrow as pa

    with pa.ipc.open_stream(file) as stream:
        table: pd.DataFrame = stream.read_pandas()
    return table


@pytest.mark.parametrize("format", ["tsv", "jsonl"])
def test_other_texts_are_read_in_pieces(format: str, small: Queue) -> None:
    table = pd.read_csv(BytesIO(text()))
    if format == "tsv":
        data, media_type = table.to_csv(index=False, sep="\t"), "text/tab-separated-values"
    else:
        data, media_type = table.to_json(orient="records", lines=True), "application/x-ndjson"
    task = as_task(small, "score", data.encode(), headers={"Content-Type": media_type})
    assert task["status"] == "succeeded", task
    result = pd.read_csv(BytesIO(result_of(small, task, "csv")))
    assert result["prediction"].tolist() == (table["a"] + table["b"]).tolist()


def test_result_that_is_too_large_for_memory_has_formats_that_are_written_in_pieces(
    small: Queue,
) -> None:
    task = as_task(small, "score", text())
    response = small.client.get(f"/tasks/{task['id']}/result?format=json")
    assert response.status_code == 406
    detail = response.get_json()["detail"]
    assert detail == "the result is too large for JSON; accept text/csv"


@pytest.mark.parametrize(
    ("target", "data", "status", "message"),
    [
        ("score", text().replace(b"2400\n", b"-1\n"), 422, "1 cell does not match the schema"),
        ("score", text() + b"1,2,3\n", 400, "row 3,000 cannot be read: "),
        ("backwards", text(), 500, "a row for each row, in the same order, got others"),
        ("fewer", text(), 500, "a row for each row, in the same order, got"),
        ("renamed", text(), 500, "expected the columns of the first rows, a"),
        ("free", text() + b"1,much\n", 400, 'column "b": whole numbers in the first rows, text'),
    ],
)
def test_table_that_cannot_be_called_in_pieces_is_refused(
    target: str, data: bytes, status: int, message: str, small: Queue
) -> None:
    task = as_task(small, target, data)
    assert task["status"] == "failed", task
    assert task["error"]["status"] == status
    if status < 500:
        assert message in task["error"]["detail"]
    if status == 422:
        (error,) = task["error"]["errors"]
        assert (error["where"], error["row"], error["column"]) == ("data", 2_400, "b")


def test_short_rows_that_become_a_huge_table_are_rejected_immediately(
    open_queue: Callable[..., Queue],
) -> None:
    data = b",".join(b"c%d" % index for index in range(600)) + b"\n" + b"1\n" * 120_000
    queue = open_queue(0.2)
    with at_most(2):
        response = queue.client.post("/free", data=data, headers=ASYNC | CSV)
    assert response.status_code == 400, response.text
    assert "is nearly empty" in response.get_json()["detail"]


def test_lines_that_name_too_many_columns_together_are_rejected_immediately(
    open_queue: Callable[..., Queue],
) -> None:
    data = b"".join(b'{"a":1,"b%d":2}\n' % row for row in range(300_000))
    queue = open_queue(4)
    headers = ASYNC | {"Content-Type": "application/x-ndjson"}
    with at_most(2):
        response = queue.client.post("/free", data=data, headers=headers)
    assert response.status_code == 400, response.text
    assert "expected a table of at most 16,384 columns" in response.get_json()["detail"]


def test_result_is_stored_up_to_the_limit(
    open_queue: Callable[..., Queue], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MMF_TASK_KEEP_MIB", "0.03125")
    queue = open_queue(0.005)
    task = as_task(queue, "score", text(3 * ROWS))
    assert task["status"] == "failed", task
    assert task["error"]["status"] == 413
    assert "the result exceeds 0.03125 MiB (set MMF_TASK_KEEP_MIB)" in task["error"]["detail"]
    assert not [*(tmp_path / "tasks" / "files").iterdir()]
    assert as_task(queue, "score", text(1_000))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("data", "status", "detail"),
    [
        (text().replace(b"a,b\n", b"a,c\n"), 422, "missing columns: b"),
        (text().replace(b"0.0,0\n", b"much,0\n"), 422, "1 cell does not match the schema"),
    ],
)
def test_invalid_first_rows_are_rejected_immediately(
    data: bytes, status: int, detail: str, small: Queue, tmp_path: Path
) -> None:
    response = small.client.post("/score", data=data, headers=ASYNC | CSV)
    assert response.status_code == status, response.text
    assert detail in response.get_json()["detail"]
    assert not [*(tmp_path / "tasks" / "files").iterdir()]
    assert small.client.get("/tasks").get_json()["tasks"] == []


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("whole", CSV),
        ("score", {"Content-Type": "text/csv; charset=cp1251"}),
        ("score", {"Content-Type": "application/json"}),
        ("score", CSV | {"Content-Encoding": "gzip"}),
    ],
)
def test_others_have_the_limit_of_all_requests(
    target: str, headers: dict[str, str], small: Queue
) -> None:
    response = small.client.post(f"/{target}", data=text(), headers=ASYNC | headers)
    assert response.status_code == 413
    assert "MMF_MAX_BODY_MIB" in response.get_json()["detail"]


def test_call_that_is_not_a_task_has_the_limit_of_all_requests(small: Queue) -> None:
    assert small.client.post("/score", data=text(), headers=CSV).status_code == 413


def test_large_tables_have_a_limit_of_their_own(
    open_queue: Callable[..., Queue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_MAX_TASK_BODY_MIB", "0.015625")
    response = open_queue(0.01).client.post("/score", data=text(), headers=ASYNC | CSV)
    assert response.status_code == 413
    assert response.get_json()["detail"] == (
        "the body exceeds 0.015625 MiB (set MMF_MAX_TASK_BODY_MIB)"
    )


def test_body_that_ends_early_leaves_nothing(small: Queue, tmp_path: Path) -> None:
    data = text()
    response = small.client.post(
        "/score",
        input_stream=BytesIO(data[:-1_000]),
        headers=ASYNC | CSV,
        environ_overrides={"CONTENT_LENGTH": str(len(data))},
    )
    assert response.status_code == 400
    assert "bytes that Content-Length announces" in response.get_json()["detail"]
    assert not [*(tmp_path / "tasks" / "files").iterdir()]


FULL = "too many tasks wait (set MMF_MAX_TASKS, MMF_MAX_TASKS_MIB); try again later"


class Arriving(BytesIO):
    """A body that calls a function before its first byte is read."""

    def __init__(self, data: bytes, meanwhile: Callable[[], object]) -> None:
        super().__init__(data)
        self._meanwhile = meanwhile

    def read(self, size: int | None = -1, /) -> bytes:
        meanwhile, self._meanwhile = self._meanwhile, lambda: None
        meanwhile()
        return super().read(size)


def send(queue: Queue, body: BytesIO, target: str = "score", **headers: str) -> Any:
    """Send a large table that is read from a file."""
    return queue.client.post(
        f"/{target}",
        input_stream=body,
        headers=ASYNC | CSV | headers,
        environ_overrides={"CONTENT_LENGTH": str(len(body.getvalue()))},
    )


def files_in(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "tasks" / "files"
    return [*folder.iterdir()] if folder.exists() else []


@pytest.fixture(params=["MMF_MAX_TASKS_MIB", "MMF_MAX_TASKS"])
def pair(
    open_queue: Callable[..., Queue],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Queue, Queue]:
    """Give two workers of a service whose queue has room for one large table."""
    most = {"MMF_MAX_TASKS_MIB": str(1.5 * len(text()) / 2**20), "MMF_MAX_TASKS": "1"}
    monkeypatch.setenv(request.param, most[request.param])
    return open_queue(0.01), open_queue(0.01)


def test_table_that_arrives_has_its_place_in_the_queue(
    pair: tuple[Queue, Queue], tmp_path: Path
) -> None:
    first, second = pair
    refused = BytesIO(text())
    responses = []

    def meanwhile() -> None:
        responses.append(send(second, refused))
        assert len(files_in(tmp_path)) <= 1

    task = send(first, Arriving(text(), meanwhile))
    assert task.status_code == 202, task.text
    (response,) = responses
    assert (response.status_code, response.get_json()["detail"]) == (503, FULL)
    assert response.headers["Retry-After"]
    assert send(second, BytesIO(text())).status_code == 503
    assert len(files_in(tmp_path)) == 1
    assert second.work() == 1
    assert send(second, BytesIO(text())).status_code == 202


def test_table_that_fits_is_accepted_beside_others(
    open_queue: Callable[..., Queue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_MAX_TASKS_MIB", str(2.1 * len(text()) / 2**20))
    first, second = open_queue(0.01), open_queue(0.01)
    responses: list[Any] = []
    other = Arriving(text(), lambda: responses.append(send(second, BytesIO(text()))))
    body = Arriving(text(), lambda: responses.append(send(second, other)))
    assert send(first, body).status_code == 202
    assert [response.status_code for response in responses] == [503, 202]
    assert send(first, BytesIO(text())).status_code == 503
    assert second.work() == 2


def test_table_that_is_not_accepted_leaves_its_place(
    pair: tuple[Queue, Queue], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    data = text()
    short = first.client.post(
        "/score",
        input_stream=BytesIO(data[:-1_000]),
        headers=ASYNC | CSV,
        environ_overrides={"CONTENT_LENGTH": str(len(data))},
    )
    assert short.status_code == 400
    assert send(first, BytesIO(data.replace(b"0.125", b"much!"))).status_code == 422
    with monkeypatch.context() as patch:
        patch.setattr(first.tasks.files._storage, "path", Path("/dev/null"))
        assert send(first, BytesIO(data)).status_code == 503
    with monkeypatch.context() as patch:
        patch.setattr(files, "_MAX_WAIT", -1.0)
        late = send(first, BytesIO(data))
        assert "seconds to arrive" in late.get_json()["detail"]
    assert send(second, BytesIO(data), **{"TASK-ID": "mine"}).status_code == 202


def test_full_queue_knows_its_tasks(pair: tuple[Queue, Queue], tmp_path: Path) -> None:
    mine = {"TASK-ID": "mine"}
    for queue in pair:  # the second time, the queue is full
        response = send(queue, BytesIO(text()), **mine)
        assert (response.status_code, response.get_json()["id"]) == (202, "mine")
    other = text().replace(b"0.125", b"0.126")
    assert send(pair[1], BytesIO(other), **mine).status_code == 409
    assert len(files_in(tmp_path)) == 1


def test_the_place_of_a_killed_process_is_free_when_its_file_is_swept(
    pair: tuple[Queue, Queue], tmp_path: Path
) -> None:
    queue, _ = pair
    reading, writing = os.pipe()
    if not (child := os.fork()):
        send(queue, Arriving(text(), lambda: (os.write(writing, b"x"), time.sleep(60))))
        os._exit(1)
    assert os.read(reading, 1)
    assert send(queue, BytesIO(text())).status_code == 503
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    queue.store.expire(3600, 1 << 30)
    assert send(queue, BytesIO(text())).status_code == 503  # what has arrived is still there
    queue.store._database.rows("UPDATE files SET delete_at = 1")
    queue.store.expire(3600, 1 << 30)
    assert files_in(tmp_path) == []
    assert send(queue, BytesIO(text())).status_code == 202
    os.close(reading)
    os.close(writing)


def test_the_same_table_is_the_same_task_whether_it_is_large_or_not(
    open_queue: Callable[..., Queue], tmp_path: Path
) -> None:
    mine = {"TASK-ID": "mine"}
    first = open_queue(50).submit("score", data=text(), headers=CSV | mine)
    small = open_queue(0.01)
    assert small.submit("score", data=text(), headers=CSV | mine)["id"] == first["id"]
    other = small.client.post("/score", data=text(2_000), headers=ASYNC | CSV | mine)
    assert other.status_code == 409
    assert not [*(tmp_path / "tasks" / "files").iterdir()]


def test_full_disk_is_waited_for(small: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    full = partial(open, "/dev/full", "wb")
    task = small.submit("score", data=text(), headers=CSV)
    with monkeypatch.context() as patch:
        patch.setattr(file_storage.Folder, "temporary", lambda _: full())
        with pytest.raises(mmf.errors.MMFError, match="set MMF_TASKS_DIR"):
            small.work()
    small.store.requeue(*small.store.claims("worker"), "", counts=False)
    assert small.work() == 1
    assert small.client.get(f"/tasks/{task['id']}").get_json()["status"] == "succeeded"


def test_file_that_was_deleted_fails_its_task(small: Queue, tmp_path: Path) -> None:
    small.submit("score", data=text(), headers=CSV)
    (file,) = (tmp_path / "tasks" / "files").iterdir()
    file.unlink()
    task = small.store.claim("worker", 1)
    assert task is not None
    with (
        pytest.raises(mmf.errors.RequestError, match="was deleted"),
        small.store.open_input(task),
    ):
        pass


def test_the_result_of_a_large_table_is_in_a_file_of_its_own(
    open_queue: Callable[..., Queue], tmp_path: Path
) -> None:
    queue = open_queue(1)
    rows = 150_000  # whose results take more than a MiB
    task = as_task(queue, "score", text(rows))
    assert len([*(tmp_path / "tasks" / "files").iterdir()]) == 1
    assert result_of(queue, task, "csv").count(b"\n") == rows + 1
    with closing(queue.store.open_result(queue.store.find(task["id"]))) as file:  # type: ignore[arg-type]
        assert file.seek(0, 2) > 2**20


LIVE = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
COLUMNS = dict.fromkeys("abcdefgh", float)


@registry.target(returns=mmf.DataFrame(format=mmf.CSV), batch=True)
def score(data=mmf.DataFrame(schema=COLUMNS)):
    return data.sum(axis="columns").rename("sum")


app = create_app(registry)
"""


@pytest.mark.long
def test_the_memory_of_a_service_is_bounded_whatever_the_size_of_a_table(tmp_path: Path) -> None:
    peaks = []
    settings = {"MMF_TASK_WORKERS": "1"}
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, LIVE, **settings) as service,
    ):
        for times in (20, 60):  # 75 and 225 MB
            path = tmp_path / f"{times}.csv"
            table = pd.DataFrame(np.random.default_rng(0).normal(size=(25_000, 8)))
            table.columns = pd.Index([*"abcdefgh"])
            rows = table.to_csv(index=False, header=False).encode()
            with path.open("wb") as file:
                file.write(b"a,b,c,d,e,f,g,h\n")
                for _ in range(times):
                    file.write(rows)
            assert path.stat().st_size > 50 * 2**20
            with Peak(service.process.pid) as peak:
                with path.open("rb") as body:
                    response = requests.post(
                        f"{service.url}/score", data=body, headers=ASYNC | CSV, timeout=300
                    )
                assert response.status_code == 202, response.text
                task = until(partial(done, service.url, response.json()), longest=300)
                assert task["status"] == "succeeded", task
                with fetch(service.url, task, stream=True) as result:
                    sums = pd.read_csv(result.raw)["sum"]
            peaks.append(peak.most)
            expected = table.sum(axis="columns").to_numpy()
            np.testing.assert_array_equal(sums.to_numpy(), np.tile(expected, times))
    print([f"{most / 2**20:.0f} MiB" for most in peaks])
    assert peaks[1] < peaks[0] + 100 * 2**20  # the larger table has 150 MB more


def done(url: str, task: dict[str, Any]) -> dict[str, Any] | None:
    """Return a task that has ended; None for another one."""
    state = state_of(url, task)
    return None if state["status"] in ("queued", "processing") else state


class Peak:
    """Samples the memory of a process and its children in a block; `most` is the largest PSS."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._is_over = Event()
        self._thread = Thread(target=self._sample)
        self.most = 0

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._is_over.wait(0.05):
            with suppress(OSError, ValueError):  # a process ends just now
                self.most = max(self.most, sum(map(pss, process_tree(self._pid))))
