"""Artifacts: the files that a model needs.

Three forms, as MMF's documentation shows them, and a fourth for the usual case:

    mmf.artifact("model")                                  a mark: the code opens the file itself
    with mmf.artifact("model", "br") as file: …            instead of open()
    @mmf.artifact("model")                                 a loader, run once, at start-up;
    def model(): …                                         afterwards `model` is what it returned
    model = mmf.artifact("model.joblib").load()            read by suffix

The file lies beside the code, or in a store (see `mmf_core.stores`): then `artifact.path` is that
of its copy on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import RLock
from time import perf_counter, time
from typing import IO, Any

from .errors import ArtifactError, DeclarationError
from .models import load_model
from .settings import MIB, Settings
from .stores import Place, is_uri, locate, lockfile, name_of, shown
from .stores.digests import SHORT, sha256_of, size_of
from .stores.mlflow_store import registered_version

_UNSET = object()


@dataclass(slots=True)
class Loading:
    """Seconds that loading took; since the epoch: when that was, and when the file was written.

    0 is unknown, as for a file that is not beside the code.
    """

    seconds: float = 0.0
    loaded_at: float = 0.0
    modified_at: float = 0.0

    @contextmanager
    def timed(self, file: Path) -> Iterator[None]:
        """Note what happens in the block."""
        modified = file.stat().st_mtime if file.exists() else 0.0
        started = perf_counter()
        yield
        self.seconds, self.loaded_at, self.modified_at = perf_counter() - started, time(), modified


class Artifact:
    """One file: where it is, and how it becomes an object in memory."""

    def __init__(
        self,
        file: str | Path,
        mode: str = "r",
        *,
        name: str = "",
        description: str = "",
        preload: bool = True,
        sha256: str = "",
        **how: Any,
    ) -> None:
        if set(mode) not in ({"r"}, {"r", "t"}, {"r", "b"}):
            raise DeclarationError(
                f"artifact({str(file)!r}, {mode!r}): the second value is how to open the file for "
                f"reading, 'r' or 'rb'; a name is given by name="
            )
        self.file = str(file) if is_uri(str(file)) else Path(file).as_posix()
        self.name = name or name_of(self.file)
        self.description = description
        self.preload = preload
        self.sha256 = sha256
        self.loading = Loading()
        self._place: Place | None = None
        self._open = {"mode": mode, **how}
        self._loader: Callable[[], Any] | None = None
        self._stand_in: Any = None
        self._value: Any = _UNSET
        self._lock = RLock()
        self._file: IO[Any] | None = None

    def __call__(self, loader: Callable[[], Any]) -> Any:
        """Take `loader` as the way to load this file; return a stand-in for what it will return.

        The stand-in loads on first use. After `ensure_loaded()` the loader's module holds the
        object itself under that name, so that a target pays nothing for the indirection.
        """
        from werkzeug.local import LocalProxy

        self._loader = loader
        stand_in: Any = LocalProxy(self.ensure_loaded)
        self._stand_in = stand_in
        return stand_in

    def __enter__(self) -> IO[Any]:
        self.verify()
        self._file = self.path.open(**self._open)
        return self._file

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    @property
    def path(self) -> Path:
        """Where the file is, once it is known to be the right one; it may be fetched for that."""
        with self._lock:
            if self._place is None or not self._place.path.exists():
                self._place = locate(self.file, self.sha256)
        return self._place.path

    @property
    def warning(self) -> str:
        """What an operator should know of it: that its store is down, and the copy an older one."""
        return self._place.note if self._place else ""

    @property
    def version(self) -> str:
        """What tells its content from another; empty where it cannot be known without much work.

        The version that MLflow's registry gave it, else the first digits of its sha256.
        """
        path = self._place.path if self._place else Path(self.file)
        if registered := registered_version(path):
            return registered
        return (self.identity[2] or self._sum(path))[:SHORT]

    @property
    def display_version(self) -> str:
        """What people know it by: its store's version, else `version`."""
        return self.identity[1] or self.version

    @property
    def is_loaded(self) -> bool:
        """Whether a loader's object is in memory; a file that the code reads itself always is."""
        return self._loader is None or self._value is not _UNSET

    @property
    def identity(self) -> tuple[str, str, str]:
        """Its file, its store's version and its sha256; empty where nobody has said them."""
        entry = self._place.entry if self._place else lockfile.read().get(self.file)
        version, known = (entry.version, entry.sha256) if entry else ("", "")
        return shown(self.file), version, self.sha256 or known

    def load(self) -> Any:
        """Return the object in the file, by the file's suffix: see `mmf_core.models`."""
        with self.loading.timed(Path(self.file)):
            self.verify()
            entry = self._place.entry if self._place else None
            return load_model(self.path, trusted=entry.trusted if entry else ())

    def ensure_loaded(self) -> Any:
        """Run the loader once and return its object; ArtifactError if it fails."""
        if self._loader is None:
            return None
        with self._lock:
            if self._value is _UNSET:
                with self.loading.timed(Path(self.file)):
                    self._value = self._load_once(self._loader)
                _replace(self._loader, self._stand_in, self._value)
        return self._value

    def verify(self) -> None:
        """Refuse a file that is missing, wrong, or too large for the code (MMF's 10 MiB rule)."""
        if self._loader is not None:
            return
        path = self.path
        if not path.exists():
            raise ArtifactError.absent(path)
        limit = Settings.from_env().max_artifact
        if self._place and self._place.is_kept_with_code and (size := size_of(path)) > limit:
            raise ArtifactError(
                f"{path} has {size / MIB:.1f} MiB, and {limit / MIB:g} MiB is the limit for a "
                f"file kept with the code; keep it in a store (mmfmeta push), load it in a "
                f"function under @mmf.artifact({path.name!r}), or raise MMF_MAX_ARTIFACT_MIB"
            )

    def meta(self) -> dict[str, str]:
        """Describe this artifact with the keys of MMF's `mmf.json`."""
        return {"file": shown(self.file), "name": self.name, "description": self.description}

    def _sum(self, path: Path) -> str:
        try:
            is_large = size_of(path) > Settings.from_env().max_artifact
        except OSError:  # a loader's file may be anywhere
            return ""
        # The start would wait for it where a loader reads a large file; mmfmeta lock keeps one.
        return "" if self._loader and is_large else sha256_of(path)

    def _load_once(self, loader: Callable[[], Any]) -> Any:
        try:
            if self.sha256 or self.file in lockfile.read():
                self.path  # noqa: B018 - the right file, before it is opened
            return loader()
        except ArtifactError:
            raise
        except FileNotFoundError as error:
            raise ArtifactError(f"{error.filename or self.file} is not there") from error
        except (Exception, SystemExit) as error:
            raise ArtifactError(
                f"{shown(self.file)} cannot be loaded: {type(error).__name__}: {error}"
            ) from error


def version_of(artifacts: Mapping[str, Artifact]) -> str:
    """Return one artifact's version, or one of all together; empty if one has none."""
    versions = {name: one.version for name, one in artifacts.items()}
    if not versions or not all(versions.values()):
        return ""
    lines = [f"{version}  {name}\n" for name, version in sorted(versions.items())]
    if len(lines) == 1:
        return "".join(versions.values())
    return sha256("".join(lines).encode()).hexdigest()[:SHORT]


def _replace(loader: Callable[[], Any], stand_in: Any, value: Any) -> None:
    """Put the object where the module holds its stand-in, under whatever name that is."""
    names = loader.__globals__
    if names.get(loader.__name__) is stand_in:
        names[loader.__name__] = value
