"""Creates the environments of the servers, the generated project, and the models.

All of it is in build/bench and is kept: a second run makes only what has changed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from paths import BUILD, HERE, LOCKS, MODELS, PAYLOAD, ROOT, WINES

STAMP = "requirements.installed"
OURS = {
    "ours/main.py": "main.py",
    "onnx_forest/main.py": "forest_as_onnx.py",
    "onnx_forest/onnx_app.py": "onnx_app.py",
    "large/main.py": "large.py",
    "large/large_app.py": "large_app.py",
    "ceilings/empty_view.py": "empty_view.py",
    "ceilings/bare_wsgi.py": "bare_wsgi.py",
}
CONVERT = """
import json, sys
from pathlib import Path
import pandas
import mmf_core as mmf
folder = Path(sys.argv[1])
rows = pandas.DataFrame(json.loads((folder / "rows.json").read_text())["rows"])
forest = mmf.load_model(folder / "forest.joblib")
mmf.save_model(forest, folder / "forest.onnx", example=rows)
"""
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "True"}


def prepare(names: set[str]) -> None:
    """Create the environments of these names, the project, and the models."""
    project = bake()
    for name in sorted(names | {"ours"}):
        own = () if name == "ours" else (HERE / "peers" / name / "requirements.txt",)
        ours = LOCKS if name in {"ours", "granian", "grpc"} else ()
        install(name, *ours, *own)
    train()
    if "mlflow" in names:
        save_for_mlflow()
    for model in ("elasticnet.joblib", "forest.joblib", "forest.onnx"):
        shutil.copy(MODELS / model, project)


def bake() -> Path:
    """Generate a project from the template, with our targets and the ceilings beside them."""
    project = BUILD / "ours"
    shutil.rmtree(project / "mmf_core", ignore_errors=True)
    options = (
        "--no-input",
        "--overwrite-if-exists",
        "--default-config",
        "--output-dir",
        str(BUILD),
    )
    answers = ("project_name=ours", "project_slug=ours")
    command = [sys.executable, "-m", "cookiecutter", *options, str(ROOT), *answers]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if made.returncode:
        raise SystemExit(f"{made.stderr}\nno project was made: see above")
    for source, name in OURS.items():
        shutil.copy(HERE / source, project / name)
    return project


def install(name: str, *pins: Path) -> None:
    """Create an environment with exactly these versions, unless it exists."""
    folder = BUILD / name / ".venv"
    stamp, contents = folder / STAMP, "".join(file.read_text(encoding="utf-8") for file in pins)
    contents += sys.version
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == contents:
        return
    print(f"== installing {name}", flush=True)
    uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    requirements = [option for file in pins for option in ("--requirement", str(file))]
    uv("pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *requirements)
    stamp.write_text(contents, encoding="utf-8")


def uv(*arguments: str) -> None:
    """Run uv, this environment's or the machine's."""
    beside = Path(sys.executable).with_name("uv")
    program = str(beside) if beside.is_file() else shutil.which("uv")
    if program is None:
        raise SystemExit("uv is missing: run this by `make bench`")
    if subprocess.run([program, *arguments], check=False).returncode:
        raise SystemExit(f"uv {arguments[0]} failed: its reason is above")


def train() -> None:
    """Fit the models, unless train.py made the existing ones.

    The forest is converted to ONNX by this interpreter, which has skl2onnx.
    """
    source = (HERE / "train.py").read_text(encoding="utf-8") + CONVERT
    made_by = MODELS / "train.py"
    if made_by.is_file() and made_by.read_text(encoding="utf-8") == source:
        return
    print("== training", flush=True)
    python("ours", str(HERE / "train.py"), str(MODELS), str(WINES))
    command = [sys.executable, "-c", CONVERT, str(MODELS)]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(PAYLOAD)})
    made_by.write_text(source, encoding="utf-8")


def save_for_mlflow() -> None:
    """Write the models again, as MLflow's folders."""
    made, source = MODELS / "mlflow-forest" / "MLmodel", MODELS / "forest.joblib"
    if not made.is_file() or made.stat().st_mtime < source.stat().st_mtime:
        print("== saving the models for MLflow", flush=True)
        script = str(HERE / "peers" / "mlflow" / "save.py")
        python("mlflow", script, str(MODELS), "elasticnet", "forest")


def rows_and_answers() -> dict[str, Any]:
    """Return the sample rows under "rows" and each model's own predictions for them."""
    expected: dict[str, Any] = json.loads((MODELS / "rows.json").read_text(encoding="utf-8"))
    return expected | {"forest_onnx": expected["forest"]}


def python(environment: str, *arguments: str) -> None:
    """Run the interpreter of an environment."""
    command = [str(BUILD / environment / ".venv" / "bin" / "python"), *arguments]
    if subprocess.run(command, check=False, env=os.environ | QUIET).returncode:
        raise SystemExit(f"{environment}'s python failed: its reason is above")
