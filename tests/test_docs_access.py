"""docs/access.md, from its first block to its last, in a project; and its tables."""

import re
from pathlib import Path

import pytest

from baking import ROOT, make_project
from mmf_core.access.settings import AccessSettings
from mmf_core.web.authorization import GROUPS
from pages import Reader

PAGE = ROOT / "docs" / "access.md"


@pytest.mark.long
def test_every_block_works_as_printed(tmp_path: Path) -> None:
    project = make_project(tmp_path / "output", {})
    Reader(project).follow(PAGE)


def test_page_names_every_group_and_setting() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| `(\w+)` \| `", text)
    assert [name for name in rows if name in GROUPS] == list(GROUPS)
    assert [name for name in AccessSettings.variables() if name not in text] == []
