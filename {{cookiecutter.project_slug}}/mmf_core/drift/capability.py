"""Drift: the service compares what comes with what its model was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..capabilities import Capability, Gauge
from .commands import drift
from .settings import DriftSettings

if TYPE_CHECKING:
    from ..registry import Registry
    from ..web.observed_calls import CallObserver

# numpy and pandas are imported by the functions, which the command line does not call.


def _observer(registry: Registry) -> CallObserver | None:
    from .observer import make_observer

    return make_observer(registry)


def _gauges() -> Iterator[Gauge]:
    from .observer import gauges

    return gauges()


def _save_profile(model: Any, path: Path, reference: Any) -> None:
    from .profile import save

    save(model, path, reference)


CAPABILITY = Capability(
    requires=("payload_log",),
    settings=DriftSettings,
    call_observer=_observer,
    gauges=_gauges,
    profiler=_save_profile,
    commands=(drift,),
)
