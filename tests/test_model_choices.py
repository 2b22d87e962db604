"""Every choice of `model_format`: what it changes, and a complete run of its project.

test_life.py runs a project with joblib, the first choice.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from baking import QUESTIONS, ROOT, choices
from commands import Project, free_port, post_json
from test_service import instructions
from test_template import check_parses, files_of, read

Bake = Callable[..., Path]

SHARED = ROOT / ".cache" / "choices"
FIRST, *OTHERS = QUESTIONS["model_format"]
FILES = {
    "joblib": "model.joblib",
    "pickle": "model.pkl",
    "skops": "model.skops",
    "onnx": "model.onnx",
    "pmml": "model.pmml",
    "mlflow": "model.mlflow",
}
NAMED = ("main.py", "train.py", "README.md")
RECORDS = (".mmf.toml", ".cruft.json")
WITHOUT_TRAINING = ("onnx", "pmml")  # the service has no scikit-learn
REQUIREMENTS = {f"requirements{kind}" for kind in (".in", ".txt", "-dev.in", "-dev.txt")}
each_other = pytest.mark.parametrize("choice", OTHERS)


def original() -> tuple[Pipeline, pd.DataFrame]:
    """Fit the model of train.py here, and return it with rows to predict."""
    wines = load_wine(as_frame=True)
    cultivars = wines.target_names[wines.target]
    training_rows, rows, labels, _ = train_test_split(
        wines.data, cultivars, test_size=0.25, random_state=0, stratify=cultivars
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(training_rows, labels)
    return model, rows


def test_every_choice_has_a_file() -> None:
    assert list(FILES) == [FIRST, *OTHERS]


@pytest.mark.long
@each_other
def test_choice_changes_only_names_and_requirements(bake: Bake, baked: Path, choice: str) -> None:
    project = bake(model_format=choice)
    made, default = files_of(project), files_of(baked)
    touched = {name for name in made if made[name].read_bytes() != default[name].read_bytes()}
    java = {"Dockerfile", "app.json", ".gitlab-ci.yml"} if choice == "pmml" else set()
    assert touched <= {*NAMED, *REQUIREMENTS, *RECORDS, *java}
    for name in NAMED:
        text = re.sub(r"(?m)^heroku buildpacks:add .*\n", "", read(made[name]))
        expected = read(default[name])
        if choice in WITHOUT_TRAINING:
            expected = re.sub(r"(?s)\n\n# It runs as a task.*", "", expected)
        assert text.replace(FILES[choice], FILES[FIRST]) == expected
        assert FILES[choice] in text
    check_parses(project)


@pytest.mark.parametrize("choice", choices("model_format"))
def test_model_is_named_everywhere(choose: Bake, choice: str) -> None:
    project = choose(model_format=choice)
    assert [name for name in NAMED if FILES[choice] not in read(project / name)] == []


@pytest.mark.parametrize("choice", choices("model_format"))
def test_java_is_installed_only_for_pmml(choose: Bake, choice: str) -> None:
    project = choose(model_format=choice)
    is_needed = choice == "pmml"
    described = json.loads(read(project / "app.json"))
    packs = [pack["url"] for pack in described["buildpacks"]]
    assert packs == ["heroku/jvm", "heroku/python"][not is_needed :]
    added = re.findall(r"(?m)^heroku buildpacks:add (\S+)", read(project / "README.md"))
    assert added == (packs if is_needed else [])
    index, packages = instructions(project, "ARG")
    assert index == "PIP_EXTRA_INDEX_URL"
    assert packages == f'SYSTEM_PACKAGES="{"default-jre-headless" if is_needed else ""}"'


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
@pytest.mark.parametrize("choice", choices("model_format")[1:])
def test_ruff_passes(choose: Bake, choice: str, command: tuple[str, ...]) -> None:
    ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
    done = subprocess.run(
        ruff, cwd=choose(model_format=choice), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@each_other
def test_project_works_with_its_requirements(bake: Bake, choice: str) -> None:
    if choice == "pmml" and not shutil.which("java"):
        pytest.skip("there is no Java: apt install default-jre-headless")
    project = Project(bake(model_format=choice))
    # The environments share a place, one after the other, so compiled modules are reused.
    SHARED.mkdir(parents=True, exist_ok=True)
    (project.folder / ".venv").symlink_to(SHARED)
    uv = (sys.executable, "-m", "uv")
    python = ("--quiet", "--python", str(SHARED / "bin" / "python"))
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "error"}

    project.run(*uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(SHARED))
    project.run(*uv, "pip", "sync", *python, "requirements-dev.txt")
    (project.bin.parent / "installed").touch()  # as `make install` would, from an older pip
    assert f"{FILES[choice]}: accuracy on 45 held-out wines: 100.0%" in project.run(
        "make", "train", **quiet
    )
    project.run("pytest", "-q", **quiet)

    # The packages of the image: no exporters and, for ONNX and PMML, no scikit-learn.
    project.run(*uv, "pip", "sync", *python, "requirements.txt")
    model, rows = original()
    port = free_port()
    serve = ("gunicorn", "-w", "2", "app:app")
    with project.serving(*serve, port=port, PORT=str(port), WEB_HOST="127.0.0.1", **quiet) as url:
        scored = post_json(f"{url}/score", rows.to_dict("records"))
        explained = post_json(f"{url}/explain", rows.iloc[0].to_dict())
    assert [row["prediction"] for row in scored] == model.predict(rows).tolist()
    (probabilities,) = model.predict_proba(rows[:1])
    assert explained["cultivar"] == scored[0]["prediction"]
    assert list(explained["probabilities"].values()) == pytest.approx(probabilities, abs=2e-4)
