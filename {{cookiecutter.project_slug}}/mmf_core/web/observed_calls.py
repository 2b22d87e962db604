"""Calls of targets as capabilities see them: the request, the version, and the result.

Without an observer executions are not wrapped, and a request costs nothing more.
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

CallReport: TypeAlias = Callable[[RequestContext, Any, MMFError | None], None]
"""Called with the request, and the result or the error, of `context.model_version`."""
CallObserver: TypeAlias = Callable[[Target, Mapping[str, Any]], CallReport | None]
"""Called with the decoded values, before a target may change them; None: do not report."""
_log = logging.getLogger("mmf.observers")


def observed(
    executions: dict[str, Execution], registry: Registry, part: str = "call_observer"
) -> dict[str, Execution]:
    """Wrap the executions with the observers of capabilities, if there are any."""
    created = (make_observer(registry) for make_observer in parts(part))
    observers = [observer for observer in created if observer]
    if not observers:
        return executions
    return {
        route: ObservedExecution(execution, observers, registry)
        for route, execution in executions.items()
    }


class ObservedExecution(Execution):
    """The execution of a target, with observers; their errors are logged, and have no effect."""

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
        """Run the execution, and report it; the result of a stream is its iterator."""
        reports: list[CallReport] = []
        for observer in self._observers:
            try:
                if report := observer(self.target, values):
                    reports.append(report)
            except Exception:  # noqa: BLE001 - the caller gets a response all the same
                _log.exception("an observer of calls failed")
        try:
            result = self._execution.run(values, timings)
        except MMFError as error:
            self._report(reports, None, error)
            raise
        self._report(reports, result, None)
        return result

    def _report(self, reports: Sequence[CallReport], result: Any, error: MMFError | None) -> None:
        if not reports:
            return
        context = current_context() or RequestContext("-")
        context.model_version = context.model_version or self._registry.version
        for report in reports:
            try:
                report(context, result, error)
            except Exception:  # noqa: BLE001 - as above
                _log.exception("an observer of calls failed")
