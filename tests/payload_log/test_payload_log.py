"""The payload log: its records, private values, and that no request waits for it."""

import errno
import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from PIL import Image
from prometheus_client import REGISTRY

import mmf_core as mmf
from cpu_time import at_most
from mmf_core.cli import main
from mmf_core.errors import MissingPackage, SettingError
from mmf_core.payload_log import parquet_files
from mmf_core.payload_log.observer import make_observer
from mmf_core.payload_log.payloads import MASK, MAX_ROWS, cells_of
from mmf_core.payload_log.record import COLUMNS, Record
from mmf_core.payload_log.settings import PayloadLogSettings
from mmf_core.payload_log.writer import MAX_RECORDS, Row, Writer
from mmf_core.web import create_app

SCHEMA = {"age": mmf.Column(float, ge=0), "name": mmf.Column(str | None, private=True)}
TABLE, FACTOR = mmf.DataFrame(schema=SCHEMA), mmf.Float(default=2.0)
TREE, ARRAY, TEXT = mmf.Dict(), mmf.Array(), mmf.String()
PICTURE, FILE = mmf.Img(), mmf.File(default=b"")
Make = Callable[..., FlaskClient]


def registry() -> mmf.Registry:
    made = mmf.Registry()

    @made.target(returns=mmf.DataFrame(format=mmf.JSON))
    def score(data: Any = TABLE, factor: Any = FACTOR) -> Any:
        data["age"] = factor * data["age"]
        if data["age"][0] == 26:
            raise RuntimeError("a secret")
        return data["age"]

    @made.target(returns=mmf.Dict())
    def tree(value: Any = TREE) -> Any:
        value["seen"] = True
        return {"size": len(value)}

    @made.target(returns=mmf.Img())
    def photo(picture: Any = PICTURE, file: Any = FILE) -> Any:  # noqa: ARG001
        return picture

    @made.target(returns=mmf.Array())
    def double(values: Any = ARRAY) -> Any:
        values *= 2
        return values

    @made.target(returns=mmf.Stream(mmf.String()))
    def words(text: Any = TEXT) -> Any:
        yield from text.split()

    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[Writer]:
    """Return the writers that a test creates; each is closed at its end."""
    made: list[Writer] = []
    start = Writer._start

    def remember(self: Writer) -> None:
        start(self)
        made.append(self)

    monkeypatch.setattr(Writer, "_start", remember)
    return made


@pytest.fixture
def service(folder: Path, monkeypatch: pytest.MonkeyPatch, writers: list[Writer]) -> Iterator[Make]:
    def make(**settings: str) -> FlaskClient:
        monkeypatch.setenv("MMF_PAYLOAD_LOG", str(folder))
        for name, value in settings.items():
            monkeypatch.setenv(f"MMF_PAYLOAD_LOG_{name}", value)
        targets = registry()
        app = create_app(targets)
        targets.version = "v3"
        return app.test_client()

    yield make
    for each in writers:
        each.close()


