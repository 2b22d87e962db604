"""The observer that counts the inputs and predictions of targets in the bins of profiles.

Each version has the profile of its own model's training data.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..artifact import Artifact
from ..capabilities import Gauge
from ..codecs import NumberTable
from ..descriptors import DataFrame
from ..errors import ArtifactError, MMFError
from ..models import profile_of
from ..registry import Registry
from ..stores import file_name, is_uri
from ..stores.digests import sha256_of
from ..target import Target
from ..web.observed_calls import CallObserver, CallReport
from ..web.request_context import RequestContext
from .comparison import Drift, drift_of
from .profile import PREDICTION, Profile, read
from .settings import DriftSettings
from .window import Bins, Window

MAX_ROWS = 1_000
"""Rows of a table that are counted, spread over all of it."""
FEW_ROWS = 16
_CURRENT = ""
"""A placeholder for the current version, whose name is only known from its response."""
_log = logging.getLogger("mmf.drift")


class TargetCounter:
    """Counts the tables of one target, and its predictions."""

    def __init__(self, profile: Profile, target: Target, argument: str, seconds: float) -> None:
        self.profile = profile
        self.private = _private(target.arguments[argument])
        self._argument = argument
        self._starts: dict[str, int] = {}  # of the bins of each column
        size = 0
        for name, column in profile.columns.items():
            self._starts[name] = size
            size += len(column.shares)
        self._inputs = [
            (name, self._starts[name], column)
            for name, column in profile.columns.items()
            if name != PREDICTION
        ]
        self._last_columns: tuple[Any, Any] = None, ()  # of the last table, and their order
        self._prediction = profile.columns.get(PREDICTION)
        self._window = Window(size, seconds)

    def bins_of(self, values: Mapping[str, Any]) -> Bins | None:
        """Return the bin of each cell of a request's table; None if the target will reject it."""
        try:
            return self._bins_of(values[self._argument])
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None

    def _bins_of(self, table: Any) -> Bins:
        rows = len(table)
        if rows <= FEW_ROWS:
            return self._bins_of_few(table)
        if rows > MAX_ROWS:
            table = table.iloc[:: -(-rows // MAX_ROWS)]
        return np.concatenate(
            [start + column.bins_of(table[name]) for name, start, column in self._inputs]
        )

    def add(self, version: str, bins: Bins, result: Any) -> None:
        """Count a request, and its predictions, for a version."""
        column, cells = self._prediction, _predictions(result)
        if column is not None and cells is not None:
            start = self._starts[PREDICTION]
            if isinstance(bins, list):
                bins += [start + column.bin_of(cell) for cell in cells[:FEW_ROWS].tolist()]
            else:
                step = -(-len(cells) // MAX_ROWS) or 1
                bins = np.concatenate([bins, start + column.bins_of(cells[::step])])
        self._window.add(version, bins)

    def drift(self) -> dict[str, dict[str, Drift]]:
        """Return the drift of each column in the window, by version."""
        counts = self.counts().items()
        return {version: drift_of(self.profile, columns) for version, columns in counts}

    def counts(self) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
        """Return the counts in the bins of each column in the window, by version."""
        columns = self.profile.columns.items()
        return {
            version: {
                name: counts[self._starts[name] : self._starts[name] + len(column.shares)]
                for name, column in columns
            }
            for version, counts in self._window.sums().items()
        }

    def _bins_of_few(self, table: Any) -> list[int]:
        """Do the same without NumPy, which takes as long for one row as for a thousand."""
        columns, order = self._last_columns
        if columns is None or not table.columns.is_(columns):
            columns = table.columns
            positions = {name: position for position, name in enumerate(columns.tolist())}
            order = [
                (positions[name], start, column.edges if column.is_number else None, column)
                for name, start, column in self._inputs
            ]
            self._last_columns = columns, order
        return [
            start + 1 + bisect_left(edges, cell)
            if type(cell := row[position]) is float and cell == cell and edges is not None  # noqa: PLR0124
            else start + column.bin_of(cell)
            for row in table.to_numpy().tolist()
            for position, start, edges, column in order
        ]


class _Current:
    """The counters of the last service that this process has created, by target and version."""

    registry: Registry | None = None
    observer: CallObserver | None = None
    counters: Mapping[tuple[str, str], TargetCounter] = {}


def make_observer(registry: Registry) -> CallObserver | None:
    """Return the observer of targets whose model has a profile; None if no model has one."""
    _Current.registry, _Current.observer, _Current.counters = registry, None, {}
    seconds = DriftSettings.from_env().seconds
    if not seconds:
        return None
    counters: dict[tuple[str, str], TargetCounter] = {}
    for version, version_registry in {_CURRENT: registry, **registry.others}.items():
        counters |= {
            (target.route, version): TargetCounter(profile, target, argument, seconds)
            for target, argument, profile in _profiled(version_registry)
        }
        if version and not any(version == name for _, name in counters):
            _log.warning("no drift is counted for %s, as its model has no profile", version)
    if not counters:
        _log.warning("MMF_DRIFT_SECONDS is set, but no model has a profile: see docs/drift.md")
        return None
    _Current.counters, _Current.observer = counters, _observer(counters, (*registry.others,))
    return _Current.observer


def task_observer(registry: Registry) -> CallObserver | None:
    """Return the same observer for tasks, which are counted together with the requests."""
    return _Current.observer if _Current.registry is registry else None


def _observer(
    counters: Mapping[tuple[str, str], TargetCounter], others: tuple[str, ...]
) -> CallObserver:
    """Return the observer, which counts a call for its version once that has responded."""

    def observe(target: Target, values: Mapping[str, Any]) -> CallReport | None:
        binned = {}
        for version in (_CURRENT, *others):
            counter = counters.get((target.route, version))
            if counter is not None and (bins := counter.bins_of(values)) is not None:
                binned[version] = counter, bins
        if not binned:
            return None

        def report(context: RequestContext, result: Any, error: MMFError | None) -> None:
            version = context.model_version
            counted = binned.get(version if version in others else _CURRENT)
            if error is None and counted is not None:
                counter, bins = counted
                counter.add(version, bins, result)

        return report

    return observe


def counters() -> Mapping[tuple[str, str], TargetCounter]:
    """Return the counters, by target and version."""
    return _Current.counters


def gauges() -> Iterator[Gauge]:
    """Yield the index and the p-value of each column."""
    drifts = {
        (route, version, column): drift
        for (route, _), counter in _Current.counters.items()
        for version, columns in counter.drift().items()
        for column, drift in columns.items()
    }
    if not drifts:
        return
    labels = ("target", "version", "column")
    yield Gauge(
        "mmf_drift_psi",
        "Population stability index of a column in the window, against the model's reference.",
        labels,
        {key: drift.psi for key, drift in drifts.items()},
    )
    yield Gauge(
        "mmf_drift_p_value",
        "The p-value of the difference, corrected for the number of columns.",
        labels,
        {key: drift.p_value for key, drift in drifts.items()},
    )


def _private(table: Any) -> set[str]:
    return {name for name, column in table.columns.items() if column.private}


def _profiled(registry: Registry) -> Iterator[tuple[Target, str, Profile]]:
    """Yield the targets with a table that has the columns of a profile."""
    profiles = [
        profile
        for artifact in registry.artifacts.values()
        if (profile := _of(artifact, registry.folder))
    ]
    for target in registry.targets.values():
        for argument, table in target.arguments.items():
            names = table.columns if isinstance(table, DataFrame) else {}
            for profile in profiles:
                own = profile.only(names)
                is_counted = not (target.is_stream or target.trains)
                if own.columns.keys() - {PREDICTION} and is_counted:
                    yield target, argument, own
                    break


def _of(artifact: Artifact, folder: Path) -> Profile | None:
    """Return an artifact's profile; None, and a warning, if it belongs to another file."""
    file = file_name(artifact.file) if is_uri(artifact.file) else artifact.file
    path = profile_of(folder / file)
    if not path.exists():
        return None
    try:
        profile = read(path)
        is_own = profile.sha256 in ("", sha256_of(artifact.path))
    except (ArtifactError, OSError) as error:
        _log.warning("no drift is counted for %s: %s", file, error)
        return None
    if is_own:
        return profile
    _log.warning("%s does not belong to %s: save the model with reference=", path, file)
    return None


def _predictions(result: Any) -> Any:
    """Return the column of predictions of a result; None if it is ambiguous."""
    if isinstance(result, NumberTable):
        return result.array[:, 0] if len(result.names) == 1 else None
    if hasattr(result, "columns"):
        if "prediction" in result.columns:
            return result["prediction"]
        return result.iloc[:, 0] if result.shape[1] == 1 else None
    return result if getattr(result, "ndim", 0) == 1 else None
