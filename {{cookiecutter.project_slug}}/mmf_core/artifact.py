"""Artifacts: the files that a model needs.

Three forms, as MMF's documentation shows them, and a fourth for the usual case:

    mmf.artifact("model")                                  a declaration: the code opens the file
    with mmf.artifact("model", "br") as file: …            instead of open()
    @mmf.artifact("model")                                 a loader, run once, at start-up;
    def model(): …                                         then `model` is the object it returned
    model = mmf.artifact("model.joblib").load()            loaded by suffix

The file is beside the code, or in a store (see `mmf_core.stores`): then `artifact.path` is the path
of its copy on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import RLock, local
from time import perf_counter, time
from typing import IO, Any

from .errors import ArtifactError, DeclarationError, DescriptorError
from .models import ModelInputs, known_inputs, load_model
from .settings import MIB, Settings
from .stores import (
    ResolvedArtifact,
    file_name,
    is_uri,
    lockfile,
    recorded_version,
    redact_url,
    resolve,
)
from .stores.digests import SHORT, sha256_of, size_of

_UNSET = object()


@dataclass(slots=True)
class Loading:
    """How long loading took in seconds, when it ended, and when the file was last modified.

    Times are in seconds since the epoch; 0 is unknown, as for a file that is not beside the code.
    """

    seconds: float = 0.0
    loaded_at: float = 0.0
    modified_at: float = 0.0

    @contextmanager
    def timed(self, file: Path) -> Iterator[None]:
        """Measure the loading in the block."""
        modified = file.stat().st_mtime if file.exists() else 0.0
        started = perf_counter()
        yield
        self.seconds, self.loaded_at, self.modified_at = perf_counter() - started, time(), modified


@dataclass(frozen=True, slots=True)
class ArtifactInfo:
    """Which file an artifact is; `version` is its store's, empty like `sha256` if unknown."""

    file: str
    version: str
    sha256: str


