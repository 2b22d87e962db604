"""Capabilities: the parts of this package that can be deleted, each of them one folder.

A capability is a folder beside this file that has a module `capability.py` with a constant,
`CAPABILITY = Capability(…)`, and a docstring, whose first line `mmfmeta extras` shows. It is
discovered automatically: `rm -r` of the folder leaves a service that starts, passes the rest of
its tests and does not mention it. A capability may import the core, and other extras only if it
`requires` them. docs/architecture.md shows how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, TypeAlias
from typing import Protocol as Interface

from .settings import SettingsGroup

if TYPE_CHECKING:
    import pandas as pd
    from click import Command
    from flask import Blueprint

    from .codecs import Format
    from .execution import Execution
    from .registry import Registry
    from .target import Target
    from .web.authorization import Authorizer
    from .web.observed_calls import CallObserver
    from .web.openapi.sections import OpenAPISection
    from .web.protocols import Protocol, Service
    from .web.request_context import RequestObserver

Executions: TypeAlias = "dict[str, Execution]"
ExecutionsHook: TypeAlias = (
    "Callable[[str, Registry, Executions, Callable[[Target], Execution]], Executions]"
)
RewardsHook: TypeAlias = "Callable[[str, Iterable[str]], Mapping[str, tuple[int, float]]]"
_HERE = Path(__file__).parent
_MODULE = "capability"


@dataclass(frozen=True, slots=True)
class Gauge:
    """A metric that is read at each scrape.

    `values` are by the value of its label; those of several labels are by tuples.
    """

    name: str
    help_text: str
    label: str | tuple[str, ...]
    values: Mapping[Any, float]


class TableFiles(Interface):
    """Reads and writes files of tables that are larger than memory, some rows at a time.

    The formats in `reads` and `writes` permit it. `options` are those of the codecs.
    """

    @property
    def reads(self) -> Collection[Format]: ...

    @property
    def writes(self) -> Collection[Format]: ...

    def read(
        self, path: Path, format: Format, options: Mapping[str, Any], *, name: str, keeps: bool
    ) -> Generator[tuple[float, pd.DataFrame], None, None]:
        """Yield the rows of a file as the codec decodes them, with the share of it that was read.

        Columns without a schema have the types of the first rows, if a target `keeps` them, too;
        RequestError if later ones have others. Errors call the file `name`, and count rows from 0
        in it.
        """

    def write(
        self, tables: Iterable[pd.DataFrame], format: Format, options: Mapping[str, Any]
    ) -> IO[bytes]:
        """Return a temporary file of the rows of tables; NotAcceptable if it cannot hold them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """The parts that a folder adds to the service; each is optional.

    `requires` names the extras that it imports (see `mmf_core.extras`). `protocol` is an envelope
    around the targets, with its own routes, errors and OpenAPI; `blueprints` are other routes,
    or extensions of the application, and `openapi` describes them. `groups` are those of the
    routes, by blueprint or endpoint: the one that a caller needs, or that everybody may call them
    (see `web.authorization`). `authorizer` creates the object that decides who may call what, or
    None if every caller may. `document` changes the OpenAPI document. `commands` are those of
    `mmfmeta`. `probes` are paths of health checks, served even while every thread of a worker is
    busy. `trusted_origins` are those of pages that may call targets from a browser. `observer`
    creates an object that is notified of every request. `call_observer` creates the observer of
    calls of targets and their results, or None if it is not enabled; `task_observer` is the same
    for tasks, whose process may end immediately. `gauges` are read at each scrape of metrics, in a
    request. `profiler` saves a profile of the reference data of a saved model: it gets the model,
    its file and the data. `operation` changes the description of a target's `POST`.
    `runs_background`: it calls the targets with `background=True`. `trainer` creates the function
    that saves the models that targets return: it gets such a target and its call, and returns the
    report on the model. `table_files` reads and writes large files of tables. `rewards` returns a
    function from a key to the number of rewards of each version, and their sum, since its first
    call with that key; None unless the settings enable it.
    `panel` returns its data for the page, ready for JSON; empty for none. `executions` gets the
    module, its registry, the execution of each target by route, and a factory of executions; it
    returns those to call instead.

    gunicorn calls the rest: `before_load` in the master, once, before the application is imported;
    `worker_started` in each worker, after the fork, `worker_ready` when it can serve requests, and
    `worker_ended` when it has served its last one, which may wait for other work of the worker as
    long as `graceful_shutdown.seconds_left()` allows; the first and the last also in the processes
    in which tasks run. `process` gets the seconds that a shutdown takes, and returns a function for
    a separate process, forked from the master after the application is loaded, and replaced when
    it ends; None if there is nothing to run. `reimporting` surrounds a
    reload that imports `main.py` again; it gets the modules that are replaced.
    """

    requires: tuple[str, ...] = ()
    settings: type[SettingsGroup] | None = None
    protocol: Protocol | None = None
    blueprints: Callable[[Service], Iterable[Blueprint]] | None = None
    openapi: Callable[[Service], OpenAPISection] | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    authorizer: Callable[[], Authorizer | None] | None = None
    document: Callable[[dict[str, Any]], None] | None = None
    commands: tuple[Command, ...] = ()
    probes: tuple[str, ...] = ()
    trusted_origins: Callable[[], Iterable[str]] | None = None
    observer: Callable[[], RequestObserver] | None = None
    call_observer: Callable[[Registry], CallObserver | None] | None = None
    task_observer: Callable[[Registry], CallObserver | None] | None = None
    gauges: Callable[[], Iterable[Gauge]] | None = None
    profiler: Callable[[Any, Path, Any], None] | None = None
    operation: Callable[[Target, dict[str, Any]], None] | None = None
    runs_background: bool = False
    trainer: Callable[[Service], Callable[[Target, Callable[[], Any]], Any]] | None = None
    table_files: TableFiles | None = None
    rewards: Callable[[], RewardsHook | None] | None = None
    panel: Callable[[], Any] | None = None
    executions: ExecutionsHook | None = None
    before_load: Callable[[], None] | None = None
    process: Callable[[float], Callable[[], None] | None] | None = None
    worker_started: Callable[[], None] | None = None
    worker_ready: Callable[[], None] | None = None
    worker_ended: Callable[[], None] | None = None
    reimporting: Callable[[Iterable[ModuleType]], AbstractContextManager[None]] | None = None


@cache
def capabilities() -> Mapping[str, Capability]:
    """Return every capability by the name of its folder, in alphabetical order."""
    return {name: _load(name) for name in names(_HERE)}


def names(folder: Path) -> list[str]:
    """Return the names of the capabilities in a copy of this package."""
    return sorted(file.parent.name for file in folder.glob(f"*/{_MODULE}.py"))


def parts(name: str) -> list[Any]:
    """Return one part of every capability that has it: `parts("observer")`."""
    values = (getattr(capability, name) for capability in capabilities().values())
    return [value for value in values if value]


def run_hooks(name: str) -> None:
    """Call a hook of every capability that has it: `run_hooks("worker_started")`."""
    for hook in parts(name):
        hook()


def _load(name: str) -> Capability:
    package = __name__.rpartition(".")[0]
    capability: Capability = import_module(f"{package}.{name}.{_MODULE}").CAPABILITY
    return capability
