"""Changes to a rollout: each writes the plan, which the running service follows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..backups import back_up
from ..errors import MMFError
from ..models import profile_of
from ..stores import Version, file_name, is_uri, lockfile, store_for
from ..stores.digests import sha256_of, size_of
from ..stores.lockfile import Entry
from . import state
from .plan import Candidate, Plan, PlanError, document_of, of, read, write


class NoRollout(MMFError):
    """No rollout is in progress that could be changed, or another one is in progress."""


@contextmanager
def _exclusive(file: Path) -> Iterator[None]:
    """Keep other changes out, of this process and of others, between a read and a write."""
    import fcntl  # not on Windows, where commands still print their help

    folder = os.open(file.absolute().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def begin(file: Path, document: dict[str, Any]) -> Plan:
    """Write a new plan; NoRollout while another is in progress, PlanError for an invalid one."""
    with _exclusive(file):
        return _begin(file, document)


def _begin(file: Path, document: dict[str, Any]) -> Plan:
    current = read(file).candidate
    plan = of(document)
    is_same = current is not None and current.name == _candidate(plan).name
    if current and current.promoted and is_same:
        raise NoRollout(
            f"{current.name} is already promoted: give the new version another name, or remove "
            f"{file.name}"
        )
    if current and not current.promoted and not is_same:
        raise NoRollout(
            f"{current.name} is in progress: mmfmeta rollout promote, or mmfmeta rollout abort"
        )
    state.path_of(file).unlink(missing_ok=True)
    write(plan, file)
    return plan


def set_shares(file: Path, **shares: Any) -> Plan:
    """Change `traffic` and `mirror`, in per cent."""
    with _exclusive(file):
        plan = _served(file)
        if plan.steps.traffic and "traffic" in shares:
            raise PlanError("[steps] determine the traffic; start over to change it")
        plan = of(document_of(plan.with_candidate(**shares)))
        write(plan, file)
        return plan


def promote(file: Path) -> Plan:
    """Put the candidate's files in place, and route every request to it.

    Replaced files are kept beside them, as model.old-1.joblib; a version in a store becomes that
    of artifacts.lock.
    """
    with _exclusive(file):
        return _promote(file)


def _promote(file: Path) -> Plan:
    plan = _served(file)
    candidate = _candidate(plan)
    if candidate.main:
        raise NoRollout(f"replace main.py with {candidate.main} yourself, then abort")
    if uris := [source for source in candidate.artifacts.values() if is_uri(source)]:
        raise NoRollout(f"replace the current file with {uris[0]} yourself, then abort")
    plan = plan.with_candidate(promoted=True)
    entries = lockfile.read()
    for name, source in candidate.artifacts.items():
        if not Path(source).exists() and name not in entries:
            raise NoRollout(f"{source}: no such file")
    saved = state.read(state.path_of(file), state.key_of(candidate))
    if reason := saved.not_served:
        raise NoRollout(f"{candidate.name} is not served: {reason}")
    with _copies(candidate, saved.checksums or {}) as copies:
        for name, source in candidate.artifacts.items():
            _put_in_place(name, source, copies.get(name))
    write(plan, file)
    return plan


@contextmanager
def _copies(candidate: Candidate, checksums: Mapping[str, str]) -> Iterator[dict[str, Path]]:
    """Copy the candidate's files beside those that they replace; all of them, before the first.

    NoRollout if one is not what the service has loaded.
    """
    copies: dict[str, Path] = {}
    try:
        for name, source in candidate.artifacts.items():
            if not (path := Path(source)).exists():
                continue  # a version in a store
            target = Path(name)
            copies[name] = copy = target.with_name(f".{target.name}.new")
            shutil.copytree(path, copy) if path.is_dir() else shutil.copy2(path, copy)
            if sha256_of(copy) != checksums.get(name):
                raise NoRollout(
                    f"{source} has changed since the service loaded it; start it again with "
                    "mmfmeta rollout start"
                )
        yield copies
    finally:
        for copy in copies.values():
            shutil.rmtree(copy) if copy.is_dir() else copy.unlink(missing_ok=True)


def abort(file: Path) -> None:
    """Remove the candidate, even if its plan is invalid; its memory is freed by a reload."""
    with _exclusive(file):
        with suppress(PlanError):
            _under_way(file)
        state.path_of(file).unlink(missing_ok=True)
        write(Plan(), file)


def _under_way(file: Path) -> Plan:
    plan = read(file)
    if plan.candidate is None or plan.candidate.promoted:
        raise NoRollout("no rollout is in progress; start one with mmfmeta rollout start")
    return plan


def _served(file: Path) -> Plan:
    """Return the plan of a candidate that was not rolled back."""
    plan = _under_way(file)
    candidate = _candidate(plan)
    if reason := state.read(state.path_of(file), state.key_of(candidate)).progress.ended:
        raise NoRollout(
            f"{candidate.name} was rolled back: {reason}; restart it with mmfmeta rollout start, "
            "or end it with mmfmeta rollout abort"
        )
    return plan


def _candidate(plan: Plan) -> Candidate:
    if plan.candidate is None:
        raise PlanError("[candidate] is missing")
    return plan.candidate


def _put_in_place(name: str, source: str, copy: Path | None) -> None:
    entries = lockfile.read()
    old = entries.get(name)
    path, target = Path(source), Path(name)
    if copy is None:  # a version in the current file's store
        if old is None:
            raise NoRollout(f"{source}: no such file")
        entries[name] = _of_version(name, old, source)
        lockfile.write(entries)
        return
    if target.exists():
        back_up(target)
    if target.is_dir():
        shutil.rmtree(target)
    os.replace(copy, target)  # noqa: PTH105 - a folder, too
    if (profile := profile_of(path)).exists():
        shutil.copy2(profile, profile_of(target))
    if old or source in entries:
        recorded = entries.get(source) or Entry("", 0)
        entries[name] = Entry(
            sha256=sha256_of(target),
            size=size_of(target),
            format=recorded.format or (old.format if old else ""),
            made_with=recorded.made_with,
            trusted=recorded.trusted or (old.trusted if old else ()),
            training=recorded.training,
        )
        lockfile.write(entries)


def _of_version(name: str, old: Entry, version: str) -> Entry:
    """Return the entry of another version in the same store."""
    store = store_for(old.source)
    path = store.fetch(old.source, Version(id=version), file_name(name))
    return Entry(
        sha256=sha256_of(path),
        size=size_of(path),
        format=old.format,
        source=old.source,
        version=version,
        trusted=old.trusted,
    )
