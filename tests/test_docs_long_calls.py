"""The commands of docs/long-calls.md, run as printed with the service that the page shows."""

from pathlib import Path

import pytest

from baking import ROOT
from test_docs_formats import run_page


def test_every_command_responds_as_printed(tmp_path: Path, subtests: pytest.Subtests) -> None:
    run_page(ROOT / "docs" / "long-calls.md", tmp_path, subtests)
