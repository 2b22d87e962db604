"""`mmfmeta extras`: the parts of mmf_core that a project can do without."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ..capabilities import capabilities
from ..extras import ExtrasError, add_extras, find_extras, remove_extras

PACKAGE = Path(__file__).parent.parent
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
            click.echo("no extras; add some: mmfmeta extras add NAME --template FOLDER|URL")


@extras.command()
@NAMES
def remove(names: tuple[str, ...]) -> None:
    """Delete extras from this project's mmf_core.

    The packages that only they need stay in requirements.in: remove those lines yourself.
    """
    for name, capability in capabilities().items():
        if name not in names and (needed := set(capability.requires).intersection(names)):
            raise ExtrasError(f"{name} requires {', '.join(sorted(needed))}: remove it, too")
    package = _package()
    remove_extras(package, names)
    click.echo(f"removed from {package}: {', '.join(names)}")


@extras.command()
@NAMES
@click.option(
    "--template",
    required=True,
    metavar="FOLDER|URL",
    help="The template that this project was made from, of the same version.",
)
def add(names: tuple[str, ...], template: str) -> None:
    """Copy extras from the template into this project's mmf_core."""
    package = _package()
    with _template_package(template) as source:
        add_extras(package, names, source)
    click.echo(f"added to {package}: {', '.join(names)}")


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
def _template_package(template: str) -> Iterator[Path]:
    """Yield the template's mmf_core; what is not a folder is cloned by git."""
    if Path(template).is_dir():
        yield _package_in(Path(template))
        return
    with tempfile.TemporaryDirectory(prefix="mmfmeta-") as folder:
        clone = ["git", "clone", "--quiet", "--depth", "1", "--", template, folder]
        if subprocess.run(clone, check=False).returncode:
            raise ExtrasError(f"git cannot clone {template}; its message is above")
        yield _package_in(Path(folder))


def _package_in(template: Path) -> Path:
    packages = list(template.glob("*/mmf_core"))
    if packages and (template / "hooks").is_dir():
        return packages[0]
    raise ExtrasError(
        f"{template} is not this template: expected the folder hooks, and one with mmf_core"
    )
