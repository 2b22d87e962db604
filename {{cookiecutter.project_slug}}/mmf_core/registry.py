"""What one `main.py` declared."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
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
        self.folder = Path()  # of the project, if it is not the current one
        self.version = ""  # of the loaded artifacts: see `load_artifacts`
        self.others: dict[str, Registry] = {}  # served beside it, by the names of their versions
        self.remarks: list[Callable[[], str]] = []  # of capabilities, for an operator
        self.last_reload_error = SharedText()  # why a newer version was rejected, and when

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
        example: Mapping[str, Any] | None = None,
        examples: Mapping[str, Mapping[str, Any]] | None = None,
        **limits: Any,
    ) -> Callable[[F], F]: ...
    def target(  # noqa: PLR0913 - an option each
        self,
        function: F | None = None,
        /,
        *,
        description: str = "",
        returns: Descriptor[Any] | None = None,
        name: str = "",
        batch: bool | Batch = False,
        default: bool = False,
        example: Mapping[str, Any] | None = None,
        examples: Mapping[str, Mapping[str, Any]] | None = None,
        **limits: Any,
    ) -> Any:
        """Make a function callable over HTTP, as `POST /<its name>`; the function is unchanged.

        Every argument's default is a descriptor; DescriptorError names those without one.

        - `function`: the function, where the decorator has no options.
        - `description`, `name`: texts for people; by default the docstring and the function's name.
        - `returns`: the descriptor of the result; without it the function returns None (204).
        - `batch`: True or `Batch(max_rows=…)` lets concurrent requests share a call: for rows that
          are predicted independently.
        - `example`: values by argument, for people and tests; see the descriptors' `example`.
        - `examples`: several of these by name, the first of which is the usual one.
        - `default`: True marks the target that MLflow's `/invocations` calls.
        - `timeout`: seconds until a request gets a 504; `MMF_TIMEOUT` if it is missing.
        - `max_concurrency`: calls that run at a time in a worker; no limit if it is missing.
        - `max_queue`: calls that may wait for that, 16 if it is missing; any more get a 503.
        - `background`: True has every call run as a task, whose result is fetched later.
        - `task_timeout`: seconds until a task fails; `MMF_TASK_TIMEOUT` if it is missing.
        - `retries`: how often a task runs again whose process has crashed, or whose function has
          raised `mmf.Unavailable`, 1 if it is missing.
        - `schedule`: when it runs as a task by itself, in cron's syntax, in UTC: `"0 3 * * *"` is
          each day at 3:00. Every argument needs a default then.

        >>> @mmf.target(returns=mmf.Float(), timeout=2.5)
        ... def price(rooms=mmf.Integer(ge=1)):
        ...     return 50.0 * rooms
        >>> price(rooms=3)
        150.0
        """
        if example is not None and examples is not None:
            raise DeclarationError("example= and examples= exclude each other: remove one")
        _check_options(limits)
        named = examples if example is None else {"": example}
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
            target = target if named is None else target.with_examples(named)
            if target.route in self.targets:
                raise DeclarationError(f"{target.route}: target already registered")
            if default and (other := self._default_target()):
                raise DeclarationError(
                    f"{target.route}: {other.route} is already the default target"
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
        **open_options: Any,
    ) -> Artifact:
        """Declare a file that the model needs, and load it.

        `.load()` loads it by its suffix; as a decorator, `artifact` makes a function the loader,
        which runs once at start-up, and its name the loaded object; `with artifact(…) as file`
        stands in for `open`.

        - `file`: a path, or a URI of a store.
        - `mode`: `"r"` or `"rb"`, for the form that stands in for `open`.
        - `open_options`: other arguments of `open`, for that form.
        - `name`, `description`: texts for people.
        - `preload`: with False, a loader runs in each worker: for objects that do not survive a
          fork, such as threads, connections and devices.
        - `sha256`: the checksum that the file must have; that of `artifacts.lock` is verified too.

        >>> model = mmf.artifact("model.joblib").load()
        """
        labels = {"name": name, "description": description}
        artifact = Artifact(file, mode, **labels, preload=preload, sha256=sha256, **open_options)
        artifact.folder = self.folder
        if artifact.file in self.artifacts:
            raise DeclarationError(f"{artifact.file}: artifact already registered")
        self.artifacts[artifact.file] = artifact
        local = [] if is_uri(artifact.file) else [Path(artifact.file)]
        for path in (*local, LOCK):
            self.fingerprints.setdefault(path, fingerprint(path))
        return artifact

    @property
    def is_ready(self) -> bool:
        """Whether every artifact is loaded, and no warm-up has failed or is still running."""
        return not self.not_ready_reason

    @property
    def not_ready_reason(self) -> str:
        """Why no requests should be sent; empty if it is ready."""
        if reason := server_status.not_ready_reason():
            return reason
        pending = [artifact.name for artifact in self.artifacts.values() if not artifact.is_loaded]
        if pending:
            return f"not loaded yet: {', '.join(pending)}"
        return "; ".join(list(self.pending_warmups.values()))  # another thread changes it

    @property
    def warnings(self) -> list[str]:
        """What an operator should know, though the service is ready."""
        stale = (artifact.warning for artifact in self.artifacts.values())
        remarks = (remark() for remark in self.remarks)
        return [warning for warning in (*stale, *remarks) if warning]

    def fingerprint(self) -> dict[Path, Fingerprint]:
        """Return the current fingerprints of the files in `fingerprints`."""
        return {path: fingerprint(path) for path in self.fingerprints}

    def swap(self, other: Registry) -> None:
        """Exchange the contents of two registries."""
        self.__dict__, other.__dict__ = other.__dict__, self.__dict__

    def load_artifacts(self, *, before_fork: bool = False) -> None:
        """Load every artifact that has a loader; ArtifactError says which one failed and why.

        With `before_fork`, artifacts with `preload=False` are left for the workers. Afterwards
        `version` is that of the only artifact, or of all combined, since any of them may be what a
        function uses. It stays empty without artifacts, and if one has no version.
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

    def _default_target(self) -> Target | None:
        return next((target for target in self.targets.values() if target.default), None)


def _check_options(options: Mapping[str, Any]) -> None:
    named = inspect.getfullargspec(Registry.target).kwonlyargs
    accepted = dict.fromkeys([*named, *CallOptions.__dataclass_fields__])
    if unknown := [name for name in options if name not in accepted]:
        raise DeclarationError(
            f"@mmf.target({unknown[0]}=…): unknown option; expected one of {', '.join(accepted)}"
        )


default = Registry()
"""The registry of `mmf.target` and `mmf.artifact`."""


def load(module: str) -> Registry:
    """Import `main` (or any module) and return what it declared, without loading artifacts.

    A `main.py` written for MMF itself, with `import mmf_meta as mmf`, works too.
    """
    package = __name__.partition(".")[0]
    sys.modules.setdefault("mmf_meta", sys.modules[package])
    importlib.import_module(module)
    if not default.targets:
        raise DeclarationError(f"{module} declares no target: put @mmf.target() above a function")
    return default
