"""`mmfmeta lock · push · pull · list · versions · use`, as a data scientist uses them."""

import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LinearRegression

from mmf_core.cli import main
from mmf_core.errors import ArtifactError
from mmf_core.registry import default
from mmf_core.stores import cache, lockfile, resolve
from mmf_core.stores.digests import sha256_of

MAIN = """
import mmf_core as mmf

model = mmf.artifact("model.joblib").load()


@mmf.target(returns=mmf.Float())
def slope():
    return model.coef_[0]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a project with a trained model and a separate cache."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("MMF_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MMF_ARTIFACTS", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (project / "main.py").write_text(MAIN)
    train(1)
    yield project
    forget()
    cache.release_all()


@pytest.fixture
def mmfmeta(folder: Path) -> Callable[..., str]:  # noqa: ARG001 - where it runs
    """Return a function that runs a command, checks its exit code and returns its output."""

    def run(*words: str, code: int = 0) -> str:
        forget()
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code, result.output
        if code:
            assert result.output.startswith("Error: ")
        return result.output

    return run


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Return the URI of a folder."""
    return (tmp_path / "shared folder").as_uri()


def forget() -> None:
    """Forget the imported project."""
    sys.modules.pop("main", None)
    default.targets.clear()
    default.artifacts.clear()


def train(slope: float) -> str:
    """Retrain the model; return its checksum."""
    rows = np.arange(20.0).reshape(10, 2)
    joblib.dump(LinearRegression().fit(rows, slope * np.arange(10)), "model.joblib")
    return sha256_of(Path("model.joblib"))


def test_push_versions_and_use(bucket: str, mmfmeta: Callable[..., str]) -> None:
    old_checksum = sha256_of(Path("model.joblib"))
    assert f"pushed to {bucket}/wine/model.joblib" in mmfmeta("push", "--to", f"{bucket}/wine")
    old = lockfile.read()["model.joblib"]
    assert "is already in" in mmfmeta("push")
    assert lockfile.read()["model.joblib"] == old
    new_checksum = train(2)
    assert "modified" in mmfmeta("list")
    assert "pushed" in mmfmeta("push")
    new = lockfile.read()["model.joblib"]
    assert new.version != old.version
    first, second = mmfmeta("versions", "model.joblib").splitlines()
    assert first.startswith(f"* {new.version}  ")
    assert second.startswith(f"  {old.version}  ")

    assert old.version in mmfmeta("use", "model.joblib", old.version)
    assert sha256_of(Path("model.joblib")) == old_checksum
    assert lockfile.read()["model.joblib"] == old
    Path("model.joblib").unlink()
    mmfmeta("get-meta")  # main.py loads what is fetched
    assert "fetched when needed" in mmfmeta("list")
    assert "fetched" in mmfmeta("pull")
    assert "up to date" in mmfmeta("pull")
    assert sha256_of(Path("model.joblib")) == old_checksum
    mmfmeta("use", "model.joblib", new.version)
    assert sha256_of(Path("model.joblib")) == new_checksum
    assert "begins with 'zzz', got 0" in mmfmeta("use", "model.joblib", "zzz", code=1)
    assert ", got 2;" in mmfmeta("use", "model.joblib", new.version[:1], code=1)


def test_lock_records_checksum_size_and_versions(mmfmeta: Callable[..., str]) -> None:
    message = mmfmeta("lock")
    entry = lockfile.read()["model.joblib"]
    assert entry.sha256 == sha256_of(Path("model.joblib"))
    assert entry.size == Path("model.joblib").stat().st_size
    assert entry.format == "joblib"
    assert entry.made_with.keys() == {"python", "numpy", "scikit-learn"}
    assert f"scikit-learn {entry.made_with['scikit-learn']}" in message
    assert "kept with the code" in mmfmeta("list")


def test_lock_accepts_a_retrained_model(mmfmeta: Callable[..., str]) -> None:
    mmfmeta("lock")
    new = train(3)
    assert "from artifacts.lock, got" in mmfmeta("get-meta", code=1)
    mmfmeta("lock")
    assert lockfile.read()["model.joblib"].sha256 == new
    mmfmeta("get-meta")


def test_lock_accepts_files_that_are_not_models(folder: Path, mmfmeta: Callable[..., str]) -> None:
    (folder / "words.txt").write_text("a b")
    (folder / "own.pkl").write_bytes(b"not a pickle: a loader reads it")
    assert "no library versions" in mmfmeta("lock", "words.txt")
    mmfmeta("lock", "own.pkl")
    assert lockfile.read()["words.txt"].format == "txt"
    assert lockfile.read()["own.pkl"].made_with.keys() == {"python"}


