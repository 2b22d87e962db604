"""The table of the examples is complete, and so is each example."""

import re
from pathlib import Path

import pytest

from baking import ROOT

FOLDERS = sorted(folder for folder in (ROOT / "examples").iterdir() if folder.is_dir())
TABLE = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"(?m)^\| \[[^\]]+\]\(([\w-]+)/README\.md\) \| ([^|]+) \| ([^|]+) \|$")
MEASURED = re.compile(r"\d+(?:\.\d+)? (?:ms|s)\b")
LONGEST_README = 60


def test_each_example_has_a_row() -> None:
    assert sorted(name for name, *_ in ROW.findall(TABLE)) == [folder.name for folder in FOLDERS]


def test_each_row_has_a_measured_time() -> None:
    assert [row for row in ROW.findall(TABLE) if not MEASURED.search(row[2])] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_example_has_a_short_readme_and_a_test(folder: Path) -> None:
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= LONGEST_README
    name = folder.name.replace("-", "_")
    assert list(ROOT.glob(f"tests/*/test_example_{name}.py"))
