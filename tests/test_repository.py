"""The repository: its contents, the length of its files, its version."""

import re
from datetime import date
from pathlib import Path

import pytest

import mmf_core
from baking import PAYLOAD, ROOT

ARCHIVES = {".whl", ".egg", ".zip", ".gz"}
VENDORED = {"linguist-vendored", "linguist-generated", "gitlab-generated"}
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
PAGES += sorted(ROOT.glob("examples/*/*.md"))
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)|(?:src|href)=\"([^\"#]+)\"")
# client.py is one file to copy.
SHORT = [
    file
    for folder in (PAYLOAD / "mmf_core", ROOT / "hooks", ROOT / "tools")
    for file in sorted(folder.rglob("*.py"))
    if file != PAYLOAD / "mmf_core" / "client.py"
]
LONGEST = 300
RELEASE = re.compile(r"(?m)^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$")


def attributes(file: Path) -> dict[str, set[str]]:
    """Read a .gitattributes file: the attributes by pattern."""
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    return {line[0]: set(line[1:]) for line in lines if line and line[0] != "#"}


def test_no_package_is_committed_at_the_root() -> None:
    assert [path.name for path in ROOT.iterdir() if path.suffix in ARCHIVES] == []


def test_ignored_packages_stay_ignored() -> None:
    assert "*.whl" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_mmf_core_is_vendored_in_a_project(baked: Path) -> None:
    assert attributes(baked / ".gitattributes")["mmf_core/**"] == VENDORED


def test_mmf_core_is_not_vendored_in_the_template() -> None:
    """Git reads the payload's file in the template as well, and here mmf_core is the product."""
    assert "mmf_core/**" not in attributes(PAYLOAD / ".gitattributes")


def test_files_are_short() -> None:
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in SHORT}
    assert len(lines) > 100
    assert [file for file, number in lines.items() if number > LONGEST] == []


def test_changelog_matches_the_version() -> None:
    releases = RELEASE.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    days = [date.fromisoformat(day) for _, day in releases]
    assert releases[0][0] == mmf_core.__version__
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_files_resolve(page: Path) -> None:
    targets = ["".join(groups) for groups in LINK.findall(page.read_text(encoding="utf-8"))]
    files = [target for target in targets if not re.match(r"\w+:", target)]
    assert [name for name in files if not (page.parent / name).exists()] == []
