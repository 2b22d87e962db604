"""Counts every request."""

from __future__ import annotations

from ..web.request_context import RequestContext, RequestObserver
from . import recorder


class MetricsObserver(RequestObserver):
    """Counts requests in flight when they enter a target, and everything else when they end."""

    def target_entered(self, context: RequestContext) -> None:
        recorder.entered(context.target or "")

    def finished(self, context: RequestContext) -> None:
        recorder.record(context, context.protocol)
