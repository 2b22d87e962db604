"""Answers and what was said of them, in one file that all processes of a service share."""

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
from .errors import FeedbackUnavailable, UnknownAnswer
from .predictions import Predictions
from .settings import FeedbackSettings
from .truth import Outcome

EXPIRE_INTERVAL = 60.0  # seconds between two looks for answers that were kept long enough
REMOVED = 100
"""Answers that are removed at a time: others write in between."""
_SMALL = 512  # bytes of predictions that are not worth compressing
_FORGET = "DELETE FROM sums WHERE rewards = 0 AND classes = 0 AND quantities = 0"
Served: TypeAlias = tuple[str, str]
"""A target, and the version that answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer when it is given. `client_id` is another id by which the caller may know it."""

    id: str
    client_id: str
    target: str
    version: str
    at: float
    rows: int
    predictions: bytes | None


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer that is kept."""

    seq: int
    served: int
    target: str
    predictions: Predictions


@dataclass(frozen=True, slots=True)
class Sums:
    """What was said of the answers of one version, all of it or that of one bin of probabilities.

    `rewards` add up to `reward`. Of predictions that are classes `hits` are right, and their
    probabilities add up to `probability`; those that are quantities are `error` away from the truth
    in all.
    """

    rewards: int
    reward: float
    classes: int
    hits: int
    quantities: int
    error: float
    probability: float


class FeedbackStore:
    """The file of feedback. FeedbackUnavailable if it cannot be used just now."""

    def __init__(self, settings: FeedbackSettings) -> None:
        self._settings = settings
        self._file = SQLiteFile(settings.file, MIGRATIONS)
        self._expired = time.monotonic()

    def add(self, answers: Sequence[Answer], dropped: int) -> None:
        """Note answers, and how many more were not noted; remove the oldest if there are too many.

        Then as many bytes are kept as before, in a file that does not grow.
        """

        def write(connection: sqlite3.Connection) -> None:
            served = {(answer.target, answer.version) for answer in answers}
            connection.executemany(
                "INSERT OR IGNORE INTO served (target, version) VALUES (?, ?)", served
            )
            connection.executemany(
                "INSERT INTO answers (id, client_id, at, rows, predictions, served) VALUES (?, ?, "
                "?, ?, ?, (SELECT id FROM served WHERE target = ? AND version = ?))",
                (
                    (
                        *(answer.id, answer.client_id or None, answer.at, answer.rows),
                        *(answer.predictions, answer.target, answer.version),
                    )
                    for answer in answers
                ),
            )
            if dropped:
                connection.execute("UPDATE dropped SET answers = answers + ?", (dropped,))

        with _unavailable():
            self._file.write(write)
            self._trim()

    def find(self, answer_id: str) -> KeptAnswer | None:
        """Return the last answer of an id, which may be the caller's own; None if none is kept."""
        sql = (
            "SELECT seq, served, target, rows, predictions FROM answers "
            "JOIN served ON served.id = answers.served WHERE seq = (SELECT max(seq) FROM "
            "(SELECT seq FROM answers WHERE id = ?1 UNION ALL "
            "SELECT seq FROM answers WHERE client_id = ?1))"
        )
        found = self._rows(sql, answer_id)
        if not found:
            return None
        seq, served, target, rows, content = found[0]
        return KeptAnswer(seq, served, target, decoded(rows, content))

    def give(
        self,
        answer: KeptAnswer,
        rewards: Sequence[tuple[int, float]],
        outcomes: Sequence[tuple[int, Outcome]],
    ) -> None:
        """Store what is said of rows of an answer, in the place of what was said before.

        UnknownAnswer if the answer was removed meanwhile.
        """
        key = answer.seq, answer.served

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO feedback (answer, served, row, reward) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (answer, row) DO UPDATE SET reward = excluded.reward",
                ((*key, row, reward) for row, reward in rewards),
            )
            connection.executemany(
                "INSERT INTO feedback (answer, served, row, hit, error, bin, probability) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (answer, row) DO UPDATE SET "
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
            raise UnknownAnswer("the answer is no longer kept") from None

    def sums(self) -> dict[Served, dict[int, Sums]]:
        """Return what was said of the answers that are kept, by version and bin."""
        if not self._file.exists():
            return {}
        found: dict[Served, dict[int, Sums]] = {}
        for target, version, number, *values in self._rows(
            "SELECT target, version, bin, rewards, reward, classes, hits, quantities, error, "
            "probability FROM sums JOIN served ON served.id = sums.served"
        ):
            found.setdefault((target, version), {})[number] = Sums(*values)
        return found

    def dropped(self) -> int:
        """Return how many answers were not noted."""
        return int(self._rows("SELECT answers FROM dropped")[0][0]) if self._file.exists() else 0

    def arms(self, key: str, versions: Iterable[str]) -> dict[str, tuple[int, float]]:
        """Return how many rewards each version has had, and their sum, whether kept or not.

        Those of answers count that were given after a version was first asked for with this key.
        """
        wanted = [*versions]
        if not (self._file.exists() or wanted):
            return {}
        sql = "SELECT version, rewards, reward FROM arms WHERE key = ?"
        found = {version: (count, total) for version, count, total in self._rows(sql, key)}
        if missing := [version for version in wanted if version not in found]:
            with _unavailable():
                self._file.write(
                    lambda connection: connection.executemany(
                        "INSERT OR IGNORE INTO arms (key, version, since) SELECT ?, ?, "
                        "coalesce(max(seq), 0) FROM answers",
                        [(key, version) for version in missing],
                    )
                )
        return dict.fromkeys(missing, (0, 0.0)) | found

    def close(self) -> None:
        """Close the connection, as before a fork, which none survives."""
        self._file.close()

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with _unavailable():
            return self._file.run(lambda connection: connection.execute(sql, values).fetchall())

    def _trim(self) -> None:
        """Remove answers that were kept for long enough, and the oldest if they are too many."""
        while self._file.run(_used) > self._settings.max_kept and self._remove(math.inf):
            pass
        now = time.monotonic()
        if now - self._expired >= EXPIRE_INTERVAL:
            self._expired = now
            while self._remove(time.time() - self._settings.keep) == REMOVED:
                pass
            self._file.write(lambda connection: connection.execute(_FORGET))

    def _remove(self, before: float) -> int:
        """Remove some of the oldest answers, if they are older than this; return how many."""
        sql = (
            "DELETE FROM answers WHERE seq IN (SELECT seq FROM "
            "(SELECT seq, at FROM answers ORDER BY seq LIMIT ?) WHERE at < ?)"
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
    """Return the bytes in use; free pages are those of what was removed."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return int((pages - free) * size)


@contextmanager
def _unavailable() -> Iterator[None]:
    """Raise FeedbackUnavailable for what a full disk or a missing folder does in the block."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except (sqlite3.Error, OSError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise FeedbackUnavailable(
            f"feedback cannot be stored (set MMF_FEEDBACK_DIR): {reason}"
        ) from error
