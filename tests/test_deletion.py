"""Every extra can be deleted: the service starts without it and does not mention it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from baking import PAYLOAD, QUESTIONS, make_project
from commands import Project
from long_parameters import long_except, selected
from mmf_core.capabilities import capabilities
from mmf_core.extras import ExtrasError, find_extras, remove_extras

PACKAGE = PAYLOAD / "mmf_core"
EXTRAS = list(find_extras(PACKAGE))
MENTIONS = {
    "access": "MMF_TOKEN|MMF_API_KEYS|MMF_RATE|  token  ",
    "artifact_commands": "  push  ",
    "batch_prediction": "  predict  ",
    "device_export": "  export  ",
    "codecs/array_npy": "npy",
    "codecs/json_msgpack": "msgpack",
    "codecs/json_protobuf": "protobuf",
    "codecs/json_yaml": "yaml",
    "codecs/table_html": "text/html",
    "codecs/table_jsonl": "ndjson",
    "codecs/table_ods": "opendocument",
    "codecs/table_pyarrow": "parquet|arrow|feather",
    "codecs/table_xls": "vnd.ms-excel",
    "cors": "CORS",
    "upgrading": "  upgrade  |  extras  ",
    "expectations": "  schema  ",
    "drift": "MMF_DRIFT|  drift  ",
    "init": "  init  ",
    "feedback": "/feedback|MMF_FEEDBACK",
    "grpc": "MMF_GRPC|grpc",
    "heroku_size": "heroku|  size  ",
    "metrics": "/metrics|prometheus",
    "mlflow": "invocations|/mlflow",
    "models/catboost": r"\.cbm",
    "models/lightgbm": r", \.txt",
    "models/mlflow": r"\.mlflow",
    "models/onnx": r"\.onnx",
    "models/pmml": r"\.pmml",
    "models/skops": r"\.skops",
    "models/xgboost": r"\.ubj",
    "page": "<form",
    "payload_log": "MMF_PAYLOAD_LOG|  log  ",
    "project_check": "  check  |  test  ",
    "retraining": "MMF_RETRAIN|  retrain  ",
    "rollouts": "MMF_ROLLOUT|  rollout  |  compare  ",
    "stores/https": "https:,",
    "stores/metaflow": "metaflow:,",
    "stores/mlflow": "models:,",
    "stores/s3": "s3:",
    "swagger_ui": "swagger",
    "tasks": "respond-async|/tasks|MMF_TASK|  worker  ",
    "v2": "/v2",
}
"""Patterns that only services with the extra mention; other extras are never mentioned."""
PROBE = """
import json
from click.testing import CliRunner
import mmf_core as mmf
from mmf_core import models, stores
from mmf_core.cli import main
from mmf_core.web import create_app
from mmf_core.web.app import settings_groups

registry = mmf.Registry()

@registry.target(returns=mmf.DataFrame(format=mmf.JSON))
def score(data=mmf.DataFrame(schema={"a": float})):
    return data

@registry.target(returns=mmf.Dict())
def same(value=mmf.Dict()):
    return value

@registry.target(returns=mmf.Array())
def double(values=mmf.Array()):
    return values * 2

def message(function, *arguments):
    try:
        function(*arguments)
    except mmf.errors.MMFError as error:
        return str(error)

