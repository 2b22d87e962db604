"""The calls of one target as tasks: validated when submitted, run and responded to later."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from flask import Request, Response

from ..codecs import Format, as_frame
from ..errors import BodyTooLarge, NotAcceptable, ResultError, shortened
from ..execution import Execution, KeptColumns, validate_arguments
from ..settings import MIB
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
from .files import Files, size_of
from .large_tables import LargeTables, Pair, stored_pairs, whole
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
        self._large = LargeTables.of(target, limits, task_settings.max_kept)
        self._max_body: int = limits["max_body"]

    def check(self, request: Request, replayed: Request) -> None:
        """Reject a request that the target would reject."""
        if request.query_string:
            check_errors_query(self.target)
        self.negotiate(request)
        validate_arguments(self.target, self._reader.read(replayed))

    def is_large(self, request: Request, max_body: int) -> bool:
        """Return whether a request has a table that is read in pieces.

        BodyTooLarge if it has more than `max_body` bytes.
        """
        if self._large is None or not self._large.accepts(request):
            return False
        if (request.content_length or 0) > max_body:
            raise BodyTooLarge(
                f"the body exceeds {max_body / MIB:g} MiB (set MMF_MAX_TASK_BODY_MIB)"
            )
        return True

    def check_large(self, request: Request, replayed: Request, path: Path) -> None:
        """Reject a request whose table is in a file if the target would reject its first rows."""
        assert self._large is not None  # noqa: S101 - see `is_large`
        if request.query_string:
            check_errors_query(self.target)
        self.negotiate(request)
        values = self._reader.read_query(replayed)
        with closing(self._large.pieces(replayed, path)) as pieces:
            for _, table in islice(pieces, 1):
                validate_arguments(self.target, values | table)

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

    def run_large(self, replayed: Request, path: Path, files: Files) -> IO[bytes]:
        """Call the target for the rows of a file; return the file of the result.

        Errors are those of `LargeTables.run`, and TasksUnavailable if that cannot be stored.
        """
        if self._large is None:
            raise ResultGone(
                f"this version of the service reads no file for {self.target.route}; send its rows "
                f"in smaller pieces"
            )
        enter_target(self.target)
        others = self._reader.read_query(replayed)
        with closing(self._large.pieces(replayed, path)) as pieces:
            return self._large.run(pieces, lambda values: self.call(others | values), files)

    def respond(self, stored: IO[bytes], request: Request) -> Response:
        """Respond with a stored result; ResultGone if it is from an incompatible version."""
        with closing(stored):
            response_format, is_negotiated = self.negotiate(request)
            pairs = self._pairs(stored)
            several = [*islice(pairs, 2)]
            if len(several) == 1:
                ((result, values),) = several
            elif self._large and response_format and response_format in self._large.writes:
                tables = (self._joined(*pair, response_format) for pair in chain(several, pairs))
                return self._large.respond(tables, response_format, is_negotiated=is_negotiated)
            else:
                self._check_size(stored, response_format)
                result, values = whole(chain(several, pairs))
        result = self._joined(result, values, response_format)
        if self.target.is_stream:
            result = _pieces(result)
        return self._writer.write(result, response_format, is_negotiated=is_negotiated)

    def _joined(self, result: Any, values: Any, format: Format | None) -> Any:
        kept = self._kept if values is not None else None
        return kept.beside(values, result, format) if kept else result

    def _check_size(self, stored: IO[bytes], format: Format | None) -> None:
        """Raise NotAcceptable for a result of several pieces that is too large for memory."""
        if format and size_of(stored) > self._max_body:
            raise NotAcceptable(
                f"the result is too large for {format.name}; accept {Format.CSV.media_type}"
            )

    def _pairs(self, stored: IO[bytes]) -> Iterator[Pair]:
        """Yield the results of the pieces of a table, of one piece if it was not large."""
        try:
            yield from stored_pairs(stored)
        except Exception as error:
            _log.exception("%s: a stored result cannot be read", self.target.route)
            raise ResultGone(
                "the result is from another version of this service; submit the task again"
            ) from error


def _pieces(result: Iterable[Any]) -> Any:
    yield from result
