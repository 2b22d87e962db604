"""The commands of docs/formats.md, run as printed with the service that the page shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from baking import ROOT
from services import Service, serve
from test_readme import FENCE, PRELUDE, STATUS, Block

PAGE = ROOT / "docs" / "formats.md"
APP = """
from mmf_core.web import create_app

app = create_app()
"""
# Values that differ between requests.
VARYING = re.compile(r'("(?:request_id|\w+_at)": ?")[^"]+|("predict_time": ?)[\d.e-]+')


def fences(page: Path) -> list[Block]:
    """Return all fenced blocks of a page."""
    return [Block(*fence) for fence in FENCE.findall(page.read_text(encoding="utf-8"))]


def run_block(service: Service, folder: Path, block: Block) -> str:
    """Run a shell block as a user does; return its output."""
    statuses = folder / ".statuses"
    statuses.write_text("")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", PRELUDE + re.sub(r"\b8000\b", str(service.port), block.text)],
        cwd=folder,
        env={"PATH": path, "LANG": "C.UTF-8", "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    unusual = [status for status in statuses.read_text().split() if status[0] != "2"]
    assert unusual == STATUS.findall(block.text), done.stdout
    return VARYING.sub(r"\1\2…", done.stdout)


def run_page(page: Path, folder: Path, subtests: pytest.Subtests, **more: str) -> None:
    """Serve a page's main.py; run each command and compare its output with the page."""
    main, *others = [fence for fence in fences(page) if fence.language != "nginx"]
    assert main.language == "python"
    (folder / "main.py").write_text(main.text, encoding="utf-8")
    settings = {"WEB_CONCURRENCY": "1", "MMF_TASK_WORKERS": "1"} | more
    with serve("gunicorn", folder, subprocess.DEVNULL, APP, **settings) as service:
        for command, expected in zip(others[::2], others[1::2], strict=True):
            with subtests.test(command.commands[-1]):
                assert (command.language, expected.language) == ("bash", "text")
                printed = run_block(service, folder, command)
                assert printed.rstrip("\n") == expected.text.rstrip("\n")


@pytest.mark.long
def test_every_command_responds_as_printed(tmp_path: Path, subtests: pytest.Subtests) -> None:
    run_page(PAGE, tmp_path, subtests)
