"""`mmfmeta train`: run train.py, without a loss of the model that is there."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from ..backups import is_backup, kept
from ..models import format_of
from ..stores import is_available, is_uri

_SCRIPT, _MAIN = Path("train.py"), Path("main.py")


@click.command()
@click.option("--if-missing", is_flag=True, help="Only if a model file of main.py is missing.")
def train(*, if_missing: bool) -> None:
    """Run train.py. A model file that it replaces is kept beside the new one.

    With --if-missing an existing model is never replaced, however old: its date does not say who
    made it. What counts is the names in main.py, `artifact("model.joblib")`.
    """
    files = [file for file in _artifact_files(_MAIN) if not is_uri(file)]
    missing = [file for file in files if not is_available(file)]
    if if_missing and not missing:
        return
    if if_missing and (others := _models_in(Path()) - set(map(Path, files))):
        raise click.ClickException(
            f"{', '.join(missing)} not found: {_MAIN} loads it, and there is "
            f"{', '.join(sorted(map(str, others)))}; correct the name in {_MAIN}, or make train"
        )
    if not _SCRIPT.exists():
        if missing:
            raise click.ClickException(
                f"{', '.join(missing)} not found: {_MAIN} loads it; put it there, or write "
                f"{_SCRIPT}"
            )
        raise click.ClickException(f"{_SCRIPT} not found")
    with kept({Path(file) for file in files} | _models_in(Path())) as backups:
        click.echo(f"running {_SCRIPT} …")
        code = subprocess.run([sys.executable, str(_SCRIPT)], check=False).returncode
    for path, backup in sorted(backups.items()):
        click.echo(f"{path} has been replaced; the old one is {backup}")
    if code:
        raise click.ClickException(f"{_SCRIPT} failed; its message is above")


def _artifact_files(module: Path) -> Iterator[str]:
    """Yield the files that a module names as `artifact("…")`, without running it."""
    try:
        tree = ast.parse(module.read_bytes())
    except (OSError, SyntaxError, ValueError):  # the service itself reports it better
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "artifact":
            by_keyword = [keyword.value for keyword in node.keywords if keyword.arg == "file"]
            for argument in [*node.args[:1], *by_keyword]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", "") or getattr(function, "id", "")


def _models_in(folder: Path) -> set[Path]:
    """Return the model files in a folder, whether main.py names them or not."""
    return {path for path in folder.iterdir() if format_of(path) and not is_backup(path)}
