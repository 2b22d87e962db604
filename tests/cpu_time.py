"""Limits in seconds of CPU that mean the same on a slow machine and beside other work."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

import numpy as np

REFERENCE = 0.08  # seconds of `_unit` on the machine for which the limits are written
# Neighbours that fill the caches slow some work more than `_unit`. What a limit guards against
# costs ten times as much.
NOISE = 2.0


def _unit() -> float:
    """Return the seconds of work that never changes: on objects, and on 32 MB of numbers."""
    started = process_time()
    sum(float(str(number / 7)) for number in range(100_000))
    np.arange(4_000_000.0).sum()
    return process_time() - started


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail if the block takes more; a machine slower than the reference has more in proportion."""
    before = _unit()
    gc.freeze()  # objects of other tests are not scanned repeatedly
    started = process_time()
    yield
    spent = process_time() - started
    gc.unfreeze()
    allowed = NOISE * seconds * max(1, before / REFERENCE, _unit() / REFERENCE)
    assert spent < allowed, f"{spent:.2f} seconds of CPU, expected at most {allowed:.2f}"
