"""A thread that waits for other requests leaves its place to one of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Threads(Protocol):
    """Threads of which only some run requests at a time."""

    def leave(self) -> bool:
        """Let another thread run in place of this one; False if this one is not counted."""

    def resume(self) -> None:
        """Count this thread as running again."""


class _Blocking:
    threads: tuple[Threads, ...] = ()
    """Those that run requests in this process, if not all may run."""

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Let another request run while this one waits for others."""
        left = next((threads for threads in self.threads if threads.leave()), None)
        try:
            yield
        finally:
            if left:
                left.resume()


blocking = _Blocking()
