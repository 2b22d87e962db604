"""The feedback of this process, shared by its requests, its metrics and a bandit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ..capabilities import Gauge
from ..codecs import Kind
from ..errors import MMFError, as_text
from ..registry import Registry
from ..target import Target
from ..web.observed_calls import CallObserver, CallReport
from ..web.request_context import RequestContext, count_rows
from .errors import FeedbackUnavailable
from .predictions import Predictions, predictions_of
from .scores import gauges_of
from .settings import FeedbackSettings
from .store import FeedbackStore, ResponseRecord, StoredResponse, encoded
from .writer import ResponseWriter

FRESH = 1.0
"""Seconds for which metrics are cached."""
_RETRY_PAUSES = (0.05, 0.1, 0.1)
"""Seconds between retries for a response that another worker may just be recording."""
_WITHOUT_PREDICTIONS = {Kind.IMAGE, Kind.FILE}


class Feedback:
    """Records responses, and stores the feedback on them."""

    def __init__(self, settings: FeedbackSettings) -> None:
        self.settings = settings
        self.store = FeedbackStore(settings)
        self.writer = ResponseWriter(self.store)
        self._read, self._gauges = -FRESH, list[Gauge]()

    def observe(self, target: Target, _values: Mapping[str, Any]) -> CallReport | None:
        """Return what records a response of a target; None for a target that trains."""
        return None if target.trains else partial(self._record, target)

    def observe_task(self, target: Target, _values: Mapping[str, Any]) -> CallReport | None:
        """Do the same for a task, immediately: its process may end, and no caller waits."""

        def record(context: RequestContext, result: Any, error: MMFError | None) -> None:
            self._record(target, context, result, error)
            self.writer.write()

        return None if target.trains else record

    def _record(
        self, target: Target, context: RequestContext, result: Any, error: MMFError | None
    ) -> None:
        if error is not None:
            return
        predictions = _predictions(target, result)
        response = ResponseRecord(
            id=context.request_id,
            client_id=as_text(context.client_id),
            target=target.route,
            version=context.model_version,
            at=time.time(),
            rows=predictions.rows,
            predictions=encoded(predictions),
        )
        self.writer.put(response)

    def find(self, response_id: str) -> StoredResponse | None:
        """Return the last response with an id; None if none is stored.

        A very recent one may still be on its way to the file.
        """
        self.writer.write()
        for pause in (*_RETRY_PAUSES, 0.0):
            if stored := self.store.find(as_text(response_id)):
                return stored
            time.sleep(pause)
        return None

    def gauges(self) -> list[Gauge]:
        """Return how good each version was; nothing while the database is unavailable."""
        now = time.monotonic()
        if now - self._read >= FRESH:
            try:
                self._gauges = [*gauges_of(self.store.sums(), self.store.dropped())]
            except FeedbackUnavailable:
                return []
            self._read = now
        return self._gauges


class _Current:
    feedback: Feedback | None = None


def current() -> Feedback | None:
    """Return the feedback of this process, if it is enabled."""
    settings = FeedbackSettings.from_env()
    if not settings.is_on:
        return None
    if _Current.feedback is None or _Current.feedback.settings != settings:
        _Current.feedback = Feedback(settings)
    return _Current.feedback


def call_observer(_registry: Registry) -> CallObserver | None:
    """Return what records responses, if feedback is enabled."""
    feedback = current()
    return feedback.observe if feedback else None


def task_observer(_registry: Registry) -> CallObserver | None:
    """Return what records the results of tasks, if feedback is enabled."""
    feedback = current()
    return feedback.observe_task if feedback else None


def rewards() -> Any:
    """Return the function that counts the rewards of each version: see `FeedbackStore.arms`."""
    feedback = current()
    return feedback.store.arms if feedback else None


def gauges() -> Iterator[Gauge]:
    """Yield how good the responses of each version were."""
    if feedback := current():
        yield from feedback.gauges()


def _predictions(target: Target, result: Any) -> Predictions:
    """Return a result's predictions, with the number of rows of the response."""
    returns = target.returns
    if target.is_stream or returns is None or returns.kind in _WITHOUT_PREDICTIONS:
        return Predictions()
    predictions, rows = predictions_of(result), count_rows(returns, result)
    return predictions if rows is None else replace(predictions, rows=rows)
