"""`mmfmeta get-meta` writes a project's declarations, or reports an error in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from baking import PAYLOAD
from mmf_core.cli import main
from working_project import make_current

GOOD = """
import mmf_core as mmf

mmf.artifact("notes.txt", name="notes", description="a mark")


@mmf.artifact("absent.joblib", description="a loader")
def model():
    raise RuntimeError("no loader runs here")


@mmf.target(
    description="Predicts the cultivar", name="Сорт вина", returns=mmf.DataFrame(format=mmf.XLSX)
)
def score(
    data=mmf.DataFrame(
        description="wines", schema={"alcohol": float}, pandas_params={"sep": ";"}
    ),
    photo=mmf.Img(format="bgr"),
    label=mmf.String(default="none", name="Label"),
    times=mmf.Integer(default=3),
):
    return model.predict(data)


@mmf.target
def forget(file=mmf.File()):
    "Keeps nothing."
"""

BARE = """
import mmf_core as mmf

mmf.artifact("notes.txt")


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame()):
    return data
"""

COMMON = {
    "default": str,
    "out_format": str,
    "is_file": bool,
    "class_name": str,
}
OF_CLASS = {"DataFrame": {"schema": str, "pandas_params": dict}, "Image": {"color": str}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder and an empty default registry."""
    return make_current(tmp_path, GOOD, monkeypatch)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    sys.modules.pop("main", None)
    return result


def written(project: Path, name: str = "mmf.json") -> dict[str, Any]:
    meta: dict[str, Any] = json.loads((project / name).read_text(encoding="utf-8"))
    return meta


def assert_rejected(result: Result, *words: str) -> None:
    """Check for a one-line error with these words and exit code 1."""
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    "arguments", [("main",), ("main.py",), (), ("main", "--out", "mmf.json")], ids=" ".join
)
def test_writes_mmf_json(project: Path, arguments: tuple[str, ...]) -> None:
    result = run("get-meta", *arguments)
    assert (result.exit_code, result.output) == (0, "wrote mmf.json\n")
    assert [target["route"] for target in written(project)["targets"]] == ["score", "forget"]


def test_writes_to_the_requested_file(project: Path) -> None:
    (project / "out").mkdir()
    assert run("get-meta", "main", "--out", "out/описание.json").exit_code == 0
    assert written(project, "out/описание.json").keys() == {"targets", "artifacts"}
    assert not (project / "mmf.json").exists()


def test_overwrites_an_existing_file(project: Path) -> None:
    (project / "mmf.json").write_text("x" * 100_000)
    assert run("get-meta").exit_code == 0
    assert written(project)["targets"]


def test_keys_and_types_of_a_target(project: Path) -> None:
    run("get-meta", "main")
    for target in written(project)["targets"]:
        assert {"name", "description", "returns", "descriptors"} <= target.keys()
        assert isinstance(target["name"], str)
        assert isinstance(target["description"], str)
        descriptors = target["descriptors"] + ([target["returns"]] if target["returns"] else [])
        for descriptor in descriptors:
            kinds = COMMON | OF_CLASS.get(descriptor["class_name"], {})
            assert {key: type(descriptor[key]) for key in kinds} == kinds
            assert all(isinstance(descriptor[key], str | None) for key in ("name", "description"))
        for descriptor in target["descriptors"]:
            assert isinstance(descriptor["id"], str)


def test_declarations_are_written(project: Path) -> None:
    run("get-meta", "main")
    score, forget = written(project)["targets"]
    assert (score["name"], score["description"]) == ("Сорт вина", "Predicts the cultivar")
    assert (forget["description"], forget["returns"]) == ("Keeps nothing.", None)
    assert score["returns"]["out_format"] == "xlsx"
    data, photo, label, times = score["descriptors"]
    assert (data["id"], data["name"], data["description"]) == ("data", "data", "wines")
    assert (data["class_name"], data["is_file"]) == ("DataFrame", True)
    assert (data["schema"], data["pandas_params"]) == ("{'alcohol': float}", {"sep": ";"})
    assert (photo["class_name"], photo["is_file"], photo["color"]) == ("Image", True, "bgr")
    assert (label["id"], label["name"], label["default"]) == ("label", "Label", "none")
    assert (times["default"], times["is_file"]) == ("3", False)


