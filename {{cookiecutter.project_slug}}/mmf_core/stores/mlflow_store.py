"""models:/ and runs:/ : folders of MLflow's registry, as MLflow itself fetches them; s3://…/ too.

`models:/Name/Production`, `models:/Name/3`, `models:/Name@alias`, `runs:/ID/model`, with one slash;
MLFLOW_TRACKING_URI says where the registry is. What lies at such an address changes, so it is asked
for at every start; where it cannot be had, the copy that was fetched last is used.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import ClassVar

from ..errors import StoreError
from ..settings import Settings
from . import cache
from .base import Content, Store, Version
from .digests import sha256_of, size_of

OLDER = "the copy that was fetched last is used"
_META = "registered_model_meta"  # MLflow puts it into a folder that it fetches by models:/
_log = logging.getLogger("mmf.stores")


class MlflowStore(Store):
    """Whole folders, to read only."""

    schemes = ("models", "runs")
    requires: ClassVar = {"mlflow": "mlflow-skinny"}

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}

    def takes(self, uri: str) -> bool:
        """Take what MLflow has written into S3, too: a folder, with a slash at the end."""
        return super().takes(uri) or (uri.startswith("s3://") and uri.endswith("/"))

    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        raise StoreError(
            f"{uri} is a folder of MLflow's, which keeps its versions: to go back, name another "
            f"one in main.py"
        )

    def note(self, uri: str) -> str:
        return self._notes.get(uri, "")

    def fetch(self, uri: str, wanted: Version, name: str) -> Path:
        """Return the folder's copy; of a known sum the one that is there, without asking."""
        self._notes.pop(uri, None)
        if wanted.sha256 and (kept := _kept(uri, wanted.sha256, name)):
            return kept
        # What it was the last time: a file with the sum, in a folder of the cache like any other.
        last = cache.folder() / sha256(uri.encode()).hexdigest() / "sha256"
        with cache.alone(last.parent, "fetching", f"{uri}: another process has it in hand"):
            new = last.with_name("new")
            try:
                found = _download(uri, new)
                return self._take(found, uri, wanted, name, last)
            except _Unfetched as error:
                kept = _kept(uri, last.read_text(), name) if last.exists() else None
                if not kept or wanted.sha256:
                    raise
                _log.warning("%s; the copy that was fetched last is used", error)
                self._notes[uri] = (
                    f"{uri} cannot be fetched; the copy that was fetched last is used"
                )
                cache.hold(last)
                return kept
            finally:
                shutil.rmtree(new, ignore_errors=True)

    def _take(self, found: Path, uri: str, wanted: Version, name: str, last: Path) -> Path:
        total = sha256_of(found)
        if wanted.sha256 not in {"", total}:
            raise StoreError(
                f"{uri} is not the folder that is wanted: its sha256 is {total}, and "
                f"{wanted.sha256} is expected"
            )
        target = cache.folder() / total / name
        new = Version(sha256=total, size=size_of(found))
        path = cache.placed(target, uri, new, lambda: _move(found, target))
        last.write_text(total)
        cache.hold(last)
        return path


def registered_version(path: Path) -> str:
    """Return the version of a fetched model in MLflow's registry; empty if it is from elsewhere."""
    try:
        text = (path / _META).read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r"""^model_version: ['"]?([^\s'"]+)""", text, re.MULTILINE)
    return found[1] if found else ""


class _Unfetched(StoreError):
    """MLflow does not give a folder."""


def _kept(uri: str, total: str, name: str) -> Path | None:
    """Return the path of the copy that has this sum, if there is one."""

    def bring() -> None:
        raise FileNotFoundError

    with suppress(FileNotFoundError):
        return cache.placed(cache.folder() / total / name, uri, Version(sha256=total), bring)
    return None


def _move(found: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    found.replace(target)


def _download(uri: str, new: Path) -> Path:
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        with bounded():
            from mlflow.artifacts import download_artifacts

            found = Path(download_artifacts(artifact_uri=uri, dst_path=str(new)))
    except Exception as error:  # of MLflow, requests, and whatever holds the files
        reason = str(error).strip().partition("\n")[0]
        hint = "" if uri.startswith("s3:") else "; is MLFLOW_TRACKING_URI right?"
        raise _Unfetched(f"{uri} cannot be fetched: {reason}{hint}") from error
    if found.is_dir() and not any(found.iterdir()):  # S3 knows no folders
        raise _Unfetched(f"{uri} cannot be fetched: no file is there")
    return found


@contextmanager
def bounded() -> Iterator[None]:
    """Bound what MLflow waits for where the operator has not: it asks seven times, for minutes."""
    bounds = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(ceil(Settings.from_env().store_timeout)),
    }
    ours = {name: text for name, text in bounds.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        with warnings.catch_warnings(action="ignore"):  # of MLflow's own code
            yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
