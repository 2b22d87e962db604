"""Poll an API for rows, have the service predict them, and post each prediction back, once.

    python receiver.py 'http://127.0.0.1:9876/data?limit=50' http://127.0.0.1:9876/predictions

A row is in one of three states in the journal, a SQLite file: received, predicted, acknowledged.
Whatever fails, and wherever this process is killed, the next round continues from there. A
prediction is written down before it is posted, and so posted again as it was, if that is necessary:
the API counts one for each `row_index`.
"""

import argparse
import json
import logging
import sqlite3
import time
from http.client import CONFLICT, INTERNAL_SERVER_ERROR, TOO_MANY_REQUESTS, HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from mmf_core.client import Client, InvalidValue, ServerError

# Without WITHOUT ROWID, SQLite would number a row that has no index.
TABLE = """CREATE TABLE IF NOT EXISTS rows (
    row_index INTEGER PRIMARY KEY, date TEXT NOT NULL, data TEXT NOT NULL,
    body TEXT, acknowledged INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID"""
TIMEOUT = 10.0  # seconds
LONGEST_DELAY = 30.0
MOST_ROWS = 1000  # in one request to the service
# Another attempt may succeed: no connection, or one that broke off; 5xx of the API or the service.
TRANSIENT = (OSError, HTTPException, json.JSONDecodeError, ServerError)

log = logging.getLogger("receiver")


class Rejected(Exception):
    """The API rejects a request, which another attempt would not change."""

    def __init__(self, error: HTTPError) -> None:
        super().__init__(f"{error.url}: {error}: {error.read().decode(errors='replace')}")
        self.status = error.code


class Receiver:
    """Moves rows from `source` through a target of the service to `sink`."""

    def __init__(self, source: str, sink: str, client: Client, target: str, journal: str) -> None:
        self.source, self.sink = source, sink
        self.client, self.target = client, target
        self.acknowledged = 0
        self.journal = sqlite3.connect(journal, timeout=30)
        self.journal.execute("PRAGMA synchronous=FULL")  # a committed row survives a power failure
        self.journal.execute(TABLE)

    def round(self) -> None:
        """Take rows from state to state until something fails."""
        self.receive()
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
        """Have the service predict what was received, as one table; write down what to post."""
        received = self.journal.execute(
            "SELECT row_index, date, data FROM rows WHERE body IS NULL ORDER BY row_index LIMIT ?",
            (MOST_ROWS,),
        ).fetchall()
        results = self.results([json.loads(data) for _, _, data in received])
        bodies = [
            (json.dumps({"predict_date": date, "row_index": index, **result}), index)
            for (index, date, _), result in zip(received, results, strict=True)
        ]
        with self.journal:
            self.journal.executemany("UPDATE rows SET body = ? WHERE row_index = ?", bodies)

    def results(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return a result for each row: an invalid one must not hold up the others."""
        if not rows:
            return []
        try:
            lines = self.client.call(self.target, rows, format="jsonl").splitlines()
        except InvalidValue as error:
            if len(rows) > 1:
                half = len(rows) // 2
                return self.results(rows[:half]) + self.results(rows[half:])
            return [{"predict": None, "errors": error.errors}]
        return [{"predict": json.loads(line)["prediction"]} for line in lines]

    def post(self) -> None:
        """Post what has been predicted and not acknowledged."""
        predicted = self.journal.execute(
            "SELECT row_index, body FROM rows"
            " WHERE body IS NOT NULL AND acknowledged = 0 ORDER BY row_index"
        ).fetchall()
        for index, body in predicted:
            try:
                call(Request(self.sink, body.encode(), {"Content-Type": "application/json"}))
            except Rejected as error:
                if error.status != CONFLICT:
                    raise
                log.warning("row %d: the API has another prediction, and keeps it", index)
            with self.journal:
                self.journal.execute(
                    "UPDATE rows SET acknowledged = 1 WHERE row_index = ?", (index,)
                )
            self.acknowledged += 1


def call(request: Request) -> tuple[str, Any]:
    """Return the Date and the document of the API's response; None if it is empty."""
    try:
        with urlopen(request, timeout=TIMEOUT) as response:
            body = response.read()
            return response.headers["Date"], json.loads(body) if body else None
    except HTTPError as error:
        if error.code < INTERNAL_SERVER_ERROR and error.code != TOO_MANY_REQUESTS:
            raise Rejected(error) from error
        raise


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
    client = Client(options.service, timeout=TIMEOUT)
    receiver = Receiver(options.source, options.sink, client, options.target, options.journal)
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
