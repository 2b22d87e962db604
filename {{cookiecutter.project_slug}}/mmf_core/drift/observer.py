"""What counts the tables that targets get, and their predictions, in the bins of profiles."""

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
from ..registry import Registry
from ..stores import file_name, is_uri
from ..stores.digests import sha256_of
from ..target import Target
from ..web.observed_calls import Answered, CallObserver
from ..web.request_context import RequestContext
from .comparison import Drift, drift_of
from .profile import PREDICTION, Profile, as_numbers, path_of, read
from .settings import DriftSettings
from .window import Window

MOST_ROWS = 1_000
"""Of a table that are counted, spread over all of it."""
_log = logging.getLogger("mmf.drift")


class TargetCounter:
    """Counts the tables of one target, and its predictions."""

    def __init__(self, profile: Profile, argument: str, seconds: float) -> None:
        self.profile = profile
        self._argument = argument
        inputs = {name: each for name, each in profile.columns.items() if name != PREDICTION}
        self._numbers = [name for name, each in inputs.items() if each.is_number]
        self._others = [name for name, each in inputs.items() if not each.is_number]
        self._prediction = profile.columns.get(PREDICTION)
        names = [*self._numbers, *self._others, *([PREDICTION] if self._prediction else [])]
        sizes = [len(profile.columns[name].shares) for name in names]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self._places = {
            name: slice(*pair) for name, *pair in zip(names, starts, starts[1:], strict=False)
        }
        self._size = int(starts[-1])
        edges = [profile.columns[name].edges for name in self._numbers]
        width = max(map(len, edges), default=0)
        padded = [[*each, *[np.inf] * (width - len(each))] for each in edges]
        self._edges = np.array(padded).reshape(len(edges), width)
        self._starts = starts[: len(edges)]
        self._window = Window(self._size, seconds)

    def count(self, values: Mapping[str, Any]) -> np.ndarray[Any, Any] | None:
        """Return the counts of a request's table; None if it has none with these columns."""
        table = values.get(self._argument)
        if table is None or not hasattr(table, "iloc"):
            return None
        if len(table) > MOST_ROWS:
            table = table.iloc[:: -(-len(table) // MOST_ROWS)]
        if self._numbers:
            places = self._starts + self._bins(table)
            counts = np.bincount(places.ravel(), minlength=self._size)
        else:
            counts = np.zeros(self._size, dtype=np.int64)
        for name in self._others:
            counts[self._places[name]] += self.profile.columns[name].count(table[name])
        return counts

    def add(self, version: str, counts: np.ndarray[Any, Any], result: Any) -> None:
        """Add the counts of a request, and its predictions, to those of a version."""
        if self._prediction and (cells := _predictions(result)) is not None:
            step = -(-len(cells) // MOST_ROWS) or 1
            counts[self._places[PREDICTION]] += self._prediction.count(cells[::step])
        self._window.add(version, counts)

    def drift(self) -> dict[str, dict[str, Drift]]:
        """Return the drift of each column in the window, by version."""
        return {
            version: drift_of(
                self.profile, {name: counts[place] for name, place in self._places.items()}
            )
            for version, counts in self._window.sums().items()
        }

    def _bins(self, table: Any) -> np.ndarray[Any, Any]:
        """Return the bin of each number, in the order of `_numbers`: 0 is that of empty cells."""
        if table.columns.tolist() != self._numbers:
            table = table[self._numbers]
        block = table.to_numpy()
        if block.dtype.kind not in "iuf":
            block = np.column_stack([as_numbers(table[name]) for name in self._numbers])
        bins: np.ndarray[Any, Any] = 1 + (block[:, :, None] > self._edges).sum(axis=2)
        bins -= np.isnan(block)
        return bins


class _Current:
    """The counters of the service that this process has made last."""

    counters: Mapping[str, TargetCounter] = {}


def make_observer(registry: Registry) -> CallObserver | None:
    """Return what counts the calls of targets whose model has a profile; None if none has."""
    _Current.counters = {}
    seconds = DriftSettings.from_env().seconds
    if not seconds:
        return None
    counters = {
        route: TargetCounter(profile, argument, seconds)
        for route, argument, profile in _profiled(registry)
    }
    if not counters:
        _log.warning("MMF_DRIFT_SECONDS is set, but no model has a profile: see docs/drift.md")
        return None
    _Current.counters = counters

    def observe(target: Target, values: Mapping[str, Any]) -> Answered | None:
        counter = counters.get(target.route)
        if counter is None or (counts := counter.count(values)) is None:
            return None

        def report(context: RequestContext, result: Any, error: MMFError | None) -> None:
            if error is None:
                counter.add(context.model_version, counts, result)

        return report

    return observe


def gauges() -> Iterator[Gauge]:
    """Yield the distance and the p-value of each column."""
    drift = {
        (route, version, column): each
        for route, counter in _Current.counters.items()
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


def _profiled(registry: Registry) -> Iterator[tuple[str, str, Profile]]:
    """Yield the targets with a table that has the columns of a profile."""
    profiles = [
        profile for each in registry.artifacts.values() if (profile := _of(each, registry.folder))
    ]
    for route, target in registry.targets.items():
        for argument, table in target.arguments.items():
            names = table.columns if isinstance(table, DataFrame) else {}
            for profile in profiles:
                known = profile.only(names)
                if known.columns.keys() - {PREDICTION} and target.has_single_result:
                    yield route, argument, known
                    break


def _of(artifact: Artifact, folder: Path) -> Profile | None:
    """Return an artifact's profile; None, and a line in the log, if it is another file's."""
    file = file_name(artifact.file) if is_uri(artifact.file) else artifact.file
    path = path_of(folder / file)
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
