"""The counting scripts: lines of code, the core, and hops."""

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


def test_deletable_modules_are_not_core(tmp_path: Path) -> None:
    texts = {
        "app.py": "",
        "page/capability.py": "",
        "page/view/form.py": "",
        "stores/s3_store.py": "",
        "stores/s3_keys.py": "",
        "stores/cache.py": "",
        "codecs/table_ods.py": "CODECS = ()",
        "codecs/table_csv.py": "NAMES = 'CODECS'",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert count_lines.owners(tmp_path) == {
        "page/capability.py": "page",
        "page/view/form.py": "page",
        "stores/s3_store.py": "stores/s3",
        "stores/s3_keys.py": "stores/s3",
        "codecs/table_ods.py": "codecs/table_ods",
    }


def test_lines_are_summed_by_folder() -> None:
    lines = {"app.py": 1, "errors.py": 2, "web/app.py": 3, "web/http/bodies.py": 4}
    assert count_lines.by_folder(lines) == Counter({".": 3, "web": 7})


def test_hops_are_changes_of_file() -> None:
    counter = request_path.PathCounter("/mmf_core/")
    for path in ("a.py", "a.py", "b.py", "a.py"):
        counter.visit(path)
    assert counter.files == {"a.py", "b.py"}
    assert counter.hops == [("a.py", "b.py"), ("b.py", "a.py")]
