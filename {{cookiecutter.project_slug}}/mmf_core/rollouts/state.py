"""The progress of a rollout, saved beside its plan so that a restart continues there."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..stores.digests import sha256_of
from ..text_files import replace_text
from .plan import Candidate
from .strategies import Progress

_NOT_LOADED = (
    "the service has not loaded these files (see /health/ready and the log); if they have "
    "changed, restart it with mmfmeta rollout start"
)
_log = logging.getLogger("mmf.rollout")


def path_of(plan: Path) -> Path:
    """Return the path of a plan's state."""
    return plan.with_name(f".{plan.name}.state")


def key_of(candidate: Candidate) -> str:
    """Return the identity of a candidate: another file under the same name is another one.

    Another key needs a reload, and another candidate starts over.
    """
    parts = [candidate.name, candidate.strategy, candidate.sticky, candidate.main]
    parts += [f"{file}={source}" for file, source in candidate.artifacts.items()]
    sources = filter(None, (*candidate.artifacts.values(), candidate.main))
    parts += [_stamp(Path(source)) for source in sources]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class State:
    """What the service has saved about a candidate.

    `checksums` has the sha256 of each of its files that is served, by the file in main.py; None
    until it is served. `failed` is why it could not be loaded the last time.
    """

    progress: Progress = field(default_factory=Progress)
    checksums: Mapping[str, str] | None = None
    failed: str = ""

    @property
    def not_served(self) -> str:
        """Why the candidate is not served; empty if it is, or was until it was rolled back."""
        if self.failed:
            return self.failed
        return "" if self.checksums is not None else _NOT_LOADED


def checksums_of(candidate: Candidate) -> dict[str, str]:
    """Return the sha256 of each file of a candidate; a version in a store has none."""
    checksums = {}
    for file, source in candidate.artifacts.items():
        with suppress(OSError):
            checksums[file] = sha256_of(Path(source))
    return checksums


def read(path: Path, key: str) -> State:
    """Return the state of a candidate; that of a new one if none is saved, or it is invalid."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        if document["candidate"] != key:
            return State()
        step, seconds, ended = (document[name] for name in ("step", "seconds", "ended"))
        progress = Progress(int(step), float(seconds), str(ended))
        checksums, failed = document.get("checksums"), document.get("failed", "")
        return State(progress, None if checksums is None else dict(checksums), str(failed))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        _log.warning("%s cannot be read, the rollout starts over: %s", path, error)
        return State()


def write(path: Path, key: str, state: State) -> None:
    """Save the state, or log why a restart will lose it."""
    saved = {"checksums": state.checksums, "failed": state.failed}
    document = {"candidate": key, **asdict(state.progress), **saved}
    try:
        replace_text(path, json.dumps(document))
    except OSError as error:
        _log.warning("%s cannot be written, a restart starts over: %s", path, error.strerror)


def write_failure(path: Path, key: str, reason: str) -> None:
    """Save why a candidate could not be loaded, beside its progress: a rollback lasts."""
    write(path, key, replace(read(path, key), failed=reason))


def _stamp(path: Path) -> str:
    """Return the size and mtime of a file; empty for anything else, such as a store's version."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
