"""`mmf_payload_log_records_total`: the outcomes of the log's records, for Prometheus."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

WRITTEN, DROPPED, FAILED = "written", "dropped", "failed"
_log = logging.getLogger("mmf.payload_log")


def count(outcome: str, records: int = 1) -> None:
    """Count records that are `written`, `dropped` because the queue was full, or `failed`."""
    try:
        if records and (counter := _counter()) is not None:
            counter.labels(outcome).inc(records)
    except Exception:  # noqa: BLE001 - prometheus_client's files may be gone
        _log.exception("records of the payload log not counted")


@cache
def _counter() -> Any:
    try:
        from prometheus_client import Counter
    except ImportError:
        return None
    return Counter("mmf_payload_log_records", "Records of the payload log.", ["outcome"])
