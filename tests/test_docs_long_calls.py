"""The commands of docs/long-calls.md, run as they stand beside the service that the page shows."""

import subprocess
from pathlib import Path

import pytest

from baking import ROOT
from services import serve
from test_docs_formats import APP, fences, run_block

PAGE = ROOT / "docs" / "long-calls.md"


def test_every_command_answers_as_printed(tmp_path: Path, subtests: pytest.Subtests) -> None:
    main, *others = [fence for fence in fences(PAGE) if fence.language != "nginx"]
    assert main.language == "python"
    (tmp_path / "main.py").write_text(main.text, encoding="utf-8")
    with serve("gunicorn", tmp_path, subprocess.DEVNULL, APP, WEB_CONCURRENCY="1") as service:
        for command, answer in zip(others[::2], others[1::2], strict=True):
            with subtests.test(command.commands[-1]):
                assert (command.language, answer.language) == ("bash", "text")
                assert run_block(service, tmp_path, command).rstrip("\n") == answer.text.rstrip(
                    "\n"
                )
