"""A run that is killed leaves its parts, and another continues to the same bytes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from batch_project import Predict

from baking import PAYLOAD
from commands import wait_until
from mmf_core.batch_prediction import job

ROWS = 400_000
SLOW = """
import os, time
import mmf_core as mmf


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema={"a": float, "b": int})):
    time.sleep(float(os.environ.get("PAUSE", "0")))
    return data["a"] + data["b"]
"""


def start(project: Path, *arguments: str, pause: float = 0.0) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(PAYLOAD), "PAUSE": str(pause)}
    command = [sys.executable, "-m", "mmf_core", "predict", *arguments]
    return subprocess.Popen(
        command, cwd=project, env=environment, stderr=subprocess.PIPE, start_new_session=True
    )


def run(project: Path, *arguments: str) -> str:
    process = start(project, *arguments)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr.decode()
    return stderr.decode()


def journal_of(output: Path) -> list[str]:
    """Return the lines of a run's journal: what the run is of, then its parts."""
    path = output.with_name(f".{output.name}.parts") / "journal.jsonl"
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a CSV of more than a chunk, in a project."""
    project = tmp_path_factory.mktemp("project")
    (project / "main.py").write_text(SLOW)
    table = pd.DataFrame({"id": range(ROWS), "a": 0.125, "b": range(ROWS), "text": "x" * 20})
    table.to_csv(project / "in.csv", index=False)
    return project


@pytest.mark.parametrize(
    ("number", "workers", "target"),
    [
        (signal.SIGKILL, "2", "parquet"),
        pytest.param(signal.SIGINT, "2", "csv", marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, "1", "csv", marks=pytest.mark.long),
        pytest.param(signal.SIGKILL, "1", "xlsx", marks=pytest.mark.long),
        pytest.param(signal.SIGKILL, "1", "jsonl.gz", marks=pytest.mark.long),
        pytest.param(signal.SIGINT, "1", "arrow", marks=pytest.mark.long),
    ],
)
def test_killed_run_is_continued_to_the_same_bytes(
    number: int, workers: str, target: str, big: Path
) -> None:
    name = f"{target}-{number}-{workers}"
    options = ("-i", "in.csv", "--keep", "id", "--batch-rows", "20000", "-n", workers)
    run(big, *options, "-o", f"whole-{name}.{target}")
    process = start(big, *options, "-o", f"out-{name}.{target}", pause=0.2)
    folder = big / f".out-{name}.{target}.parts"
    wait_until(lambda: len(list(folder.glob("*.part"))) >= 3 or process.poll() is not None)
    assert process.poll() is None
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == (-9 if number == signal.SIGKILL else 130), stderr.decode()
    assert not (big / f"out-{name}.{target}").exists()
    assert len(journal_of(big / f"out-{name}.{target}")) > 1
    (folder / "000001.part").write_bytes(b"cut off")  # by a crash of the machine
    run(big, *options, "-o", f"out-{name}.{target}", "--resume")
    whole, continued = (big / f"{kind}-{name}.{target}" for kind in ("whole", "out"))
    assert whole.read_bytes() == continued.read_bytes()
    assert not folder.exists()


@pytest.mark.long
def test_worker_that_is_killed_ends_the_run_which_is_continued(big: Path) -> None:
    options = ("-i", "in.csv", "--batch-rows", "20000", "-n", "2")
    run(big, *options, "-o", "expected.csv")
    process = start(big, *options, "-o", "killed.csv", pause=0.2)
    wait_until(lambda: len(journal_of(big / "killed.csv")) > 1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 2
    assert stderr.decode().endswith("a worker ended (SIGKILL); --resume continues\n")
    run(big, *options, "-o", "killed.csv", "--resume")
    assert (big / "killed.csv").read_bytes() == (big / "expected.csv").read_bytes()


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def left_over(predict: Predict, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave what a run leaves that ends after its first parts."""
    (project / "in.csv").write_text("a,b\n" + "1.5,2\n" * 400)
    with monkeypatch.context() as patch:
        patch.setattr(job.Destination, "put", interrupt)
        assert (
            "--resume continues"
            in predict("-i", "in.csv", "-o", "out.csv", "--batch-rows", "100", code=130).stderr
        )


