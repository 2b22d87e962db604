"""`mmfmeta lock · push · pull · list · versions · use`: a model's files and their store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..cli.get_meta import load_project
from ..errors import DeclarationError
from ..stores import is_uri, lockfile, pointer_to, redact_url, source_uri, store_for
from ..stores.digests import SHORT, sha256_of, size_text
from ..stores.lockfile import Entry
from .files import lock_file, pull_file, push_file, training_of, use_version

FILES = click.argument("files", nargs=-1)


@click.command("lock")
@FILES
@click.option("--trust", multiple=True, help="A type that skops may load; may be repeated.")
def lock_command(files: tuple[str, ...], trust: tuple[str, ...]) -> None:
    """Record FILES in artifacts.lock.

    Their checksums, sizes and the versions of the libraries they were saved with are recorded.
    Without FILES: all artifacts of main.py.
    """
    for file in files or _declared():
        entry = lock_file(file, trust)
        click.echo(f"{_text(file, entry)}: locked; {_libraries(entry)}")


@click.command()
@FILES
@click.option(
    "--to",
    default="",
    help="s3://bucket/prefix or file:///folder; default: MMF_ARTIFACTS, else its last store.",
)
def push(files: tuple[str, ...], to: str) -> None:
    """Upload FILES to a store and lock them.

    Without FILES: all artifacts of main.py.
    """
    for file in files or [file for file in _declared() if not is_uri(file)]:
        entry, is_new = push_file(file, to)
        click.echo(
            f"{_text(file, entry)}: {'pushed to' if is_new else 'is already in'} {entry.source}"
            + (f" as version {entry.version}" if entry.version else "")
        )
        if not entry.version:
            click.echo(
                f"warning: {entry.source} keeps no versions, so this cannot be rolled back",
                err=True,
            )


@click.command()
@FILES
def pull(files: tuple[str, ...]) -> None:
    """Fetch the locked FILES into this folder.

    Without FILES: all entries of artifacts.lock.
    """
    for file in files or list(_locked()):
        changed = pull_file(file)
        click.echo(f"{_text(file, _locked()[file])}: {'fetched' if changed else 'up to date'}")


@click.command("list")
def list_command() -> None:
    """List the entries of artifacts.lock, and whether the files are up to date."""
    for file, entry in _locked().items():
        source = redact_url(source_uri(file, entry)) or "kept with the code"
        version = f" version {entry.version}" if entry.version else ""
        click.echo(f"{_text(file, entry)}: {_state(file, entry)}; {source}{version}")


@click.command()
@click.argument("file")
def versions(file: str) -> None:
    """List the versions of FILE in its store.

    The newest comes first; * marks the locked one. Of a model that the service has trained, its
    metrics, note, time and the git commit of its code are shown. The versions of a file that DVC
    tracks are the commits of its .dvc file, with DVC's metrics.
    """
    pointer = pointer_to(Path(file))
    entry = lockfile.read().get(file) if pointer else _locked().get(file)
    uri = source_uri(file, entry)
    if pointer and not uri:
        for version in pointer.versions():
            mark = "*" if version.etag == pointer.etag else " "
            identity, size = version.id or "-", version.size
            click.echo(_version_text(mark, identity, size, training_of(version)))
        return
    if not uri:
        if entry and entry.training:  # kept with the code: there is this one
            click.echo(_version_text("*", "-", entry.size, entry.training))
            return
        raise click.ClickException(f"{file} is not in a store; upload it with mmfmeta push")
    store = store_for(uri)
    for version in store.versions(uri):
        is_locked = entry and version.id == entry.version
        stored = store.stat(uri, version.id) if version.id else version
        training = training_of(stored) or (entry.training if entry and is_locked else {})
        mark = "*" if is_locked else " "
        identity, size = version.id or "-", version.size
        click.echo(_version_text(mark, identity, size, training, version.modified))


@click.command()
@click.argument("file")
@click.argument("version")
def use(file: str, version: str) -> None:
    """Switch FILE to another VERSION, older or newer.

    The version is locked and fetched. The beginning of its id is enough.
    """
    entry = use_version(file, version)
    click.echo(f"{_text(file, entry)}: locked and fetched version {entry.version}")


COMMANDS = (lock_command, push, pull, list_command, versions, use)


def _declared() -> list[str]:
    """Return the artifacts of main.py, which loads even if a file was trained again."""
    with lockfile.unverified():
        registry = load_project("main")
    if not registry.artifacts:
        raise DeclarationError("main.py declares no artifact; name the files to use")
    return [name for name in registry.artifacts if is_uri(name) or Path(name).exists()]


def _locked() -> dict[str, Entry]:
    if not (entries := lockfile.read()):
        raise click.ClickException(f"{lockfile.LOCK} has no entries; add them with mmfmeta lock")
    return entries


def _state(file: str, entry: Entry) -> str:
    if is_uri(file) or not Path(file).exists():
        return "fetched when needed" if source_uri(file, entry) else "missing"
    return "up to date" if sha256_of(Path(file)) == entry.sha256 else "modified"


def _text(file: str, entry: Entry) -> str:
    return f"{redact_url(file)} ({size_text(entry.size)}, sha256 {entry.sha256[:SHORT]})"


def _version_text(
    mark: str, identity: str, size: int, training: Mapping[str, Any], modified: str = ""
) -> str:
    """Return the line of a version; its training says more than the time of its upload."""
    facts = [training.get("at") or modified]
    facts += [f"{name} {value:.4g}" for name, value in training.get("metrics", {}).items()]
    facts += [f"commit {commit[:SHORT]}" for commit in [training.get("commit")] if commit]
    facts += [note for note in [training.get("note")] if note]
    return "  ".join([f"{mark} {identity}", size_text(size), *filter(None, facts)])


def _libraries(entry: Entry) -> str:
    libraries = ", ".join(f"{package} {version}" for package, version in entry.made_with.items())
    return f"saved with {libraries}" if libraries else "no library versions to record"
