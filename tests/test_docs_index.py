"""docs/README.md lists every page once, with a line that says what it is for."""

import re

from baking import ROOT

DOCS = ROOT / "docs"
INDEX = (DOCS / "README.md").read_text(encoding="utf-8")
LINE = re.compile(r"^- \[[^\]]+\]\(([^)]+)\): \S.{10,120}$", re.MULTILINE)


def test_every_page_is_listed_once() -> None:
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"README.md"}
    assert sorted(LINE.findall(INDEX)) == sorted(pages)


def test_every_entry_is_a_line_of_its_own() -> None:
    listed = [line for line in INDEX.splitlines() if line.startswith("- ")]
    assert len(LINE.findall(INDEX)) == len(listed)