def test_artifacts_are_not_loaded(project: Path) -> None:
    """Neither file exists."""
    run("get-meta", "main")
    assert written(project)["artifacts"] == [
        {"file": "notes.txt", "name": "notes", "description": "a mark"},
        {"file": "absent.joblib", "name": None, "description": "a loader"},
    ]


def test_missing_values_are_null(project: Path) -> None:
    (project / "main.py").write_text(BARE, encoding="utf-8")
    run("get-meta", "main")
    meta = written(project)
    assert meta["artifacts"] == [{"file": "notes.txt", "name": None, "description": None}]
    (target,) = meta["targets"]
    assert (target["name"], target["description"]) == ("score", None)
    assert (target["returns"]["name"], target["returns"]["description"]) == (None, None)
    (data,) = target["descriptors"]
    assert (data["name"], data["description"], data["default"]) == ("data", None, "None")


def test_project_that_imports_mmf_meta(project: Path) -> None:
    (project / "main.py").write_text(GOOD.replace("mmf_core", "mmf_meta"), encoding="utf-8")
    assert run("get-meta", "main").exit_code == 0
    assert len(written(project)["targets"]) == 2


def test_output_is_readable(project: Path) -> None:
    run("get-meta", "main")
    text = (project / "mmf.json").read_text(encoding="utf-8")
    assert "Сорт вина" in text
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", ["main", "no target"]),
        ("1 / 0", ["main", "ZeroDivisionError", "main.py, line 1"]),
        ("import a_package_that_is_not_there", ["a_package_that_is_not_there", "main.py, line 1"]),
        ("x = 1\ndef (", ["SyntaxError", "main.py, line 2"]),
        ("raise SystemExit(0)", ["main", "SystemExit"]),
        ("raise ValueError('two\\n\\nlines')", ["ValueError: two lines"]),
        ("raise RuntimeError", ["RuntimeError", "main.py, line 1"]),
        ("import json\njson.loads('{')", ["JSONDecodeError", "main.py, line 2"]),
        ("import mmf_core as mmf\n@mmf.target\ndef f(a): pass", ["f:", "a", "descriptor"]),
        (
            "import mmf_core as mmf\n@mmf.target\ndef health(): pass",
            ["health", "the service itself has this route"],
        ),
        (
            "import mmf_core as mmf\nmmf.artifact('m.joblib').load()",
            ["m.joblib not found", "train.py"],
        ),
    ],
)
def test_invalid_project_is_reported_in_one_line(
    project: Path, source: str, words: list[str]
) -> None:
    (project / "main.py").write_text(source, encoding="utf-8")
    assert_rejected(run("get-meta", "main"), *words)
    assert not (project / "mmf.json").exists()


@pytest.mark.parametrize("module", ["absent", "a/main.py", "", ".main", "a b", "absent.main"])
@pytest.mark.usefixtures("project")
def test_missing_module(module: str) -> None:
    assert_rejected(run("get-meta", module), "cannot be imported")


@pytest.mark.usefixtures("project")
def test_unwritable_output() -> None:
    assert_rejected(run("get-meta", "main", "--out", "no/mmf.json"), "cannot write no/mmf.json")


def test_failure_keeps_the_old_file(project: Path) -> None:
    (project / "mmf.json").write_text("old")
    (project / "main.py").write_text("1 / 0")
    assert run("get-meta").exit_code == 1
    assert (project / "mmf.json").read_text() == "old"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["get-meta", "--nonsense"], ["get-meta", "--out", "."]]
)
@pytest.mark.usefixtures("project")
def test_invalid_usage_is_reported(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_lists_commands() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for command in ("get-meta", "test"):
        assert command in result.stdout


@pytest.mark.parametrize("source", [GOOD, "1 / 0"], ids=["good", "bad"])
def test_python_m_gives_the_same_output(project: Path, source: str) -> None:
    (project / "main.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mmf_core", "get-meta", "main"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(PAYLOAD)},
        capture_output=True,
        text=True,
        check=False,
    )
    expected = run("get-meta", "main")
    assert done.returncode == expected.exit_code
    assert (done.stdout, done.stderr) == (expected.stdout, expected.stderr)


def test_python_m_calls_itself_mmfmeta(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mmf_core", "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PAYLOAD)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Usage: mmfmeta ")
