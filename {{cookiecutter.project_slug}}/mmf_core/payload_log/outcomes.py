"""`mmf_payload_log_records_total`: what became of the log's lines, for Prometheus."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

WRITTEN, DROPPED, FAILED = "written", "dropped", "failed"
_log = logging.getLogger("mmf.payload_log")


def count(outcome: str, records: int = 1) -> None:
    """Count lines that are `written`, `dropped` since the queue was full, or `failed`."""
    try:
        if records and (counter := _counter()) is not None:
            counter.labels(outcome).inc(records)
    except Exception:  # noqa: BLE001 - prometheus_client's files may be gone
        _log.exception("lines of the payload log not counted")


@cache
def _counter() -> Any:
    try:
        from prometheus_client import Counter
    except ImportError:
        return None
    return Counter("mmf_payload_log_records", "Lines of the payload log.", ["outcome"])
