"""The one way a target is called: from every protocol, and from the command line.

    values ─► validate_arguments ─► batching ─► deadline ─► limit ─► function ─► serialize

A step exists only if the target uses it; the chain is built at start-up. A stream is the same chain
around each of its pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..call_options import WITH_ROWS, batch_argument
from ..codecs import as_frame
from ..settings import Settings
from ..target import Target
from .batching import MicroBatcher
from .calls import Call
from .calls import example_values as example_values
from .calls import function_call as function_call
from .calls import validate_arguments as validate_arguments
from .deadlines import Deadline, StreamDeadline, deadline_exceeded, time_left
from .kept_columns import KeptColumns as KeptColumns
from .limits import ConcurrencyLimiter
from .rejections import is_author as is_author
from .rows import in_order as in_order
from .rows import is_named as is_named
from .streams import stream_call
from .timings import Timings as Timings


class Execution:
    """One target, ready to be called.

    `replace_worker` is called when an abandoned call does not end: it should have this process
    replaced after its other requests.
    """

    versions: tuple[str, ...] = ()
    """The versions that a caller may choose, if there are several."""

    def __init__(
        self,
        target: Target,
        settings: Settings | None = None,
        replace_worker: Callable[[], None] = lambda: None,
    ) -> None:
        settings = settings or Settings()
        self.target = target
        arguments = target.arguments.items()
        self.with_rows = [name for name, descriptor in arguments if descriptor.kind in WITH_ROWS]
        self._seconds = target.call_options.timeout or settings.timeout
        self._call = _compose(target, settings, replace_worker)

    def __call__(self, values: Mapping[str, Any], timings: Timings | None = None) -> Any:
        """Do as `run` does, and return a table of numbers as a DataFrame, too."""
        return as_frame(self.run(values, timings))

    def run(self, values: Mapping[str, Any], timings: Timings | None = None) -> Any:
        """Check decoded values, call the function, return its result, which may be a `NumberTable`.

        InvalidValue lists what is wrong in every argument; Overloaded and DeadlineExceeded are
        the target's limits; TargetError stands for what the function raised, ResultError for a
        result that `returns=` cannot send. Errors of this package that the function raises
        itself, such as InvalidValue, pass as they are. The result of a stream is an iterator of its
        pieces, to be closed; only the errors of its arguments do not wait for the first of them.
        """
        timings = timings or Timings()
        arguments = validate_arguments(self.target, values)
        if self._seconds and time_left(self._seconds, timings) <= 0:  # decoding has used it up
            raise deadline_exceeded(self.target.route, self._seconds)
        return self._call(arguments, timings)


def _compose(target: Target, settings: Settings, replace_worker: Callable[[], None]) -> Call:
    call_options, route = target.call_options, target.route
    seconds = call_options.timeout or settings.timeout or None
    if target.is_stream:
        pieces = stream_call(target, settings)
        watch = settings.abandoned_call_timeout, replace_worker
        return StreamDeadline(pieces, route, seconds, *watch) if seconds else pieces
    call = function_call(target)
    if call_options.max_concurrency:
        call = ConcurrencyLimiter(call, route, call_options.max_concurrency, call_options.max_queue)
    if seconds:
        call = Deadline(call, route, seconds, settings.abandoned_call_timeout, replace_worker)
    if call_options.batch:
        rows = batch_argument(target.arguments, target.returns)
        uniform = target.arguments[rows].is_homogeneous
        call = MicroBatcher(
            call, route, rows, call_options.batch.max_rows, uniform=uniform, seconds=seconds
        )
    return call
