"""Artifacts: declarations, as a replacement for open(), with a loader, and with load()."""

import pickle
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path
from types import ModuleType
from typing import IO

import pytest

from mmf_core.artifact import Artifact
from mmf_core.errors import ArtifactError, DeclarationError
from mmf_core.registry import Registry, load

MODEL = {"weights": [1.5, 2.0]}
LOADER = """
import pickle
import mmf_core as mmf

calls = []

@mmf.artifact("model", name="Model", description="of wines")
def model():
    calls.append(1)
    with open("model", "br") as f:
        return pickle.load(f)

alias = model

@mmf.target(returns=mmf.Float())
def score(place=mmf.Integer()):
    return model["weights"][place]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with a model file in it."""
    (tmp_path / "model").write_bytes(pickle.dumps(MODEL))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def project(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    default_registry: Registry,  # noqa: ARG001 - the project declares into it
) -> Callable[[str], ModuleType]:
    """Yield a function that writes a module and loads it."""
    monkeypatch.syspath_prepend(folder)

    def make(text: str) -> ModuleType:
        (folder / "artifact_project.py").write_text(text)
        monkeypatch.delitem(sys.modules, "artifact_project", raising=False)
        load("artifact_project")
        return sys.modules["artifact_project"]

    yield make  # type: ignore[misc]
    sys.modules.pop("artifact_project", None)


@pytest.mark.usefixtures("folder")
def test_artifact_without_loader_counts_as_loaded(registry: Registry) -> None:
    artifact = registry.artifact("model")
    assert artifact.is_loaded
    assert artifact.ensure_loaded() is None
    registry.load_artifacts()
    assert registry.is_ready


@pytest.mark.usefixtures("folder")
def test_context_manager_opens_and_closes_the_file(registry: Registry) -> None:
    with registry.artifact("model", "br") as file:
        assert pickle.load(file) == MODEL
        assert not file.closed
    assert file.closed


def test_context_manager_passes_options_to_open(registry: Registry, folder: Path) -> None:
    (folder / "words.txt").write_bytes("Ёж\r\nЩи".encode("cp1251"))
    with registry.artifact(folder / "words.txt", encoding="cp1251", newline="") as file:
        assert file.read() == "Ёж\r\nЩи"


@pytest.mark.usefixtures("folder")
def test_file_is_closed_after_an_exception(registry: Registry) -> None:
    opened = []
    with pytest.raises(ZeroDivisionError), registry.artifact("model", "rb") as file:  # noqa: PT012
        opened.append(file)
        raise ZeroDivisionError
    assert opened[0].closed


@pytest.mark.usefixtures("folder")
def test_each_thread_has_its_own_file(registry: Registry) -> None:
    artifact = registry.artifact("model", "rb")
    both_open, first_left = threading.Barrier(2), threading.Event()

    def leave_first() -> None:
        with artifact as file:
            both_open.wait()
        opened["first"] = file
        first_left.set()

    def leave_second() -> None:
        with artifact as file:
            both_open.wait()
            first_left.wait()
            assert pickle.load(file) == MODEL
        opened["second"] = file

    opened: dict[str, IO[bytes]] = {}
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(leave_first), pool.submit(leave_second)]:
            future.result(timeout=10)
    assert opened["first"] is not opened["second"]
    assert all(file.closed for file in opened.values())


@pytest.mark.usefixtures("folder")
def test_context_managers_nest(registry: Registry) -> None:
    artifact = registry.artifact("model", "rb")
    with artifact as outer:
        with artifact as inner:
            assert pickle.load(inner) == MODEL
        assert inner.closed
        assert pickle.load(outer) == MODEL
    assert outer.closed


def test_unloaded_artifact_explains_how_to_load_it(registry: Registry) -> None:
    artifact = registry.artifact("model.joblib")
    with pytest.raises(AttributeError, match=r"has no 'predict': it is not loaded; write .*load"):
        artifact.predict([1])
    assert not hasattr(artifact, "predict")
    assert not hasattr(copy(artifact), "predict")


def test_load_selects_the_format_by_suffix(registry: Registry, folder: Path) -> None:
    (folder / "model.pkl").write_bytes(pickle.dumps(MODEL))
    assert registry.artifact("model.pkl").load() == MODEL


def test_load_artifacts_replaces_the_name_with_the_object(
    project: Callable[[str], ModuleType], default_registry: Registry
) -> None:
    module = project(LOADER)
    assert not default_registry.is_ready
    default_registry.load_artifacts()
    assert default_registry.is_ready
    assert type(module.model) is dict
    assert module.model == MODEL
    assert module.score(1) == 2.0
    assert module.alias["weights"] is module.model["weights"]


def test_loads_on_first_use(
    project: Callable[[str], ModuleType], default_registry: Registry
) -> None:
    module = project(LOADER)
    assert module.calls == []
    assert module.score(0) == 1.5
    assert default_registry.is_ready
    assert type(module.model) is dict
    assert module.calls == [1]


def test_loads_once(project: Callable[[str], ModuleType], default_registry: Registry) -> None:
    module = project(LOADER)
    default_registry.load_artifacts()
    default_registry.load_artifacts()
    assert module.alias == module.model
    assert module.calls == [1]


