"""A project on its way to the workers of a cluster: its modules, and the files of its artifacts.

What runs there before mmf_core has arrived must not need it. cloudpickle sends a function or a
class that is local to another function by value; these use the standard library and distributed.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from ..artifact import Artifact
from ..stores.lockfile import LOCK

PACKAGE = Path(__file__).parent.parent
_SKIPPED = {"__pycache__", "venv", "env", "node_modules", PACKAGE.name}


def project_archive(artifacts: Iterable[Artifact]) -> bytes:
    """Return a zip of the current folder's modules, mmf_core, and the files of artifacts."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _modules(PACKAGE, {"__pycache__"}):
            archive.write(path, Path(PACKAGE.name, path.relative_to(PACKAGE)))
        folder = Path.cwd()
        files = {path.relative_to(folder) for path in _modules(folder, _SKIPPED, ".py")}
        for artifact in artifacts:
            path = Path(artifact.file)  # a URI is fetched by the worker
            files |= {path, *(each for each in path.rglob("*") if each.is_file())}
        for path in sorted({*files, Path(LOCK)}):
            if path.is_file():
                archive.write(path)
    return content.getvalue()


def name_of(archive: bytes) -> str:
    """Return the name of the folder that an archive is extracted to."""
    return hashlib.sha256(archive).hexdigest()


def receiver(archive: bytes) -> Any:
    """Return the plugin that extracts an archive on each worker, also one that comes later."""
    from distributed import WorkerPlugin

    folder = name_of(archive)

    class Project(WorkerPlugin):  # type: ignore[misc] # distributed may be missing
        name = f"mmfmeta-{folder}"

        def setup(self, worker: Any) -> None:
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                files.extractall(Path(worker.local_directory, "mmfmeta", folder))

    return Project()


def caller(archive: bytes, function: str) -> Callable[..., Any]:
    """Return what calls a function of `remote` on a worker, in the project of an archive.

    Modules of another project, which an earlier run has left there, are forgotten.
    """
    name, package = name_of(archive), PACKAGE.name

    def call(*arguments: Any, dask_worker: Any = None) -> Any:  # as Client.run calls it
        from distributed import get_worker

        worker = dask_worker or get_worker()
        root = f"{Path(worker.local_directory, 'mmfmeta')}{os.sep}"
        folder = root + name
        with vars(worker).setdefault("mmfmeta_lock", threading.RLock()):
            if folder not in sys.path:
                for module, content in list(sys.modules.items()):
                    file = getattr(content, "__file__", None) or ""
                    names = {"main", "mmf_meta", package}
                    if file.startswith(root) or module.partition(".")[0] in names:
                        del sys.modules[module]
                sys.path[:] = [folder, *(path for path in sys.path if not path.startswith(root))]
            remote = import_module(f"{package}.batch_prediction.remote")
            return getattr(remote, function)(folder, *arguments)

    return call


def _modules(folder: Path, skipped: set[str], suffix: str = "") -> Iterator[Path]:
    """Yield the files below a folder that end in a suffix, but not those of hidden folders."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in skipped and name[0] != "."]
        yield from (Path(parent, name) for name in names if name.endswith(suffix))
