"""How long MLflow's client may keep trying; the store and `mmfmeta to-mlflow` share it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from ..settings import Settings


@contextmanager
def limited_retries() -> Iterator[None]:
    """Limit MLflow's retries to seconds unless the operator has; its default is minutes."""
    limits = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(ceil(Settings.from_env().store_timeout)),
        "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # a server may ask for a day
    }
    added = {name: text for name, text in limits.items() if name not in os.environ}
    os.environ.update(added)
    try:
        with warnings.catch_warnings(action="ignore"):  # of MLflow's own code
            yield
    finally:
        for name in added:
            os.environ.pop(name, None)
