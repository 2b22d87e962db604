"""How a target is called: batching, time limit and concurrency, as its author chose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from .codecs import Kind
from .cron import CronSchedule
from .descriptors import Descriptor
from .errors import DeclarationError

WITH_ROWS = {Kind.TABLE, Kind.ARRAY}


@dataclass(frozen=True, slots=True)
class Batch:
    """Let requests that arrive during a call share the next one.

    - `max_rows`: rows that one call gets in total, at most.

    Correct only if each row's result depends on that row alone, which only the author knows.

    >>> mmf.Batch(max_rows=256)
    Batch(max_rows=256)
    """

    max_rows: int = 1024

    def __post_init__(self) -> None:
        _check_count("Batch: max_rows", self.max_rows, least=1)


@dataclass(frozen=True, slots=True)
class CallOptions:
    """`timeout` in seconds, None for the service's; `max_concurrency` calls run in a worker.

    `max_queue` more calls wait; any further call is rejected at once. `background`: only tasks call
    it. A task has `task_timeout` seconds, None for the service's, and runs again `retries` times at
    most after its process has crashed, or Unavailable. At each time of its `schedule` it runs
    without arguments.
    """

    batch: Batch | None = None
    timeout: float | None = None
    max_concurrency: int | None = None
    max_queue: int = 16
    background: bool = False
    task_timeout: float | None = None
    retries: int = 1
    schedule: str | None = None

    def __post_init__(self) -> None:
        if self.batch is not None and not isinstance(self.batch, Batch):
            raise DeclarationError(f"batch={self.batch!r}: expected True or mmf.Batch(max_rows=…)")
        for name in ("timeout", "task_timeout"):
            seconds = getattr(self, name)
            if seconds is not None and not _is_duration(seconds):
                raise DeclarationError(f"{name}={seconds!r}: expected seconds above 0")
        if not isinstance(self.background, bool):
            raise DeclarationError(f"background={self.background!r}: expected True or False")
        if self.schedule is not None:
            _check_schedule(self.schedule)
        if self.max_concurrency is not None:
            _check_count("max_concurrency", self.max_concurrency, least=1)
        _check_count("max_queue", self.max_queue, least=0)
        _check_count("retries", self.retries, least=0)
        if self.batch and self.max_concurrency:
            raise DeclarationError("batch= runs one call at a time: remove max_concurrency=")


def _is_duration(value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf


def _check_count(name: str, value: Any, least: int) -> None:
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise DeclarationError(f"{name}={value!r}: expected a whole number, {least} or more")


def _check_schedule(schedule: Any) -> None:
    try:
        CronSchedule.parse(schedule)
    except (AttributeError, ValueError) as error:
        reason = "expected a text" if isinstance(error, AttributeError) else error
        raise DeclarationError(f"schedule={schedule!r}: {reason}") from error


def batch_argument(
    arguments: Mapping[str, Descriptor[Any]], returns: Descriptor[Any] | None
) -> str:
    """Return the argument whose rows are batched; DeclarationError unless there is exactly one."""
    kinds = {name: descriptor.kind for name, descriptor in arguments.items()}
    with_rows = [name for name, kind in kinds.items() if kind in WITH_ROWS]
    has_others = not all(
        descriptor.kind in WITH_ROWS or descriptor.fits_query for descriptor in arguments.values()
    )
    if len(with_rows) != 1 or has_others or returns is None or returns.kind not in WITH_ROWS:
        raise DeclarationError(
            "batch= needs exactly one table or array among the arguments, scalars otherwise, "
            "and a table or an array as result"
        )
    if returns.needs_whole_table:
        raise DeclarationError(
            "batch= joins the rows of several requests: remove rows=, unique= and monotonic= from "
            "returns="
        )
    return with_rows[0]


def check_scheduled(
    route: str, arguments: Mapping[str, Descriptor[Any]], options: CallOptions
) -> None:
    """Raise DeclarationError for a schedule if an argument is required."""
    required = [name for name, descriptor in arguments.items() if descriptor.required]
    if options.schedule and required:
        raise DeclarationError(
            f"{route}: schedule= calls it without arguments: give {required[0]} a default"
        )
