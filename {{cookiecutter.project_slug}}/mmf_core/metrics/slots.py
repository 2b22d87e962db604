"""Slots: the numbers by which prometheus_client names the files of each process.

By default it uses process ids, so that every scrape reads the files of all workers that ever ran.
A slot is free again when its process has ended, and its next owner continues its counts. The kernel
releases the lock on a slot's file, however the process ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class Slots:
    """The slots in one directory, as this process sees them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._own: tuple[int, int] | None = None  # the slot and the descriptor of its lock
        self._inherited = -1
        os.register_at_fork(after_in_child=self._leave)

    def current(self) -> int:
        """Return this process's slot; the first call takes the lowest free one.

        As long as the directory cannot be written to, it is a number that no other process has.
        """
        if self._own is None:
            try:
                self._own = self._take()
            except OSError:
                return -os.getpid()
        return self._own[0]

    def publish_pid(self) -> None:
        """Let `worker_pids` report this process."""
        self.current()
        if self._own:
            os.pwrite(self._own[1], str(os.getpid()).encode(), 0)

    def worker_pids(self) -> Iterator[int]:
        """Yield the ids of the living processes that have published theirs."""
        for file in self.directory.glob("*.lock"):
            descriptor = _lock(file)
            if descriptor is not None:
                os.close(descriptor)
            elif pid := file.read_text("ascii"):
                yield int(pid)

    def clear_dead(self) -> None:
        """Remove the gauges of processes that have ended; what they have counted stays."""
        for file in self.directory.glob("*.lock"):
            descriptor = _lock(file)
            if descriptor is not None:
                self._remove_gauges(int(file.stem))
                os.close(descriptor)

    def _take(self) -> tuple[int, int]:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)  # may have been removed
        slot, descriptor = -1, None
        while descriptor is None:
            slot += 1
            if slot != self._inherited:  # prometheus_client notices a fork by the change
                descriptor = _lock(self.directory / f"{slot}.lock")
        os.ftruncate(descriptor, 0)
        self._remove_gauges(slot)
        return slot, descriptor

    def _remove_gauges(self, slot: int) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(slot, str(self.directory))

    def _leave(self) -> None:
        """Forget, in a forked process, the slot of its parent, which keeps the lock."""
        if self._own:
            self._inherited, descriptor = self._own
            os.close(descriptor)
            self._own = None


def _lock(file: Path) -> int | None:
    """Return a descriptor that holds the lock; None if another process holds it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
