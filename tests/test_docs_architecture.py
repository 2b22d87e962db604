"""docs/architecture.md is true of the tree: what it names is there, and its figures still hold."""

import re
import subprocess
import sys

import pytest

from baking import PAYLOAD, ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATH = re.compile(r"[\w./{}-]+")
FOLDERS = (ROOT, PAYLOAD, PAYLOAD / "mmf_core")


def named() -> set[str]:
    """Return every word of the pictures and of texts in code that looks like a file or folder."""
    texts = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) + re.findall(r"`([^`\n]+)`", PAGE)
    words = {word for text in texts for word in PATH.findall(text)}
    return {word for word in words if re.search(r"[\w}]/$|\.(py|md|json)$|\w/\w", word)}


def figures() -> dict[str, list[int]]:
    """Return the table of files and hops by request: before, and now."""
    rows = re.findall(r"(?m)^\| (one row, [^|]*) \|((?: \d+ \|){4})$", PAGE)
    return {name: [int(text) for text in re.findall(r"\d+", cells)] for name, cells in rows}


def test_files_and_folders_exist() -> None:
    # A route and an option are no files.
    paths = {word for word in named() if not word.startswith(("/", "-"))}
    assert len(paths) > 25
    missing = [path for path in paths if not any((folder / path).exists() for folder in FOLDERS)]
    assert missing == []


def test_every_folder_of_the_package_is_named() -> None:
    folders = {f"{path.name}/" for path in (PAYLOAD / "mmf_core").iterdir() if path.is_dir()}
    assert folders - {"__pycache__/"} <= named()


@pytest.mark.no_cover
def test_path_of_a_request_is_no_longer_than_the_figures() -> None:
    command = [sys.executable, ROOT / "tools" / "request_path.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    measured = dict(re.findall(r"(?m)^(one row.*?) {2,}(\d+ +\d+)$", done.stdout))
    assert measured.keys() == figures().keys()
    for name, (_, _, files, hops) in figures().items():
        now = [int(text) for text in measured[name].split()]
        assert now[0] <= files, f"{name}: {now[0]} files"
        assert now[1] <= hops, f"{name}: {now[1]} hops"
