"""docs/retraining.md, done as it stands in the sample's project."""

from pathlib import Path

from baking import ROOT, make_project
from pages import Reader


def test_the_page_is_right(tmp_path: Path) -> None:
    reader = Reader(make_project(tmp_path / "output", {}))
    reader.follow(ROOT / "docs" / "retraining.md")
