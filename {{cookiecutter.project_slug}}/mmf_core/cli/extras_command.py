"""`mmfmeta extras`: the parts of mmf_core that a project can do without."""

from __future__ import annotations

import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ..capabilities import capabilities
from ..extras import (
    ExtrasError,
    add_extras,
    find_extras,
    packages_of,
    remove_extras,
    repository_of,
    with_required,
)
from .extra_files import (
    DIFFERS,
    REQUIREMENTS,
    added_files,
    added_requirements,
    leftover_files,
    requirements,
)

PACKAGE = Path(__file__).parent.parent
RECORD = ".mmf.toml"
NAMES = click.argument("names", nargs=-1, required=True, metavar="NAME…")


@click.group(invoke_without_command=True)
@click.pass_context
def extras(context: click.Context) -> None:
    """List the parts of mmf_core that can be removed; remove them, or add them back."""
    if context.invoked_subcommand is None:
        present = find_extras(_package())
        width = max(map(len, present), default=0)
        for extra in present.values():
            click.echo(f"{extra.name:{width}}  {extra.summary}")
        if not present:
            click.echo("no extras; add some: mmfmeta extras add NAME")


@extras.command()
@NAMES
def remove(names: tuple[str, ...]) -> None:
    """Delete extras from this project's mmf_core.

    Their folders in deploy/, and the packages that only they import, are listed and stay: other
    files name the folders, and your own code may import the packages.
    """
    for name, capability in capabilities().items():
        if name not in names and (needed := set(capability.requires).intersection(names)):
            raise ExtrasError(f"{name} requires {', '.join(sorted(needed))}: remove it, too")
    package = _package()
    present = find_extras(package)
    needed = packages_of(path for name in names if name in present for path in present[name].paths)
    remove_extras(package, names)
    click.echo(f"removed from {package}: {', '.join(names)}")
    for line in leftover_files(package.parent, names):
        click.echo(line)
    lines = requirements(package.parent)
    for name in sorted((needed - packages_of([package])) & lines.keys()):
        click.echo(f"{REQUIREMENTS}: nothing else in {PACKAGE.name} imports {name}")


@extras.command()
@NAMES
@click.option(
    "--template",
    metavar="FOLDER|URL",
    help="A template of the same version; by default the one in .mmf.toml, at its commit.",
)
def add(names: tuple[str, ...], template: str | None) -> None:
    """Copy extras from the template into this project: mmf_core, deploy/, requirements.in.

    Extras that they require, and the project lacks, are added, too. What the project has stays: an
    existing file that differs, the line of a package.
    """
    package = _package()
    with _template_package(template, package.parent / RECORD) as source:
        names = tuple(with_required(names, package, source))
        kept = add_extras(package, names, source)
        click.echo(f"added to {package}: {', '.join(names)}")
        for path in kept:
            click.echo(f"kept      {path.relative_to(package.parent)}, {DIFFERS}")
        added = [find_extras(package)[name] for name in names]
        packages = packages_of(path for extra in added for path in extra.paths)
        for line in (
            *added_files(package.parent, names, source.parent),
            *added_requirements(package.parent, packages, source.parent),
        ):
            click.echo(line)


def _package() -> Path:
    """Return this mmf_core; ExtrasError in the folder of a project that has another one."""
    here = Path.cwd() / PACKAGE.name
    if here.is_dir() and here.resolve() != PACKAGE.resolve():
        raise ExtrasError(
            f"expected the mmfmeta of {here.parent}, got that of {PACKAGE.parent}: "
            f"activate this project's environment"
        )
    return PACKAGE


@contextmanager
def _template_package(template: str | None, record: Path) -> Iterator[Path]:
    """Yield the template's mmf_core: of a folder as it is, else of a clone by git."""
    if template and Path(template).is_dir():
        yield _package_in(Path(template))
        return
    source, revision = (template, "HEAD") if template else _recorded(record)
    with tempfile.TemporaryDirectory(prefix="mmfmeta-") as folder:
        clone = ["git", "clone", "--quiet", "--no-checkout", "--", repository_of(source), folder]
        check_out = ["git", "-C", folder, "checkout", "--quiet", "--detach", revision]
        for command in (clone, check_out):
            if subprocess.run(command, check=False).returncode:
                raise ExtrasError(f"git cannot clone {source} at {revision}; see its message above")
        yield _package_in(Path(folder))


def _recorded(record: Path) -> tuple[str, str]:
    """Return the template and the commit, or the tag, that a project was generated from."""
    try:
        table = tomllib.loads(record.read_text(encoding="utf-8"))
        return str(table["template"]), str(table["commit"] or f"v{table['version']}")
    except (OSError, ValueError, KeyError) as error:
        raise ExtrasError(
            f"{record} does not say which template this project was generated from ({error!r}): "
            f"name it with --template FOLDER|URL"
        ) from error


def _package_in(template: Path) -> Path:
    packages = list(template.glob("*/mmf_core"))
    if packages and (template / "hooks").is_dir():
        return packages[0]
    raise ExtrasError(
        f"{template} is not this template: expected the folder hooks, and one with mmf_core"
    )
