"""save_model rejects files that predict differently and keeps the old one; disabled pickles."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

import mmf_core as mmf
from mmf_core import models
from mmf_core.artifact import Artifact
from mmf_core.errors import ArtifactError, MissingPackage
from mmf_core.models import ModelFormat

TABLE = pd.DataFrame(np.random.default_rng(0).random((20, 3)), columns=list("abc"))
TARGET = TABLE.a * 2 - TABLE.b
MODEL = LinearRegression().fit(TABLE, TARGET)


class Forgetful(ModelFormat):
    """A format that changes predictions slightly."""

    suffixes = (".off",)
    tolerance = 1e-3

    def load(self, path: Path) -> Any:
        model = pickle.loads(path.read_bytes())
        model.coef_ = model.coef_ * 1.01
        return model

    def save(self, model: Any, path: Path, example: Any) -> None:
        path.write_bytes(pickle.dumps(model))


class Stretched(ModelFormat):
    """A format that changes transformed values slightly."""

    suffixes = (".stretched",)

    def load(self, path: Path) -> Any:
        saved = pickle.loads(path.read_bytes())
        for part in saved.values() if isinstance(saved, dict) else [saved]:
            if hasattr(part, "scale_"):
                part.scale_ = part.scale_ * 2
        return saved

    def save(self, model: Any, path: Path, example: Any) -> None:
        path.write_bytes(pickle.dumps(model))


class ReadOnly(ModelFormat):
    """A load-only format."""

    suffixes = (".readonly",)

    def load(self, path: Path) -> Any:
        return path


@pytest.fixture(autouse=True)
def _formats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "FORMATS", [*models.FORMATS, Forgetful(), Stretched(), ReadOnly()])


def test_rejects_file_that_predicts_differently_and_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "model.off"
    path.write_text("before")
    with pytest.raises(
        ArtifactError, match=r"model\.off is not written: predict .* by 0\.0\d+ .* is 0\.001"
    ):
        mmf.save_model(MODEL, path, example=TABLE)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    mmf.save_model(MODEL, path, example=TABLE, tolerance=0.1)
    assert path.read_bytes() == pickle.dumps(MODEL)
    assert list(tmp_path.iterdir()) == [path]


SCALER = StandardScaler().fit(TABLE)


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (SCALER, TABLE),
        ({"scaler": SCALER}, TABLE),
        ({"scaler": SCALER, "model": MODEL}, {"scaler": TABLE, "model": TABLE}),
    ],
)
def test_transformers_are_compared_by_output(model: Any, example: Any, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"transform of the saved model differs by 0\.5"):
        mmf.save_model(model, tmp_path / "a.stretched", example=example)
    mmf.save_model(model, tmp_path / "a.pkl", example=example)


def test_examples_are_needed_per_model(tmp_path: Path) -> None:
    mmf.save_model({"s": SCALER, "m": MODEL}, tmp_path / "a.stretched", example=TABLE)
    with pytest.raises(ArtifactError, match="example has no rows for m; expected a table for each"):
        mmf.save_model({"s": SCALER, "m": MODEL}, tmp_path / "a.pkl", example={"s": TABLE})


def test_sparse_outputs_are_compared(tmp_path: Path) -> None:
    texts = ["one parcel", "two parcels"]
    encoder = TfidfVectorizer().fit(texts)
    mmf.save_model(encoder, tmp_path / "a.joblib", example=texts)
    loaded = mmf.load_model(tmp_path / "a.joblib")
    assert (loaded.transform(texts) != encoder.transform(texts)).nnz == 0


@pytest.mark.parametrize("name", ["a.pkl", "a.joblib", "a.skops", "new/folder/a.pkl"])
def test_fast_path_is_saved_as_the_estimator(name: str, tmp_path: Path) -> None:
    mmf.save_model(mmf.fast_path(MODEL), tmp_path / name, example=TABLE)
    assert type(mmf.load_model(str(tmp_path / name))) is LinearRegression
    assert (mmf.load_model(str(tmp_path / name)).predict(TABLE) == MODEL.predict(TABLE)).all()
    assert b"mmf_core" not in (tmp_path / name).read_bytes()


def test_folder_is_replaced_atomically(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    path = tmp_path / "model.mlflow"
    path.mkdir()
    (path / "old").touch()
    mmf.save_model(MODEL, path, example=TABLE)
    assert list(tmp_path.iterdir()) == [path]
    assert not (path / "old").exists()
    renamed = path.rename(tmp_path / "whatever")
    assert (mmf.load_model(renamed).predict(TABLE) == MODEL.predict(TABLE)).all()
    monkeypatch.setenv("MMF_MAX_ARTIFACT_MIB", "0.0001")
    with pytest.raises(ArtifactError, match=r"expected at most .* MiB"):
        Artifact(renamed).load()


@pytest.mark.parametrize(
    ("model", "name", "message"),
    [
        (MODEL, "a.readonly", "ReadOnly can be loaded only"),
        ({"weights": [1]}, "a.pkl", "dict has no predict"),
        (MODEL, "a.doc", r"expected one of .*\.joblib, .*\.mlflow, \.onnx, \.pkl, .*\.skops"),
        ({"weights": [1]}, "a.onnx", r"this format cannot hold a dict.*\.joblib"),
    ],
)
def test_unsupported_model_is_reported(model: Any, name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=message):
        mmf.save_model(model, tmp_path / name, example=TABLE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.pkl", "a.pickle", "a.joblib", "a.mlflow"])
def test_mmf_allow_pickle_0_rejects_pickles(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(MODEL))
    monkeypatch.setenv("MMF_ALLOW_PICKLE", "0")
    for ask in (mmf.load_model, lambda path: mmf.save_model(MODEL, path, example=TABLE)):
        with pytest.raises(ArtifactError, match=r"MMF_ALLOW_PICKLE=0.*\.onnx, \.pmml, \.skops"):
            ask(tmp_path / name)
    mmf.save_model(MODEL, tmp_path / "a.skops", example=TABLE)
    mmf.load_model(tmp_path / "a.skops")


class Foreign(LogisticRegression):
    """An estimator of a third-party class."""


def test_skops_rejects_third_party_types(tmp_path: Path) -> None:
    from skops.io import dump

    model = Foreign().fit(TABLE, TARGET > 0)
    dump(model, tmp_path / "a.skops")
    with pytest.raises(ArtifactError, match=r"not of fitted models of sklearn\): \S*Foreign"):
        mmf.load_model(tmp_path / "a.skops")


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("a.skops", "skops", "skops"),
        ("a.onnx", "onnxruntime", "onnxruntime"),
        ("a.mlflow", "mlflow", "mlflow-skinny"),
    ],
)
def test_missing_library_names_the_pip_command(
    name: str, module: str, package: str, without: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / name).touch()
    without(module)
    with pytest.raises(MissingPackage, match=f"{name} needs: pip install {package}$"):
        mmf.load_model(tmp_path / name)


def test_pmml_needs_its_libraries_and_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pmml"
    path.write_text(
        "<PMML><Header/><TreeModel functionName='regression'><MiningSchema/></TreeModel></PMML>"
    )
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ArtifactError, match=r"apt install default-jre-headless.*heroku/jvm"):
        mmf.load_model(path)
    monkeypatch.setattr("mmf_core.models.pmml_format.find_spec", lambda _: None)
    with pytest.raises(MissingPackage, match=r"JRE.*pip install pypmml"):
        mmf.load_model(path)
    with pytest.raises(MissingPackage, match=r"writing b\.pmml needs: pip install sklearn2pmml"):
        mmf.save_model(MODEL, tmp_path / "b.pmml", example=TABLE)


def test_text_file_that_is_not_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("red\nwhite\n")
    message = r"labels\.txt cannot be loaded: expected a model in the format of \.txt files"
    with pytest.raises(ArtifactError, match=message):
        mmf.load_model(tmp_path / "labels.txt")
