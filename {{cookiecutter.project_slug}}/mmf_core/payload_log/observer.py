"""The observer that puts a share of the calls of a service's targets into the log's queue."""

from __future__ import annotations

from collections.abc import Mapping
from random import random
from time import perf_counter, time
from typing import Any

from ..errors import MMFError
from ..registry import Registry
from ..target import Target
from ..web.observed_calls import CallObserver, CallReport
from ..web.request_context import RequestContext, current_context
from .cloud_events import CloudEvents
from .parquet_files import ParquetFiles
from .payloads import Payloads, cells_of
from .record import Record
from .settings import PayloadLogSettings
from .writer import Writer


def make_observer(registry: Registry) -> CallObserver | None:
    """Return the observer that logs the calls of a service; None if the log is off.

    MissingPackage or StoreError if the log cannot be written at all.
    """
    settings = PayloadLogSettings.from_env()
    if not settings.location:
        return None
    payloads = {route: Payloads(target, settings.key) for route, target in registry.targets.items()}
    sink = CloudEvents(settings) if settings.is_web else ParquetFiles(settings)
    writer = Writer(sink, lambda record: payloads[record.target].row(record))

    def observe(target: Target, values: Mapping[str, Any]) -> CallReport | None:
        if settings.share < 1 and random() >= settings.share:  # noqa: S311 - a share, not a secret
            return None
        arrived, of_target = time(), payloads[target.route]
        context = current_context()
        size = context.environ.get("CONTENT_LENGTH", "") if context else ""
        copies = of_target.copied(values, int(size) if size.isdecimal() else 0)

        def report(context: RequestContext, result: Any, error: MMFError | None) -> None:
            copy = of_target.result(result) if error is None else None
            record = Record(
                time=arrived,
                request_id=context.request_id,
                target=target.route,
                protocol=context.protocol,
                version=context.model_version,
                seconds=perf_counter() - context.started,
                rows=context.rows_in,
                values=copies,
                result=copy,
                failure=of_target.failure(error) if error else None,
                cells=cells_of(copy) + sum(map(cells_of, copies.values())),
            )
            writer.put(record)

        return report

    return observe
