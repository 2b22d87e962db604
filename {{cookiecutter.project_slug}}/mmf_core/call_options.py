"""How a target wants to be called: its author's choices, checked when they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .codecs import Kind
from .descriptors import Descriptor
from .errors import DeclarationError

WITH_ROWS = {Kind.TABLE, Kind.ARRAY}


@dataclass(frozen=True, slots=True)
class Batch:
    """Let requests that arrive during a call share the next one, up to so many rows in all.

    Right only where each row's result depends on that row alone, which only the author knows.
    """

    max_rows: int = 1024

    def __post_init__(self) -> None:
        if self.max_rows < 1:
            raise DeclarationError(f"Batch(max_rows={self.max_rows}): give 1 or more")


@dataclass(frozen=True, slots=True)
class CallOptions:
    """`timeout` in seconds, None for the service's own; `max_concurrency` calls run in a worker.

    Beyond them `max_queue` more wait, and any further one is refused at once.
    """

    batch: Batch | None = None
    timeout: float | None = None
    max_concurrency: int | None = None
    max_queue: int = 16

    def __post_init__(self) -> None:
        if self.timeout is not None and self.timeout <= 0:
            raise DeclarationError(f"timeout={self.timeout}: give seconds, more than 0")
        if self.max_concurrency is not None and self.max_concurrency < 1:
            raise DeclarationError(f"max_concurrency={self.max_concurrency}: give 1 or more")
        if self.max_queue < 0:
            raise DeclarationError(f"max_queue={self.max_queue}: give 0 or more")
        if self.batch and self.max_concurrency:
            raise DeclarationError("batch= runs one call at a time: leave out max_concurrency=")


def batch_argument(
    arguments: Mapping[str, Descriptor[Any]], returns: Descriptor[Any] | None
) -> str:
    """Return the argument whose rows are joined; DeclarationError where there is not just one."""
    with_rows = [name for name, one in arguments.items() if one.kind in WITH_ROWS]
    others = [one for one in arguments.values() if one.kind not in {*WITH_ROWS, Kind.SCALAR}]
    if len(with_rows) != 1 or others or returns is None or returns.kind not in WITH_ROWS:
        raise DeclarationError(
            "batch= joins the rows of one table or array, with scalars beside it at most, "
            "and returns a table or an array"
        )
    return with_rows[0]
