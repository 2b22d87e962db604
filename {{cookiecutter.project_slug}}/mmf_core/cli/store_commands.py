"""`mmfmeta lock · push · pull · list · versions · use`: the model's files and their store."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import DeclarationError
from ..stores import is_uri, lockfile, shown, source_of, store_of
from ..stores.digests import SHORT, sha256_of, size_text
from ..stores.lockfile import Entry
from .artifact_files import lock_file, pull_file, push_file, use_version
from .get_meta import load_project

FILES = click.argument("files", nargs=-1)


@click.command("lock")
@FILES
@click.option("--trust", multiple=True, help="A type that skops may make; may be repeated.")
def lock_command(files: tuple[str, ...], trust: tuple[str, ...]) -> None:
    """Write FILES into artifacts.lock.

    That is their sums, sizes and the versions of the libraries they were made with. Without FILES:
    all artifacts of main.py.
    """
    for file in files or _declared():
        entry = lock_file(file, trust)
        click.echo(f"{_text(file, entry)}: locked; {_libraries(entry)}")


@click.command()
@FILES
@click.option("--to", default="", help="s3://bucket/prefix or file:///folder; else MMF_ARTIFACTS.")
def push(files: tuple[str, ...], to: str) -> None:
    """Upload FILES to a store and lock them.

    Without FILES: all artifacts of main.py.
    """
    for file in files or [one for one in _declared() if not is_uri(one)]:
        entry, is_new = push_file(file, to)
        click.echo(
            f"{_text(file, entry)}: {'pushed to' if is_new else 'is already in'} {entry.source}"
            + (f" as version {entry.version}" if entry.version else "")
        )
        if not entry.version:
            click.echo(
                f"{entry.source}: no versions are kept here, so there is no way back", err=True
            )


@click.command()
@FILES
def pull(files: tuple[str, ...]) -> None:
    """Bring FILES as they are locked.

    Without FILES: all that is locked.
    """
    for file in files or list(_locked()):
        changed = pull_file(file)
        click.echo(f"{_text(file, _locked()[file])}: {'fetched' if changed else 'is here'}")


@click.command("list")
def list_command() -> None:
    """Show what is locked, and whether it is here."""
    for file, entry in _locked().items():
        source = shown(source_of(file, entry)) or "kept with the code"
        version = f" version {entry.version}" if entry.version else ""
        click.echo(f"{_text(file, entry)}: {_state(file, entry)}; {source}{version}")


@click.command()
@click.argument("file")
def versions(file: str) -> None:
    """Show the versions of FILE in its store.

    Newest first; * is the locked one.
    """
    entry = _locked().get(file)
    if not (uri := source_of(file, entry)):
        raise click.ClickException(f"{file} is in no store: mmfmeta push puts it into one")
    for one in store_of(uri).versions(uri):
        mark = "*" if entry and one.id == entry.version else " "
        click.echo(f"{mark} {one.id or '-'}  {size_text(one.size)}  {one.modified}".rstrip())


@click.command()
@click.argument("file")
@click.argument("version")
def use(file: str, version: str) -> None:
    """Go back to VERSION of FILE, or on to it.

    It is locked and brought here. The beginning of its id will do.
    """
    entry = use_version(file, version)
    click.echo(f"{_text(file, entry)}: version {entry.version} is locked, and here")


COMMANDS = [lock_command, push, pull, list_command, versions, use]


def _declared() -> list[str]:
    """Return the artifacts of main.py; a file that was made anew does not keep it from loading."""
    with lockfile.unchecked():
        registry = load_project("main")
    if not registry.artifacts:
        raise DeclarationError("main.py declares no artifact; name the files")
    return [name for name in registry.artifacts if is_uri(name) or Path(name).exists()]


def _locked() -> dict[str, Entry]:
    if not (entries := lockfile.read()):
        raise click.ClickException(f"{lockfile.LOCK} has no entries: mmfmeta lock writes it")
    return entries


def _state(file: str, entry: Entry) -> str:
    if is_uri(file) or not Path(file).exists():
        return "fetched when needed" if source_of(file, entry) else "missing"
    return "here" if sha256_of(Path(file)) == entry.sha256 else "here, but another one"


def _text(file: str, entry: Entry) -> str:
    return f"{shown(file)} ({size_text(entry.size)}, sha256 {entry.sha256[:SHORT]})"


def _libraries(entry: Entry) -> str:
    made = ", ".join(f"{package} {version}" for package, version in entry.made_with.items())
    return f"made with {made}" if made else "no library versions to keep"
