"""The scripts that count: what a line of code is, what belongs to the core, what a hop is."""

from collections import Counter
from pathlib import Path

import pytest

import count_lines
import request_path

SOURCE = '''"""A module.

Of some lines.
"""

# A comment.
import os  # and another


class Shape:
    """A class."""

    sides = """
    not a docstring
    """


def area(
    width: float,
) -> float:
    """Measure."""

    return width
'''


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("", 0),
        ("# only this\n", 0),
        ('"""A docstring."""\n', 0),
        ("a = 1\n\nb = 2\n", 2),
        (SOURCE, 9),
    ],
)
def test_blanks_comments_and_docstrings_are_not_code(source: str, lines: int) -> None:
    assert count_lines.code_lines(source) == lines


def test_what_can_be_deleted_is_not_the_core(tmp_path: Path) -> None:
    for name in (
        "app.py",
        "page/capability.py",
        "page/view.py",
        "stores/s3_store.py",
        "stores/x.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    deletable = count_lines.capabilities(tmp_path)
    core = [name for name in count_lines.count(tmp_path) if not count_lines.owner(name, deletable)]
    assert deletable == ["page", "stores/s3_store.py"]
    assert core == ["app.py", "stores/x.py"]


def test_lines_are_added_up_by_folder() -> None:
    lines = {"app.py": 1, "errors.py": 2, "web/app.py": 3, "web/http/bodies.py": 4}
    assert count_lines.by_folder(lines) == Counter({".": 3, "web": 7})


def test_hop_is_a_change_of_file() -> None:
    counter = request_path.PathCounter("/mmf_core/")
    for path in ("a.py", "a.py", "b.py", "a.py"):
        counter.visit(path)
    assert counter.files == {"a.py", "b.py"}
    assert counter.hops == [("a.py", "b.py"), ("b.py", "a.py")]
