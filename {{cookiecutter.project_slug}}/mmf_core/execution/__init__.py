"""The one way a target is called: from every protocol, and from the command line.

    values ─► checked ─► batching ─► deadline ─► limit ─► function ─► presented

Each step is there only where the target asks for it; they are put together at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..call_options import rows_argument
from ..settings import Settings
from ..target import Target
from .batching import Batched
from .calls import Call, plain_call
from .deadlines import Deadline
from .limits import Limited
from .measures import Measures as Measures
from .values import checked, presented


class Execution:
    """One target, ready to be called.

    `replace_worker` is called when an abandoned call does not end: it should let this process
    finish its other requests and be replaced.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings | None = None,
        replace_worker: Callable[[], None] = lambda: None,
    ) -> None:
        self.target = target
        self._call = _compose(target, settings or Settings(), replace_worker)

    def __call__(self, values: Mapping[str, Any], measures: Measures | None = None) -> Any:
        """Check decoded values, call the function, return its result ready for a codec.

        InvalidValue lists what is wrong in every argument; Overloaded and DeadlineExceeded are
        the target's limits; TargetError stands for what the function raised, ResultError for a
        result that `returns=` cannot send. Errors of this package that the function raises
        itself, such as InvalidValue, pass as they are.
        """
        return self._call(checked(self.target, values), measures or Measures())


def _compose(target: Target, settings: Settings, replace_worker: Callable[[], None]) -> Call:
    policy, route = target.policy, target.route
    seconds = policy.timeout or settings.timeout or None
    call = plain_call(target.function, route, lambda result: presented(target, result))
    if policy.max_concurrency:
        call = Limited(call, route, policy.max_concurrency, policy.max_queue)
    if seconds:
        call = Deadline(call, route, seconds, settings.stuck_after, replace_worker)
    if policy.batch:
        rows = rows_argument(target.arguments, target.returns)
        uniform = target.arguments[rows].is_uniform
        call = Batched(call, route, rows, policy.batch.max_rows, uniform=uniform, seconds=seconds)
    return call
