"""dask: chunks are predicted by the processes of a cluster, to which the project is sent.

A task goes to a worker as bytes, so that the scheduler needs nothing of the project, and so does
its result. If a worker ends, dask gives its tasks to another one, and a part is only
written here.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any, ClassVar

from ..artifact import Artifact
from ..packages import OptionalDependency
from .errors import BatchError
from .plan import Plan
from .shipping import caller, project_archive, receiver
from .summary import versions

_AHEAD = 2
"""Tasks that a process has at a time: one that it does, and one that it need not wait for."""
_TIMEOUT = 30.0  # seconds for the scheduler, and for the first worker


class Dask(OptionalDependency):
    """The package that connects to a cluster."""

    requires: ClassVar = {"distributed": "distributed"}


class DaskWorkers:
    """The workers of the cluster at `address`; `save` writes what they return, here.

    BatchError if there are none, or if they have other versions of libraries.
    """

    def __init__(
        self,
        address: str,
        plan: Plan,
        artifacts: Iterable[Artifact],
        save: Callable[[Any], Any],
    ) -> None:
        from distributed import Client

        request = replace(plan.request, inputs=(), output="", errors=None)  # may have passwords
        self._plan = pickle.dumps(replace(plan, request=request), protocol=5)
        self._save = save
        archive = project_archive(artifacts)
        try:
            self._client = Client(address, timeout=_TIMEOUT)
        except (OSError, ValueError) as error:
            raise BatchError(
                f"--address {address}: expected a dask scheduler, such as tcp://host:8786, that "
                f"responds within {_TIMEOUT:g} s: {error}"
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=_TIMEOUT)
            self._client.register_plugin(receiver(archive))
            _check_versions(
                self._client.run(caller(archive, "library_versions"), on_error="return")
            )
        except (OSError, BatchError) as error:
            self.close()
            raise BatchError(f"--address {address}: {error}") from error
        self._call = caller(archive, "work")

    def results(self, tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield the results of tasks as they come, in any order."""
        from distributed import KilledWorker, wait

        waiting = iter(tasks)
        pending: set[Any] = set()
        is_over = False
        while pending or not is_over:
            room = _AHEAD * max(1, len(self._client.nthreads()))
            while not is_over and len(pending) < room:
                if (task := next(waiting, None)) is None:
                    is_over = True
                else:
                    content = pickle.dumps(task, protocol=5)
                    pending.add(self._client.submit(self._call, self._plan, content, pure=False))
            if not pending:
                return
            try:
                done = wait(pending, timeout=_TIMEOUT, return_when="FIRST_COMPLETED").done
                contents = [future.result() for future in done]
            except TimeoutError:
                if not self._client.nthreads():
                    raise BatchError("the cluster has no workers left") from None
                continue
            except (KilledWorker, CancelledError, OSError) as error:
                raise BatchError(f"the cluster failed: {error}") from error
            pending -= done
            for content in contents:
                succeeded, result = pickle.loads(content)  # noqa: S301 - of our own function
                if not succeeded:
                    raise BatchError(result)
                yield self._save(result)

    def close(self) -> None:
        """Cancel what is not done, and leave the cluster."""
        self._client.close()


def _check_versions(workers: Mapping[str, Mapping[str, str] | Exception]) -> None:
    """Raise BatchError if a worker cannot load mmf_core, or might compute something else."""
    ours = versions()
    for worker, theirs in workers.items():
        if isinstance(theirs, Exception):
            raise BatchError(
                f"the worker {worker} cannot import mmf_core, for which requirements.txt must be "
                f"installed there: {type(theirs).__name__}: {theirs}"
            )
        for name in ours.keys() & theirs.keys():
            if theirs[name] != ours[name]:
                raise BatchError(
                    f"the worker {worker}: expected {name} {ours[name]}, as here, got "
                    f"{theirs[name]}; install requirements.txt there"
                )
