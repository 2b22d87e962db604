"""`mmfmeta to-mlflow`: a project behind `mlflow models serve` responds as by itself.

MLflow serves it in an environment built from the model's requirements.txt, as usual.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
from baking import PAYLOAD, ROOT
from commands import free_port, make_environment, post_json
from mlflow_parity import environment
from mmf_core.cli import main
from mmf_core.errors import DeclarationError
from mmf_core.mlflow import capability
from mmf_core.mlflow.saving import save
from services import serve

HELPER = "def doubled(values):\n    return values * 2\n"
MAIN = """
import mmf_core as mmf
from helper import doubled

model = mmf.artifact("models/wine.joblib").load()
COLUMNS = {"alcohol": float, "kind": mmf.Column(str, choices=["red", "white"]), "age": int | None}
TAGS = mmf.List(mmf.String(), default=["dry", "red"])


@mmf.target(returns=mmf.DataFrame(), default=True, batch=True)
def predict(wines=mmf.DataFrame(schema=COLUMNS), times=mmf.Integer(default=2), tags=TAGS):
    wines["quality"] = doubled(model.predict(wines[["alcohol"]].to_numpy())) * times
    wines["tags"] = " ".join(tags)
    return wines


@mmf.target(returns=mmf.Dict())
def other(what=mmf.Dict()):
    return what
"""
APP = 'from mmf_core.web import create_app\n\napp = create_app("main")\n'
COLUMNS = ["alcohol", "kind", "age"]
ROWS = {"columns": COLUMNS, "data": [[9.5, "red", 3], [12.25, "white", None]]}
BODIES = [
    {"dataframe_split": ROWS},
    {"dataframe_split": ROWS, "params": {"times": 3}},
    {"dataframe_split": ROWS, "params": {"tags": ["sweet"]}},
    {"dataframe_split": {"columns": COLUMNS[:2], "data": [[10, "white"]]}},
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a project with a model and a module beside main.py."""
    (tmp_path / "main.py").write_text(MAIN, encoding="utf-8")
    (tmp_path / "helper.py").write_text(HELPER, encoding="utf-8")
    shutil.copy(ROOT / "templates" / "locks" / "joblib.txt", tmp_path / "requirements.txt")
    (tmp_path / "models").mkdir()
    model = LinearRegression().fit([[8.0], [14.0]], [3.0, 8.0])
    joblib.dump(model, tmp_path / "models" / "wine.joblib")
    return tmp_path


def to_mlflow(project: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mmf_core", "to-mlflow", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(PAYLOAD), "MLFLOW_DISABLE_TELEMETRY": "true", **extra},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def responses(project: Path) -> list[Any]:
    """Serve the project by itself; return its response."""
    with serve("gunicorn", project, subprocess.DEVNULL, APP, WEB_CONCURRENCY="1") as ours:
        return [post_json(f"{ours.url}/invocations", body) for body in BODIES]


def content(model: Path) -> dict[str, bytes]:
    """Return the files of a model, without the records of its run, time and place."""
    files = {
        file.relative_to(model).as_posix(): file for file in model.rglob("*") if file.is_file()
    }
    return {name: file.read_bytes() for name, file in files.items() if name != "MLmodel"}


LOAD = """
import mlflow.pyfunc, pandas
model = mlflow.pyfunc.load_model("out")
table = pandas.DataFrame({"alcohol": [9.5], "kind": ["red"]})
result = model.predict(table, params={"times": 1, "tags": ["a", "b"]})
assert [row["tags"] for row in result + model.predict(table)] == ["a b", "dry red"]
print(result[0]["quality"])
"""


@pytest.mark.long
def test_mlflow_loads_the_saved_model_without_the_project(project: Path, tmp_path: Path) -> None:
    done = to_mlflow(project, "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in (project / "out" / "code").iterdir()} == {
        *("main.py", "helper.py", "mmf_core")
    }
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (project / "out").rename(elsewhere / "out")
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=elsewhere,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert float(loaded.stdout.splitlines()[-1]) == pytest.approx(8.5)


@pytest.mark.long
def test_mlflow_responses_match_the_project(project: Path) -> None:
    environment.install()
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    command = [str(environment.BIN / "mlflow"), "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{project / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(project / "mlartifacts")]
    off = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with environment.running(command, project / "server.log", f"{port}/health", **off):
        for arguments, hint in (
            ((), r"-m runs:/[0-9a-f]{32}/model\n"),
            (("--register", "wine"), "-m models:/wine/1\n"),
        ):
            done = to_mlflow(project, *arguments, MLFLOW_TRACKING_URI=uri)
            assert done.returncode == 0, done.stdout + done.stderr
            assert re.search(hint, done.stdout)
        logged = [file.parent for file in (project / "mlartifacts").rglob("MLmodel")]
        assert len(logged) == 2
        programs = make_environment("mlflow-project", logged[0] / "requirements.txt")
        log, extra = project / "log", {"MLFLOW_TRACKING_URI": uri}
        expected = responses(project)
        with environment.serving("models:/wine/1", log, 60, programs, **extra) as served:
            url = f"http://127.0.0.1:{served}/invocations"
            assert [post_json(url, body) for body in BODIES] == expected
    assert expected[0]["predictions"][0]["quality"] == pytest.approx(17)

    done = to_mlflow(project, "out")
    assert done.returncode == 0, done.stdout + done.stderr
    files = content(project / "out")
    assert {name.split("/")[1] for name in files if name.startswith("code/")} == {
        *("main.py", "helper.py", "mmf_core")
    }
    assert b"gunicorn" not in files["requirements.txt"]
    for model in logged:
        assert content(model) == files


@pytest.mark.long
def test_unreachable_server_is_reported_quickly(project: Path) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    done = to_mlflow(project, MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 1
    assert f"cannot log to {uri}" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_disappear_without_their_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [command.name for command in capability.commands()] == ["from-mlflow", "to-mlflow"]
    present = {"..stores.mlflow_retries"}
    monkeypatch.setattr(capability, "find_spec", lambda name, _: name if name in present else None)
    assert [command.name for command in capability.commands()] == ["to-mlflow"]
    present.clear()
    assert list(capability.commands()) == []


def test_unsupported_targets_are_reported(tmp_path: Path) -> None:
    table, tree, number = mmf.DataFrame(), mmf.Dict(), mmf.Integer()
    for arguments, words in (
        ([{"data": table}, {"data": table}], "mark one with default=True"),
        ([{"data": tree}], "takes a table"),
        ([{"data": table, "times": number}], "add a default= to times"),
    ):
        registry = mmf.Registry()
        for place, descriptors in enumerate(arguments):
            names = ", ".join(f"{name}={name}" for name in descriptors)
            space: dict[str, Any] = dict(descriptors)
            exec(f"def target_{place}({names}): pass", space)
            registry.target(space[f"target_{place}"])
        with pytest.raises(DeclarationError, match=words):
            save(registry, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_prerequisites_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for arguments, words in (
        (".", "name a new folder"),
        ("out", "requirements.txt is missing"),
        ("out --register wine", "leave out FOLDER"),
        ("", "name a folder, or set MLFLOW_TRACKING_URI"),
    ):
        result = CliRunner().invoke(main, ["to-mlflow", *arguments.split()])
        assert result.exit_code == 1
        assert words in result.output
