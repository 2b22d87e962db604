"""file:// : a folder, mostly one that several machines share."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import StoreError
from .base import Content, Store, Version


class FileStore(Store):
    """Files by their absolute path: `file:///mnt/models/model.joblib`. It keeps no versions."""

    schemes = ("file",)

    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        path = _path(uri)
        try:
            file = path.open("rb")
        except OSError as error:
            raise StoreError(f"{uri} cannot be read: {error.strerror}") from error
        file.seek(start)
        status = path.stat()
        tag = f"{status.st_mtime_ns}-{status.st_size}"
        return Content(file, Version(size=status.st_size, tag=tag), start)

    def upload(self, path: Path, uri: str, metadata: Mapping[str, str]) -> Version:
        target = _path(uri)
        part = target.with_name(f"{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, part)
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StoreError(f"{uri} cannot be written: {error.strerror}") from error
        return self.stat(uri)


def _path(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.netloc not in {"", "localhost"} or not parts.path:
        raise StoreError(f"{uri}: a file's URI has three slashes, as file:///mnt/models (RFC 8089)")
    return Path(unquote(parts.path))
