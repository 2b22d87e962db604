"""docs/tutorial.md, from its first block to its last, in a project that is made for it."""

import re
from pathlib import Path

import pytest

from baking import PAYLOAD, ROOT, make_project
from pages import BLOCK, Reader

PAGE = ROOT / "docs" / "tutorial.md"


@pytest.mark.long
def test_every_block_works_as_printed(tmp_path: Path) -> None:
    project = make_project(tmp_path / "output", {"project_name": "Diabetes progression"})
    Reader(project).follow(PAGE)


def test_blocks_of_output_are_compared() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = [language for _, language, _ in BLOCK.findall(text) if language == "text"]
    assert len(shown) == text.count("```text") > 0


def test_tutorial_commands_exist_in_the_makefile() -> None:
    """Every make command on the page is in the project's Makefile."""
    makefile = (PAYLOAD / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"(?m)(?:`|^)make ([\w-]+)", PAGE.read_text(encoding="utf-8"))
    assert [name for name in commands if f"\n{name}:" not in makefile] == []
