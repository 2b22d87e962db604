"""The progress of a rollout, saved beside its plan so that a restart continues there."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..text_files import replace_text
from .plan import Candidate
from .strategies import Progress

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


def read(path: Path, key: str) -> Progress:
    """Return the progress of a candidate; that of a new one if none is saved, or it is invalid."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        if document["candidate"] != key:
            return Progress()
        step, seconds, ended = (document[name] for name in ("step", "seconds", "ended"))
        return Progress(int(step), float(seconds), str(ended))
    except FileNotFoundError:
        return Progress()
    except (OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        _log.warning("%s cannot be read, the rollout starts over: %s", path, error)
        return Progress()


def write(path: Path, key: str, progress: Progress) -> None:
    """Save the progress, or log why a restart will lose it."""
    document = {"candidate": key, **asdict(progress)}
    try:
        replace_text(path, json.dumps(document))
    except OSError as error:
        _log.warning("%s cannot be written, a restart starts over: %s", path, error.strerror)


def _stamp(path: Path) -> str:
    """Return the size and mtime of a file; empty for anything else, such as a store's version."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
