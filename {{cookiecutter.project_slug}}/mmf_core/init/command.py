"""`mmfmeta init MODEL`: write main.py from a model file."""

from __future__ import annotations

import json
import keyword
import shlex
import shutil
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from ..artifact import Artifact
from ..backups import back_up, kept
from ..descriptors import DataFrame
from ..descriptors.training import Columns
from ..errors import ArtifactError
from ..models import load_model
from ..settings import Settings
from ..stores import is_uri
from ..stores.digests import size_of
from ..target import RESERVED
from .main_source import columns_of, is_empty, method_of, source
from .requirements import add_requirements, package_of

_MAIN = Path("main.py")
_SAMPLE = Path("tests", "test_wine.py")


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--name", default="predict", show_default=True, help="The target, and its route.")
def init(model: str, name: str) -> None:
    """Write main.py for the model file MODEL.

    The file is copied into this folder, unless it is there. main.py gets the columns that the model
    knows as a schema, and a target; requirements.in gets the packages that the model needs. What is
    replaced is kept beside: main.old-1.py.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED:
        raise click.ClickException(f"--name {name}: expected a name for a function, such as score")
    if not model:
        raise click.ClickException("which model file? mmfmeta init path/to/model.joblib")
    loaded, saved_with = _load(model)
    if not method_of(loaded):
        raise click.ClickException(
            f"{model} holds a {type(loaded).__name__} without predict: write {_MAIN} yourself, as "
            f"README.md shows"
        )
    columns, reason = columns_of(loaded)
    file = model if is_uri(model) else _in_project(Path(model).expanduser())
    is_large = not is_uri(file) and size_of(Path(file)) > Settings.from_env().max_artifact
    _write(source(file, name, loaded, columns, is_large=is_large))
    for line in add_requirements(loaded, saved_with):
        click.echo(f"requirements.in has {line} now: make add installs and pins it")
    if columns is None:
        click.echo(f"without a schema, since the columns are not known: {reason}")
    else:
        _try_example(getattr(loaded, method_of(loaded)), columns, name)
    if _SAMPLE.exists():
        click.echo(f"{_SAMPLE} tests the sample, and train.py trains it: delete both")


def _load(model: str) -> tuple[Any, dict[str, str]]:
    """Return the object, and the versions of packages that it was saved with, if others."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            loaded = (
                Artifact(model).load() if is_uri(model) else load_model(Path(model).expanduser())
            )
        except ArtifactError as error:
            if isinstance(error.__cause__, ModuleNotFoundError):
                package = package_of(error.__cause__.name or "")
                raise click.ClickException(
                    f"{model} needs {package}: make add PACKAGE={package}, then this command again"
                ) from error
            raise
    for warning in caught:
        if version := getattr(warning.message, "original_sklearn_version", ""):
            return loaded, {"scikit-learn": version}
    return loaded, {}


def _in_project(path: Path) -> str:
    """Return the path of a file or folder in this folder, to which it is copied from elsewhere."""
    if path.resolve().is_relative_to(Path.cwd()):
        return path.resolve().relative_to(Path.cwd()).as_posix()
    copy = Path(path.name)
    with kept([copy]) as backups:
        if path.is_dir():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(path, copy)
        else:
            shutil.copy2(path, copy)
    click.echo(f"copied {path} into this folder")
    _report(backups)
    return copy.name


def _write(text: str) -> None:
    backups = {} if is_empty(_MAIN) else {_MAIN: back_up(_MAIN)}
    _MAIN.write_text(text, encoding="utf-8")
    if find_spec("ruff"):  # as `make lint` expects it
        command = [sys.executable, "-m", "ruff", "format", "--quiet", str(_MAIN)]
        subprocess.run(command, check=False)
    click.echo(f"wrote {_MAIN}")
    _report(backups)


def _report(backups: dict[Path, Path]) -> None:
    for path, backup in backups.items():
        click.echo(f"{path} has been replaced; the old one is {backup}")


def _try_example(predict: Any, columns: Columns, name: str) -> None:
    """Call the model as the target will, and say how a client does."""
    descriptor = DataFrame(schema=columns)
    rows = descriptor.plain_example
    try:
        result = DataFrame().to_output(predict(descriptor.validate(rows)))
    except Exception as error:  # noqa: BLE001 - of any library; main.py is there to be corrected
        click.echo(
            f"the model fails on the example, {type(error).__name__}: {error}; correct {_MAIN}"
        )
        return
    body = json.dumps(rows, ensure_ascii=False)
    click.echo(f"an example is predicted: {', '.join(map(str, result.iloc[0].tolist()[:3]))}")
    click.echo(
        f"next: make run, and in a second terminal\n\n"
        f"curl http://127.0.0.1:8000/{name} -H 'Content-Type: application/json' "
        f"-H 'Accept: application/json' -d {shlex.quote(body)}\n"
    )
