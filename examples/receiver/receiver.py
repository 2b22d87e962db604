"""Poll an API for rows, have the service predict them, and post each prediction back, once.

    python receiver.py 'http://127.0.0.1:9876/data?limit=50' http://127.0.0.1:9876/predictions

A row is in one of three states in the journal, a SQLite file: received, predicted, acknowledged.
Whatever fails, and wherever this process is killed, the next round continues from there. A
prediction is written down before it is posted, and so posted again as it was, if that is necessary:
the API counts one for each `row_index`. A row that fails by itself is retried after longer and
longer delays, and holds up no other.
"""

import argparse
import json
import logging
import sqlite3
import time
from http.client import CONFLICT, HTTPException
from typing import Any
from urllib.request import Request, urlopen

from mmf_core.client import Client, InvalidValue, ServiceError, Unreachable

# Without WITHOUT ROWID, SQLite would number a row that has no index.
TABLE = """CREATE TABLE IF NOT EXISTS rows (
    row_index INTEGER PRIMARY KEY, date TEXT NOT NULL, data TEXT NOT NULL,
    body TEXT, acknowledged INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0) WITHOUT ROWID"""
DUE = """SELECT * FROM rows WHERE (body IS NOT NULL) = ? AND acknowledged = 0 AND due <= ?
    ORDER BY failures, row_index LIMIT ?"""
UPDATE = """UPDATE rows SET body = ?, acknowledged = ?, failures = ?, due = ?
    WHERE row_index = ?"""
TIMEOUT = 10.0  # seconds
LONGEST_DELAY, LONGEST_ROW_DELAY = 30.0, 600.0
MOST_ROWS = 1000  # in one request to the service
# No connection, a time limit, a status of 4xx or 5xx; a response that is broken off or not JSON.
TRANSIENT = (OSError, HTTPException, ValueError)

log = logging.getLogger("receiver")


class Receiver:
    """Moves rows from `source` through a target of the service to `sink`."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.source, self.sink, self.interval = options.source, options.sink, options.interval
        self.client, self.target = Client(options.service, timeout=TIMEOUT), options.target
        self.acknowledged = 0
        self.journal = sqlite3.connect(options.journal, timeout=30)
        self.journal.row_factory = sqlite3.Row
        self.journal.execute("PRAGMA synchronous=FULL")  # a committed row survives a power failure
        self.journal.execute(TABLE)

    def round(self) -> None:
        """Take rows from state to state; those that are here do not wait for new ones."""
        try:
            self.receive()
        finally:
            self.predict()
            self.post()

    def receive(self) -> None:
        """Write down new rows; those that are there already have been received before."""
        date, document = call(Request(self.source))
        rows = document if isinstance(document, list) else [document] if document else []
        values = [(row["index"], date, json.dumps(row["data"])) for row in rows]
        with self.journal:
            self.journal.executemany(
                "INSERT INTO rows (row_index, date, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                values,
            )

    def predict(self) -> None:
        """Have the service predict what was received; write down what to post.

        A table that fails is halved until the row that fails is alone.
        """
        size = MOST_ROWS
        while rows := self.due(size, predicted=False):
            try:
                table = [json.loads(row["data"]) for row in rows]
                lines = self.client.call(self.target, table, format="jsonl").splitlines()
                results = [{"predict": json.loads(line)["prediction"]} for line in lines]
                size = min(MOST_ROWS, 2 * size)
            except (ServiceError, ValueError) as error:
                if isinstance(error, Unreachable) and not error.sent:
                    raise
                size = max(1, len(rows) // 2)
                if len(rows) > 1:
                    continue
                if not isinstance(error, InvalidValue):
                    self.postpone(rows[0], error)
                    return
                results = [{"predict": None, "errors": error.errors}]
            with self.journal:
                for row, result in zip(rows, results, strict=True):
                    body = {"predict_date": row["date"], "row_index": row["row_index"], **result}
                    self.update(row, json.dumps(body))

    def post(self) -> None:
        """Post what has been predicted and not acknowledged."""
        for row in self.due(predicted=True):
            body = row["body"].encode()
            try:
                call(Request(self.sink, body, {"Content-Type": "application/json"}))
            except TRANSIENT as error:
                if getattr(error, "code", None) != CONFLICT:
                    self.postpone(row, error)
                    return
                log.warning("row %s: the API keeps another prediction", row["row_index"])
            with self.journal:
                self.update(row, row["body"], acknowledged=1)
            self.acknowledged += 1

    def due(self, most: int = -1, *, predicted: bool) -> list[sqlite3.Row]:
        """Return rows whose next attempt is due; those that have failed come last."""
        return self.journal.execute(DUE, (predicted, time.time(), most)).fetchall()

    def postpone(self, row: sqlite3.Row, error: Exception) -> None:
        """Put off the next attempt at a row that has failed."""
        delay = min(LONGEST_ROW_DELAY, self.interval * 2 ** min(row["failures"], 20))
        log.warning("row %s: %s; next attempt in %g s", row["row_index"], error, delay)
        with self.journal:
            failures, due = row["failures"] + 1, time.time() + delay
            self.update(row, row["body"], failures=failures, due=due)

    def update(
        self, row: sqlite3.Row, body: str, acknowledged: int = 0, failures: int = 0, due: float = 0
    ) -> None:
        """Write down the state of a row."""
        self.journal.execute(UPDATE, (body, acknowledged, failures, due, row["row_index"]))


def call(request: Request) -> tuple[str, Any]:
    """Return the Date and the document of the API's response; None if it is empty."""
    with urlopen(request, timeout=TIMEOUT) as response:
        body = response.read()
        # JSON has no NaN, which Python's API would send; an infinity becomes a text, and invalid.
        document = json.loads(body or "null", parse_constant=lambda it: None if it == "NaN" else it)
        return response.headers["Date"], document


def main() -> None:
    """Poll until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="where rows come from: {'data': {…}, 'index': 17}")
    parser.add_argument("sink", help="where predictions go")
    parser.add_argument("--service", default="http://127.0.0.1:8000")
    parser.add_argument("--target", default="score")
    parser.add_argument("--journal", default="receiver.db")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two polls")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    receiver = Receiver(options)
    delay = 0.0
    while True:
        before = receiver.acknowledged
        try:
            receiver.round()
            delay = 0 if receiver.acknowledged > before else options.interval
        except TRANSIENT as error:
            # Doubled, unless something has succeeded in between.
            is_first = receiver.acknowledged > before or delay < options.interval
            delay = options.interval if is_first else min(LONGEST_DELAY, 2 * delay)
            log.warning("%s; next attempt in %g s", error, delay)
        if receiver.acknowledged > before:
            log.info("%d predictions acknowledged", receiver.acknowledged - before)
        time.sleep(delay)


if __name__ == "__main__":
    main()
