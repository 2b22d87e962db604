"""docs/README.md lists every page, or a folder's own index, once, with a line on what it is for."""

import re

from baking import ROOT

DOCS = ROOT / "docs"
INDEX = (DOCS / "README.md").read_text(encoding="utf-8")
LINE = re.compile(r"^- \[[^\]]+\]\(([^)]+)\): \S.{10,120}$", re.MULTILINE)


def test_every_page_is_listed_once() -> None:
    files = [*DOCS.glob("*.md"), *DOCS.glob("*/README.md")]
    pages = {path.relative_to(DOCS).as_posix() for path in files} - {"README.md"}
    assert sorted(LINE.findall(INDEX)) == sorted(pages)


def test_every_entry_has_its_own_line() -> None:
    listed = [line for line in INDEX.splitlines() if line.startswith("- ")]
    assert len(LINE.findall(INDEX)) == len(listed)


def test_every_page_of_a_folder_is_in_its_index() -> None:
    for page in DOCS.glob("*/*.md"):
        index = (page.parent / "README.md").read_text(encoding="utf-8")
        assert page.name == "README.md" or f"({page.name})" in index, page
