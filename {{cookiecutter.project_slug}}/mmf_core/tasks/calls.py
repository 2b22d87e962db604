"""The calls of one target as tasks: validated when submitted, run and responded to later."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Request, Response

from ..codecs import Format, as_frame
from ..errors import ResultError, shortened
from ..execution import Execution, KeptColumns, validate_arguments
from ..target import Target
from ..web.annotated_workbook import check_errors_query
from ..web.http.arguments import ArgumentReader
from ..web.http.codec_options import limits_of
from ..web.http.negotiation import negotiate
from ..web.http.responses import ResultWriter
from ..web.observed_calls import observed
from ..web.protocols import Service
from ..web.request_context import enter_target, execute
from ..web.streams import StreamWriter
from .errors import ResultGone
from .settings import TaskSettings

Trainer = Callable[[Target, Callable[[], Any]], Any]
"""Saves the model that a target returns; see `Capability.trainer`."""
_log = logging.getLogger("mmf.tasks")


def executions(service: Service) -> dict[str, Execution]:
    """Return the executions of tasks, by route, without batches, limits and deadlines.

    Those are for requests; a task has its own process and deadline.
    """
    settings = replace(service.settings, timeout=0.0)
    unlimited = {}
    for route, execution in service.executions.items():
        target = execution.target
        options = replace(target.call_options, batch=None, timeout=None, max_concurrency=None)
        unlimited[route] = Execution(replace(target, call_options=options), settings)
    return observed(unlimited, service.registry, "task_observer")


class TaskCalls:
    """One target, with the decoding, execution and encoding of REST, at different times."""

    def __init__(
        self,
        service: Service,
        execution: Execution,
        task_settings: TaskSettings,
        train: Trainer | None,
    ) -> None:
        target = service.executions[execution.target.route].target
        limits = limits_of(service.settings)
        self.target = target
        self._train = train if target.trains else None
        self.timeout = target.call_options.task_timeout or task_settings.timeout
        self._reader = ArgumentReader(target, limits)
        self._writer = (StreamWriter if target.is_stream else ResultWriter)(target, limits)
        self._kept = KeptColumns.of(target)
        self._execution = execution

    def check(self, request: Request, replayed: Request) -> None:
        """Reject a request that the target would reject."""
        if request.query_string:
            check_errors_query(self.target)
        self.negotiate(request)
        validate_arguments(self.target, self._reader.read(replayed))

    def negotiate(self, request: Request) -> tuple[Format | None, bool]:
        """Return the format of a response, and whether `Accept` chose it; see `negotiate`."""
        return negotiate(self._writer.formats, request)

    def read(self, replayed: Request) -> Mapping[str, Any]:
        """Return the decoded values of a request."""
        enter_target(self.target)
        return self._reader.read(replayed)

    def call(self, values: Mapping[str, Any]) -> Any:
        """Call the target with decoded values. Errors are those of `Execution`."""
        call = partial(execute, self._execution, values)
        result = self._train(self.target, call) if self._train else call()
        return list(result) if self.target.is_stream else as_frame(result)

    def run(self, replayed: Request) -> bytes:
        """Call the target; return the result as it is stored. Errors are those of `call`."""
        values = self.read(replayed)
        result = self.call(values)
        # The value itself is stored, since other formats may be requested than this request's.
        inputs = values if self._kept else None
        try:
            return pickle.dumps((result, inputs), protocol=5)
        except Exception as error:
            raise ResultError(
                f"{self.target.route}: the result cannot be stored: {shortened(str(error))}"
            ) from error

    def respond(self, stored: bytes, request: Request) -> Response:
        """Respond with a stored result; ResultGone if it is from an incompatible version."""
        response_format, is_negotiated = self.negotiate(request)
        try:
            result, values = pickle.loads(stored)  # noqa: S301 - from our own folder
        except Exception as error:
            _log.exception("%s: a stored result cannot be read", self.target.route)
            raise ResultGone(
                "the result is from another version of this service; submit the task again"
            ) from error
        del stored  # as large as the result
        if self._kept and values is not None:
            result = self._kept.beside(values, result, response_format)
        if self.target.is_stream:
            result = _pieces(result)
        return self._writer.write(result, response_format, is_negotiated=is_negotiated)


def _pieces(result: Iterable[Any]) -> Any:
    yield from result
