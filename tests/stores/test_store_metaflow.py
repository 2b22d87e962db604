"""metaflow://Flow/RUN/name: a run's artifact as a file; examples/metaflow uses Metaflow itself."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
from mmf_core.artifact_commands.files import lock_file
from mmf_core.errors import ArtifactError, MissingPackage, StoreError
from mmf_core.stores import cache, lockfile

URI = "metaflow://WineFlow/latest_successful/model"


class MetaflowException(Exception):
    """As in metaflow.exception."""

    headline = "Flow failed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass
class Artifact:
    """A DataArtifact: unpickled whenever it is read."""

    value: Any

    @property
    def data(self) -> Any:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@dataclass
class Run:
    """A run, and its end task unless it has failed."""

    id: str
    artifacts: dict[str, Any] | None
    finished_at: datetime = field(default_factory=lambda: datetime(2026, 12, 1, 2, 3, 4))

    @property
    def end_task(self) -> dict[str, Artifact] | None:
        if self.artifacts is None:
            return None
        return {name: Artifact(value) for name, value in self.artifacts.items()}


@pytest.fixture
def runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Run]]:  # noqa: ARG001
    """Yield the runs of WineFlow, oldest first, in a stand-in for metaflow."""
    runs: list[Run] = []

    class Flow:
        def __init__(self, name: str) -> None:
            if name != "WineFlow":
                raise MetaflowException(f"Flow({name!r}) does not exist")

        @property
        def latest_run(self) -> Run | None:
            return runs[-1] if runs else None

        @property
        def latest_successful_run(self) -> Run | None:
            return next((run for run in reversed(runs) if run.artifacts is not None), None)

        def __getitem__(self, number: str) -> Run:
            return {run.id: run for run in runs}[number]

    metaflow, exceptions = ModuleType("metaflow"), ModuleType("metaflow.exception")
    metaflow.namespace = lambda _: None  # type: ignore[attr-defined]
    metaflow.Flow = Flow  # type: ignore[attr-defined]
    exceptions.MetaflowException = MetaflowException  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "metaflow", metaflow)
    monkeypatch.setitem(sys.modules, "metaflow.exception", exceptions)
    yield runs
    cache.release_all()


def model(slope: float) -> LinearRegression:
    return LinearRegression().fit([[1.0], [2.0]], [slope, 2 * slope])


def slope(uri: str = URI) -> float:
    """Return the slope of the model at a URI, loaded as in main.py."""
    loaded: float = mmf.Registry().artifact(uri).load().coef_[0]
    return round(loaded, 6)


def test_latest_successful_run_is_resolved_at_each_start(runs: list[Run]) -> None:
    runs += [Run("1", {"model": model(3)}), Run("2", None)]
    assert slope() == 3
    runs.append(Run("3", {"model": model(4)}))
    assert slope() == 4
    assert slope("metaflow://WineFlow/1/model") == 3
    assert slope("metaflow://WineFlow/latest/model") == 4


def test_locked_run_works_without_metaflow(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.append(Run("1", {"model": model(3)}))
    lock_file(URI)
    entry = lockfile.read()[URI]
    assert entry.format == "joblib"
    assert "scikit-learn" in entry.made_with
    runs.append(Run("2", {"model": model(4)}))
    monkeypatch.setattr(sys.modules["metaflow"], "Flow", None)
    assert slope() == 3


def test_bytes_are_a_file_whose_suffix_is_the_format(runs: list[Run]) -> None:
    runs.append(Run("1", {"words": b"red\nwhite\n"}))
    artifact = mmf.Registry().artifact("metaflow://WineFlow/1/words.txt")
    artifact.verify()
    assert artifact.path.name == "words.txt"
    assert artifact.path.read_bytes() == b"red\nwhite\n"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("metaflow://WineFlow/model", "expected metaflow://Flow/RUN/name"),
        ("metaflow://WineFlow/1/2/model", "expected metaflow://Flow/RUN/name"),
        ("metaflow://WineFlow//model", "expected metaflow://Flow/RUN/name"),
        ("metaflow://Wine/latest/model", r"Flow failed: Flow\('Wine'\) does not exist"),
        ("metaflow://WineFlow/7/model", "Metaflow has no 7"),
        ("metaflow://WineFlow/2/model", "no finished run WineFlow/2"),
        ("metaflow://WineFlow/1/words", "Metaflow has no words"),
        ("metaflow://WineFlow/3/model", "Flow failed: access denied"),
    ],
)
def test_missing_runs_and_artifacts_are_named(runs: list[Run], uri: str, message: str) -> None:
    runs += [
        Run("1", {"model": model(3)}),
        Run("2", None),
        Run("3", {"model": MetaflowException("access denied")}),
    ]
    with pytest.raises(StoreError, match=message):
        slope(uri)


def test_flow_without_runs_is_an_error(runs: list[Run]) -> None:
    assert not runs
    with pytest.raises(StoreError, match="no finished run WineFlow/latest_successful"):
        slope()


def test_missing_metaflow_names_the_pip_command(
    folder: Path,  # noqa: ARG001
    without: Callable[..., None],
) -> None:
    without("metaflow")
    with pytest.raises(MissingPackage, match="pip install metaflow"):
        slope()


def test_push_is_rejected(runs: list[Run]) -> None:  # noqa: ARG001
    with pytest.raises(ArtifactError, match="already in a store"):
        mmf_push(URI)


def mmf_push(uri: str) -> None:
    from mmf_core.artifact_commands.files import push_file

    push_file(uri)
