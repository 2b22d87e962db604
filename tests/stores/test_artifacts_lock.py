"""artifacts.lock: sorted, verified when a file is loaded, with clear errors."""

import json
import logging
import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer
from store_helpers import checksum

import mmf_core as mmf
from mmf_core.errors import ArtifactError
from mmf_core.models.provenance import made_with
from mmf_core.stores import lockfile
from mmf_core.stores.digests import extract_tar, sha256_of, single_file, size_of
from mmf_core.stores.lockfile import Entry

MODEL = {"weights": [1.5, 2.0]}
BYTES = pickle.dumps(MODEL)


@pytest.fixture
def model(folder: Path) -> Path:
    """Return a locked model file."""
    file = folder / "model.pkl"
    file.write_bytes(BYTES)
    lockfile.write({"model.pkl": Entry(checksum(BYTES), len(BYTES))})
    return file


def test_lockfile_is_sorted_json_without_empty_fields() -> None:
    entries = {
        "z.pkl": Entry("2" * 64, 1, "pkl", "s3://b/z.pkl", "v1", {"python": "3.11"}),
        "модель.skops": Entry("1" * 64, 2, trusted=("a.B",)),
    }
    lockfile.write(entries)
    text = Path("artifacts.lock").read_text(encoding="utf-8")
    assert list(json.loads(text)) == ["z.pkl", "модель.skops"]
    assert list(json.loads(text)["z.pkl"]) == sorted(json.loads(text)["z.pkl"])
    assert "made_with" not in json.loads(text)["модель.skops"]
    assert lockfile.read()["z.pkl"] == entries["z.pkl"]
    assert lockfile.read()["модель.skops"].trusted == ("a.B",)
    assert text.endswith("}\n")


@pytest.mark.usefixtures("folder")
def test_missing_lockfile_has_no_entries() -> None:
    assert lockfile.read() == {}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"a": 1}', '{"a": {}}', '{"a": {"sha256": 1, "size": 1}}',
     '{"a": {"sha256": "", "size": "1"}}', '{"a": {"sha256": "", "size": 1, "other": ""}}',
     '{"a": {"sha256": "", "size": 1, "made_with": []}}'],
)  # fmt: skip
def test_invalid_lockfile_is_reported(text: str, folder: Path) -> None:
    (folder / "artifacts.lock").write_text(text)
    with pytest.raises(ArtifactError, match=r"cannot read artifacts\.lock"):
        mmf.Registry().artifact("a").verify()


def test_matching_file_is_loaded(model: Path) -> None:
    assert mmf.Registry().artifact(model.name).load() == MODEL


@pytest.mark.parametrize("use", ["load", "with", "load_artifacts", "loader"])
def test_checksum_mismatch_names_both_checksums(use: str, model: Path) -> None:
    model.write_bytes(BYTES[:-1] + b"?")
    registry = mmf.Registry()
    artifact = registry.artifact(model.name)
    if use == "loader":
        artifact(lambda: pickle.loads(model.read_bytes()))
    uses = {"load": artifact.load, "with": artifact.__enter__}
    with pytest.raises(ArtifactError) as caught:
        uses.get(use, registry.load_artifacts)()
    for part in (checksum(BYTES), checksum(model.read_bytes()), "mmfmeta lock", "mmfmeta pull"):
        assert part in str(caught.value)


def test_checksum_in_main_is_checked_without_a_lockfile(model: Path) -> None:
    Path("artifacts.lock").unlink()
    mmf.Registry().artifact(model.name, sha256=checksum(BYTES)).verify()
    with pytest.raises(ArtifactError, match="1" * 64):
        mmf.Registry().artifact(model.name, sha256="1" * 64).verify()


def test_unverified_accepts_any_file(model: Path) -> None:
    model.write_bytes(pickle.dumps("new"))
    with lockfile.unverified():
        assert mmf.Registry().artifact(model.name).load() == "new"
    with pytest.raises(ArtifactError):
        mmf.Registry().artifact(model.name).load()


