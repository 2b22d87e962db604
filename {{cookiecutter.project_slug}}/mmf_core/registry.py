"""What one `main.py` declared."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, overload

from .artifact import Artifact, version_of
from .call_options import Batch, CallOptions
from .descriptors import Descriptor
from .errors import DeclarationError
from .fingerprints import Fingerprint, fingerprint
from .readiness import server_status
from .shared_memory import SharedText
from .stores import is_uri
from .stores.lockfile import LOCK
from .target import Target

F = TypeVar("F", bound=Callable[..., Any])


class Registry:
    """Targets and artifacts in the order of their declaration."""

    def __init__(self) -> None:
        self.targets: dict[str, Target] = {}
        self.artifacts: dict[str, Artifact] = {}
        self.fingerprints: dict[Path, Fingerprint] = {}  # of files, before they were loaded
        self.pending_warmups: dict[str, str] = {}  # by target: why its warm-up has not succeeded
        self.version = ""  # of what it serves, once that is loaded: see `load_artifacts`
        self.last_reload_error = SharedText()  # why a newer version was not taken, and when

    @overload
    def target(self, function: F, /) -> F: ...
    @overload
    def target(
        self,
        /,
        *,
        description: str = "",
        returns: Descriptor[Any] | None = None,
        name: str = "",
        batch: bool | Batch = False,
        default: bool = False,
        **limits: Any,
    ) -> Callable[[F], F]: ...
    def target(
        self,
        function: F | None = None,
        /,
        *,
        description: str = "",
        returns: Descriptor[Any] | None = None,
        name: str = "",
        batch: bool | Batch = False,
        default: bool = False,
        **limits: Any,
    ) -> Any:
        """Mark a function that outsiders may call; it stays the function that it is.

        Every argument's default is a descriptor; `returns` describes the result. The route is the
        function's name; `name` is for people, and so is `description`, else the docstring.
        `batch=True` or `batch=Batch(max_rows=…)` joins requests where rows are independent.
        `limits` are `timeout` in seconds, `max_concurrency` and `max_queue`: see `CallOptions`.
        `default=True` marks the target that MLflow's `/invocations` calls.
        DescriptorError names the arguments that have no descriptor.
        """
        call_options = CallOptions(batch=Batch() if batch is True else batch or None, **limits)

        def declare(function: F) -> F:
            target = Target.of(
                function,
                description=description,
                returns=returns,
                name=name,
                call_options=call_options,
                default=default,
            )
            if target.route in self.targets:
                raise DeclarationError(f"{target.route}: there is a target of this name already")
            if default and (
                other := next((one for one in self.targets.values() if one.default), None)
            ):
                raise DeclarationError(
                    f"{target.route}: {other.route} is the default target already"
                )
            self.targets[target.route] = target
            return function

        return declare if function is None else declare(function)

    def artifact(
        self,
        file: str | Path,
        mode: str = "r",
        *,
        name: str = "",
        description: str = "",
        preload: bool = True,
        sha256: str = "",
        **how: Any,
    ) -> Artifact:
        """Mark a file that the model needs; see `mmf_core.artifact` for the forms.

        `file` is a path, or a URI of a store; `sha256` is checked, as is that of `artifacts.lock`.
        `mode` and `how` are what `open` takes, for the form that stands in its place. With
        `preload=False` a loader runs in each worker: for what does not survive a fork, such as
        threads, connections and devices.
        """
        about = {"name": name, "description": description}
        artifact = Artifact(file, mode, **about, preload=preload, sha256=sha256, **how)
        if artifact.file in self.artifacts:
            raise DeclarationError(f"{artifact.file}: this file is an artifact already")
        self.artifacts[artifact.file] = artifact
        local = [] if is_uri(artifact.file) else [Path(artifact.file)]
        for path in (*local, LOCK):
            self.fingerprints.setdefault(path, fingerprint(path))
        return artifact

    @property
    def is_ready(self) -> bool:
        """Whether every artifact is loaded, and no warm-up has failed or goes on."""
        return not self.not_ready_reason

    @property
    def not_ready_reason(self) -> str:
        """What it is not ready for; empty if it is."""
        if refusal := server_status.refusal():
            return refusal
        waiting = [one.name for one in self.artifacts.values() if not one.is_loaded]
        if waiting:
            return f"not loaded yet: {', '.join(waiting)}"
        return "; ".join(list(self.pending_warmups.values()))  # another thread changes it

    @property
    def warnings(self) -> list[str]:
        """What an operator should know, though it is ready."""
        return [one.warning for one in self.artifacts.values() if one.warning]

    def fingerprint(self) -> dict[Path, Fingerprint]:
        """Return the fingerprints as they are now; a change makes them differ."""
        return {path: fingerprint(path) for path in self.fingerprints}

    def swap(self, other: Registry) -> None:
        """Have what the other one has, and the other way round."""
        self.__dict__, other.__dict__ = other.__dict__, self.__dict__

    def load_artifacts(self, *, before_fork: bool = False) -> None:
        """Load every artifact that has a loader; ArtifactError says which one failed and why.

        What is marked `preload=False` is left for after the fork, if there is one to come.
        `version` is now that of the artifact, or of all together: nobody knows which of them a
        function uses. It stays empty without artifacts, and where one has no version.
        """
        for artifact in self.artifacts.values():
            artifact.verify()
            if artifact.preload or not before_fork:
                artifact.ensure_loaded()
        self.version = self.version or version_of(self.artifacts)

    def meta(self) -> dict[str, Any]:
        """Describe everything declared, as MMF's `mmf.json` does."""
        return {
            "targets": [target.meta() for target in self.targets.values()],
            "artifacts": [artifact.meta() for artifact in self.artifacts.values()],
        }


default = Registry()
"""Where `mmf.target` and `mmf.artifact` declare."""


def load(module: str) -> Registry:
    """Import `main` (or any module) and return what it declared; loads no artifact by itself.

    A `main.py` written for MMF itself, with `import mmf_meta as mmf`, is taken too.
    """
    package = __name__.partition(".")[0]
    sys.modules.setdefault("mmf_meta", sys.modules[package])
    importlib.import_module(module)
    if not default.targets:
        raise DeclarationError(f"{module} declares no target; put @mmf.target(...) over a function")
    return default
