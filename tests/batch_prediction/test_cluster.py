"""A run on a cluster: the project is sent there, and the output has the same bytes."""

import io
import os
import pickle
import signal
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from batch_project import Predict

from baking import PAYLOAD, ROOT
from commands import free_port, make_environment, stop, wait_until
from mmf_core.artifact import Artifact
from mmf_core.batch_prediction import dask_workers, job, remote
from mmf_core.batch_prediction.errors import BatchError
from mmf_core.batch_prediction.plan import Plan
from mmf_core.batch_prediction.shipping import project_archive

ROWS = 100_000
MAIN = """
import json
import os
import time

import mmf_core as mmf
from helpers import add

with mmf.artifact("bias.json") as file:
    BIAS = json.load(file)


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema={"a": float, "b": mmf.Column(int, ge=0)})):
    time.sleep(float(os.environ.get("PAUSE", "0")))
    return add(data) + BIAS
"""
HELPERS = """
def add(data):
    return data["a"] + data["b"]
"""
CLUSTER = ("--engine", "dask", "--address")


class InThisProcess:
    """Stands in for a cluster: what is sent there and back is pickled, as it would be."""

    def __init__(
        self, _address: str, plan: Plan, _artifacts: Iterable[Artifact], save: Callable[[Any], Any]
    ) -> None:
        self._plan, self._save = pickle.dumps(plan), save

    def results(self, tasks: Iterable[Any]) -> Iterator[Any]:
        for task in tasks:
            content = remote.work(str(Path.cwd()), self._plan, pickle.dumps(task))
            succeeded, result = pickle.loads(content)
            if not succeeded:
                raise BatchError(result)
            yield self._save(result)

    def close(self) -> None:
        remote._prepared.clear()


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no cluster, but what its workers do."""
    monkeypatch.setattr(job, "DaskWorkers", InThisProcess)
    monkeypatch.setattr(dask_workers.Dask, "requires", {})


@pytest.mark.usefixtures("in_this_process", "small_chunks")
@pytest.mark.parametrize("target", ["csv", "parquet", "xlsx"])
def test_chunk_that_is_sent_away_comes_back_the_same(
    target: str, project: Path, predict: Predict
) -> None:
    lines = [f"{row},{row - 3}" for row in range(1000)]
    (project / "in.csv").write_text("a,b\n" + "\n".join(lines) + "\n")
    options = ("-i", "in.csv", "--keep", "a", "--batch-rows", "64", "--set", "factor=2")
    predict(*options, "-o", f"here.{target}", "--errors", "here.jsonl", code=1)
    cluster = ("--errors", "there.jsonl", *CLUSTER, "tcp://host:8786")
    predict(*options, "-o", f"there.{target}", *cluster, code=1)
    if target == "xlsx":  # which has the time in it
        tables = [
            pd.read_excel(project / f"{name}.xlsx", engine="calamine") for name in ("here", "there")
        ]
        pd.testing.assert_frame_equal(*tables)
    else:
        here, there = (project / f"{name}.{target}" for name in ("here", "there"))
        assert here.read_bytes() == there.read_bytes()
    assert (project / "here.jsonl").read_bytes() == (project / "there.jsonl").read_bytes()


@pytest.mark.usefixtures("in_this_process")
def test_error_of_a_worker_is_reported(project: Path, predict: Predict) -> None:
    (project / "in.csv").write_text("a,b\n1,2\n-666,2\n")
    stderr = predict("-i", "in.csv", "-o", "out.csv", *CLUSTER, "tcp://x:1", code=2).stderr
    assert "score failed: RuntimeError: the number of the beast" in stderr


def test_modules_and_the_files_of_artifacts_are_sent(project: Path) -> None:
    (project / "package" / ".venv").mkdir(parents=True)
    for name in ("package/part.py", "package/.venv/no.py", "in.csv", "bias.json"):
        (project / name).touch()
    with zipfile.ZipFile(io.BytesIO(project_archive([Artifact("bias.json")]))) as archive:
        names = set(archive.namelist())
    assert {"main.py", "package/part.py", "bias.json", "mmf_core/registry.py"} <= names
    assert not {name for name in names if "venv" in name or "pycache" in name or "in.csv" in name}


def test_cluster_needs_its_address_and_the_package(
    project: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "in.csv").write_text("a,b\n1,2\n")
    options = ("-i", "in.csv", "-o", "out.csv", "--engine", "dask")
    assert "--engine and --address belong together" in predict(*options, code=2).stderr
    both = (*options, "--address", "tcp://127.0.0.1:1", "--workers", "2")
    assert "--workers 2 is for processes on this machine" in predict(*both, code=2).stderr
    monkeypatch.setattr(dask_workers.Dask, "requires", {"no_such_module": "distributed"})
    stderr = predict(*options, "--address", "tcp://127.0.0.1:1", code=2).stderr
    assert "pip install distributed" in stderr
    assert not (project / ".out.csv.parts").exists()


def test_workers_with_other_versions_are_refused() -> None:
    with pytest.raises(BatchError, match=r"tcp://x:1: expected pandas .+, as here, got 2\.0"):
        dask_workers._check_versions({"tcp://x:1": {"pandas": "2.0"}})
    with pytest.raises(
        BatchError, match=r"tcp://x:1 cannot import mmf_core, .+: ImportError: no flask"
    ):
        dask_workers._check_versions({"tcp://x:1": ImportError("no flask")})


@pytest.fixture(scope="module")
def programs() -> Path:
    """Give the folder of the programs of an environment with dask."""
    return make_environment("dask", ROOT / "tests" / "dask" / "requirements.txt")


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Give a project with a module and an artifact, and a CSV of several chunks."""
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "helpers.py").write_text(HELPERS)
    (tmp_path / "bias.json").write_text("0.5")
    table = pd.DataFrame({"id": range(ROWS), "a": 0.125, "b": range(ROWS)})
    table.to_csv(tmp_path / "in.csv", index=False)
    return tmp_path


