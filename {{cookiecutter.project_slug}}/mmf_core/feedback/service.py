"""The feedback of this process: what its requests, its metrics and a bandit work with."""

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
from ..web.observed_calls import Answered, CallObserver
from ..web.request_context import RequestContext, count_rows
from .errors import FeedbackUnavailable
from .predictions import Predictions, predictions_of
from .scores import gauges_of
from .settings import FeedbackSettings
from .store import Answer, FeedbackStore, KeptAnswer, encoded
from .writer import AnswerWriter

FRESH = 1.0
"""Seconds for which metrics are not read again."""
_UNKNOWN_PAUSES = (0.05, 0.1, 0.1)
"""Seconds between looks for an answer that another worker may just be noting."""
_WITHOUT_PREDICTIONS = {Kind.IMAGE, Kind.FILE}


class Feedback:
    """Where answers are noted and what is said of them is kept."""

    def __init__(self, settings: FeedbackSettings) -> None:
        self.settings = settings
        self.store = FeedbackStore(settings)
        self.writer = AnswerWriter(self.store)
        self._read, self._gauges = -FRESH, list[Gauge]()

    def observe(self, target: Target, _values: Mapping[str, Any]) -> Answered | None:
        """Return what notes an answer of a target; nothing for one that trains."""
        return None if target.trains else partial(self._note, target)

    def observe_task(self, target: Target, _values: Mapping[str, Any]) -> Answered | None:
        """Do the same for a task, at once: its process may end, and nobody waits for it."""

        def note(context: RequestContext, result: Any, error: MMFError | None) -> None:
            self._note(target, context, result, error)
            self.writer.write()

        return None if target.trains else note

    def _note(
        self, target: Target, context: RequestContext, result: Any, error: MMFError | None
    ) -> None:
        if error is not None:
            return
        predictions = _predictions(target, result)
        answer = Answer(
            id=context.request_id,
            client_id=as_text(context.client_id),
            target=target.route,
            version=context.model_version,
            at=time.time(),
            rows=predictions.rows,
            predictions=encoded(predictions),
        )
        self.writer.put(answer)

    def find(self, answer_id: str) -> KeptAnswer | None:
        """Return the last answer of an id; None if none is kept.

        One that was given a moment ago may still be on its way to the file.
        """
        self.writer.write()
        for pause in (*_UNKNOWN_PAUSES, 0.0):
            if found := self.store.find(as_text(answer_id)):
                return found
            time.sleep(pause)
        return None

    def gauges(self) -> list[Gauge]:
        """Return how good each version was; nothing while that cannot be known."""
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
    """Return the feedback of this process, if the settings want any."""
    settings = FeedbackSettings.from_env()
    if not settings.is_on:
        return None
    if _Current.feedback is None or _Current.feedback.settings != settings:
        _Current.feedback = Feedback(settings)
    return _Current.feedback


def call_observer(_registry: Registry) -> CallObserver | None:
    """Return what notes answers, if they are to be noted."""
    feedback = current()
    return feedback.observe if feedback else None


def task_observer(_registry: Registry) -> CallObserver | None:
    """Return what notes the answers of tasks, if they are to be noted."""
    feedback = current()
    return feedback.observe_task if feedback else None


def rewards() -> Any:
    """Return what says how many rewards each version has had: see `FeedbackStore.arms`."""
    feedback = current()
    return feedback.store.arms if feedback else None


def gauges() -> Iterator[Gauge]:
    """Yield how good the answers of each version were."""
    if feedback := current():
        yield from feedback.gauges()


def _predictions(target: Target, result: Any) -> Predictions:
    """Return what a result predicts; its rows are those that the answer has."""
    returns = target.returns
    if target.is_stream or returns is None or returns.kind in _WITHOUT_PREDICTIONS:
        return Predictions()
    predictions, rows = predictions_of(result), count_rows(returns, result)
    return predictions if rows is None else replace(predictions, rows=rows)
