"""The log as CloudEvents over HTTP, in binary mode, as KServe's logger sends them.

Two for each call, with the same `ce-id`: `org.kubeflow.serving.inference.request` and `….response`.
Source: github.com/kserve/kserve, pkg/logger/worker.go; CloudEvents 1.0.2, HTTP binding, 3.1.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

from ..codecs import json
from ..web.project_metadata import read_metadata
from .record import OK
from .settings import PayloadLogSettings
from .writer import NotWritten, Row

TYPE = "org.kubeflow.serving.inference."
TIMEOUT = 5.0
"""Seconds for each part of a request to the receiver."""
_SUCCESS = 2  # hundred
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


class CloudEvents:
    """Sends each record as two events, over one connection as long as it works."""

    def __init__(self, settings: PayloadLogSettings) -> None:
        parts = urlsplit(settings.location)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._service = read_metadata().name

    def add(self, row: Row) -> int:
        """Send a record."""
        try:
            self._post("request", row, (row["inputs"] or "null").encode())
            self._post("response", row, _response_body(row))
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise NotWritten(f"{type(error).__name__}: {error}", 1) from error
        return 1

    def flush(self) -> int:
        """Close the connection; every record has been sent."""
        self._connection.close()
        return 0

    def seconds_left(self) -> float | None:
        """Return None: nothing is buffered."""
        return None

    def _post(self, kind: str, row: Row, body: bytes) -> None:
        time = datetime.fromtimestamp(row["time"], UTC)
        attributes = {
            "specversion": "1.0",
            "id": row["request_id"],
            "type": f"{TYPE}{kind}",
            "source": f"/{row['target']}",
            "time": time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "inferenceservicename": self._service,
            "component": "predictor",
            "endpoint": row["target"],
            "modelversion": row["version"],
            "statuscode": str(row["status"]),
        }
        headers = {
            f"ce-{name}": quote(value, safe=_PRINTABLE)
            for name, value in attributes.items()
            if value
        }
        headers["Content-Type"] = "application/json"
        self._connection.request("POST", self._path, body, headers)
        response = self._connection.getresponse()
        response.read()
        if response.status // 100 != _SUCCESS:
            raise OSError(f"the receiver responded with {response.status} {response.reason}")


def _response_body(row: Row) -> bytes:
    if row["status"] == OK:
        return (row["result"] or "null").encode()
    errors = json.loads(row["errors"]) if row["errors"] else []
    return json.dumps({"status": row["status"], "detail": row["detail"], "errors": errors})
