"""The tests of a project, which are generated from its descriptors."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import PAYLOAD, ROOT

MAIN = "import mmf_core as mmf"
RunTests = Callable[..., "subprocess.CompletedProcess[str]"]

OWN = '''
"""Targets of every kind, none of them the sample's."""

from datetime import datetime

import mmf_core as mmf

ROOMS = mmf.DataFrame(
    schema={
        "area": mmf.Column(float, ge=10),
        "rooms": int,
        "city": mmf.Column(str, choices=["Kazan", "Omsk"]),
        "sold": datetime,
        "built": "date",
        "seen": mmf.Column("datetime", tz="Europe/Berlin", description="by the owner"),
        "floor": "int8",
        "note": str | None,
        "lift": bool,
    }
)


@mmf.target(returns=mmf.DataFrame(), batch=True)
def price(rooms=ROOMS):
    return rooms["area"] * rooms["rooms"]


@mmf.target(returns=mmf.Dict())
def describe(about=mmf.Dict(), times=mmf.Integer(ge=1)):
    return about | {"times": times}


@mmf.target(returns=mmf.Array())
def half(values=mmf.Array()):
    return values / 2


@mmf.target(returns=mmf.Integer())
def size(file=mmf.File()):
    return len(file)


@mmf.target(returns=mmf.Float())
def double(x=mmf.Float()):
    return 2 * x


@mmf.target(returns=mmf.String())
def hello():
    return "hello"


@mmf.target(returns=mmf.Stream(mmf.String()))
def words(text=mmf.String()):
    yield from text


@mmf.target(returns=mmf.Stream(mmf.Dict()))
async def steps(count=mmf.Integer(ge=1)):
    yield {"step": count}


@mmf.target
def forget(photo=mmf.Img(), day=mmf.Datetime(), sure=mmf.Bool(default=True)):
    pass


@mmf.target(returns=mmf.List(mmf.Date()))
def days(
    first=mmf.Date(),
    at=mmf.Datetime(tz="Europe/Berlin"),
    tags=mmf.List(mmf.String()),
    counts=mmf.List(mmf.Integer(ge=1), default=[1]),
):
    return [first] * counts[0]


@mmf.target(returns=mmf.Integer())
def total(numbers=mmf.List(mmf.Integer(ge=1), min_items=2)):
    return sum(numbers)
'''

CRASHES = """
import mmf_core as mmf


@mmf.target(returns=mmf.Float())
def broken(x=mmf.Float()):
    return x / 0
"""

REJECTS = """
import mmf_core as mmf


@mmf.target(returns=mmf.String())
def city(name=mmf.String()):
    if name not in {"Kazan", "Omsk"}:
        raise mmf.InvalidValue("this city is not known")
    return name
"""

LENIENT = """
import pandas as pd

import mmf_core as mmf




class Anything(mmf.DataFrame):
    def validate(self, value):
        return pd.DataFrame(value)


@mmf.target(returns=mmf.Integer())
def rows(data=Anything(schema={"a": float})):
    return len(data)
"""

FOLDER = """
import mmf_core as mmf


@mmf.artifact("{name}")
def factor():
    return 2


@mmf.target(returns=mmf.Float())
def double(x=mmf.Float()):
    return factor * x
"""


@pytest.fixture
def run_tests(baked: Path, tmp_path: Path) -> RunTests:
    """Return a function that runs a project's tests on this main.py, without the sample's."""
    folder = Path(shutil.copytree(baked, tmp_path / "own"))
    (folder / "tests" / "test_wine.py").unlink()

    def run(main: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        (folder / "main.py").write_text(main.lstrip("\n"))
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_targets_of_every_kind_pass(run_tests: RunTests) -> None:
    done = run_tests(OWN)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["model", "flats.v2"])
def test_model_folder_without_a_known_suffix_passes(
    run_tests: RunTests, tmp_path: Path, name: str
) -> None:
    (tmp_path / "own" / name).mkdir()
    (tmp_path / "own" / name / "MLmodel").touch()
    done = run_tests(FOLDER.format(name=name))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (CRASHES, "status 500"),
        (REJECTS, "this city is not known; write example= in main.py"),
        (LENIENT, "test_fault_is_named_in_every_format[rows]"),
    ],
    ids=["crash", "rejected example", "fault that is accepted"],
)
@pytest.mark.long
def test_faults_are_found(run_tests: RunTests, main: str, words: str) -> None:
    done = run_tests(main)
    assert done.returncode == 1
    assert words in done.stdout


@pytest.mark.parametrize(
    ("main", "reason"),
    [
        ("", "main declares no target"),
        (
            'import mmf_core as mmf\n\nmmf.artifact("model.joblib").load()\n',
            "model.joblib not found",
        ),
    ],
)
def test_startup_failure_is_reported_in_one_line(
    run_tests: RunTests, main: str, reason: str
) -> None:
    done = run_tests(main)
    assert done.returncode == 1
    assert reason in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len((done.stdout + done.stderr).strip().splitlines()) <= 2


@pytest.mark.parametrize("page", ["README.md", "own README.md", "docs/tutorial.md"])
@pytest.mark.long
def test_snippets_pass_lint(baked: Path, tmp_path: Path, page: str) -> None:
    """A main.py pasted from a page: every snippet that imports mmf_core."""
    text = (baked / "README.md" if page.startswith("own") else ROOT / page).read_text()
    snippets = [code for code in re.findall(r"(?s)```python\n(.*?)```", text) if MAIN in code]
    assert snippets
    shutil.copy(baked / "pyproject.toml", tmp_path)
    (tmp_path / "mmf_core").mkdir()  # a package of the project, for the order of imports
    for snippet in snippets:
        (tmp_path / "main.py").write_text(snippet)
        for command in (("ruff", "check", "--no-cache"), ("ruff", "format", "--check"), ("mypy",)):
            done = subprocess.run(
                [sys.executable, "-m", *command, "main.py"],
                cwd=tmp_path,
                env=os.environ | {"MYPYPATH": str(PAYLOAD)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