def test_left_parts_are_not_overwritten(
    predict: Predict, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_over(predict, project, monkeypatch)
    stderr = predict("-i", "in.csv", "-o", "out.csv", code=2).stderr
    assert ".out.csv.parts is left from a run that has not ended" in stderr
    assert "continue it with --resume" in stderr


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("--batch-rows", "50"), "batch rows"),
        (("--batch-rows", "100", "--set", "factor=2"), "arguments"),
        (("--batch-rows", "100", "--keep-all"), "columns"),
        (("--batch-rows", "100", "twice"), "target"),
    ],
)
def test_other_options_do_not_continue_a_run(
    change: tuple[str, ...],
    named: str,
    predict: Predict,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left_over(predict, project, monkeypatch)
    stderr = predict("-i", "in.csv", "-o", "out.csv", "--resume", *change, code=2).stderr
    assert f"--resume: {named} changed since" in stderr


def test_other_formats_do_not_continue_a_run(
    predict: Predict, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "in").write_text("a,b\n1.5,2\n")
    with monkeypatch.context() as patch:
        patch.setattr(job.Destination, "put", interrupt)
        predict("-i", "in", "-o", "out", "-t", "csv", code=130)
    stderr = predict("-i", "in", "-o", "out", "-t", "tsv", "--resume", code=2).stderr
    assert "--resume: input, output format changed since" in stderr


def test_refused_continuation_of_a_failed_run_leaves_it_failed(
    predict: Predict, project: Path
) -> None:
    (project / "in.csv").write_text("a,b\n1,2\nstrong,2\n")
    options = ("-i", "in.csv", "-o", "out.csv")
    predict(*options, code=2)
    stderr = predict(*options, "--resume", "--set", "factor=2", code=2).stderr
    assert "--resume: arguments changed since" in stderr
    predict(*options, "--errors", "bad.csv", code=1)  # which starts over, as after any failed run


def test_other_input_does_not_continue_a_run(
    predict: Predict, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_over(predict, project, monkeypatch)
    (project / "in.csv").write_text("a,b\n" + "2.5,2\n" * 400)
    options = ("-i", "in.csv", "-o", "out.csv", "--resume", "--batch-rows", "100")
    assert "input changed since" in predict(*options, code=2).stderr


def test_part_of_the_journal_that_is_cut_off_is_made_again(
    predict: Predict, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_over(predict, project, monkeypatch)
    journal = project / ".out.csv.parts" / "journal.jsonl"
    lines = journal.read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines[1:]] == [0, 1, 2, 3]
    journal.write_text("\n".join(lines[:3]) + "\n" + lines[3][:20])
    predict("-i", "in.csv", "-o", "out.csv", "--resume", "--batch-rows", "100")
    assert (project / "out.csv").read_text() == "prediction\n" + "3.5\n" * 400


@pytest.mark.parametrize("content", [b'{"target": "sc', b"[1]\n", b"\0\0\0\n", b"\xff\n"])
def test_damaged_journal_is_an_error_that_names_the_way_out(
    content: bytes, predict: Predict, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_over(predict, project, monkeypatch)
    (project / ".out.csv.parts" / "journal.jsonl").write_bytes(content)
    stderr = predict("-i", "in.csv", "-o", "out.csv", "--resume", code=2).stderr
    assert "journal.jsonl is damaged; start over with --overwrite" in stderr
    predict("-i", "in.csv", "-o", "out.csv", "--overwrite")


def test_run_continues_when_its_upstream_responds_again(predict: Predict, project: Path) -> None:
    (project / "in.csv").write_text("a,b\n" + "".join(f"{row},1\n" for row in range(300)))
    (project / "down").touch()
    options = ("-i", "in.csv", "-o", "out.csv", "--batch-rows", "100")
    assert predict(*options, code=2).stderr == "Error: the feature store does not respond\n"
    assert len(list((project / ".out.csv.parts").glob("*"))) > 1
    (project / "down").unlink()
    predict(*options, "--resume")
    expected = "".join(f"{row + 1}.0\n" for row in range(300))
    assert (project / "out.csv").read_text() == f"prediction\n{expected}"


def test_standard_input_is_not_resumed(predict: Predict) -> None:
    stderr = predict("-i", "-", "-t", "csv", "-o", "out.csv", "--resume", code=2).stderr
    assert "--resume needs files" in stderr
