"""docs/architecture.md matches the tree: the names exist, and the figures hold."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import count_lines
from baking import PAYLOAD, ROOT
from mmf_core.capabilities import Capability

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATH = re.compile(r"[\w./{}-]+")
FOLDERS = (ROOT, PAYLOAD, PAYLOAD / "mmf_core")


def named() -> set[str]:
    """Return every word in diagrams and code spans that looks like a file or folder."""
    texts = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) + re.findall(r"`([^`\n]+)`", PAGE)
    words = {word for text in texts for word in PATH.findall(text)}
    return {word for word in words if re.search(r"[\w}]/$|\.(py|md|json)$|\w/\w", word)}


def figures() -> dict[str, list[int]]:
    """Return the table of files and hops by request: before, and now."""
    rows = re.findall(r"(?m)^\| (one row, [^|]*) \|((?: \d+ \|){4})$", PAGE)
    return {name: [int(text) for text in re.findall(r"\d+", cells)] for name, cells in rows}


def test_files_and_folders_exist() -> None:
    # A route is not a file; `robots` is the example; every capability has its own `capability.py`.
    others = re.compile(r"/|.*robots|capability\.py$")
    paths = {word for word in named() if not others.match(word)}
    assert len(paths) > 25
    missing = [path for path in paths if not any((folder / path).exists() for folder in FOLDERS)]
    assert missing == []


def test_every_folder_of_the_package_is_named() -> None:
    folders = {f"{path.name}/" for path in (PAYLOAD / "mmf_core").iterdir() if path.is_dir()}
    assert folders - {"__pycache__/"} <= named()


def test_example_capability_works(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PAYLOAD / "mmf_core", tmp_path / "mmf_core", ignore=ignored)
    (tmp_path / "mmf_core" / "robots").mkdir()
    (tmp_path / "mmf_core" / "robots" / "capability.py").write_text(example, encoding="utf-8")
    program = (
        "import mmf_core as mmf; from mmf_core.web import create_app\n"
        "print(create_app(mmf.Registry()).test_client().get('/robots.txt').text)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Disallow: /" in done.stdout, done.stderr


def test_capability_fields_are_complete() -> None:
    listed = set(re.findall(r"`(\w+)`", PAGE.split("| a capability may have")[1].split("\n\n")[0]))
    fields = {field.name for field in dataclasses.fields(Capability)}
    assert fields - listed == {"requires"}
    assert re.search(r"`requires`", PAGE)


@pytest.mark.no_cover
def test_request_path_is_no_longer_than_stated() -> None:
    command = [sys.executable, ROOT / "tools" / "request_path.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    measured = dict(re.findall(r"(?m)^(one row.*?) {2,}(\d+ +\d+)$", done.stdout))
    assert measured.keys() == figures().keys()
    for name, (_, _, files, hops) in figures().items():
        now = [int(text) for text in measured[name].split()]
        assert now[0] <= files, f"{name}: {now[0]} files"
        assert now[1] <= hops, f"{name}: {now[1]} hops"


def test_core_size_is_as_stated() -> None:
    figure = re.search(r"(?m)^\| the core \| [\d,]+ \| ([\d,]+) \|$", PAGE)
    package = PAYLOAD / "mmf_core"
    deletable = count_lines.owners(package)
    lines = count_lines.count(package)
    assert figure
    core = sum(number for file, number in lines.items() if file not in deletable)
    assert core <= 1.02 * int(figure[1].replace(",", ""))
