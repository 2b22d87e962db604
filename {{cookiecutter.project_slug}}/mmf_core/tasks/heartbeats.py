"""The heartbeats of task workers: a worker is alive while its own continues.

The database counts them, and each observer times them by its own monotonic clock, so that clocks
need not agree.
"""

from __future__ import annotations

from .database import Database


class Heartbeats:
    """The heartbeats in a database. TasksUnavailable if it cannot be used now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, worker: str) -> None:
        """Send a heartbeat, by which other workers see that this one is alive."""
        self._database.rows(
            "INSERT INTO heartbeats (worker, beats) VALUES (?, 1) "
            "ON CONFLICT (worker) DO UPDATE SET beats = heartbeats.beats + 1",
            worker,
        )

    def retire(self, worker: str) -> None:
        """Remove the heartbeat of a worker that has ended."""
        self._database.rows("DELETE FROM heartbeats WHERE worker = ?", worker)

    def others(self, worker: str) -> dict[str, int]:
        """Return the heartbeats of all other workers that have tasks."""
        sql = (
            "SELECT DISTINCT tasks.worker, coalesce(beats, 0) FROM tasks "
            "LEFT JOIN heartbeats ON heartbeats.worker = tasks.worker "
            "WHERE tasks.worker IS NOT NULL AND tasks.worker <> ?"
        )
        return dict(self._database.rows(sql, worker))
