"""The examples of docs/streams.md, run as printed."""

import re
import subprocess
from contextlib import chdir
from pathlib import Path

from baking import ROOT
from services import serve
from test_docs_client import APP, run
from test_readme import FENCE, Block

PAGE = ROOT / "docs" / "streams.md"


def test_every_example_prints_what_the_page_shows(tmp_path: Path) -> None:
    fences = [Block(*fence) for fence in FENCE.findall(PAGE.read_text(encoding="utf-8"))]
    story, steps, curl, events, client, printed = fences
    (tmp_path / "main.py").write_text(story.text + steps.text, encoding="utf-8")
    with (
        serve("gunicorn", tmp_path, subprocess.DEVNULL, APP, WEB_CONCURRENCY="1") as service,
        chdir(tmp_path),
    ):
        (command,) = curl.commands
        command = command.replace("8000", str(service.port))
        done = subprocess.run(command.split(), capture_output=True, check=True, timeout=30)
        assert done.stdout.decode().strip() == events.text.strip()
        code = re.sub(r"\b8000\b", str(service.port), client.text)
        assert run(code, {}).strip() == printed.text.strip()
