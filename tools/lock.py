"""Raises every pinned version: the generated project's and the template's own, in one go.

The project is resolved first and the template within those versions, so that what both pin is
pinned alike, and what is tested here is what a user gets.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAYLOAD = ROOT / "{{cookiecutter.project_slug}}"
LOCKS = (
    PAYLOAD / "requirements.in",
    PAYLOAD / "requirements-dev.in",
    ROOT / "requirements-dev.in",
)
# One answer for every system and Python from 3.11 on, and no trace of where it was found.
OPTIONS = (
    *("--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--upgrade"),
    *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"),
)


def command(source: Path) -> list[str]:
    """Give the uv command that writes the pins of `source` beside it."""
    uv = (sys.executable, "-m", "uv", "pip", "compile")
    return [*uv, *OPTIONS, source.name, "--output-file", source.with_suffix(".txt").name]


def main() -> int:
    """Write every lock, stopping at the first that cannot be resolved."""
    for source in LOCKS:
        print(f"resolving {source.relative_to(ROOT)}", flush=True)
        done = subprocess.run(command(source), cwd=source.parent, check=False)
        if done.returncode:
            print(f"{source.name}: no versions fit together, see above", file=sys.stderr)
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
