"""The observer that counts the inputs and predictions of targets in the bins of profiles.

Each version has the profile of its own model's training data.
"""

from __future__ import annotations

import logging
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
from .bins import Array, TableBins
from .buffer import CallBuffer
from .comparison import Drift, drift_of
from .profile import PREDICTION, Profile, read
from .settings import DriftSettings
from .window import Window

MAX_ROWS = 1_000
"""Rows of a table that are counted, spread over all of it."""
FEW_ROWS = 16
"""Rows of a table that is counted together with others."""
MAX_LENGTH = 100
"""Characters of a text that waits to be counted."""
_CURRENT = ""
"""A placeholder for the current version, whose name is only known from its response."""
_log = logging.getLogger("mmf.drift")


class TargetCounter:
    """Counts the tables of one target, and its predictions."""

    def __init__(
        self, profile: Profile, target: Target, argument: str, seconds: float, buffer: CallBuffer
    ) -> None:
        self.profile = profile
        self.private = _private(target.arguments[argument])
        self._argument = argument
        self._buffer = buffer
        self._bins = TableBins(profile.columns)
        self._last_columns: tuple[Any, Any] = None, ()  # of the last table, and where inputs are
        self._window = Window(self._bins.size, seconds)

    def cells_of(self, values: Mapping[str, Any]) -> Array | None:
        """Return what is counted of a request's table; None if the target will reject it.

        That is a copy of the cells of a few rows, or the bins of a larger table.
        """
        try:
            table = values[self._argument]
            rows = len(table)
            if rows <= FEW_ROWS:
                return self._copied(table)
            if rows > MAX_ROWS:
                table = table.iloc[:: -(-rows // MAX_ROWS)]
            return self._bins.of_columns([table[name] for name in self._bins.inputs])
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None

    def add(self, version: str, cells: Array, result: Any) -> None:
        """Count a request, and its predictions, for a version."""
        has_predictions = self._bins.has_predictions
        if cells.ndim > 1:
            few = _few_predictions(result) if has_predictions else None
            self._buffer.add((self, version, cells, few))
            return
        predictions = _predictions(result) if has_predictions else None
        if predictions is not None:
            step = -(-len(predictions) // MAX_ROWS) or 1
            cells = np.concatenate([cells, self._bins.of_predictions(predictions[::step])])
        self._window.add(version, cells)

    def count(self, version: str, cells: Array, predictions: Array | None) -> None:
        """Count rows of cells of the inputs, and predictions, for a version."""
        bins = self._bins.of_rows(cells)
        if predictions is not None:
            bins = np.concatenate([bins, self._bins.of_predictions(predictions)])
        self._window.add(version, bins)

    def drift(self) -> dict[str, dict[str, Drift]]:
        """Return the drift of each column in the window, by version."""
        counts = self.counts().items()
        return {version: drift_of(self.profile, columns) for version, columns in counts}

    def counts(self) -> dict[str, dict[str, Array]]:
        """Return the counts in the bins of each column in the window, by version."""
        self._buffer.count()
        sums = self._window.sums().items()
        return {version: self._bins.by_column(counts) for version, counts in sums}

    def _copied(self, table: Any) -> Array:
        """Return the cells of the inputs, by row: the target may change its table."""
        columns, positions = self._last_columns
        if columns is None or not table.columns.is_(columns):
            columns = table.columns
            by_name = {name: position for position, name in enumerate(columns.tolist())}
            positions = np.array([by_name[name] for name in self._bins.inputs])
            self._last_columns = columns, positions
        cells = table.values.take(positions, axis=1)  # to_numpy takes longer
        return _small(cells) if cells.dtype.kind == "O" else cells  # type: ignore[no-any-return]


def _small_cell(cell: Any) -> Any:
    """Return a cell to buffer: long texts are cut, and lists, which could change, become texts."""
    return str(cell)[:MAX_LENGTH] if hasattr(cell, "__len__") else cell


_small = np.frompyfunc(_small_cell, 1, 1)


class _Current:
    """The counters of the last service that this process has created, by target and version."""

    registry: Registry | None = None
    observer: CallObserver | None = None
    counters: Mapping[tuple[str, str], TargetCounter] = {}
    buffer: CallBuffer | None = None


def make_observer(registry: Registry) -> CallObserver | None:
    """Return the observer of targets whose model has a profile; None if no model has one."""
    _Current.registry, _Current.observer, _Current.counters = registry, None, {}
    seconds = DriftSettings.from_env().seconds
    if not seconds:
        return None
    counters: dict[tuple[str, str], TargetCounter] = {}
    buffer = CallBuffer()
    for version, version_registry in {_CURRENT: registry, **registry.others}.items():
        counters |= {
            (target.route, version): TargetCounter(profile, target, argument, seconds, buffer)
            for target, argument, profile in _profiled(version_registry)
        }
        if version and not any(version == name for _, name in counters):
            _log.warning("no drift is counted for %s, as its model has no profile", version)
    if not counters:
        _log.warning("MMF_DRIFT_SECONDS is set, but no model has a profile: see docs/drift.md")
        return None
    _Current.counters, _Current.observer = counters, _observer(counters, (*registry.others,))
    _Current.buffer = buffer
    return _Current.observer


def task_observer(registry: Registry) -> CallObserver | None:
    """Return the same observer for tasks, which are counted together with the requests."""
    return _Current.observer if _Current.registry is registry else None


def _observer(
    counters: Mapping[tuple[str, str], TargetCounter], others: tuple[str, ...]
) -> CallObserver:
    """Return the observer, which counts a call for its version once that has responded."""
    by_target: dict[str, dict[str, TargetCounter]] = {}
    for (route, version), counter in counters.items():
        by_target.setdefault(route, {})[version] = counter

    def observe(target: Target, values: Mapping[str, Any]) -> CallReport | None:
        copies = {}
        for version, counter in by_target.get(target.route, {}).items():
            if (cells := counter.cells_of(values)) is not None:
                copies[version] = counter, cells
        if not copies:
            return None

        def report(context: RequestContext, result: Any, error: MMFError | None) -> None:
            version = context.model_version
            copy = copies.get(version if version in others else _CURRENT)
            if error is None and copy is not None:
                counter, cells = copy
                counter.add(version, cells, result)

        return report

    return observe


def count_buffered() -> None:
    """Count the calls that this process, which ends, has buffered."""
    if _Current.buffer is not None:
        _Current.buffer.count()


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


def _few_predictions(result: Any) -> Array | None:
    """Return the predictions of FEW_ROWS, which nobody changes."""
    if type(result) is NumberTable and len(result.array) <= FEW_ROWS:  # a copy already
        return result.array if len(result.names) == 1 else None
    predictions = _predictions(result)
    if predictions is None:
        return None
    copy = np.array(predictions[:FEW_ROWS])
    return _small(copy) if copy.dtype.kind == "O" else copy


def _predictions(result: Any) -> Any:
    """Return the column of predictions of a result; None if it is ambiguous."""
    if isinstance(result, NumberTable):
        return result.array[:, 0] if len(result.names) == 1 else None
    if hasattr(result, "columns"):
        if "prediction" in result.columns:
            return result["prediction"]
        return result.iloc[:, 0] if result.shape[1] == 1 else None
    return result if getattr(result, "ndim", 0) == 1 else None