client = create_app(registry).test_client()
response = client.post("/score", json=[{"a": 1.5}])
assert (response.status_code, response.get_json()) == (200, [{"a": 1.5}]), response.text
assert client.get("/health/ready").get_json() == {"ready": True}
commands = CliRunner().invoke(main, ["--help"])
assert commands.exit_code == 0, commands.output
report = {
    "openapi": client.get("/openapi.json").get_data(as_text=True),
    "descriptions": [client.get(f"/{name}").get_json() for name in registry.targets],
    "page": client.get("/").get_data(as_text=True),
    "docs": client.get("/docs").get_data(as_text=True),
    "refusals": [
        client.post(f"/{name}", data=b"x", content_type="application/x-unknown").get_json()
        for name in registry.targets
    ],
    "commands": commands.output,
    "settings": [variable for group in settings_groups() for variable in group.variables()],
    "models": message(models.load_model, "model.unknown"),
    "stores": message(stores.resolve, "unknown://there"),
}
print(json.dumps(report, ensure_ascii=False))
"""


DRIVER = """
import os, runpy, sys, traceback
import click.testing, flask, numpy, orjson, pandas, werkzeug.test  # once for all copies
for folder in sys.argv[1:]:
    if not (child := os.fork()):
        os.chdir(folder)
        sys.path.insert(0, folder)
        with open("report.json", "w") as out, open("errors.txt", "w") as errors:
            os.dup2(out.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            try:
                runpy.run_path("probe.py")
                sys.stdout.flush()
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
        os._exit(0)
    os.waitpid(child, 0)
"""


def dependents(extra: str) -> list[str]:
    """Return the capabilities that require an extra."""
    return [name for name, declared in capabilities().items() if extra in declared.requires]


def copy_to(folder: Path) -> Path:
    """Return a copy of mmf_core in a new folder."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PACKAGE, folder / "mmf_core", ignore=ignored))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of mmf_core."""
    return copy_to(tmp_path)


@pytest.fixture(scope="module")
def reports(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Return the reports of the complete service and of services without one extra or any."""
    removed = {"nothing": [], "everything": EXTRAS}
    removed |= {extra: [extra, *dependents(extra)] for extra in selected(request, "extra")}
    folders = {}
    for name, extras in removed.items():
        folders[name] = tmp_path_factory.mktemp(name.replace("/", "-"))
        remove_extras(copy_to(folders[name]), extras)
        (folders[name] / "probe.py").write_text(PROBE)
    environment = {key: text for key, text in os.environ.items() if not key.startswith("MMF_")}
    environment["MMF_LOG_LEVEL"] = "error"
    command = [sys.executable, "-W", "error", "-c", DRIVER, *map(str, folders.values())]
    subprocess.run(command, env=environment, check=True)
    return {name: _read(folder) for name, folder in folders.items()}


def _read(folder: Path) -> dict[str, Any]:
    """Return a service's report, or why it has not started."""
    lines = (folder / "report.json").read_text().splitlines()
    report: dict[str, Any] = (
        json.loads(lines[-1]) if lines else {"failure": (folder / "errors.txt").read_text()}
    )
    return report


def mentions(report: dict[str, Any], extra: str) -> list[str]:
    """Return the places in which a service mentions an extra."""
    pattern = re.compile(MENTIONS.get(extra, r"(?!)"), re.IGNORECASE)
    return [place for place, words in report.items() if pattern.search(json.dumps(words))]


def test_every_extra_is_listed() -> None:
    silent = {"client", "codecs/json_xml", "codecs/table_xml", "stores/dvc", "tracing"}
    assert MENTIONS.keys() | silent == set(EXTRAS)


def test_complete_service_mentions_its_extras(reports: dict[str, dict[str, Any]]) -> None:
    assert "failure" not in reports["nothing"], reports["nothing"]["failure"]
    assert [extra for extra in MENTIONS if not mentions(reports["nothing"], extra)] == []


@pytest.mark.parametrize(
    "extra", long_except(EXTRAS, ("access", "grpc", "mlflow", "page", "rollouts", "tasks", "v2"))
)
def test_service_without_an_extra(reports: dict[str, dict[str, Any]], extra: str) -> None:
    assert "failure" not in reports[extra], reports[extra]["failure"]
    assert mentions(reports[extra], extra) == []


def test_service_without_any_extra(reports: dict[str, dict[str, Any]]) -> None:
    assert "failure" not in reports["everything"], reports["everything"]["failure"]
    mentioned = {extra: mentions(reports["everything"], extra) for extra in EXTRAS}
    assert {extra: places for extra, places in mentioned.items() if places} == {}


def test_rejects_unknown_extras_before_deleting(copy: Path) -> None:
    with pytest.raises(ExtrasError, match="unknown extra: pages"):
        remove_extras(copy, ["page", "pages"])
    assert "page" in find_extras(copy)


def test_files_have_parts_for_extras_that_exist() -> None:
    """Those of `__extras` are what a project with all extras has; the parts are for these."""
    (listed,) = re.findall(r"'([^']+)'\.split\(\)", QUESTIONS["__extras"])
    names = {
        name
        for file in PAYLOAD.rglob("*")
        if file.is_file() and "mmf_core" not in file.parts
        for condition in re.findall(r"\{%-? if (.+?) -?%\}|\{\{(.+?)\}\}", file.read_text("utf-8"))
        for name in re.findall(
            r'"([^"]+)" in (?:extras|cookiecutter\.__extras)', "".join(condition)
        )
    }
    assert names == set(listed.split())
    assert names <= set(EXTRAS)


def test_core_project_has_only_its_model_format(tmp_path: Path) -> None:
    project = make_project(tmp_path / "output", {"extras": "core", "model_format": "skops"})
    assert list(find_extras(project / "mmf_core")) == ["init", "models/skops", "upgrading"]
    assert not list(project.rglob("__pycache__"))
    deployed = [file for file in (project / "deploy").rglob("*") if file.is_file()]
    files = [project / name for name in ("README.md", "compose.yaml", "Dockerfile", "Procfile")]
    for file in [*files, *deployed]:
        others = "prometheus|grafana|/metrics|MMF_UI|Parquet|tasks|PostgreSQL|mmf_core worker"
        assert not re.search(others, file.read_text(), re.IGNORECASE), file


@pytest.mark.long
def test_core_project_passes_its_tests(tmp_path: Path) -> None:
    project = Project(make_project(tmp_path / "output", {"extras": "core"}))
    project.run("make", "test")
