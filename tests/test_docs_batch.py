"""The commands of docs/batch.md print what the page shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from baking import PAYLOAD, ROOT
from test_readme import Block, blocks

PAGE = ROOT / "docs" / "batch.md"
SCRIPT = """
set -euo pipefail
mmfmeta() { "$PYTHON" -m mmf_core "$@"; }
exec 2>&1
"""


@pytest.mark.long
def test_every_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    main, table, *rest = blocks(PAGE, "python", "csv", "bash", "text")
    rest.pop()  # for engines that are not installed
    (tmp_path / "main.py").write_text(main.text, encoding="utf-8")
    (tmp_path / "wines.csv").write_text(table.text, encoding="utf-8")
    assert len(rest) == 8
    for command, printed in zip(rest[::2], rest[1::2], strict=True):
        check(command, printed, tmp_path)
    assert (tmp_path / "summary.json").exists()


def check(command: Block, printed: Block, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", SCRIPT + command.text],
        cwd=folder,
        env={**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(PAYLOAD)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    pattern = re.escape(printed.text).replace("…", r"[\d,]+")
    assert re.fullmatch(pattern, done.stdout.decode()), done.stdout.decode()
