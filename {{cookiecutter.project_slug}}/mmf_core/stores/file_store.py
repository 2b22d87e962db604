"""file:// : a folder, usually one that several machines share."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import StoreError
from .base import Store
from .objects import Content, Version


class FileStore(Store):
    """Files by their absolute path: `file:///mnt/models/model.joblib`. It keeps no versions."""

    schemes = ("file",)

    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        path = _path(uri)
        try:
            file = path.open("rb")
        except OSError as error:
            raise StoreError(f"cannot read {uri}: {error.strerror}") from error
        file.seek(start)
        status = path.stat()
        etag = f"{status.st_mtime_ns}-{status.st_size}"
        return Content(file, Version(size=status.st_size, etag=etag), start)

    def upload(self, path: Path, uri: str, metadata: Mapping[str, str]) -> Version:
        target = _path(uri)
        part = target.with_name(f"{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, part)
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StoreError(f"cannot write {uri}: {error.strerror}") from error
        return self.stat(uri)


STORE = FileStore()


def _path(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.netloc not in {"", "localhost"} or not parts.path:
        raise StoreError(f"{uri}: expected three slashes, as in file:///mnt/models (RFC 8089)")
    return Path(unquote(parts.path))