@pytest.fixture
def lines(folder: Path, writers: list[Writer]) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that reads the log, once all of it is written."""

    def read() -> list[dict[str, Any]]:
        for each in writers:
            each.close()
        table: list[dict[str, Any]] = ds.dataset(folder).to_table().sort_by("time").to_pylist()
        return table

    return read


def records(outcome: str) -> float:
    name = "mmf_payload_log_records_total"
    return REGISTRY.get_sample_value(name, {"outcome": outcome}) or 0.0


def test_call_is_a_record(service: Make, lines: Any) -> None:
    before = time.time()
    rows = [{"age": 1.5, "name": "Ann", "other": 7}, {"age": 2, "name": None, "other": 8}]
    response = service().post("/score", json=rows, headers={"X-Request-ID": "mine"})
    assert response.get_json() == [{"age": 3.0}, {"age": 4.0}]
    (line,) = lines()
    assert list(line) == list(COLUMNS)
    assert before - 1 < line["time"].timestamp() < time.time() + 1
    assert str(line["time"].tzinfo) == "UTC"
    names = ("request_id", "target", "protocol", "version", "status", "rows")
    assert [line[name] for name in names] == ["mine", "score", "native", "v3", 200, 2]
    assert 0 < line["seconds"] < 10
    inputs = json.loads(line["inputs"])
    assert inputs == {"data": [{"age": 1.5, "name": MASK}, {"age": 2.0, "name": None}]}
    assert json.loads(line["result"]) == [{"age": 3.0}, {"age": 4.0}]
    assert line["detail"] is None
    assert line["errors"] is None


def test_errors_have_their_status_and_no_private_value(service: Make, lines: Any) -> None:
    client = service()
    wrong = [{"age": -1, "name": "Ann"}, {"age": "old", "name": "Ben"}]
    assert client.post("/score", json=wrong).status_code == 422
    assert client.post("/score", json=[{"age": 13, "name": "Cid"}]).status_code == 500
    rejected, failed = lines()
    assert (rejected["status"], failed["status"]) == (422, 500)
    assert rejected["result"] is failed["result"] is None
    errors = json.loads(rejected["errors"])
    assert [(error["row"], error["column"]) for error in errors] == [(0, "age"), (1, "age")]
    assert errors[1]["value"] == "old"
    assert failed["detail"] == "score failed"
    text = str(lines())
    assert not any(secret in text for secret in ("Ann", "Ben", "Cid", "a secret"))


def test_error_in_a_private_column_has_only_its_position(service: Make, lines: Any) -> None:
    assert service().post("/score", json=[{"age": 1, "name": 4711}]).status_code == 422
    (line,) = lines()
    assert "4711" not in str(line)
    (error,) = json.loads(line["errors"])
    assert (error["row"], error["column"]) == (0, "name")


def test_key_hashes_private_values(service: Make, lines: Any) -> None:
    client = service(KEY="sixteen letters or more")
    people = [{"age": 1, "name": name} for name in ("Ann", "Ben", "Ann", None)]
    client.post("/score", json=people)
    (line,) = lines()
    first, second, third, fourth = (row["name"] for row in json.loads(line["inputs"])["data"])
    assert first == third != second
    assert len(first) == 16
    assert fourth is None
    assert "Ann" not in str(line)


def test_private_list_of_an_arrow_file_is_masked(service: Make, lines: Any) -> None:
    client = service()
    names = pa.array([[1.5, 2.5], None], pa.large_list(pa.float64()))
    table = io.BytesIO()
    with pa.ipc.new_stream(table, pa.schema({"age": "double", "name": names.type})) as writer:
        writer.write(pa.record_batch({"age": [1.0, 2.0], "name": names}))
    form = "application/vnd.apache.arrow.stream"
    assert client.post("/score", data=table.getvalue(), content_type=form).status_code == 422
    (line,) = lines()
    masked = json.loads(line["inputs"])["data"]
    assert masked == [{"age": 1.0, "name": MASK}, {"age": 2.0, "name": None}]


def test_values_are_those_that_were_sent(service: Make, lines: Any) -> None:
    client = service()
    assert client.post("/tree", json={"a": 1}).get_json() == {"size": 2}
    assert client.post("/double", json=[1, 2]).get_json() == [2, 4]
    tree, double = lines()
    assert json.loads(tree["inputs"]) == {"value": {"a": 1}}
    assert json.loads(tree["result"]) == {"size": 2}
    assert json.loads(double["inputs"]) == {"values": [1, 2]}
    assert json.loads(double["result"]) == [2, 4]
    assert double["rows"] == 2


def test_pictures_and_files_are_described_and_streams_have_no_result(
    service: Make, lines: Any
) -> None:
    client = service()
    picture = io.BytesIO()
    Image.new("RGB", (4, 3)).save(picture, "PNG")
    body = {
        "picture": (io.BytesIO(picture.getvalue()), "a.png"),
        "file": (io.BytesIO(b"12345"), "b"),
    }
    assert client.post("/photo", data=body).status_code == 200
    assert client.post("/words", json="one two").status_code == 200
    shown, words = lines()
    inputs = json.loads(shown["inputs"])
    assert inputs["file"] == {"bytes": 5}
    assert inputs["picture"] == json.loads(shown["result"]) == {"shape": [3, 4, 3]}
    assert json.loads(words["inputs"]) == {"text": "one two"}
    assert words["result"] is None


def test_long_tables_are_cut(service: Make, lines: Any) -> None:
    many = MAX_ROWS + 500
    body = pd.DataFrame({"age": np.arange(many), "name": "Ann"}).to_csv(index=False)
    response = service().post("/score", data=body, content_type="text/csv")
    assert len(response.get_json()) == many
    (line,) = lines()
    assert line["rows"] == many
    assert len(json.loads(line["inputs"])["data"]) == MAX_ROWS
    assert len(json.loads(line["result"])) == MAX_ROWS


def test_only_a_share_is_logged(service: Make, lines: Any) -> None:
    client = service(SHARE="0.25")
    for _ in range(400):
        client.post("/tree", json={})
    assert 60 < len(lines()) < 150  # 100 ± 5 standard deviations


def test_files_end_by_their_size(service: Make, folder: Path, lines: Any) -> None:
    client = service(FILE_MIB="0.001")
    for number in range(30):
        client.post("/tree", json={"number": number})
    everything = lines()
    files = sorted(folder.rglob("*.parquet"))
    assert len(files) > 2
    assert all(pq.read_metadata(file).num_rows > 3 for file in files[:-1])
    numbers = [json.loads(line["inputs"])["value"]["number"] for line in everything]
    assert sorted(numbers) == list(range(30))
    assert not [file for file in folder.rglob("*") if file.name.startswith(".")]


def test_no_file_replaces_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart a process may have the same id, and the clock have gone back."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime(2026, 1, 31, 12, tzinfo=tz)

    monkeypatch.setattr(parquet_files, "datetime", Stopped)
    settings = PayloadLogSettings(location=str(folder))
    for request in ("first", "second"):
        sink = parquet_files.ParquetFiles(settings)
        row = dict.fromkeys(COLUMNS) | {"time": 0.0, "request_id": request}
        sink.add(row)
        assert sink.flush() == 1
    assert sorted(pd.read_parquet(folder)["request_id"]) == ["first", "second"]


def test_files_end_by_their_age(service: Make, folder: Path) -> None:
    service(SECONDS="0.2").post("/tree", json={})
    end = time.monotonic() + 30
    while not list(folder.rglob("*.parquet")):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_full_disk_loses_records_and_is_logged_once(
    service: Make,
    folder: Path,
    writers: list[Writer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "mmf.payload_log")
    lost, written = records("failed"), records("written")
    client = service(FILE_MIB="0.00001")
    write = pq.write_table

    def fail(_table: object, path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", fail)
        for _ in range(3):
            assert client.post("/tree", json={}).status_code == 200
        end = time.monotonic() + 30
        while records("failed") < lost + 3:
            assert time.monotonic() < end
            time.sleep(0.02)
    assert pq.write_table is write
    client.post("/tree", json={})
    writers[0].close()
    assert [file for file in folder.rglob("*") if file.is_file()] == list(folder.rglob("*.parquet"))
    assert records("written") == written + 1
    texts = [record.message for record in caplog.records if record.name == "mmf.payload_log"]
    assert len(texts) == 2
    assert "No space left on device" in texts[0]
    assert "again" in texts[1]


class _Stuck:
    """A sink that waits for its test."""

    def __init__(self) -> None:
        self.goes_on = Event()
        self.rows: list[Row] = []

    def add(self, row: Row) -> int:
        self.goes_on.wait(30)
        self.rows.append(row)
        return 1

    def flush(self) -> int:
        return 0

    def seconds_left(self) -> None:
        return None


def record(cells: int = 1) -> Record:
    return Record(0.0, "id", "score", "native", "", 0.0, None, {}, None, None, cells)


@pytest.mark.parametrize(("cells", "kept"), [(1, MAX_RECORDS), (100_000, 10), (2_000_000, 1)])
def test_full_queue_drops_and_counts_records(cells: int, kept: int) -> None:
    sink, dropped = _Stuck(), records("dropped")
    queue = Writer(sink, lambda _: {})
    with at_most(2.0):
        for _ in range(kept + 200):
            queue.put(record(cells))
    assert records("dropped") == dropped + 200
    sink.goes_on.set()
    queue.close()
    assert len(sink.rows) == kept


@pytest.mark.parametrize(
    "value",
    [
        pd.DataFrame({"a": [1, 2], "b": ["x" * 8_000, None]}),
        pd.DataFrame({"a": [1, 2], "b": [["x" * 8_000], []]}),
        pd.DataFrame({"b": ["x" * 8_000]}, dtype="str"),
        "x" * 8_000,
    ],
)
def test_long_texts_count_as_many_cells(value: Any) -> None:
    assert 1_000 <= cells_of(value) < 1_010


def test_record_that_cannot_be_encoded_is_lost_alone(caplog: pytest.LogCaptureFixture) -> None:
    sink, failed = _Stuck(), records("failed")
    sink.goes_on.set()
    rows = iter([KeyError("broken"), {"a": 1}])

    def row(_record: Record) -> Row:
        value = next(rows)
        if isinstance(value, Exception):
            raise value
        return value

    queue = Writer(sink, row)
    queue.put(record())
    queue.put(record())
    queue.close()
    assert sink.rows == [{"a": 1}]
    assert records("failed") == failed + 1
    assert "KeyError" in caplog.text


def test_payload_log_is_off_by_default(folder: Path) -> None:
    assert make_observer(registry()) is None
    create_app(registry()).test_client().post("/tree", json={})
    assert not folder.exists()


def test_missing_library_is_named_at_the_start(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("MMF_PAYLOAD_LOG", str(folder))
    monkeypatch.setattr(parquet_files.ParquetLibrary, "_missing", lambda _: ["pyarrow"])
    with pytest.raises(MissingPackage, match="MMF_PAYLOAD_LOG needs: pip install pyarrow"):
        create_app(registry())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "http://"),
        ("", "https://user:password@example.com"),
        ("", "s3://"),
        ("", "s3://bucket"),
        ("_SHARE", "0"),
        ("_SHARE", "1.5"),
        ("_SHARE", "half"),
        ("_FILE_MIB", "0"),
        ("_SECONDS", "0"),
        ("_KEY", "short"),
    ],
)
def test_invalid_settings(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=f"MMF_PAYLOAD_LOG{name}[=:]"):
        PayloadLogSettings.from_env({f"MMF_PAYLOAD_LOG{name}": text})


def run(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(main, ["log", *arguments])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_command_prints_and_filters(service: Make, folder: Path, lines: Any) -> None:
    client = service()
    client.post("/score", json=[{"age": 1, "name": "a"}, {"age": 2, "name": "b"}])
    client.post("/score", json=[{"age": "old", "name": "a"}], headers={"X-Request-ID": "wrong"})
    client.post("/tree", json={"a": 1})
    lines()
    place = str(folder)
    first, _, third = run(place)
    assert first["result"] == [{"age": 2.0}, {"age": 4.0}]
    assert third["inputs"] == {"value": {"a": 1}}
    assert [line["target"] for line in run(place, "--limit", "2")] == ["score", "score"]
    assert [line["target"] for line in run(place, "--target", "tree")] == ["tree"]
    assert [line["request_id"] for line in run(place, "--failed")] == ["wrong"]
    assert [line["request_id"] for line in run(place, "--status", "422")] == ["wrong"]
    assert len(run(place, "--request-id", "wrong")) == 1
    assert run(place, "--version", "v9") == []
    assert len(run(place, "--version", "v3")) == 3
    assert run(place, "--until", "2020-01-01") == []
    assert len(run(place, "--since", "2020-01-01T10:00:00")) == 3
    assert run()[0] == first, "the folder of MMF_PAYLOAD_LOG"
    rows = run(place, "--rows", "--target", "score", "--status", "200")
    assert [(row["row"], row["age"], row["result.age"]) for row in rows] == [(0, 1, 2), (1, 2, 4)]
    assert [row["status"] for row in run(place, "--rows", "--failed")] == [422]


def test_command_reports_a_missing_log(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = CliRunner().invoke(main, ["log", str(folder)])
    assert done.exit_code == 1
    assert "no such folder" in done.output
    done = CliRunner().invoke(main, ["log"])
    assert "MMF_PAYLOAD_LOG=FOLDER" in done.output
    done = CliRunner().invoke(main, ["log", "s3://bucket/log"])
    assert "aws s3 sync" in done.output
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 broken")
    texts = {column: ["x"] for column in COLUMNS}
    pq.write_table(pa.table(texts), tmp_path / "of-texts.parquet")
    for options in ((), ("--since", "2026-01-01")):
        assert run(str(tmp_path), *options) == []
        assert "broken.parquet" in caplog.text
        assert "of-texts.parquet" in caplog.text
        caplog.clear()


@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        ("/score", '[{"age": 1e999}]', "application/json"),
        ("/score", '[{"n\\u0000me": 1, "age": [1, {}]}]', "application/json"),
        ("/score", "age,age,name\n1,2,x\n", "text/csv"),
        ("/score", "\ufeffage;name\n1;=x\n", "text/csv"),
        ("/score", "[]", "application/json"),
        ("/score", '[{"other": 1}, {"other": 2}]', "application/json"),
        ("/tree", "5", "application/json"),
        ("/tree", "x: !!binary aGk=\ny: 2026-01-01\n", "application/yaml"),
        ("/double", "[[1, 2], [3]]", "application/json"),
        ("/double", "5", "application/json"),
    ],
)
def test_any_input_that_reaches_a_target_can_be_logged(
    path: str,
    body: str,
    content_type: str,
    service: Make,
    writers: list[Writer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = records("failed")
    client = service()
    client.post(path, data=body.encode(), content_type=content_type)
    client.post("/tree", json={})
    writers[0].close()
    assert records("failed") == failed
    assert "observer" not in caplog.text


def test_text_that_no_file_can_hold_is_replaced(service: Make, lines: Any) -> None:
    client = service()
    assert client.post("/words", json="x").status_code == 200
    columns = {"age \ud800": [1], "name": ["x"]}
    body = json.dumps(columns)
    client.post("/score", data=body.encode("ascii"), content_type="application/json")
    assert client.post("/words", json="y").status_code == 200
    assert len(lines()) >= 2
