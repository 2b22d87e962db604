"""The commands of docs/http.md, run as printed with the service that the page shows."""

import re
from pathlib import Path

import pytest

from baking import ROOT
from test_docs_formats import run_page
from test_readme import STATUS

PAGE = ROOT / "docs" / "http.md"
VERBS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"}
BY_CURL = ("POST", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE")


def test_every_command_responds_as_printed(tmp_path: Path, subtests: pytest.Subtests) -> None:
    run_page(PAGE, tmp_path, subtests, MMF_CLIENT_TIMEOUT="2")


def test_every_method_and_status_class_has_a_command() -> None:
    text = PAGE.read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert [heading[3] for heading in headings if heading[4:6] == "xx"] == list("12345")
    assert {verb for verb in VERBS if f"`{verb}`" in text} == VERBS
    assert all(f"curl -X {verb}" in text for verb in BY_CURL)


def test_every_error_that_anyone_may_cause_has_a_command() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = {
        status
        for row in re.findall(r"(?m)^\| ([45][\d, ]+) \|", text)
        for status in row.split(", ")
    }
    elsewhere = {"401", "403", "429", "410", "421"}  # docs/access.md, tasks.md, settings.md
    assert table - elsewhere == {status for status in STATUS.findall(text) if status >= "4"}