@pytest.fixture
def cluster(programs: Path, tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Give the address of a scheduler, and its two workers, which nothing of a project is near."""
    address = f"tcp://127.0.0.1:{free_port()}"
    environment = {**os.environ, "PAUSE": "0.3"}
    environment.pop("PYTHONPATH", None)
    folder = tmp_path / "cluster"
    folder.mkdir()
    (folder / "main.py").write_text("raise SystemExit('this is not the project')")
    with ExitStack() as stack:

        def start(*arguments: str) -> subprocess.Popen[bytes]:
            command = [programs / "dask", *arguments, "--no-dashboard"]
            process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
            stack.callback(stop, process)
            return process

        host, port = address.removeprefix("tcp://").split(":")
        start("scheduler", "--host", host, "--port", port)
        options = ("--nthreads", "1", "--nworkers", "1", "--host", host)
        workers = [
            start("worker", address, *options, "--local-directory", str(folder / name))
            for name in ("one", "two")
        ]
        yield address, workers


def command(programs: Path, project: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [programs / "python", "-m", "mmf_core", "predict", "-i", "in.csv", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(PAYLOAD)},
        stderr=subprocess.PIPE,
    )


def run(programs: Path, project: Path, *arguments: str) -> None:
    process = command(programs, project, *arguments)
    _, stderr = process.communicate(timeout=240)
    assert process.returncode == 0, stderr.decode()


def worker_of(nanny: subprocess.Popen[bytes]) -> int:
    """Return the process that does the tasks; dask starts another one when it ends."""
    started = [path.read_text() for path in Path(f"/proc/{nanny.pid}/task").glob("*/children")]
    (pid,) = (pid for pid in " ".join(started).split() if b"spawn_main" in command_line(pid))
    return int(pid)


def command_line(pid: str) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.long
def test_worker_is_killed_and_nothing_is_lost_or_doubled(
    programs: Path, big: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    options = ("--keep", "id", "--batch-rows", "5000")
    run(programs, big, "-o", "here.parquet", *options)
    process = command(programs, big, "-o", "there.parquet", *options, *CLUSTER, address)
    journal = big / ".there.parquet.parts" / "journal.jsonl"
    wait_until(lambda: journal.exists() and len(journal.read_text().splitlines()) > 2)
    os.kill(worker_of(workers[0]), signal.SIGKILL)
    _, stderr = process.communicate(timeout=240)
    assert process.returncode == 0, stderr.decode()
    assert (big / "here.parquet").read_bytes() == (big / "there.parquet").read_bytes()
    (big / "helpers.py").write_text(HELPERS.replace('+ data["b"]', '- data["b"]'))
    run(programs, big, "-o", "changed.csv", *options, *CLUSTER, address)
    changed = pd.read_csv(big / "changed.csv")
    assert changed["prediction"].tolist() == [0.625 - row for row in range(ROWS)]
