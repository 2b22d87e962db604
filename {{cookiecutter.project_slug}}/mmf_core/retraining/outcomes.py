"""`mmf_retrainings_total`: the outcomes of trainings, if Prometheus's package is installed."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

_log = logging.getLogger("mmf.retraining")


def count(target: str, outcome: str) -> None:
    """Count a training: `promoted`, `offered`, or why its model was rejected."""
    try:
        if (counter := _counter()) is not None:
            counter.labels(target, outcome).inc()
    except Exception:  # noqa: BLE001 - prometheus_client's files may be gone
        _log.exception("training not counted")


@cache
def _counter() -> Any:
    try:
        from prometheus_client import Counter
    except ImportError:
        return None
    return Counter("mmf_retrainings", "Trainings by their outcome.", ["target", "outcome"])