def test_concurrent_first_uses_load_once() -> None:
    calls: list[int] = []
    together = threading.Barrier(8)
    waiting = threading.Event()

    def slow() -> object:
        calls.append(1)
        waiting.wait(0.2)
        return object()

    artifact = Artifact("anything")
    artifact(slow)

    def use(_: int) -> object:
        together.wait()
        return artifact.ensure_loaded()

    with ThreadPoolExecutor(8) as pool:
        objects = list(pool.map(use, range(8)))
    assert len(calls) == 1
    assert len({id(loaded) for loaded in objects}) == 1


def test_meta_needs_no_file(
    project: Callable[[str], ModuleType], default_registry: Registry, folder: Path
) -> None:
    (folder / "model").unlink()
    module = project(LOADER)
    meta = default_registry.meta()
    assert meta["artifacts"] == [{"file": "model", "name": "Model", "description": "of wines"}]
    assert module.calls == []
    assert not default_registry.is_ready


@pytest.mark.parametrize("value", [None, 0, False, "", [1]])
def test_loader_may_return_any_value(value: object) -> None:
    calls: list[int] = []

    def loader() -> object:
        calls.append(1)
        return value

    artifact = Artifact("anything")
    artifact(loader)
    assert not artifact.is_loaded
    assert artifact.ensure_loaded() is value
    assert artifact.ensure_loaded() is value
    assert artifact.is_loaded
    assert len(calls) == 1


def test_reassigned_name_is_not_replaced(
    project: Callable[[str], ModuleType], default_registry: Registry
) -> None:
    module = project(LOADER + "\nmodel = 'mine'\n")
    default_registry.load_artifacts()
    assert module.model == "mine"
    assert module.alias == MODEL


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("bad weights"), "ValueError: bad weights"),
        (FileNotFoundError(2, "No such file", "vocabulary.txt"), "vocabulary.txt not found"),
        (FileNotFoundError("nothing"), "model.bin not found"),
        (ImportError("no xgboost"), "no xgboost"),
        (ArtifactError("said by the loader"), "^said by the loader$"),
    ],
)
def test_failing_loader_raises_artifact_error_with_the_reason(
    error: Exception, message: str, registry: Registry
) -> None:
    def loader() -> None:
        raise error

    registry.artifact("model.bin")(loader)
    for _ in range(2):  # it may be fixed and retried
        with pytest.raises(ArtifactError, match=message):
            registry.load_artifacts()
    assert not registry.is_ready


@pytest.mark.parametrize("use", ["load_artifacts", "load", "with"])
def test_missing_file_is_named(use: str, registry: Registry, tmp_path: Path) -> None:
    artifact = registry.artifact(tmp_path / "absent.pkl")
    with pytest.raises(ArtifactError, match=r"absent\.pkl not found"):
        _use(artifact, use, registry)


def _use(artifact: Artifact, use: str, registry: Registry) -> None:
    if use == "load_artifacts":
        registry.load_artifacts()
    elif use == "load":
        artifact.load()
    else:
        with artifact:
            pass


@pytest.mark.parametrize("use", ["load_artifacts", "load", "with"])
def test_oversized_file_error_suggests_both_solutions(
    use: str, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MMF_MAX_ARTIFACT_MIB", raising=False)
    path = tmp_path / "large.pkl"
    path.write_bytes(pickle.dumps(b"x" * (10 * 1024 * 1024)))
    artifact = registry.artifact(path)
    with pytest.raises(ArtifactError) as caught:
        _use(artifact, use, registry)
    for part in ("large.pkl", "10 MiB", "@mmf.artifact", "MMF_MAX_ARTIFACT_MIB"):
        assert part in str(caught.value)
    monkeypatch.setenv("MMF_MAX_ARTIFACT_MIB", "11")
    _use(artifact, use, registry)


@pytest.mark.parametrize(("more", "refused"), [(0, False), (1, True)])
def test_size_limit_is_inclusive(
    more: int, registry: Registry, tmp_path: Path, *, refused: bool
) -> None:
    with (tmp_path / "model").open("wb") as file:
        file.truncate(10 * 1024 * 1024 + more)
    artifact = registry.artifact(tmp_path / "model")
    if refused:
        with pytest.raises(ArtifactError):
            artifact.verify()
    else:
        artifact.verify()


def test_size_limit_does_not_apply_to_loaders(
    registry: Registry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_MAX_ARTIFACT_MIB", "0.00001")
    stand_in = registry.artifact(folder / "model")(lambda: MODEL)
    registry.load_artifacts()
    assert stand_in == MODEL


@pytest.mark.parametrize("mode", ["w", "wb", "a", "x", "r+", "rb+", "", "b", "My model"])
def test_rejects_invalid_mode(mode: str, registry: Registry) -> None:
    with pytest.raises(DeclarationError, match="name="):
        registry.artifact("model", mode)
    assert not registry.artifacts


@pytest.mark.parametrize("mode", ["r", "rt", "tr", "rb", "br"])
def test_accepts_every_read_mode(mode: str, registry: Registry) -> None:
    assert registry.artifact("model", mode).path == Path("model")


@pytest.mark.parametrize("again", ["model", "./model", Path("model")])
def test_rejects_duplicate_artifact(again: str | Path, registry: Registry) -> None:
    registry.artifact("model")
    with pytest.raises(DeclarationError, match="model"):
        registry.artifact(again, "br")


def test_meta_has_mmf_keys(registry: Registry) -> None:
    registry.artifact(Path("models") / "a.pkl")
    registry.artifact("b.pkl", name="B", description="Вторая")
    assert registry.meta()["artifacts"] == [
        {"file": "models/a.pkl", "name": None, "description": None},
        {"file": "b.pkl", "name": "B", "description": "Вторая"},
    ]