class Artifact:
    """A file: its location, and how to load it into memory."""

    def __init__(
        self,
        file: str | Path,
        mode: str = "r",
        *,
        name: str = "",
        description: str = "",
        preload: bool = True,
        sha256: str = "",
        **open_options: Any,
    ) -> None:
        if set(mode) not in ({"r"}, {"r", "t"}, {"r", "b"}):
            raise DeclarationError(
                f"artifact({str(file)!r}, {mode!r}): expected a mode for reading, 'r' or 'rb', as "
                f"the second argument; to set a name: name={mode!r}"
            )
        self.file = str(file) if is_uri(str(file)) else Path(file).as_posix()
        self._name = name
        self.description = description
        self.preload = preload
        self.sha256 = sha256
        self.folder = Path()
        self.loading = Loading()
        self.inputs: list[ModelInputs | DescriptorError] = []  # of each model in the loaded object
        self._resolved: ResolvedArtifact | None = None
        self._open_options = {"mode": mode, **open_options}
        self._loader: Callable[[], Any] | None = None
        self._proxy: Any = None
        self._value: Any = _UNSET
        self._lock = RLock()
        self._open_files = _OpenFiles()
        self._was_opened = False

    def __call__(self, loader: Callable[[], Any]) -> Any:
        """Register `loader` as the way to load this file; return a proxy for its result.

        The proxy loads on first use. After `ensure_loaded()` the loader's module holds the object
        itself under that name, so that a target pays nothing for the indirection.
        """
        from werkzeug.local import LocalProxy

        self._loader = loader
        proxy: Any = LocalProxy(self.ensure_loaded)
        self._proxy = proxy
        return proxy

    def __getattr__(self, name: str) -> Any:
        """Say what is missing where the model itself is meant, as in `model.predict`."""
        file = self.__dict__.get("file", "")
        raise AttributeError(
            f"artifact({file!r}) has no {name!r}: it is not loaded; write artifact({file!r}).load()"
        )

    def __enter__(self) -> IO[Any]:
        self.verify()
        file: IO[Any] = self.path.open(**self._open_options)
        self._refuse_changed(file.close)
        self._open_files.stack.append(file)
        self._was_opened = True
        return file

    def __exit__(self, *_: object) -> None:
        self._open_files.stack.pop().close()

    @property
    def path(self) -> Path:
        """The path of the verified file, which is fetched from its store if necessary."""
        with self._lock:
            if self._resolved is None or self._resolved.has_changed:
                self._resolved = resolve(self.file, self.sha256, self.folder)
        return self._resolved.path

    @property
    def warning(self) -> str:
        """What an operator should know, such as that its store is down and the copy older."""
        return self._resolved.warning if self._resolved else ""

    @property
    def version(self) -> str:
        """The identity of the content; empty if that would take too long to determine.

        The version that MLflow's registry gave it, else the first digits of its sha256.
        """
        path = self._resolved.path if self._resolved else self._place
        if recorded := recorded_version(path):
            return recorded
        return (self.info.sha256 or self._checksum(path))[:SHORT]

    @property
    def display_version(self) -> str:
        """The version for people: the store's, else `version`."""
        return self.info.version or self.version

    @property
    def is_loaded(self) -> bool:
        """Whether a loader's object is in memory; always true for a file that the code reads."""
        return self._loader is None or self._value is not _UNSET

    @property
    def is_read(self) -> bool:
        """Whether the file was opened here, and not by code that knows its path."""
        return bool(self._loader or self.loading.loaded_at or self._was_opened)

    @property
    def info(self) -> ArtifactInfo:
        """The identity of the file, as far as `artifacts.lock` or `sha256=` has it."""
        locks = lockfile.read(self.folder / lockfile.LOCK)
        entry = self._resolved.entry if self._resolved else locks.get(self.file)
        version, locked = (entry.version, entry.sha256) if entry else ("", "")
        return ArtifactInfo(redact_url(self.file), version, self.sha256 or locked)

    def load(self) -> Any:
        """Return the object in the file, by the file's suffix: see `mmf_core.models`."""
        with self.loading.timed(self._place):
            self.verify()
            entry = self._resolved.entry if self._resolved else None
            model = load_model(self.path, trusted=entry.trusted if entry else ())
            self._refuse_changed()
        self.inputs = known_inputs(model)
        return model

    def ensure_loaded(self) -> Any:
        """Run the loader once and return its object; ArtifactError if it fails."""
        if self._loader is None:
            return None
        with self._lock:
            if self._value is _UNSET:
                with self.loading.timed(self._place):
                    self._value = self._load_once(self._loader)
                self.inputs = known_inputs(self._value)
                _replace(self._loader, self._proxy, self._value)
        return self._value

    def verify(self) -> None:
        """Raise ArtifactError for a missing or wrong file, or one too large to keep with the code.

        The limit is MMF's 10 MiB, by default.
        """
        if self._loader is not None:
            return
        path = self.path
        if not path.exists():
            raise ArtifactError.absent(path)
        limit = Settings.from_env().max_artifact
        resolved = self._resolved
        if resolved and resolved.is_kept_with_code and (size := size_of(path)) > limit:
            raise ArtifactError(
                f"{path}: expected at most {limit / MIB:g} MiB for a file kept with the code, got "
                f"{size / MIB:.1f} MiB; keep it in a store (mmfmeta push), load it in a function "
                f"under @mmf.artifact({path.name!r}), or raise MMF_MAX_ARTIFACT_MIB"
            )

    @property
    def name(self) -> str:
        """The name for people: the file's, unless one was given."""
        return self._name or file_name(self.file)

    def _refuse_changed(self, clean_up: Callable[[], object] = lambda: None) -> None:
        """Raise ArtifactError if what was opened is perhaps not what was verified."""
        if self._resolved and self._resolved.has_changed:
            clean_up()
            raise ArtifactError(
                f"{redact_url(self.file)} was replaced while it was being loaded; start again"
            )

    @property
    def _place(self) -> Path:
        return self.folder / self.file

    def meta(self) -> dict[str, str | None]:
        """Describe this artifact with the keys of MMF's `mmf.json`; None for what was not given."""
        return {
            "file": redact_url(self.file),
            "name": self._name or None,
            "description": self.description or None,
        }

    def _checksum(self, path: Path) -> str:
        try:
            is_large = size_of(path) > Settings.from_env().max_artifact
        except OSError:  # a loader's file may be anywhere
            return ""
        # Hashing a large file would delay the start; mmfmeta lock records its checksum.
        return "" if self._loader and is_large else sha256_of(path)

    def _load_once(self, loader: Callable[[], Any]) -> Any:
        try:
            if not (self.sha256 or self.file in lockfile.read(self.folder / lockfile.LOCK)):
                return loader()
            self.path  # noqa: B018 - verifies the file before the loader opens it
            value = loader()
            self._refuse_changed()
        except ArtifactError:
            raise
        except FileNotFoundError as error:
            raise ArtifactError(f"{error.filename or self.file} not found") from error
        except (Exception, SystemExit) as error:
            raise ArtifactError(
                f"{redact_url(self.file)} cannot be loaded: {type(error).__name__}: {error}"
            ) from error
        return value


class _OpenFiles(local):
    """The files that a thread has opened by `with`, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[IO[Any]] = []


def version_of(artifacts: Mapping[str, Artifact]) -> str:
    """Return the version of a single artifact, or one of all combined; empty if one has none."""
    versions = {name: artifact.version for name, artifact in artifacts.items()}
    if not versions or not all(versions.values()):
        return ""
    lines = [f"{version}  {name}\n" for name, version in sorted(versions.items())]
    if len(lines) == 1:
        return "".join(versions.values())
    return sha256("".join(lines).encode()).hexdigest()[:SHORT]


def _replace(loader: Callable[[], Any], proxy: Any, value: Any) -> None:
    """Put the object where the loader's module holds its proxy."""
    names = loader.__globals__
    if names.get(loader.__name__) is proxy:
        names[loader.__name__] = value
