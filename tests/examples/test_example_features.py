"""examples/features: its README, in a project without the sample."""

import shutil
from pathlib import Path

import pytest

from baking import ROOT, make_project
from pages import Reader

pytestmark = pytest.mark.long
EXAMPLE = ROOT / "examples" / "features"
MISTAKE = ("fill_value=0", "fill_value=1")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project without the sample, with the files of the example."""
    folder = make_project(tmp_path / "output", {"sample": "none"})
    for name in ("features.py", "main.py"):
        shutil.copy(EXAMPLE / name, folder)
    shutil.copy(EXAMPLE / "test_features.py", folder / "tests")
    return folder


def test_readme_works(project: Path) -> None:
    Reader(project).follow(EXAMPLE / "README.md")


def test_its_tests_find_a_mistake(project: Path) -> None:
    source = (project / "features.py").read_text(encoding="utf-8")
    assert MISTAKE[0] in source
    (project / "features.py").write_text(source.replace(*MISTAKE), encoding="utf-8")
    printed = Reader(project).run(["bash", "-c", "! python -m pytest tests/test_features.py"])
    assert "FAILED tests/test_features.py::test_no_trip_is_lost_or_made_up" in printed
