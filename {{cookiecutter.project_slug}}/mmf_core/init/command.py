"""`mmfmeta init MODEL`: write main.py from a model file."""

from __future__ import annotations

import json
import keyword
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from ..artifact import Artifact
from ..backups import back_up, kept, set_aside
from ..descriptors import DataFrame
from ..errors import ArtifactError, MissingPackage
from ..models import load_model
from ..settings import Settings
from ..stores import is_uri
from ..stores.digests import size_of
from ..target import RESERVED
from .main_source import is_empty, source
from .requirements import add_requirements, package_of, recorded_versions
from .served_models import CannotServe, ServedModel, served_models, unused_parts

_MAIN = Path("main.py")
_SAMPLE_TEST = Path("tests", "test_wine.py")
_SAMPLE_EXAMPLES = Path("loadtests", "examples.json")
_SAMPLE_FILES = (Path("train.py"), _SAMPLE_EXAMPLES)
_SAMPLE_WORD = "wine"


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--name", default="predict", show_default=True, help="The target, and its route.")
def init(model: str, name: str) -> None:
    """Write main.py for the model file MODEL.

    The file is copied into this folder, unless it is there. main.py gets the columns that the model
    knows as a schema, and a target; of a dict of models, one for each. requirements.in gets the
    packages that the model needs. What is replaced is kept beside: main.old-1.py; the tests and the
    training of the sample are renamed.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED:
        raise click.ClickException(f"--name {name}: expected a name for a function, such as score")
    if not model:
        raise click.ClickException("which model file? mmfmeta init path/to/model.joblib")
    loaded, saved_with = _load(model)
    models = _served(model, loaded, name)
    file = model if is_uri(model) else _in_project(Path(model).expanduser())
    is_large = not is_uri(file) and size_of(Path(file)) > Settings.from_env().max_artifact
    _write(source(file, models, is_large=is_large))
    _set_sample_aside()
    added = add_requirements(loaded, file, saved_with)
    for line in added:
        click.echo(f"added {line} to requirements.in: make add installs and pins it")
    for part in unused_parts(loaded, models):
        click.echo(f"{_MAIN} does not use {part!r} of the file, which does not fit the model")
    calls = [call for served in models if (call := _try(served, saved_with))]
    _say_what_is_next(calls, is_added=bool(added))


def _served(model: str, loaded: Any, name: str) -> list[ServedModel]:
    try:
        return served_models(loaded, name)
    except CannotServe as error:
        raise click.ClickException(
            f"{model} holds {error}: write {_MAIN} yourself, as README.md shows"
        ) from error


def _load(model: str) -> tuple[Any, dict[str, str]]:
    """Return the object, and the versions of packages that it was saved with, if others."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            loaded = (
                Artifact(model).load() if is_uri(model) else load_model(Path(model).expanduser())
            )
        except MissingPackage as error:
            raise _missing(model, " ".join(error.packages)) from error
        except ArtifactError as error:
            if isinstance(error.__cause__, ModuleNotFoundError):
                raise _missing(model, package_of(error.__cause__.name or "")) from error
            raise
    saved_with = recorded_versions(Path(model))
    for warning in caught:
        if version := getattr(warning.message, "original_sklearn_version", ""):
            saved_with["scikit-learn"] = version
    return loaded, saved_with


def _missing(model: str, package: str) -> click.ClickException:
    argument = f"'{package}'" if " " in package else package
    return click.ClickException(
        f"{model} needs {package}: make add PACKAGE={argument}, then this command again"
    )


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


def _set_sample_aside() -> None:
    """Rename the files of the sample, whose targets main.py no longer has."""
    if not _SAMPLE_TEST.exists():
        return
    for path in (_SAMPLE_TEST, *(path for path in _SAMPLE_FILES if _is_about_wine(path))):
        click.echo(f"renamed the sample's {path} to {set_aside(path)}: keep or delete it")
    if _SAMPLE_EXAMPLES.parent.exists() and not _SAMPLE_EXAMPLES.exists():
        _SAMPLE_EXAMPLES.write_text("{}\n", encoding="utf-8")
    click.echo("README.md still shows calls of the sample; GET /<target> shows yours")


def _is_about_wine(path: Path) -> bool:
    return path.exists() and _SAMPLE_WORD in path.read_text(encoding="utf-8")


def _try(served: ServedModel, saved_with: Mapping[str, str]) -> str:
    """Call a model as its target will; return how a client does, if it succeeds."""
    columns, reason = served.columns
    if columns is None:
        click.echo(f"{served.target} has no schema, because the columns are unknown: {reason}")
        return ""
    if served.before_expression:
        click.echo(f"{served.target}: {served.before_expression} transforms the table first")
    descriptor = DataFrame(schema=columns)
    rows = descriptor.plain_example
    try:
        result = DataFrame().to_output(served.predict(descriptor.validate(rows)))
    except Exception as error:  # noqa: BLE001 - of any library; main.py is there to be corrected
        click.echo(
            f"the model fails on the example, {type(error).__name__}: {error}; correct {_MAIN}"
        )
        return ""
    versions = ", with other versions than the file's" if saved_with else ""
    click.echo(f"prediction for an example{versions}: {', '.join(map(str, _first_values(result)))}")
    return (
        f"curl http://127.0.0.1:8000/{served.target} -H 'Content-Type: application/json' "
        f"-H 'Accept: application/json' -d {shlex.quote(json.dumps(rows, ensure_ascii=False))}"
    )


def _first_values(result: Any) -> list[Any]:
    return list(result.iloc[0].tolist()[:3])


def _say_what_is_next(calls: Sequence[str], *, is_added: bool) -> None:
    """Print the commands, in their order."""
    commands = ["make add", "make run"] if is_added else ["make run"]
    click.echo(f"next: {', then '.join(commands)}{', and in a second terminal' if calls else ''}")
    for call in calls:
        click.echo(f"\n{call}")
    if calls:
        click.echo()
