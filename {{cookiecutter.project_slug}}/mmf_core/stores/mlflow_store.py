"""models:/ and runs:/ : folders of MLflow's registry, fetched by MLflow itself; s3://…/ too.

`models:/Name/Production`, `models:/Name/3`, `models:/Name@alias`, `runs:/ID/model`, with one slash;
MLFLOW_TRACKING_URI says where the registry is. The content at such an address changes, so the
registry is queried at every start; while it is unreachable, the copy fetched last is used.
"""

from __future__ import annotations

import logging
import re
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from ..errors import StoreError
from . import cache
from .base import Store
from .digests import sha256_of, size_of
from .mlflow_retries import limited_retries
from .objects import Content, Version
from .transfer import checksum_error

_META = "registered_model_meta"  # MLflow puts it into a folder that it fetches by models:/
_log = logging.getLogger("mmf.stores")


class MlflowStore(Store):
    """Whole folders, read-only."""

    schemes = ("models", "runs")
    requires: ClassVar = {"mlflow": "mlflow-skinny"}

    def __init__(self) -> None:
        self._warnings: dict[str, str] = {}

    def accepts(self, uri: str) -> bool:
        """Accept folders that MLflow has written to S3, too: with a slash at the end."""
        return super().accepts(uri) or (uri.startswith("s3://") and uri.endswith("/"))

    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        raise StoreError(
            f"{uri} is a folder in MLflow's registry, which keeps its versions: to go back, name "
            f"another version in main.py"
        )

    def warning(self, uri: str) -> str:
        return self._warnings.get(uri, "")

    def recorded_version(self, path: Path) -> str:
        """Return the version that MLflow's registry gave to the model in a folder."""
        try:
            text = (path / _META).read_text(encoding="utf-8")
        except OSError:
            return ""
        match = re.search(r"""^model_version: ['"]?([^\s'"]+)""", text, re.MULTILINE)
        return match[1] if match else ""

    def fetch(self, uri: str, expected: Version, name: str) -> Path:
        """Return the folder's copy; an expected sha256 in the cache needs no request."""
        self._warnings.pop(uri, None)
        if expected.sha256 and (copy := _cached(uri, expected.sha256, name)):
            return copy
        # The checksum fetched last is in a file, in a folder of the cache like any other.
        last = cache.path_of(sha256(uri.encode()).hexdigest(), "sha256")
        with cache.exclusive_lock(last.parent, cache.FETCHING, cache.WAITING % uri):
            new = last.with_name("new")
            try:
                return self._cache(_download(uri, new), uri, expected, name, last)
            except _FetchError as error:
                last_copy = _cached(uri, last.read_text(), name) if last.exists() else None
                if not last_copy or expected.sha256:
                    raise
                _log.warning("%s; using the copy fetched last", error)
                self._warnings[uri] = f"{uri} cannot be fetched; using the copy fetched last"
                cache.shared_lock(last)
                return last_copy
            finally:
                shutil.rmtree(new, ignore_errors=True)

    def _cache(self, folder: Path, uri: str, expected: Version, name: str, last: Path) -> Path:
        """Move a fetched folder into the cache, and remember its checksum as the last one."""
        checksum = sha256_of(folder)
        if expected.sha256 not in {"", checksum}:
            raise checksum_error(uri, expected.sha256, checksum)
        target = cache.path_of(checksum, name)
        version = Version(sha256=checksum, size=size_of(folder))
        path = cache.ensure_cached(target, uri, version, lambda: _move(folder, target))
        try:
            last.write_text(checksum)
        except OSError as error:
            last.unlink(missing_ok=True)
            raise StoreError(f"cannot write {last}: {error.strerror}; set MMF_CACHE") from error
        cache.shared_lock(last)
        return path


STORE = MlflowStore()


class _FetchError(StoreError):
    """MLflow cannot fetch a folder."""


def _cached(uri: str, checksum: str, name: str) -> Path | None:
    """Return the path of the copy with this checksum, if there is one."""

    def fail() -> None:
        raise FileNotFoundError

    with suppress(FileNotFoundError):
        target = cache.path_of(checksum, name)
        return cache.ensure_cached(target, uri, Version(sha256=checksum), fail)
    return None


def _move(folder: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    folder.replace(target)


def _download(uri: str, new: Path) -> Path:
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        with limited_retries():
            from mlflow.artifacts import download_artifacts

            folder = Path(download_artifacts(artifact_uri=uri, dst_path=str(new)))
    except Exception as error:  # of MLflow, requests, or the store of the files
        reason = str(error).strip().partition("\n")[0]
        hint = "" if uri.startswith("s3:") else "; is MLFLOW_TRACKING_URI right?"
        raise _FetchError(f"{uri} cannot be fetched: {reason}{hint}") from error
    if folder.is_dir() and not any(folder.iterdir()):  # S3 has no folders
        raise _FetchError(f"{uri} cannot be fetched: it has no files")
    return folder
