"""The commands in the READMEs work.

The fenced blocks of README.md, here and in a project, are run unchanged:

- `python`: run in the project's folder by the project's interpreter.
- `bash` or `sh`: run by bash in the project's folder while the project is served. 8000 becomes
  the server's port. `curl` responses must be 2xx, unless a comment in the block names the status:
  `curl ... # 422`.
- A block that makes, serves or deploys something is not run here: every line of it must begin with
  one of `ELSEWHERE`, which states the reason.
- `text` after a block that is run: its output.
- Blocks in other languages (`json`, ...) are not run.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from baking import ROOT
from commands import Project, free_port

ELSEWHERE = {
    "cd ": "a step of the block around it",
    "cookiecutter ": "every test here makes projects",
    "docker ": "needs Docker",
    "git ": "needs a repository and its server",
    "gunicorn ": "serves; test_life.py",
    "heroku ": "needs an account",
    "honcho ": "serves; test_life.py",
    "kubectl ": "needs a cluster; test_deploy.py",
    "make demo": "serves; the same steps as test_life.py, and tools/demo.py has a test",
    "make init": "test_sample.py",
    "make install": "test_life.py",
    "make load": "test_serving.py and test_load.py",
    "locust": "test_load.py",
    "make lint": "test_life.py",
    "make lock": "needs every package's newest version",
    "make run": "serves; test_life.py",
    "make test": "test_life.py, and what runs this",
    "make train": "test_life.py",
    "mlflow ": "serves, by the full mlflow; test_to_mlflow.py",
    "mmfmeta to-mlflow": "needs mlflow-skinny; test_to_mlflow.py",
    "mmfmeta from-mlflow": "needs a model's folder; test_cli_from_mlflow.py",
    "pip install": "changes what is installed",
    "pipx ": "changes what is installed",
    "uv": "changes what is installed",
}
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATUS = re.compile(r"#[^\n]*\b([1-5]\d\d)\b")
# Output goes where it would go; the status of each request goes to a separate file.
PRELUDE = """
set -euo pipefail
curl() {
    command curl --silent --show-error --dump-header .headers "$@"
    sed -n 's/^HTTP[^ ]* \\([2-5]..\\).*/\\1/p' .headers >> .statuses
}
"""


class Block(NamedTuple):
    """A fenced block: its language, its text, and the first line for messages."""

    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The lines that start a command: no comments, no continuations."""
        joined = self.text.replace("\\\n", " ")
        return [line for line in joined.splitlines() if line.strip() and line[0] not in "# \t}"]


def blocks(readme: Path, *languages: str) -> Iterator[Block]:
    """Yield the fenced blocks of a Markdown file, those in one of `languages` if any are named."""
    for language, text in FENCE.findall(readme.read_text(encoding="utf-8")):
        if not languages or language in languages:
            yield Block(language, text)


def is_run_here(block: Block) -> bool:
    """Return whether a block is run; one that is partly in `ELSEWHERE` must be split."""
    elsewhere = [line for line in block.commands if line.startswith(tuple(ELSEWHERE))]
    assert elsewhere in ([], block.commands), f"split this block in two:\n{block.text}"
    return not elsewhere


def check_shell(project: Project, block: Block, port: int) -> str:
    """Run a shell block against the server on `port`, and check the statuses; return its output."""
    statuses = project.folder / ".statuses"
    statuses.write_text("")
    script = PRELUDE + re.sub(r"\b8000\b", str(port), block.text)
    printed = project.run("bash", "-c", script, PORT=str(port))
    unusual = [status for status in statuses.read_text().split() if status[0] != "2"]
    assert unusual == STATUS.findall(block.text), block.text
    assert bool(statuses.read_text()) == any("curl " in line for line in block.commands)
    return printed


@pytest.fixture(params=["template", "project", "mlflow"])
def readme(request: pytest.FixtureRequest, installed: Project) -> Path:
    """Return each README in turn, and a page with commands."""
    pages = {
        "template": ROOT / "README.md",
        "project": installed.folder / "README.md",
        "mlflow": ROOT / "docs" / "mlflow.md",
    }
    return pages[request.param]


def test_shell_blocks_work(readme: Path, installed: Project, subtests: pytest.Subtests) -> None:
    port = free_port()
    with installed.serving("gunicorn", "-w", "2", "app:app", port=port, PORT=str(port)):
        for block, following in pairwise([*blocks(readme), Block("", "")]):
            if block.language not in {"bash", "sh"}:
                continue
            with subtests.test(block.commands[0]):
                if is_run_here(block):
                    printed = check_shell(installed, block, port)
                    assert following.language != "text" or printed == following.text


def test_python_blocks_work(readme: Path, installed: Project, subtests: pytest.Subtests) -> None:
    for block in blocks(readme, "python"):
        with subtests.test(block.text.splitlines()[0]):
            installed.run("python", "-c", block.text)


def test_every_fence_has_a_language(readme: Path) -> None:
    fences = re.findall(r"(?m)^```(.*)$", readme.read_text())
    assert len(fences) % 2 == 0
    assert [line for line in fences[::2] if not line] == []


def test_readme_has_both_commands() -> None:
    lines = [line for block in blocks(ROOT / "README.md", "bash", "sh") for line in block.commands]
    assert "make demo" in " ".join(lines)
    assert "make test" in " ".join(lines)
