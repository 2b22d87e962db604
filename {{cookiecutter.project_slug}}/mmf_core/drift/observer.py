"""What counts the tables that targets get, and their predictions, in the bins of profiles.

Each version has the profile of its own model: what it was trained on.
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
from .window import Places, Window

MOST_ROWS = 1_000
"""Of a table that are counted, spread over all of it."""
FEW_ROWS = 16
_IN_USE = ""
"""What stands for the name of the version in use, which is not known before it answers."""
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
        self._known: tuple[Any, Any] = None, ()  # the columns of the last table, and their order
        self._prediction = profile.columns.get(PREDICTION)
        self._window = Window(size, seconds)

    def places(self, values: Mapping[str, Any]) -> Places | None:
        """Return the bin of each cell of a request's table; None if the target will reject it."""
        try:
            return self._places(values[self._argument])
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None

    def _places(self, table: Any) -> Places:
        rows = len(table)
        if rows <= FEW_ROWS:
            return self._places_of_few(table)
        if rows > MOST_ROWS:
            table = table.iloc[:: -(-rows // MOST_ROWS)]
        return np.concatenate(
            [start + column.places(table[name]) for name, start, column in self._inputs]
        )

    def add(self, version: str, places: Places, result: Any) -> None:
        """Count a request, and its predictions, for a version."""
        column, cells = self._prediction, _predictions(result)
        if column is not None and cells is not None:
            start = self._starts[PREDICTION]
            if isinstance(places, list):
                places += [start + column.place(cell) for cell in cells[:FEW_ROWS].tolist()]
            else:
                step = -(-len(cells) // MOST_ROWS) or 1
                places = np.concatenate([places, start + column.places(cells[::step])])
        self._window.add(version, places)

    def drift(self) -> dict[str, dict[str, Drift]]:
        """Return the drift of each column in the window, by version."""
        return {version: drift_of(self.profile, each) for version, each in self.counts().items()}

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

    def _places_of_few(self, table: Any) -> list[int]:
        """Do the same without NumPy, which takes as long for one row as for a thousand."""
        columns, order = self._known
        if columns is None or not table.columns.is_(columns):
            columns = table.columns
            places = {name: place for place, name in enumerate(columns.tolist())}
            order = [
                (places[name], start, column.edges if column.is_number else None, column)
                for name, start, column in self._inputs
            ]
            self._known = columns, order
        return [
            start + 1 + bisect_left(edges, cell)
            if type(cell := row[place]) is float and cell == cell and edges is not None  # noqa: PLR0124
            else start + column.place(cell)
            for row in table.to_numpy().tolist()
            for place, start, edges, column in order
        ]


class _Current:
    """What the service counts that this process has made last, by target and version."""

    registry: Registry | None = None
    observer: CallObserver | None = None
    counters: Mapping[tuple[str, str], TargetCounter] = {}


def make_observer(registry: Registry) -> CallObserver | None:
    """Return what counts the calls of targets whose model has a profile; None if none has."""
    _Current.registry, _Current.observer, _Current.counters = registry, None, {}
    seconds = DriftSettings.from_env().seconds
    if not seconds:
        return None
    counters: dict[tuple[str, str], TargetCounter] = {}
    for version, each in {_IN_USE: registry, **registry.others}.items():
        counters |= {
            (target.route, version): TargetCounter(profile, target, argument, seconds)
            for target, argument, profile in _profiled(each)
        }
        if version and not any(version == name for _, name in counters):
            _log.warning("no drift is counted for %s, as its model has no profile", version)
    if not counters:
        _log.warning("MMF_DRIFT_SECONDS is set, but no model has a profile: see docs/drift.md")
        return None
    _Current.counters, _Current.observer = counters, _observer(counters, (*registry.others,))
    return _Current.observer


def task_observer(registry: Registry) -> CallObserver | None:
    """Return the same for tasks, which are counted beside the requests."""
    return _Current.observer if _Current.registry is registry else None


def _observer(
    counters: Mapping[tuple[str, str], TargetCounter], others: tuple[str, ...]
) -> CallObserver:
    """Return what counts a call for the version that answers it, which is known afterwards."""

    def observe(target: Target, values: Mapping[str, Any]) -> CallReport | None:
        placed = {}
        for version in (_IN_USE, *others):
            counter = counters.get((target.route, version))
            if counter is not None and (places := counter.places(values)) is not None:
                placed[version] = counter, places
        if not placed:
            return None

        def report(context: RequestContext, result: Any, error: MMFError | None) -> None:
            answered = context.model_version
            found = placed.get(answered if answered in others else _IN_USE)
            if error is None and found is not None:
                counter, places = found
                counter.add(answered, places, result)

        return report

    return observe


def counted() -> Mapping[tuple[str, str], TargetCounter]:
    """Return what is counted, by target and version."""
    return _Current.counters


def gauges() -> Iterator[Gauge]:
    """Yield the distance and the p-value of each column."""
    drift = {
        (route, version, column): each
        for (route, _), counter in _Current.counters.items()
        for version, columns in counter.drift().items()
        for column, each in columns.items()
    }
    if not drift:
        return
    labels = ("target", "version", "column")
    yield Gauge(
        "mmf_drift_psi",
        "Population stability index of a column in the window, against the model's reference.",
        labels,
        {key: each.psi for key, each in drift.items()},
    )
    yield Gauge(
        "mmf_drift_p_value",
        "How likely chance explains it, corrected for the number of columns.",
        labels,
        {key: each.p_value for key, each in drift.items()},
    )


def _private(table: Any) -> set[str]:
    return {name for name, column in table.columns.items() if column.private}


def _profiled(registry: Registry) -> Iterator[tuple[Target, str, Profile]]:
    """Yield the targets with a table that has the columns of a profile."""
    profiles = [
        profile for each in registry.artifacts.values() if (profile := _of(each, registry.folder))
    ]
    for target in registry.targets.values():
        for argument, table in target.arguments.items():
            names = table.columns if isinstance(table, DataFrame) else {}
            for profile in profiles:
                known = profile.only(names)
                is_counted = not (target.is_stream or target.trains)
                if known.columns.keys() - {PREDICTION} and is_counted:
                    yield target, argument, known
                    break


def _of(artifact: Artifact, folder: Path) -> Profile | None:
    """Return an artifact's profile; None, and a line in the log, if it is another file's."""
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
    _log.warning("%s is not that of %s: save the model with reference=", path, file)
    return None


def _predictions(result: Any) -> Any:
    """Return the column of predictions of a result; None if it is not known which."""
    if isinstance(result, NumberTable):
        return result.array[:, 0] if len(result.names) == 1 else None
    if hasattr(result, "columns"):
        if "prediction" in result.columns:
            return result["prediction"]
        return result.iloc[:, 0] if result.shape[1] == 1 else None
    return result if getattr(result, "ndim", 0) == 1 else None
