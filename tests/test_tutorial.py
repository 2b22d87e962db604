"""docs/tutorial.md, from its first block to its last, in a project that is made for it.

- A `python` block after a paragraph that names a file in code replaces that file; any other is run.
- A `bash` block is run in the project, `make run` until the end or the next one; 8000 becomes the
  server's port. One whose commands are `ELSEWHERE` in test_readme.py is not run.
- A `text` block is what the block before it has printed.

The template's environment, which has all that a project installs, stands in for the project's own.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from baking import PAYLOAD, ROOT, make_project
from commands import OURS, free_port, stop, wait_until_ready
from test_readme import ELSEWHERE, PRELUDE, STATUS, Block

PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"(?s)([^\n]*)\n\n```(\w+)\n(.*?)^```$", re.MULTILINE)
FILE = re.compile(r"`([\w/]+\.py)`")
VARYING = (
    (re.compile(r'("request_id": ?)"[0-9a-f]{32}"'), r'\1"…"'),
    (re.compile(r"(?s)^.*\n(\d+ passed) in [\d.]+s"), r"\1"),
)


@dataclass
class Reader:
    """Somebody who does what the page says, in a project's folder."""

    folder: Path
    port: int = field(default_factory=free_port)
    servers: ExitStack = field(default_factory=ExitStack)

    def python(self, code: str, paragraph: str) -> str:
        """Write the file that the paragraph names, or run the code."""
        if name := FILE.search(paragraph):
            (self.folder / name[1]).write_text(code, encoding="utf-8")
            return ""
        return self.run([sys.executable, "-c", code])

    def bash(self, script: str) -> str:
        """Start the service, or run the commands and check the statuses that curl got."""
        if script.startswith("make run"):
            self.servers.close()
            self.servers.enter_context(self.serving())
            return ""
        if all(line.startswith((*ELSEWHERE, ". ")) for line in Block("bash", script).commands):
            return ""
        statuses = self.folder / ".statuses"
        statuses.write_text("")
        printed = self.run(["bash", "-c", PRELUDE + re.sub(r"\b8000\b", str(self.port), script)])
        unusual = [status for status in statuses.read_text().split() if status[0] != "2"]
        assert unusual == STATUS.findall(script), printed
        return printed

    def run(self, command: list[str]) -> str:
        """Run a command that must succeed; return what it printed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run gunicorn, as `make run` does."""
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "app:app"],
            cwd=self.folder,
            env=self.environment() | {"PORT": str(self.port), "WEB_HOST": "127.0.0.1"},
            start_new_session=True,
        )
        try:
            wait_until_ready(process, f"http://127.0.0.1:{self.port}/health/ready")
            yield
        finally:
            stop(process)

    def environment(self) -> dict[str, str]:
        """Return what the project's activated environment would be."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
        path = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])
        caches = {"PYTHONPYCACHEPREFIX": str(self.folder / ".pycache"), "WEB_CONCURRENCY": "1"}
        return kept | caches | {"PATH": path, "PYTHONPATH": str(self.folder), "no_proxy": "*"}


def plain(printed: str) -> str:
    """Take out what differs from run to run."""
    for pattern, replacement in VARYING:
        printed = pattern.sub(replacement, printed)
    return printed.rstrip("\n")


def test_every_block_works_as_printed(tmp_path: Path) -> None:
    project = make_project(tmp_path / "output", {"project_name": "Diabetes progression"})
    reader = Reader(project)
    printed, checked = "", 0
    with reader.servers:
        for paragraph, language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            match language:
                case "python":
                    printed = reader.python(text, paragraph)
                case "bash":
                    printed = reader.bash(text)
                case "text":
                    assert plain(printed) == plain(text)
                    checked += 1
    assert checked == PAGE.read_text(encoding="utf-8").count("```text")


def test_tutorial_has_the_payloads_commands() -> None:
    """Every make command on the page is in the project's Makefile."""
    makefile = (PAYLOAD / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"(?m)(?:`|^)make ([\w-]+)", PAGE.read_text(encoding="utf-8"))
    assert [name for name in commands if f"\n{name}:" not in makefile] == []
