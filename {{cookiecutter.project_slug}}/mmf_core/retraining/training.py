"""A training from its call to the next version of its file: saved, compared, tested, promoted."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..artifact import Artifact
from ..artifact_commands.files import destination, entry_of, replaced, stat, upload
from ..descriptors import ModelFile, TrainedModel
from ..errors import ArtifactError, DeclarationError
from ..models import format_of, load_model, profile_of, save_model
from ..stores import Store, lockfile, store_for
from ..stores.lockfile import Entry
from ..target import Target
from ..web.protocols import Service
from . import outcomes
from .comparison import check_compatible, check_metric, example_of
from .errors import ModelNotStored, ModelRejected, RetrainingConflict
from .master import request_reload
from .trial import candidate_folder, is_writable, try_version

MAX_NOTE = 100
"""Characters of a note that are kept."""
_log = logging.getLogger("mmf.retraining")


def make_trainer(service: Service) -> Trainer:
    """Return a service's trainer; DeclarationError if a target's file is not loaded."""
    artifacts = service.registry.artifacts
    for target in service.registry.targets.values():
        if isinstance(returns := target.returns, ModelFile):
            if returns.file not in artifacts:
                raise DeclarationError(
                    f"{target.route}: ModelFile({returns.file!r}): expected a file that main.py "
                    f"loads: {', '.join(artifacts) or 'none'}"
                )
            if format_of(returns.file) is None:
                raise DeclarationError(
                    f"{target.route}: ModelFile({returns.file!r}): unknown suffix of a model file"
                )
    return Trainer(artifacts)


class Trainer:
    """Trains the models of a service; `artifacts` are those in use, by file."""

    def __init__(self, artifacts: dict[str, Artifact]) -> None:
        self._artifacts = artifacts

    def __call__(self, target: Target, call: Callable[[], TrainedModel]) -> dict[str, Any]:
        """Train, and make the model the next version of its file, or offer it; return a summary.

        RetrainingConflict while the file is already being trained; ModelRejected if the model is
        worse, incompatible, or fails; ModelNotStored without room for it. The file and the lock are
        then unchanged. Other errors are those of `call`.
        """
        returns = target.returns
        assert isinstance(returns, ModelFile)  # noqa: S101 - see Target.trains
        outcome = "failed"
        try:
            with _exclusive(Path(returns.file)):
                _check_destination(returns)
                summary = self._publish(returns, call())
            outcome = "promoted" if returns.promote else "offered"
        except ModelRejected as error:
            outcome = error.reason
            _log.error("%s: %s", target.route, error.logged)
            raise
        except (ArtifactError, OSError) as error:
            reason = str(getattr(error, "strerror", None) or error)
            _log.error("%s: the new model cannot be stored: %s", target.route, reason)
            raise ModelNotStored(f"the new model cannot be stored: {reason}") from error
        finally:
            outcomes.count(target.route, outcome)
        _log.info("%s: the new model is %s: %s", target.route, outcome, summary)
        if returns.promote:
            request_reload()
        return summary

    def _publish(self, returns: ModelFile, trained: TrainedModel) -> dict[str, Any]:
        file, path = returns.file, Path(returns.file)
        old = lockfile.read().get(file) or Entry("", 0)
        check_metric(returns, trained, old.training.get("metrics", {}))
        example = example_of(trained)
        check_compatible(self._current_model(file), trained.model, example)
        with candidate_folder(path) as folder:
            candidate = folder / path
            _save(trained, candidate, example)
            entry = replace(entry_of(file, candidate, old), training=_record(trained))
            lockfile.write({**lockfile.read(), file: entry}, folder / lockfile.LOCK)
            if failure := try_version(folder):
                raise ModelRejected(failure.public, failure.detail, reason="example")
            if uri := destination(file, old):
                entry, _ = upload(entry, candidate, uri)
            if returns.promote:
                _promote(file, candidate, entry)
        return {
            "file": file,
            "sha256": entry.sha256,
            "version": entry.version or None,
            "promoted": returns.promote,
            "metrics": dict(trained.metrics),
            "note": entry.training["note"],
            "trained_at": entry.training["at"],
            "commit": entry.training["commit"] or None,
        }

    def _current_model(self, file: str) -> Any:
        """Return the model that is served; None if it cannot be loaded again."""
        artifact = self._artifacts[file]
        with suppress(ArtifactError):
            if (loaded := artifact.ensure_loaded()) is not None:
                return loaded
            entry = lockfile.read().get(file)
            return load_model(artifact.path, trusted=entry.trusted if entry else ())
        return None


def _check_destination(returns: ModelFile) -> None:
    """Reject, before a long training, a destination that would fail after it."""
    uri = destination(returns.file, lockfile.read().get(returns.file) or Entry("", 0))
    if uri and type(store_for(uri)).upload is Store.upload:
        raise ModelNotStored(f"{uri} is read-only; push to s3:// or file://")
    if returns.promote:
        if not is_writable(Path(returns.file).parent):
            raise ModelNotStored(
                f"the folder of {returns.file} is read-only: train where it is writable, or with "
                "promote=False and a store that keeps versions"
            )
        return
    stored = stat(uri) if uri else None
    if stored is None or (stored.size >= 0 and stored.id in ("", "null")):
        raise ModelNotStored(
            "promote=False needs a store that keeps versions: mmfmeta push --to s3://bucket/prefix"
        )


def _save(trained: TrainedModel, path: Path, example: Any) -> None:
    try:
        save_model(trained.model, path, example=example, reference=trained.reference)
    except (ArtifactError, OSError) as error:
        if isinstance(error, OSError) or isinstance(error.__cause__, OSError):
            raise
        raise ModelRejected(str(error), reason="file") from error
    except Exception as error:  # from the model's library, such as that it is not fitted
        name = type(error).__name__
        raise ModelRejected(
            f"it fails on its own example: {name}",
            f"it fails on its own example: {name}: {error}",
            reason="type",
        ) from error


def _promote(file: str, candidate: Path, entry: Entry) -> None:
    """Put the new file and its entry in place; without a store keep the old file beside it."""
    path = Path(file)
    with _exclusive(lockfile.LOCK, waits=True), replaced(path, candidate):
        if not entry.version and path.exists():
            with replaced(path.with_name(f"{path.stem}.old-0{path.suffix}"), path):
                pass
        if (profile := profile_of(candidate)).exists():
            profile.replace(profile_of(path))
        lockfile.write({**lockfile.read(), file: entry})


def _record(trained: TrainedModel) -> dict[str, Any]:
    return {
        "metrics": dict(trained.metrics),
        "note": " ".join(trained.note.split())[:MAX_NOTE].rstrip(),
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "commit": _commit(),
    }


def _commit() -> str:
    """Return the git commit of the project, marked if files differ; empty without one."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()
    return ""


@contextmanager
def _exclusive(path: Path, *, waits: bool = False) -> Iterator[None]:
    """Keep other processes of this machine out; RetrainingConflict unless it `waits` for them.

    Nothing in a read-only folder changes, so that there every process may train.
    """
    if not is_writable(path.parent):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(f".{path.name}.training"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            raise RetrainingConflict(f"{path} is being trained already") from None
        yield
    finally:
        os.close(lock)
