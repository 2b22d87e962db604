"""Calls of targets as capabilities see them: what was asked, which version answered, and what.

Without an observer nothing is put around an execution, and a request costs nothing more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ..capabilities import parts
from ..errors import MMFError
from ..execution import Execution, Timings
from ..registry import Registry
from ..target import Target
from .request_context import RequestContext, current_context

Answered: TypeAlias = Callable[[RequestContext, Any, MMFError | None], None]
"""Called with the request, and the result or the error; `context.model_version` says whose."""
CallObserver: TypeAlias = Callable[[Target, Mapping[str, Any]], Answered | None]
"""Called with the decoded values, before a target may change them; None: not of interest."""
_log = logging.getLogger("mmf.observers")


def observed(
    executions: dict[str, Execution], registry: Registry, part: str = "call_observer"
) -> dict[str, Execution]:
    """Return the executions with the observers that capabilities have, or as they are."""
    made = (make_observer(registry) for make_observer in parts(part))
    observers = [observer for observer in made if observer]
    if not observers:
        return executions
    return {
        route: ObservedExecution(execution, observers, registry)
        for route, execution in executions.items()
    }


class ObservedExecution(Execution):
    """The execution of a target, with observers; their errors are logged, and change nothing."""

    def __init__(
        self, execution: Execution, observers: Sequence[CallObserver], registry: Registry
    ) -> None:
        self.target = execution.target
        self.with_rows = execution.with_rows
        self.versions = execution.versions
        self._execution = execution
        self._observers = observers
        self._registry = registry

    def run(self, values: Mapping[str, Any], timings: Timings | None = None) -> Any:
        """Do as the execution does, and report it; of a stream the result is its iterator."""
        reports = [
            report for observer in self._observers if (report := self._ask(observer, values))
        ]
        try:
            result = self._execution.run(values, timings)
        except MMFError as error:
            self._report(reports, None, error)
            raise
        self._report(reports, result, None)
        return result

    def _ask(self, observer: CallObserver, values: Mapping[str, Any]) -> Answered | None:
        try:
            return observer(self.target, values)
        except Exception:  # noqa: BLE001 - the caller gets a response all the same
            _log.exception("an observer of calls failed")
            return None

    def _report(self, reports: Sequence[Answered], result: Any, error: MMFError | None) -> None:
        if not reports:
            return
        context = current_context() or RequestContext("-")
        context.model_version = context.model_version or self._registry.version
        for report in reports:
            try:
                report(context, result, error)
            except Exception:  # noqa: BLE001 - as above
                _log.exception("an observer of calls failed")
