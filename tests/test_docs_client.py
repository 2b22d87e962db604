"""The examples of docs/client.md, run as printed, one after the other, with the service."""

import io
import re
import subprocess
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from baking import ROOT
from services import serve
from test_readme import FENCE, Block

PAGE = ROOT / "docs" / "client.md"
SETTINGS = {"WEB_CONCURRENCY": "1", "MMF_TASK_WORKERS": "1", "MMF_FEEDBACK": "1"}
APP = """
from mmf_core.web import create_app

app = create_app()
"""


def run(code: str, names: dict[str, Any]) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


def test_every_example_prints_what_the_page_shows(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    fences = [Block(*fence) for fence in FENCE.findall(PAGE.read_text(encoding="utf-8"))]
    main, *others = [fence for fence in fences if fence.language in {"python", "text"}]
    (tmp_path / "main.py").write_text(main.text, encoding="utf-8")
    names: dict[str, Any] = {}
    with (
        serve("gunicorn", tmp_path, subprocess.DEVNULL, APP, **SETTINGS) as service,
        chdir(tmp_path),
    ):
        for example, printed in zip(others[::2], others[1::2], strict=True):
            with subtests.test(example.commands[-1]):
                assert (example.language, printed.language) == ("python", "text")
                code = re.sub(r"\b8000\b", str(service.port), example.text)
                assert run(code, names).rstrip("\n") == printed.text.rstrip("\n")
        names["client"].close()
