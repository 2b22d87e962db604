"""docs/troubleshooting.md quotes messages that the code writes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from baking import PAYLOAD, ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SOURCES = [
    *(PAYLOAD / "mmf_core").rglob("*.py"),
    PAYLOAD / "gunicorn.conf.py",
    ROOT / "hooks" / "pre_gen_project.py",
]
PLACEHOLDER = re.compile(r"%[-\d.]*[sdfgr]|%%")


def templates(source: Path) -> Iterator[str]:
    """Yield the strings of a file, with `…` for interpolated values."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                part.value if isinstance(part, ast.Constant) else "…" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield PLACEHOLDER.sub("…", node.value)


WRITTEN = {template for source in SOURCES for template in templates(source)}
OWN = PAGE[PAGE.index("## The service does not start") : PAGE.index("## Other problems")]
QUOTED = [
    message
    for line in OWN.splitlines()
    for message in re.findall(r"^\| (?:\d+ \| )?`([^`]+)` \|", line)
]


def pattern(template: str) -> re.Pattern[str]:
    """Match the possible results of a template, or of a part of one."""
    return re.compile(".*".join(map(re.escape, template.split("…"))))


@pytest.mark.parametrize("message", QUOTED)
def test_quoted_messages_exist_in_the_code(message: str) -> None:
    literal = max(message.split("…"), key=len)
    assert len(literal) > 4
    written = [template for template in WRITTEN if literal in template]
    assert any(pattern(message).search(template) for template in written), message


def test_every_table_is_parsed() -> None:
    assert len(QUOTED) > 25
