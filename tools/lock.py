"""Upgrade every pinned version: the generated project's and the template's own, in one go.

Each choice of `model_format` has its own pins, in templates/locks: requirements.txt of the project
includes one of them. The template is resolved after them, within those versions, so that what both
pin is pinned alike, and what is tested here is what a user gets. The examples come last: some
include a project's pins.

`python tools/lock.py` writes all; `python tools/lock.py kedro` the pins of examples/kedro only, and
`linters` those of tests/linters.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from jinja2 import Environment

ROOT = Path(__file__).resolve().parent.parent
PAYLOAD = ROOT / "{{cookiecutter.project_slug}}"
LOCKS = ROOT / "templates" / "locks"
# Environments of their own, by the names of their folders.
SOURCES = {
    source.parent.name: source
    for source in (*ROOT.glob("examples/*/requirements.in"), ROOT / "tests/linters/requirements.in")
}
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
# One result for every system and Python from 3.11 on, without a trace of where it was resolved.
OPTIONS = (
    *("--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--upgrade"),
    *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"),
)


class Unresolved(Exception):
    """No set of versions is compatible."""


def render(name: str, model_format: str) -> str:
    """Return one of the project's requirements*.in for this choice, as cookiecutter writes it."""
    template = (PAYLOAD / name).read_text(encoding="utf-8")
    jinja = Environment(keep_trailing_newline=True)  # noqa: S701 - no HTML
    return jinja.from_string(template).render(cookiecutter={"model_format": model_format})


def resolve(source: Path) -> Path:
    """Write the pins of `source` beside it."""
    pins = source.with_suffix(".txt")
    uv = (sys.executable, "-m", "uv", "pip", "compile")
    command = [*uv, *OPTIONS, source.name, "--output-file", pins.name]
    if subprocess.run(
        command, cwd=source.parent, stdout=subprocess.DEVNULL, check=False
    ).returncode:
        raise Unresolved(f"{source.name}: no compatible versions, see above")
    return pins


def lock_project(model_format: str) -> None:
    """Write both locks of a choice; the service's packages go before those of its tests."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-dev"):
            source = Path(folder, f"requirements{suffix}.in")
            source.write_text(render(source.name, model_format), encoding="utf-8")
            shutil.copyfile(resolve(source), LOCKS / f"{model_format}{suffix}.txt")


def lock_environments(names: list[str]) -> None:
    """Write the pins of the environments with these names."""
    for name in names:
        print(f"resolving {name}", flush=True)
        resolve(SOURCES[name])


def lock_all() -> None:
    """Write the pins of the project, the template and the examples."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    for model_format in QUESTIONS["model_format"]:
        print(f"resolving a project with {model_format}", flush=True)
        lock_project(model_format)
    print("resolving the template", flush=True)
    resolve(ROOT / "requirements-dev.in")
    lock_environments(sorted(SOURCES))


def main() -> int:
    """Write every lock, or those of the environments named, until one cannot be resolved."""
    try:
        if names := sys.argv[1:]:
            lock_environments(names)
        else:
            lock_all()
    except Unresolved as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
