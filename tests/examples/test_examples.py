"""The table of the examples is complete, and so is each example."""

import re
import subprocess
from pathlib import Path

import pytest

import commands
from baking import ROOT

FOLDERS = sorted(folder for folder in (ROOT / "examples").iterdir() if folder.is_dir())
TABLE = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"(?m)^\| \[[^\]]+\]\(([\w-]+)/README\.md\) \| ([^|]+) \| ([^|]+) \|$")
MEASURED = re.compile(r"\d+(?:\.\d+)? (?:ms|s)\b")
LONGEST_README = 60
TOOLS = {"dvc", "great-expectations", "kedro", "django", "streamlit", "feast", "metaflow"}


def test_each_example_has_a_row() -> None:
    assert sorted(name for name, *_ in ROW.findall(TABLE)) == [folder.name for folder in FOLDERS]


def test_each_row_has_a_measured_time() -> None:
    assert [row for row in ROW.findall(TABLE) if not MEASURED.search(row[2])] == []


def test_no_service_needs_a_tool_of_the_examples() -> None:
    sources = ROOT.glob("examples/*/requirements.txt")
    used = {name for source in sources for name in packages(source)}
    assert used >= TOOLS
    services = [*ROOT.glob("templates/locks/*.txt"), ROOT / "requirements-dev.txt"]
    assert {name for source in services for name in packages(source)} & TOOLS == set()


def packages(pins: Path) -> set[str]:
    """Return the names of what is pinned."""
    return {line.partition("==")[0] for line in pins.read_text(encoding="utf-8").splitlines()}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_example_has_a_short_readme_and_a_test(folder: Path) -> None:
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= LONGEST_README
    name = folder.name.replace("-", "_")
    assert list(ROOT.glob(f"tests/*/test_example_{name}.py"))


def test_skipped_example_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """conftest.py skips it with what the installer has printed."""
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    monkeypatch.setenv("UV_OFFLINE", "1")
    pins = tmp_path / "requirements.txt"
    pins.write_text("no-such-tool==1\n")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        commands.make_environment("examples/tool", pins)
    assert "no-such-tool" in caught.value.stderr
    assert not (tmp_path / ".cache" / "examples" / "tool" / "venv").exists()
