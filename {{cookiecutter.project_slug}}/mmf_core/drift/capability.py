"""Drift: the service compares its inputs and predictions with the model's training data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..capabilities import Capability, Gauge
from .commands import drift
from .profile import save
from .settings import DriftSettings

if TYPE_CHECKING:
    from ..registry import Registry
    from ..web.observed_calls import CallObserver

# The observer imports numpy and Flask, which the command line does not need.


def _observer(registry: Registry) -> CallObserver | None:
    from .observer import make_observer

    return make_observer(registry)


def _task_observer(registry: Registry) -> CallObserver | None:
    from .observer import task_observer

    return task_observer(registry)


def _panel() -> Any:
    from .panel import panel

    return panel()


def _gauges() -> Iterator[Gauge]:
    from .observer import gauges

    return gauges()


def _worker_ended() -> None:
    from .observer import count_buffered

    count_buffered()


CAPABILITY = Capability(
    requires=("payload_log",),
    settings=DriftSettings,
    call_observer=_observer,
    task_observer=_task_observer,
    panel=_panel,
    gauges=_gauges,
    profiler=save,
    commands=(drift,),
    worker_ended=_worker_ended,
)
