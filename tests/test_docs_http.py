"""The commands of docs/http.md, run as printed beside the service that the page shows."""

from pathlib import Path

import pytest

from baking import ROOT
from test_docs_formats import run_page

PAGE = ROOT / "docs" / "http.md"
VERBS = {"GET", "HEAD", "POST", "OPTIONS", "PUT"}


def test_every_command_responds_as_printed(tmp_path: Path, subtests: pytest.Subtests) -> None:
    run_page(PAGE, tmp_path, subtests)


def test_every_verb_and_group_of_statuses_has_a_command() -> None:
    text = PAGE.read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert [heading[3] for heading in headings if heading[4:6] == "xx"] == list("12345")
    assert {verb for verb in VERBS if f"`{verb}`" in text} == VERBS
    assert all(f"curl -X {verb}" in text for verb in ("POST", "OPTIONS", "PUT"))
