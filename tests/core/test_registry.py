"""Registries: loading a module, MMF's other name, declarations."""

import os
import sys
from pathlib import Path

import pytest

import mmf_core as mmf
from mmf_core.errors import ArtifactError, DeclarationError
from mmf_core.registry import Registry, load

MAIN = """
import {module} as mmf

@mmf.target(returns=mmf.Integer())
def double(n=mmf.Integer()):
    return 2 * n
"""
NAME = "registry_project"


@pytest.fixture
def folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    default_registry: Registry,  # noqa: ARG001
) -> Path:
    """Return a folder on sys.path, without an alias of mmf_core yet."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in (NAME, "mmf_meta"):
        monkeypatch.setitem(sys.modules, name, mmf)  # so that it is restored afterwards
        del sys.modules[name]
    return tmp_path


@pytest.mark.parametrize("module", ["mmf_core", "mmf_meta"])
def test_both_import_names_work(module: str, folder: Path, default_registry: Registry) -> None:
    (folder / f"{NAME}.py").write_text(MAIN.format(module=module))
    registry = load(NAME)
    assert registry is default_registry
    assert registry.targets["double"].function(4) == 8
    assert sys.modules[NAME].mmf is mmf


def test_loading_is_idempotent(folder: Path) -> None:
    (folder / f"{NAME}.py").write_text(MAIN.format(module="mmf_core"))
    assert load(NAME) is load(NAME)


def test_installed_mmf_meta_is_not_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mmf_meta", sys)
    (folder / f"{NAME}.py").write_text(MAIN.format(module="mmf_core"))
    load(NAME)
    assert sys.modules["mmf_meta"] is sys


def test_module_without_targets_error_suggests_a_fix(folder: Path) -> None:
    (folder / f"{NAME}.py").write_text("import mmf_core\n")
    with pytest.raises(DeclarationError, match=rf"{NAME}.*@mmf\.target"):
        load(NAME)


def test_missing_module_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_main"):
        load("no_such_main")


def test_errors_in_the_module_propagate(folder: Path) -> None:
    (folder / f"{NAME}.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        load(NAME)


def test_registries_are_independent(default_registry: Registry) -> None:
    first, other = Registry(), Registry()
    first.target(lambda_free)
    first.artifact("model")
    assert not other.targets
    assert not other.artifacts
    assert not default_registry.targets


def lambda_free() -> None:
    """Serve as a target."""


def test_declaration_order_is_kept(registry: Registry) -> None:
    for name in "zma":
        registry.artifact(name)
    assert [artifact["file"] for artifact in registry.meta()["artifacts"]] == ["z", "m", "a"]


def test_empty_registry_is_ready(registry: Registry) -> None:
    registry.load_artifacts()
    assert registry.is_ready
    assert registry.meta() == {"targets": [], "artifacts": []}


def test_load_artifacts_names_the_failing_artifact(registry: Registry, tmp_path: Path) -> None:
    registry.artifact("first")(lambda: 1)
    registry.artifact(tmp_path / "second")
    with pytest.raises(ArtifactError, match="second"):
        registry.load_artifacts()


def test_fingerprints_are_taken_at_declaration(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.write_text("old")
    for path in (folder, file, tmp_path / "absent"):
        registry.artifact(path)
    assert registry.fingerprint() == registry.fingerprints
    for change in (
        lambda: (folder / "part").write_text("new"),
        lambda: file.replace(tmp_path / "absent"),
        lambda: (tmp_path / "artifacts.lock").write_text(""),
    ):
        before = registry.fingerprint()
        change()
        assert registry.fingerprint() not in (before, registry.fingerprints)


def test_swap(registry: Registry) -> None:
    registry.artifact("model")
    other = Registry()
    registry.swap(other)
    assert (list(registry.artifacts), list(other.artifacts)) == ([], ["model"])


def test_reload_error_is_shared_with_forked_processes(registry: Registry) -> None:
    registry.last_reload_error.write(failed="before")
    registry.last_reload_error.share()
    assert registry.last_reload_error.read() == {"failed": "before"}
    if not (child := os.fork()):
        registry.last_reload_error.write(failed="é" * 10_000, at="now")
        os._exit(0)
    os.waitpid(child, 0)
    assert registry.last_reload_error.read() == {"failed": "é" * 500, "at": "now"}
    registry.last_reload_error.write(failed="no")
    assert registry.last_reload_error.read() == {"failed": "no"}


def test_reload_error_is_not_shared_by_default(registry: Registry) -> None:
    if not (child := os.fork()):
        registry.last_reload_error.write(failed="in the child")
        os._exit(0)
    os.waitpid(child, 0)
    assert registry.last_reload_error.read() == {}


def test_artifacts_without_preload_load_after_the_fork(registry: mmf.Registry) -> None:
    @registry.artifact("early")
    def early() -> str:
        return "early"

    @registry.artifact("late", preload=False)
    def late() -> str:
        return "late"

    loaded = [registry.artifacts[name] for name in ("early", "late")]
    registry.load_artifacts(before_fork=True)
    assert [artifact.is_loaded for artifact in loaded] == [True, False]
    assert not registry.is_ready
    registry.load_artifacts()
    assert registry.is_ready


def test_only_one_target_may_be_the_default() -> None:
    registry = Registry()
    registry.target(default=True)(lambda_free)
    assert registry.targets["lambda_free"].default
    with pytest.raises(DeclarationError, match="another: lambda_free is already"):

        @registry.target(default=True)
        def another() -> None: ...
