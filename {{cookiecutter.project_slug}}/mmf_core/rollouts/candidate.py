"""The candidate: the same project with other files, loaded beside the current version.

It is tested in a throwaway fork first. A copy of the project has its modules, the
candidate's files and links to all others, so that code that opens a file by its path gets the
candidate's, too. Both versions are in the memory that the workers share.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from ..codecs import preload
from ..example_calls import (
    DescribedError,
    Failure,
    Fork,
    call_on_example,
    failed_example,
    use_model_schemas,
)
from ..example_calls.forks import set_alarm
from ..models import profile_of
from ..processes import is_in_gunicorn
from ..projects import copy_project, imported_from
from ..registry import Registry, default
from ..registry import load as load_registry
from ..settings import Settings
from ..stores import Version, file_name, is_uri, lockfile, resolve, store_for
from .plan import Candidate
from .rollout import UNNAMED

TRIAL_TIMEOUT = 600.0
"""Seconds for loading the candidate and calling its targets."""
_LISTED = 5
_OWNER, _FOLDERS = os.getpid(), f"mmf-candidate-{secrets.token_hex(8)}-"
"""The process whose folders begin like this, and those of its forks."""


class CandidateError(DescribedError):
    """The candidate cannot be served."""

    def of_candidate(self, name: str) -> CandidateError:
        """Return the error with the candidate's name, for a reload that it makes fail."""
        public, detail = (f"the candidate {name} is not loaded: {text}" for text in self.failure)
        return CandidateError(Failure(public, detail))


def candidate_that_failed(text: str) -> str:
    """Return the candidate that has made a reload fail, by its error; empty if none has."""
    match = re.match(r"the candidate (\S+) is not loaded: ", text)
    return match[1] if match else ""


def load(candidate: Candidate, module: str, stable: Registry) -> Registry:
    """Return the candidate's registry, with its artifacts loaded; CandidateError if it fails."""
    try:
        _check_name(candidate, stable)
        folder = _folder_of(candidate, stable)
        with _own_paths(candidate, folder):
            _raise_failure(_try(candidate, module, stable, folder))
            return _load(candidate, module, stable, folder)
    except CandidateError:
        raise
    except (Exception, SystemExit) as error:
        raise CandidateError(Failure.of(error)) from error


@contextmanager
def _own_paths(candidate: Candidate, folder: Path) -> Iterator[None]:
    """Raise CandidateError whose texts name the candidate's files, not those of the copy."""
    try:
        yield
    except (Exception, SystemExit) as error:
        failure = Failure.of(error)
        names = {str(folder / file): source for file, source in candidate.artifacts.items()}
        names[f"{folder}{os.sep}"] = ""
        for path in sorted(names, key=len, reverse=True):  # one may begin with another
            failure = Failure(*(text.replace(path, names[path]) for text in failure))
        raise CandidateError(failure) from error


def _check_name(candidate: Candidate, stable: Registry) -> None:
    """Reject the current version's name: responses could not show which of the two gave them."""
    if candidate.name == (stable.version or UNNAMED):
        raise CandidateError(
            Failure.plain(f"{candidate.name}: the current version has this name; choose another")
        )


def load_in_worker(registry: Registry) -> None:
    """Load the artifacts with `preload=False`, as the project's own are loaded after the fork."""
    if not all(artifact.is_loaded for artifact in registry.artifacts.values()):
        with imported_from(registry.folder):
            registry.load_artifacts()


def differences(stable: Registry, candidate: Registry) -> list[str]:
    """Return how the candidate's targets differ for a caller, one line per difference."""
    old, new = (
        {route: _interface(route, registry) for route in registry.targets}
        for registry in (stable, candidate)
    )
    lines = [f"it has no target {route}" for route in old if route not in new]
    lines += [f"it has another target, {route}" for route in new if route not in old]
    for route in old.keys() & new.keys():
        ours, theirs = old[route], new[route]
        lines += [
            f"{route}: {part}: expected {ours.get(part)}, got {theirs.get(part)}"
            for part in {**ours, **theirs}
            if not _fits(ours.get(part), theirs.get(part))
        ]
    return lines


@dataclass(frozen=True)
class _PublicColumn:
    """A column as callers see it: its type with bounds, and whether cells may be empty."""

    declaration: str
    nullable: bool

    def __str__(self) -> str:
        return self.declaration + ", or empty" * self.nullable


def _fits(ours: object, theirs: object) -> bool:
    """Report whether the candidate accepts the same, or more: empty cells, too."""
    if isinstance(ours, _PublicColumn) and isinstance(theirs, _PublicColumn) and theirs.nullable:
        return ours.declaration == theirs.declaration
    return ours == theirs