@pytest.mark.parametrize(
    ("package", "saved", "message"),
    [
        ("scikit-learn", "0.1", ["scikit-learn 0.1", "install scikit-learn==0.1"]),
        ("python", "2.7", ["python 2.7", f"3.{sys.version_info.minor}"]),
        ("no-such-package", "1", ["but none is installed"]),
    ],
)
def test_different_library_versions_are_logged(
    package: str, saved: str, message: list[str], model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    versions = {package: saved, "numpy": np.__version__}
    lockfile.write({"model.pkl": Entry(checksum(BYTES), len(BYTES), made_with=versions)})
    mmf.Registry().artifact(model.name).load()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    for part in ("model.pkl was saved with", *message):
        assert part in record.getMessage()


def test_size_limit_does_not_apply_to_files_in_a_store(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_MAX_ARTIFACT_MIB", "0.00001")
    with pytest.raises(ArtifactError, match="MMF_MAX_ARTIFACT_MIB"):
        mmf.Registry().artifact(model.name).verify()
    entry = Entry(checksum(BYTES), len(BYTES), source="s3://bucket/model.pkl")
    lockfile.write({"model.pkl": entry})
    mmf.Registry().artifact(model.name).verify()


@pytest.mark.parametrize("allow_pickle", ["1", "0"])
def test_skops_trusts_types_listed_in_the_lockfile(
    allow_pickle: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lockfile is as trusted as main.py: MMF_ALLOW_PICKLE=0 concerns the model file only."""
    from skops.io import dump

    monkeypatch.setenv("MMF_ALLOW_PICKLE", allow_pickle)

    dump(FunctionTransformer(sorted_rows), folder / "model.skops")
    content = (folder / "model.skops").read_bytes()
    with pytest.raises(ArtifactError, match=r"mmfmeta lock --trust \S*sorted_rows"):
        mmf.Registry().artifact("model.skops").load()
    name = f"{sorted_rows.__module__}.sorted_rows"
    entry = Entry(checksum(content), len(content), trusted=(name,))
    lockfile.write({"model.skops": entry})
    assert mmf.Registry().artifact("model.skops").load().func is sorted_rows


def sorted_rows(table: np.ndarray) -> np.ndarray:
    return np.sort(table)


def test_made_with_lists_the_libraries_of_nested_objects() -> None:
    model = LinearRegression().fit(np.eye(2), [1.0, 2.0])
    assert made_with([model]).keys() == {"numpy", "scikit-learn"}
    assert made_with([1, "a"]) == {}
    assert made_with((model, lambda: 0)).keys() >= {"scikit-learn"}  # cannot be pickled


def test_folder_checksum_covers_names_and_contents(folder: Path) -> None:
    for base in (folder / "a.mlflow", folder / "b.mlflow"):
        (base / "deep").mkdir(parents=True)
        (base / "MLmodel").write_bytes(b"x")
        (base / "deep" / "z").write_bytes(b"yy")
    listing = f"{checksum(b'x')}  MLmodel\n{checksum(b'yy')}  deep/z\n"
    assert sha256_of(folder / "a.mlflow") == checksum(listing.encode())
    assert size_of(folder / "a.mlflow") == 3
    assert sha256_of(folder / "a.mlflow") == sha256_of(folder / "b.mlflow")
    (folder / "b.mlflow" / "deep" / "z").rename(folder / "b.mlflow" / "z")
    assert sha256_of(folder / "a.mlflow") != sha256_of(folder / "b.mlflow")
    with single_file(folder / "a.mlflow") as archive:
        extract_tar(archive, folder / "c.mlflow")
    assert sha256_of(folder / "a.mlflow") == sha256_of(folder / "c.mlflow")


def test_locked_model_loads(folder: Path) -> None:
    joblib.dump(MODEL, folder / "m.joblib")
    registry = mmf.Registry()
    artifact = registry.artifact("m.joblib", sha256=sha256_of(folder / "m.joblib"))
    assert artifact.load() == MODEL
