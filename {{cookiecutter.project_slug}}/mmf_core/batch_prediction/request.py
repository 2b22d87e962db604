"""The options of `mmfmeta predict`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The options of `mmfmeta predict`; `keep` is None for all columns, `max_errors` for any.

    `address` is that of a cluster.
    """

    target: str | None
    inputs: Sequence[str]
    output: str
    type_: str | None = None
    keep: Sequence[str] | None = ()
    text: Sequence[str] = ()
    arguments: Sequence[str] = ()
    batch_rows: int
    workers: int = 1
    address: str | None = None
    errors: str | None = None
    max_errors: int | None = 0
    resume: bool = False
    overwrite: bool = False
    summary: Path | None = None
