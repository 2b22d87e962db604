"""The commands of docs/v2.md, run as printed with the service that the page shows."""

import re
import subprocess
from pathlib import Path

import pytest

from baking import ROOT
from commands import make_environment
from services import Service, serve
from test_docs_formats import APP, fences, run_block
from test_readme import Block

PAGE = ROOT / "docs" / "v2.md"
CLIENTS = ROOT / "tests" / "clients" / "requirements.txt"


def _run_client(service: Service, block: Block) -> str:
    """Run Python in the environment of the clients; return its output."""
    python = make_environment("clients", CLIENTS) / "python"
    code = re.sub(r"\b8000\b", str(service.port), block.text)
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_every_command_responds_as_printed(tmp_path: Path, subtests: pytest.Subtests) -> None:
    main, weights, *others = fences(PAGE)
    (tmp_path / "main.py").write_text(main.text, encoding="utf-8")
    (tmp_path / "weights.json").write_text(weights.text, encoding="utf-8")
    shell = [fence for fence in others if fence.language != "python"]
    with serve("gunicorn", tmp_path, subprocess.DEVNULL, APP, WEB_CONCURRENCY="1") as service:
        for command, expected in zip(shell[::2], shell[1::2], strict=True):
            with subtests.test(command.commands[-1]):
                assert (command.language, expected.language) == ("bash", "text")
                assert run_block(service, tmp_path, command).rstrip("\n") == expected.text.rstrip(
                    "\n"
                )
        printed = [_run_client(service, fence) for fence in others if fence.language == "python"]
    version = re.search(r'"versions":\["(\w+)"\]', PAGE.read_text(encoding="utf-8"))
    assert version
    assert printed[0] == f"['{version[1]}']\n"
    assert printed[1].split() == ["quality", "0", "9.25", "1", "7.00"]
