"""A service that trains its own model, in ways that its caller chooses."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from task_services import LONGEST, end_of, submit, until

from baking import PAYLOAD
from services import Service, serve

APP = """
from mmf_core.web import create_app

app = create_app("main")
"""
FITTING = '''
"""Models of two columns that know their version."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression


def rows(columns="ab"):
    values = np.random.default_rng(0).normal(size=(60, len(columns)))
    return pd.DataFrame(values, columns=list(columns))


def labels(table, classes=2):
    names = np.array(["low", "high", "top"])[:classes]
    return names[pd.qcut(table.sum(axis=1), classes, labels=False)]


def fit(version, columns="ab", classes=2, kind=LogisticRegression):
    table = rows(columns)
    target = table.sum(axis=1) if kind is LinearRegression else labels(table, classes)
    model = kind().fit(table, target)
    model.version_ = version
    return model
'''
MAIN = '''
"""A model that is served, and trained again."""

import time
from pathlib import Path

import fitting
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

import mmf_core as mmf

model = mmf.artifact("model.joblib").load()
TABLE = mmf.DataFrame(schema={"a": float, "b": float}, format=mmf.JSON)
LABELLED = mmf.DataFrame(schema={"a": float, "b": float, "label": str | None}, default=None)


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON))
def score(data=TABLE):
    """Predict; the column says by which version."""
    if hasattr(model, "broken_"):
        raise RuntimeError("a secret")
    return data.assign(label=model.predict(data), version=model.version_)


@mmf.target(returns=mmf.ModelFile("model.joblib", metric="accuracy", tolerance=0.01))
def retrain(
    kind=mmf.String(default="good"),
    version=mmf.Integer(default=2),
    accuracy=mmf.Float(default=0.9),
    go=mmf.String(default=""),
):
    """Fit a model of a kind."""
    print("training", kind)
    while go and not Path(go).exists():
        time.sleep(0.01)
    metrics, example = {"accuracy": accuracy}, fitting.rows()
    if kind == "other columns":
        return mmf.TrainedModel(fitting.fit(version, "ac"), fitting.rows("ac"), metrics)
    if kind == "regressor":
        return mmf.TrainedModel(fitting.fit(version, kind=LinearRegression), example, metrics)
    if kind == "three classes":
        return mmf.TrainedModel(fitting.fit(version, classes=3), example, metrics)
    if kind == "dict":
        return mmf.TrainedModel({"m": fitting.fit(version)}, {"m": example}, metrics)
    if kind == "not fitted":
        return mmf.TrainedModel(LogisticRegression(), example, metrics)
    if kind == "text":
        return "a model"
    if kind == "no metric":
        return fitting.fit(version)
    if kind == "large":
        fitted = fitting.fit(version)
        fitted.ballast_ = np.random.default_rng(0).bytes(5_000_000)
        return mmf.TrainedModel(fitted, example, metrics)
    if kind == "forgets":
        fitted = fitting.fit(version)
        fitted.broken_ = True
        return mmf.TrainedModel(fitted, example, metrics)
    return mmf.TrainedModel(
        fitting.fit(version), example, metrics, note="ночь " * 50, reference=example
    )


@mmf.target(returns=mmf.ModelFile("model.joblib"))
def learn(data=LABELLED):
    """Fit a model on labelled rows."""
    data = fitting.rows().assign(label=fitting.labels(fitting.rows())) if data is None else data
    fitted = LogisticRegression().fit(data[["a", "b"]], data["label"])
    fitted.version_ = len(data)
    return fitted


@mmf.target(returns=mmf.ModelFile("model.joblib", promote=False))
def offer():
    """Fit a model that waits to be promoted."""
    return fitting.fit(5)
'''


@dataclass
class Retraining:
    """A running service that trains its own model."""

    folder: Path
    service: Service

    @property
    def log(self) -> str:
        """Its output so far."""
        return (self.folder / "log").read_text()

    def version(self) -> int:
        """Return the version of the model that responds."""
        rows = [{"a": 1.0, "b": 2.0}]
        response = requests.post(f"{self.service.url}/score", json=rows, timeout=LONGEST)
        assert response.status_code == 200, response.text
        return int(response.json()[0]["version"])

    def train(self, target: str = "retrain", **arguments: Any) -> dict[str, Any]:
        """Train; return the task once it is done."""
        return end_of(self.service.url, submit(self.service.url, target, arguments))

    def served(self, version: int) -> None:
        """Wait until all workers serve this version."""
        until(lambda: [self.version() for _ in range(8)] == [version] * 8)

    def lock(self) -> dict[str, Any]:
        """Return the entry of the model in artifacts.lock."""
        entry: dict[str, Any] = json.loads((self.folder / "artifacts.lock").read_text())
        return entry["model.joblib"]  # type: ignore[no-any-return]

    def command(self, *arguments: str, code: int = 0, **extra: str) -> str:
        """Run a command of `mmfmeta`; return what it has printed."""
        return mmfmeta(self.folder, *arguments, code=code, **extra)


def read_only(folder: Path) -> list[str]:
    """Return the beginning of a command for which a folder is read-only, as in an image.

    Modes of files do not bind root. Skip the test where the system has no such namespaces.
    """
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"'
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, str(folder)]
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("no mount namespaces")
    return prefix


def mmfmeta(
    folder: Path, *arguments: str, code: int = 0, prefix: Sequence[str] = (), **extra: str
) -> str:
    """Run a command of `mmfmeta` in a folder; return what it has printed."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "mmf_core", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PAYLOAD), **extra},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def write_project(folder: Path, main: str = MAIN) -> None:
    """Write the project, with version 1 of its model."""
    (folder / "main.py").write_text(main)
    (folder / "fitting.py").write_text(FITTING)
    code = "import fitting, mmf_core as mmf; "
    code += "mmf.save_model(fitting.fit(1), 'model.joblib', example=fitting.rows())"
    environment = {**os.environ, "PYTHONPATH": str(PAYLOAD)}
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)


@contextmanager
def retraining(folder: Path, **extra: str) -> Iterator[Retraining]:
    """Serve the project of a folder; its log is printed afterwards."""
    extra = {"MMF_TASK_WORKERS": "1", "MMF_RETRAIN_HTTP": "1"} | extra
    try:
        with (
            (folder / "log").open("ab") as log,
            serve("gunicorn", folder, log, APP, **extra) as service,
        ):
            yield Retraining(folder, service)
    finally:
        print((folder / "log").read_text())
