"""Six models in every format: the same predictions, or rejected as docs/models.md states."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sklearn.base
from model_zoo import Fitted, fitted

import mmf_core as mmf
from baking import ROOT
from long_parameters import long_except
from mmf_core.errors import ArtifactError
from mmf_core.models import FORMATS, pmml_format, pmml_model
from mmf_core.models.saving import difference

PAGE = ROOT / "docs" / "models.md"
MODELS = ("linear", "forest", "boosting", "pipeline", "classifier", "text")
COLUMNS = {
    ".pkl": "",
    ".joblib": "",
    ".skops": "",
    ".onnx": "",
    ".pmml sklearn2pmml": "nyoka",
    ".pmml nyoka": "sklearn2pmml",
    ".mlflow": "",
}
"""Formats to test, and the exporter hidden for each."""
# The newest scikit-learn that sklearn2pmml 0.133 accepts. A newer one here poses as this one:
# the saved model is compared with the original's predictions anyway.
KNOWN_TO_SKLEARN2PMML = "1.9.0"

pytestmark = [
    pytest.mark.filterwarnings("ignore:sklearn2pmml failed"),
    # These warnings come from the libraries.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:nyoka"),
]


@pytest.fixture(scope="module")
def zoo() -> dict[str, Fitted]:
    """Return the six models."""
    return fitted()


@pytest.fixture(scope="module")
def documented() -> dict[tuple[str, str], str]:
    """Return the page's word for each model and format."""
    rows = re.findall(r"(?m)^\| (\w+) \|(.+)\|$", PAGE.read_text(encoding="utf-8"))
    return {
        (model, column): cell.strip()
        for model, cells in rows
        if model in MODELS
        for column, cell in zip(COLUMNS, cells.split("|"), strict=True)
    }


@pytest.fixture(autouse=True)
def _quiet_mlflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    return


def outcome(model: Fitted, path: Path) -> str:
    """Save, load and predict; return the outcome in the page's words."""
    try:
        mmf.save_model(model.model, path, example=model.rows)
    except ArtifactError as error:
        assert not path.exists()
        return "predictions differ" if "the tolerance is" in str(error) else "cannot be written"
    loaded = mmf.load_model(path)
    (tolerance,) = {model_format.tolerance for model_format in FORMATS if model_format.holds(path)}
    for rows in (model.rows, model.rows[3:4]):
        for method in ("predict", "predict_proba"):
            if hasattr(model.model, method):
                expected, actual = (
                    getattr(fitted, method)(rows) for fitted in (model.model, loaded)
                )
                assert difference(expected, actual) <= tolerance
                assert actual.dtype.kind == expected.dtype.kind
    if hasattr(model.model, "classes_"):
        assert loaded.classes_.tolist() == model.model.classes_.tolist()
    else:
        assert not hasattr(loaded, "predict_proba")
    assert loaded.feature_names_in_.tolist() == model.rows.columns.tolist()
    return "yes"


@pytest.mark.parametrize("name", long_except(MODELS, ("linear", "classifier")))
@pytest.mark.parametrize("column", COLUMNS)
def test_saved_models_match_the_compatibility_page(
    name: str,
    column: str,
    zoo: dict[str, Fitted],
    documented: dict[tuple[str, str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if ".pmml" in column and not shutil.which("java"):
        pytest.skip("there is no Java: apt install default-jre-headless")
    suffix = column.partition(" ")[0]
    if hidden := COLUMNS[column]:
        find = pmml_format.find_spec
        monkeypatch.setattr(
            "mmf_core.models.pmml_format.find_spec",
            lambda module: None if module == hidden else find(module),
        )
    if column == ".pmml sklearn2pmml":
        monkeypatch.setattr(sklearn.base, "__version__", KNOWN_TO_SKLEARN2PMML)
    assert documented[name, column] == outcome(zoo[name], tmp_path / f"{name}{suffix}")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.skipif(not shutil.which("java"), reason="there is no Java")
def test_java_error_is_reported(
    zoo: dict[str, Fitted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sklearn.base, "__version__", "99.0")
    model, rows = zoo["text"]
    with (
        pytest.warns(UserWarning, match=r"sklearn2pmml failed: .*'99.0' is not supported; trying"),
        pytest.raises(ArtifactError, match=r"a\.pmml is not written: this format cannot"),
    ):
        mmf.save_model(model, tmp_path / "a.pmml", example=rows)


def test_page_lists_tolerances() -> None:
    rows = re.findall(r"(?m)^\| `([^`]+)`.*\| ([\d.e-]+) \|$", PAGE.read_text(encoding="utf-8"))
    tolerances = {suffixes.split()[0]: float(text) for suffixes, text in rows}
    assert tolerances == {
        model_format.suffixes[0]: model_format.tolerance for model_format in FORMATS
    }


@pytest.mark.parametrize(
    ("expected", "actual", "far"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0),
        ([1.0, 200.0], [3.0, 200.0], 0.01),
        ([0.0], [0.5], 0.5),
        ([np.nan, 1.0], [np.nan, 1.0], 0),
        ([np.nan, 1.0], [1.0, 1.0], np.inf),
        ([1.0], [[1.0]], np.inf),
        ([1.0], ["1"], np.inf),
        (["a", "b"], ["a", "c"], 0.5),
        ([], [], 0),
    ],
)
def test_difference_is_relative_to_the_largest_value(
    expected: list[object], actual: list[object], far: float
) -> None:
    assert difference(expected, actual) == far


@pytest.mark.skipif(not (shutil.which("java") and hasattr(os, "fork")), reason="no Java, or fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.long
def test_java_restarts_after_a_fork(zoo: dict[str, Fitted], tmp_path: Path) -> None:
    model, rows = zoo["boosting"]
    mmf.save_model(model, tmp_path / "a.pmml", example=rows)
    loaded = mmf.load_model(tmp_path / "a.pmml")
    expected = model.predict(rows)
    child = os.fork()
    if not child:
        try:
            is_same = (loaded.predict(rows) == expected).all()
            pmml_model._end_java()
            os._exit(0 if is_same else 3)
        finally:
            os._exit(4)
    assert os.waitpid(child, 0)[1] == 0
    assert (loaded.predict(rows.to_numpy()) == expected).all()
    with pytest.raises(ValueError, match="columns of the training data"):
        loaded.predict(rows.drop(columns="ash"))