def test_trusted_skops_types_are_kept(folder: Path, mmfmeta: Callable[..., str]) -> None:
    from sklearn.preprocessing import FunctionTransformer
    from skops.io import dump

    dump(FunctionTransformer(sorted_rows), folder / "model.skops")
    name = f"{sorted_rows.__module__}.sorted_rows"
    assert f"--trust {name}" in mmfmeta("lock", "model.skops", code=1)
    assert lockfile.read() == {}
    mmfmeta("lock", "model.skops", "--trust", name)
    mmfmeta("lock", "model.skops")
    assert lockfile.read()["model.skops"].trusted == (name,)


def sorted_rows(table: np.ndarray) -> np.ndarray:
    return np.sort(table)


def test_folder_is_pushed_and_pulled_as_one_file(
    folder: Path, store: str, mmfmeta: Callable[..., str]
) -> None:
    model = folder / "weights"
    (model / "data").mkdir(parents=True)
    (model / "about").write_text("two parts")
    (model / "data" / "model.pkl").write_bytes(pickle.dumps(1))
    checksum = sha256_of(model)
    assert "weights.tar" in mmfmeta("push", "weights", "--to", store)
    assert lockfile.read()["weights"].source.endswith("/weights.tar")
    (model / "about").write_text("changed")
    assert "fetched" in mmfmeta("pull", "weights")
    assert sha256_of(model) == checksum
    mmfmeta("push", "weights")
    assert lockfile.read()["weights"].source.count(".tar") == 1
    assert sorted(file.name for file in folder.iterdir() if file.name.startswith(".")) == []


def test_mmf_artifacts_is_the_default_store(
    folder: Path, store: str, mmfmeta: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no destination; use --to" in mmfmeta("push", code=1)
    monkeypatch.setenv("MMF_ARTIFACTS", store)
    message = mmfmeta("push")
    assert "shared%20folder/model.joblib" in message
    assert "cannot be rolled back" in message
    (folder / "artifacts.lock").unlink()
    (folder / "model.joblib").unlink()
    mmfmeta("get-meta")
    assert not (folder / "model.joblib").exists()


def test_store_without_versions_lists_the_current_one(
    store: str, mmfmeta: Callable[..., str]
) -> None:
    mmfmeta("push", "--to", store)
    assert mmfmeta("versions", "model.joblib").startswith("* - ")


def test_file_that_is_not_in_a_store_is_reported(mmfmeta: Callable[..., str]) -> None:
    assert "has no entries" in mmfmeta("list", code=1)
    mmfmeta("lock")
    train(2)
    assert "is not in a store" in mmfmeta("pull", code=1)
    assert "is not in a store" in mmfmeta("versions", "model.joblib", code=1)
    assert "is not in a store" in mmfmeta("use", "model.joblib", "1", code=1)
    assert "is not in artifacts.lock" in mmfmeta("pull", "other.pkl", code=1)
    assert "not found" in mmfmeta("lock", "absent.pkl", code=1)
    assert "already in a store" in mmfmeta("push", "s3://bucket/model", code=1)


def test_uri_is_locked(folder: Path, tmp_path: Path, mmfmeta: Callable[..., str]) -> None:
    (tmp_path / "there.pkl").write_bytes(pickle.dumps(MAIN))
    uri = (tmp_path / "there.pkl").as_uri()
    mmfmeta("lock", uri)
    assert lockfile.read()[uri].source == uri
    assert "fetched" in mmfmeta("pull", uri)
    assert [file.name for file in folder.iterdir()].count("there.pkl") == 0
    (tmp_path / "there.pkl").write_bytes(b"another")
    cache.release_all()
    for copy in (tmp_path / "cache").glob("*/there.pkl"):
        copy.unlink()
    with pytest.raises(ArtifactError, match=r"expected .* bytes, got"):
        resolve(uri)


def test_project_without_artifacts_is_reported(folder: Path, mmfmeta: Callable[..., str]) -> None:
    (folder / "main.py").write_text(
        "import mmf_core as mmf\n\n@mmf.target(returns=mmf.Float())\ndef f(): return 1\n"
    )
    assert "name the files to use" in mmfmeta("lock", code=1)


@pytest.mark.parametrize(
    ("to", "message"), [("file://host/x", "three slashes"), ("file:///proc/x", "cannot write")]
)
def test_unwritable_destination_is_reported(
    to: str, message: str, mmfmeta: Callable[..., str]
) -> None:
    assert message in mmfmeta("push", "--to", to, code=1)
