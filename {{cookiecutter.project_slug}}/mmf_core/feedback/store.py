"""Responses and the feedback on them, in one file that all processes of a service share."""

from __future__ import annotations

import math
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..codecs import json
from ..sqlite_file import SQLiteFile
from .database import MIGRATIONS
from .errors import FeedbackUnavailable, UnknownResponse
from .predictions import Predictions
from .settings import FeedbackSettings
from .truth import Outcome

EXPIRE_INTERVAL = 60.0  # seconds between two removals of expired responses
REMOVED = 100
"""Responses that are removed at a time: others write in between."""
_SMALL = 512  # bytes of predictions that are not worth compressing
_FORGET = "DELETE FROM sums WHERE rewards = 0 AND classes = 0 AND quantities = 0"
Served: TypeAlias = tuple[str, str]
"""A target, and the version that responded."""


@dataclass(frozen=True, slots=True)
class ResponseRecord:
    """A response when it is sent. `client_id` is another id that the caller may use for it."""

    id: str
    client_id: str
    target: str
    version: str
    at: float
    rows: int
    predictions: bytes | None


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response in the database."""

    seq: int
    served: int
    target: str
    predictions: Predictions


@dataclass(frozen=True, slots=True)
class Sums:
    """The feedback on one version's responses, in total or in one bin of probabilities.

    `rewards` add up to `reward`. Of the predicted `classes`, `hits` are correct, and their
    probabilities add up to `probability`; the absolute errors of the `quantities` add up to
    `error`.
    """

    rewards: int
    reward: float
    classes: int
    hits: int
    quantities: int
    error: float
    probability: float


class FeedbackStore:
    """The feedback database. FeedbackUnavailable if it cannot be used at the moment."""

    def __init__(self, settings: FeedbackSettings) -> None:
        self._settings = settings
        self._file = SQLiteFile(settings.file, MIGRATIONS)
        self._expired = time.monotonic()

    def add(self, responses: Sequence[ResponseRecord], dropped: int) -> None:
        """Record responses, and how many more were dropped; remove the oldest ones past the limit.

        From then on the file does not grow.
        """

        def write(connection: sqlite3.Connection) -> None:
            served = {(response.target, response.version) for response in responses}
            connection.executemany(
                "INSERT OR IGNORE INTO served (target, version) VALUES (?, ?)", served
            )
            connection.executemany(
                "INSERT INTO responses (id, client_id, at, rows, predictions, served) VALUES (?, "
                "?, ?, ?, ?, (SELECT id FROM served WHERE target = ? AND version = ?))",
                (
                    (
                        *(response.id, response.client_id or None, response.at, response.rows),
                        *(response.predictions, response.target, response.version),
                    )
                    for response in responses
                ),
            )
            if dropped:
                connection.execute("UPDATE dropped SET responses = responses + ?", (dropped,))

        with _unavailable():
            self._file.write(write)
            self._trim()

    def find(self, response_id: str) -> StoredResponse | None:
        """Return the last response with an id, which may be the caller's own; None if unknown."""
        sql = (
            "SELECT seq, served, target, rows, predictions FROM responses "
            "JOIN served ON served.id = responses.served WHERE seq = (SELECT max(seq) FROM "
            "(SELECT seq FROM responses WHERE id = ?1 UNION ALL "
            "SELECT seq FROM responses WHERE client_id = ?1))"
        )
        matches = self._rows(sql, response_id)
        if not matches:
            return None
        seq, served, target, rows, content = matches[0]
        return StoredResponse(seq, served, target, decoded(rows, content))

    def record(
        self,
        response: StoredResponse,
        rewards: Sequence[tuple[int, float]],
        outcomes: Sequence[tuple[int, Outcome]],
    ) -> None:
        """Store the feedback on rows of a response, replacing earlier feedback on them.

        UnknownResponse if the response was removed meanwhile.
        """
        key = response.seq, response.served

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO feedback (response, served, row, reward) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (response, row) DO UPDATE SET reward = excluded.reward",
                ((*key, row, reward) for row, reward in rewards),
            )
            connection.executemany(
                "INSERT INTO feedback (response, served, row, hit, error, bin, probability) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (response, row) DO UPDATE SET "
                "hit = excluded.hit, error = excluded.error, bin = excluded.bin, "
                "probability = excluded.probability",
                (
                    (*key, row, each.hit, each.error, each.bin, each.probability)
                    for row, each in outcomes
                ),
            )

        try:
            with _unavailable():
                self._file.write(write)
        except sqlite3.IntegrityError:
            raise UnknownResponse("the response is no longer stored") from None

    def sums(self) -> dict[Served, dict[int, Sums]]:
        """Return the sums of the feedback on stored responses, by version and bin."""
        if not self._file.exists():
            return {}
        sums: dict[Served, dict[int, Sums]] = {}
        for target, version, number, *values in self._rows(
            "SELECT target, version, bin, rewards, reward, classes, hits, quantities, error, "
            "probability FROM sums JOIN served ON served.id = sums.served"
        ):
            sums.setdefault((target, version), {})[number] = Sums(*values)
        return sums

    def dropped(self) -> int:
        """Return how many responses were not recorded."""
        return int(self._rows("SELECT responses FROM dropped")[0][0]) if self._file.exists() else 0

    def arms(self, key: str, versions: Iterable[str]) -> dict[str, tuple[int, float]]:
        """Return the number of rewards of each version, and their sum, expired ones included.

        Rewards count for responses sent after the first call for a version with this key.
        """
        names = [*versions]
        if not (self._file.exists() or names):
            return {}
        sql = "SELECT version, rewards, reward FROM arms WHERE key = ?"
        rewards = {version: (count, total) for version, count, total in self._rows(sql, key)}
        if missing := [version for version in names if version not in rewards]:
            with _unavailable():
                self._file.write(
                    lambda connection: connection.executemany(
                        "INSERT OR IGNORE INTO arms (key, version, since) SELECT ?, ?, "
                        "coalesce(max(seq), 0) FROM responses",
                        [(key, version) for version in missing],
                    )
                )
        return dict.fromkeys(missing, (0, 0.0)) | rewards

    def close(self) -> None:
        """Close the connection, as before a fork, which it would not survive."""
        self._file.close()

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with _unavailable():
            return self._file.run(lambda connection: connection.execute(sql, values).fetchall())

    def _trim(self) -> None:
        """Remove expired responses, and the oldest ones past the limit."""
        while self._file.run(_used) > self._settings.max_kept and self._remove(math.inf):
            pass
        now = time.monotonic()
        if now - self._expired >= EXPIRE_INTERVAL:
            self._expired = now
            while self._remove(time.time() - self._settings.keep) == REMOVED:
                pass
            self._file.write(lambda connection: connection.execute(_FORGET))

    def _remove(self, before: float) -> int:
        """Remove some of the oldest responses, if they are older than this; return how many."""
        sql = (
            "DELETE FROM responses WHERE seq IN (SELECT seq FROM "
            "(SELECT seq, at FROM responses ORDER BY seq LIMIT ?) WHERE at < ?)"
        )
        values = REMOVED, before
        return self._file.write(lambda connection: connection.execute(sql, values).rowcount)


def encoded(predictions: Predictions) -> bytes | None:
    """Return predictions as they are stored."""
    if not predictions.values:
        return None
    content = json.dumps([predictions.values, predictions.probabilities])
    return content if len(content) < _SMALL else zlib.compress(content, 1)


def decoded(rows: int, content: bytes | None) -> Predictions:
    """Return stored predictions."""
    if content is None:
        return Predictions(rows)
    text = content if content.startswith(b"[") else zlib.decompress(content)
    return Predictions(rows, *json.loads(text))


def _used(connection: sqlite3.Connection) -> int:
    """Return the bytes in use, without the free pages that removals leave."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return int((pages - free) * size)


@contextmanager
def _unavailable() -> Iterator[None]:
    """Raise FeedbackUnavailable for errors in the block, as of a full disk or missing folder."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except (sqlite3.Error, OSError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise FeedbackUnavailable(
            f"feedback cannot be stored (set MMF_FEEDBACK_DIR): {reason}"
        ) from error
