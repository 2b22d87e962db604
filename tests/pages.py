"""Follows a page of docs/ in a project, from its first block to its last.

- A `python` block after a paragraph that names a file in code replaces that file; any other is run.
- A `bash` block is run in the project. `make run`, a block's last line, serves until the next one,
  or the end of the page; 8000 becomes the server's port. A block whose commands are all of
  `ELSEWHERE` in test_readme.py, or of the reader's `elsewhere`, is not run.
- A `text` block is the output of the block before it.

The template's environment, which has all that a project installs, replaces the project's
unless the reader has `programs` of its own.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from baking import ROOT
from commands import LONGEST_COMMAND, OURS, free_port, stop, wait_until_ready
from test_readme import ELSEWHERE, PRELUDE, STATUS, Block

BLOCK = re.compile(r"(?s)((?:^[^\n]+\n)*)\n```(\w+)\n(.*?)^```$", re.MULTILINE)
FILE = re.compile(r"`([\w/]+\.py)`")
SERVES = re.compile(r"(?s)(.*?)(^(?:[A-Z_]+=\S+ )*make run\n)?\Z", re.MULTILINE)
# What another environment than the project's lacks, or has elsewhere.
SHARED = 'mmfmeta() { python -m mmf_core "$@"; }\n'
VARYING = (
    (re.compile(r'("request_id": ?)"[0-9a-f]{32}"'), r'\1"…"'),
    (re.compile(r"(?s)^.*\n(\d+ passed) in [\d.]+s"), r"\1"),
)


@dataclass
class Reader:
    """Follows a page in a project's folder.

    `replaced` are texts of the page with another value here, such as 8000.
    """

    folder: Path
    programs: Path | None = None
    extra: dict[str, str] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()
    replaced: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    server: ExitStack = field(default_factory=ExitStack)

    def follow(self, page: Path) -> None:
        """Follow the page, and compare the output with the page."""
        printed = ""
        with self.server:
            for paragraph, language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
                match language:
                    case "python":
                        printed = self.python(text, paragraph)
                    case "bash":
                        printed = self.bash(text)
                    case "text":
                        assert plain(printed) == plain(text), printed

    def python(self, code: str, paragraph: str) -> str:
        """Write the file that the paragraph names, or run the code."""
        if name := FILE.search(paragraph):
            (self.folder / name[1]).write_text(code, encoding="utf-8")
            return ""
        return self.run(["python", "-c", code])

    def bash(self, script: str) -> str:
        """Start the service, or run the commands and check the statuses that curl got."""
        if all(line.startswith(self._elsewhere()) for line in Block("bash", script).commands):
            return ""
        for text, here in {r"\b8000\b": str(self.port), **self.replaced}.items():
            script = re.sub(text, here, script)
        before, served = SERVES.match(script).groups()
        printed = self._commands(before) if before.strip() else ""
        if served:
            self.server.close()
            self.server.enter_context(self.serving(served))
        return printed

    def _commands(self, script: str) -> str:
        statuses = self.folder / ".statuses"
        statuses.write_text("")
        printed = self.run(["bash", "-c", PRELUDE + ("" if self.programs else SHARED) + script])
        unusual = [status for status in statuses.read_text().split() if status[0] != "2"]
        assert unusual == STATUS.findall(script), printed
        return printed

    def _elsewhere(self) -> tuple[str, ...]:
        served = ("make run", "make train", "make test")  # real ones, in these projects
        steps = (name for name in ELSEWHERE if name not in served)
        return (*steps, ". ", *self.elsewhere)

    def run(self, command: list[str]) -> str:
        """Run a command that must succeed; return its output."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_COMMAND,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    @contextmanager
    def serving(self, command: str) -> Iterator[None]:
        """Run `make run`, with the settings before it."""
        log = self.folder / ".server.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec env {command}"],
                cwd=self.folder,
                env=self.environment() | {"PORT": str(self.port), "WEB_HOST": "127.0.0.1"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until_ready(process, f"http://127.0.0.1:{self.port}/health/ready")
            yield
        finally:
            stop(process)
            print(f"$ {command}\n{log.read_text(encoding='utf-8')}")

    def environment(self) -> dict[str, str]:
        """Return what the project's activated environment would be."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
        programs = self.programs or Path(sys.executable).parent
        here = {"PATH": os.pathsep.join([str(programs), kept["PATH"]]), "no_proxy": "*"}
        if not self.programs:
            # Nothing is installed there: the Makefile finds a marker file.
            (self.folder / ".installed").touch()
            here["MAKEFLAGS"] = f"BIN={programs} INSTALLED=.installed"
            here["PYTHONPATH"] = str(self.folder)
        # Compiled modules of the packages are kept between tests.
        caches = {"PYTHONPYCACHEPREFIX": str(ROOT / ".cache" / "pycache"), "WEB_CONCURRENCY": "1"}
        return kept | caches | here | self.extra


def plain(printed: str) -> str:
    """Remove values that differ between runs."""
    for pattern, replacement in VARYING:
        printed = pattern.sub(replacement, printed)
    return printed.rstrip("\n")