def _interface(route: str, registry: Registry) -> dict[str, object]:
    """Return a target's interface as callers see it, without descriptions."""
    target = registry.targets[route]
    interface: dict[str, object] = {}
    for name, descriptor in target.arguments.items():
        columns = getattr(descriptor, "columns", None) or {}
        omitted = {*_TEXTS, "schema", "columns"} if columns else _TEXTS  # each column is below
        meta = descriptor.meta()
        interface[name] = {key: value for key, value in meta.items() if key not in omitted}
        interface[f"columns of {name}"] = list(columns)
        for label, column in columns.items():
            plain = copy(column)
            plain.nullable, plain.private, plain.description = False, False, ""
            interface[f"{name}, {label}"] = _PublicColumn(repr(plain), column.nullable)
    result = target.returns.meta() if target.returns else {}
    interface["returns"] = {key: value for key, value in result.items() if key not in _TEXTS}
    return interface


_TEXTS = {"name", "description", "example", "examples"}


def _folder_of(candidate: Candidate, stable: Registry) -> Path:
    """Return a copy of the project with the candidate's files."""
    files = {file: _file_of(file, source, stable) for file, source in candidate.artifacts.items()}
    others: dict[Path, Path | None] = {Path(file): path for file, path in files.items()}
    for file, path in files.items():  # a profile belongs to one file
        profile = profile_of(path)
        others[profile_of(Path(file))] = profile if profile.exists() else None
    entries = lockfile.read()
    for file, source in candidate.artifacts.items():
        entries.pop(file, None)
        if source in entries:
            entries[file] = entries[source]
    if candidate.main:
        if not Path(candidate.main).is_file():
            raise CandidateError(Failure.plain(f"{candidate.main}: no such file"))
        others[Path("main.py")] = Path(candidate.main)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDERS))
    copy_project(folder, others | {lockfile.LOCK: None})
    if entries:
        lockfile.write(entries, folder / lockfile.LOCK)
    return folder


@atexit.register
def _remove_folders() -> None:
    """Remove all folders when the service ends: a fork that tests a candidate leaves its own."""
    if os.getpid() == _OWNER:
        for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDERS}*"):
            shutil.rmtree(folder, ignore_errors=True)


def _file_of(file: str, source: str, stable: Registry) -> Path:
    """Return the candidate's file: a path, a URI, or a version in the current file's store."""
    if file not in stable.artifacts:
        loaded = ", ".join(stable.artifacts) or "none"
        raise CandidateError(Failure.plain(f"{file}: expected a file that main.py loads: {loaded}"))
    if is_uri(file):
        raise CandidateError(Failure.plain(f"{file}: only a file beside main.py can be replaced"))
    if is_uri(source) or Path(source).exists():
        return resolve(source).path.absolute()
    entry = lockfile.read().get(file)
    if entry is None or not entry.source:
        raise CandidateError(
            Failure.plain(f"{source}: no such file, and {file} has no store with versions")
        )
    store = store_for(entry.source)
    return store.fetch(entry.source, Version(id=source), file_name(file)).absolute()


def _try(candidate: Candidate, module: str, stable: Registry, folder: Path) -> Failure | None:
    """Load the candidate in a fork, and call its targets; return why it cannot be served."""
    fork = Fork(partial(_report, candidate, module, stable, folder))
    text = f"it did not load within {TRIAL_TIMEOUT:g} seconds"
    with suppress(EOFError):
        if fork.reader.poll(TRIAL_TIMEOUT):
            text = "the process that tried it ended"
            failure: Failure | None
            (failure,) = fork.reader.recv()
            fork.end()
            return failure
    return Failure.plain(f"{text}, {fork.end()}")


def _report(
    candidate: Candidate, module: str, stable: Registry, folder: Path, results: Connection
) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)  # gunicorn's handlers are for the master only
    set_alarm(TRIAL_TIMEOUT)
    failure = None
    try:
        registry = _load(candidate, module, stable, folder)
        if Settings.from_env().warm_up:
            failure = failed_example(registry, partial(call_on_example, stable))
        load_in_worker(registry)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - every error is reported
        failure = Failure.of(error)
    results.send((failure,))


def _load(candidate: Candidate, module: str, stable: Registry, folder: Path) -> Registry:
    registry = Registry()
    registry.folder = folder
    with imported_from(folder):
        default.swap(registry)
        try:
            load_registry(module)
        finally:
            default.swap(registry)
        registry.load_artifacts(before_fork=is_in_gunicorn())
    for target in registry.targets.values():
        for descriptor in target.descriptors:
            preload(descriptor.kind)
    use_model_schemas(registry, may_call=Settings.from_env().warm_up)
    if lines := differences(stable, registry):
        more = f" and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
        raise CandidateError(Failure.plain("; ".join(lines[:_LISTED]) + more))
    _check_artifacts_read(registry, candidate.artifacts)
    registry.version = candidate.name
    return registry


def _check_artifacts_read(registry: Registry, files: Mapping[str, str]) -> None:
    """Reject a file that is only declared: the code could open the current one instead."""
    for file in files:
        if file not in registry.artifacts:
            raise CandidateError(Failure.plain(f"{file}: its main.py does not load this file"))
        if not registry.artifacts[file].is_read:
            raise CandidateError(
                Failure.plain(
                    f"{file}: it is only declared; load it by mmf.artifact({file!r}).load(), or in "
                    "a function, so that each version reads its own"
                )
            )


def _raise_failure(failure: Failure | None) -> None:
    if failure:
        raise CandidateError(failure)
