"""The other side: an API that hands out wines and takes their predictions: python api.py.

GET  /data[?limit=50]  {"data": {column: value}, "index": 17}, or with a limit a list of them: the
                       next ones without a prediction, in turn. 204 if every wine has one
POST /predictions      {"predict_date": …, "row_index": 17, "predict": …}: 201, or 200 if it is
                       there already; 409 if another one is, which stays
GET  /predictions      a list of them
"""

import json
import sqlite3
import sys
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TABLE = "CREATE TABLE IF NOT EXISTS predictions (row_index INTEGER PRIMARY KEY, body TEXT NOT NULL)"


class API(ThreadingHTTPServer):
    """Hands out `rows` at `port`; the predictions are in the SQLite file `database`."""

    daemon_threads = True

    def __init__(self, rows: list[dict[str, Any]], database: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.rows = rows
        self.last = -1  # index of the row that was handed out last
        self.database = database
        self.execute(TABLE)

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own and return its rows."""
        with closing(sqlite3.connect(self.database, timeout=30)) as database, database:
            return database.execute(statement, values).fetchall()

    def next_rows(self, limit: int) -> list[dict[str, Any]]:
        """Return the next rows without a prediction; one that stays without holds up no other."""
        done = {index for (index,) in self.execute("SELECT row_index FROM predictions")}
        left = [index for index in range(len(self.rows)) if index not in done]
        chosen = sorted(left, key=lambda index: (index <= self.last, index))[:limit]
        self.last = chosen[-1] if chosen else -1
        return [{"data": self.rows[index], "index": index} for index in chosen]

    def record(self, prediction: dict[str, Any]) -> int:
        """Keep a prediction, once for each row; return the status for it."""
        index, body = prediction["row_index"], json.dumps(prediction, sort_keys=True)
        try:
            self.execute("INSERT INTO predictions VALUES (?, ?)", index, body)
        except sqlite3.IntegrityError:
            (there,) = self.execute("SELECT body FROM predictions WHERE row_index = ?", index)
            return 200 if there == (body,) else 409
        return 201

    def predictions(self) -> list[dict[str, Any]]:
        """Return all predictions, by row."""
        rows = self.execute("SELECT body FROM predictions ORDER BY row_index")
        return [json.loads(body) for (body,) in rows]


class Handler(BaseHTTPRequestHandler):
    """The routes."""

    server: API
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Hand out rows, or what has been predicted."""
        url = urlsplit(self.path)
        if url.path == "/predictions":
            return self.respond(200, self.server.predictions())
        limit = parse_qs(url.query).get("limit")
        rows = self.server.next_rows(int(limit[0]) if limit else 1)
        if not rows:
            return self.respond(204)
        return self.respond(200, rows if limit else rows[0])

    def do_POST(self) -> None:
        """Take a prediction."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.respond(self.server.record(json.loads(body)), {})

    def respond(self, status: int, document: object = None) -> None:
        """Send a response; BaseHTTPRequestHandler adds its Date."""
        body = json.dumps(document).encode() if document is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    from sklearn.datasets import load_wine

    wines = load_wine(as_frame=True).data.to_dict("records")
    with API(wines, "predictions.db", int(sys.argv[1]) if sys.argv[1:] else 9876) as api:
        print(f"{len(wines)} wines at http://127.0.0.1:{api.server_port}/data")
        api.serve_forever()
