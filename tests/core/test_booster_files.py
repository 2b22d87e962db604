"""The real LightGBM, XGBoost and CatBoost, where they are installed: tests/test_boosters.py."""

import json
import logging
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core.web import create_app

RANDOM = np.random.default_rng(0)
CITIES = ["Kazan", "Moscow", "Omsk"]
TEXTS = pd.DataFrame(
    {
        "area m2": RANDOM.random(200),
        "age": RANDOM.integers(0, 50, 200),
        "flag": RANDOM.random(200) > 0.5,
        "city": RANDOM.choice(CITIES, 200),
    }
)
CATEGORIES = TEXTS.astype({"city": "category"})
NUMBERS = TEXTS[["area m2", "age"]]
Y = TEXTS["area m2"] + TEXTS["age"]
CITY = mmf.Column(str | None, choices=CITIES, category=True)

pytestmark = pytest.mark.filterwarnings("ignore")  # warnings of the libraries themselves


def fitted(library: str, table: pd.DataFrame, labels: Any = Y) -> Any:
    """Return a regressor, or a classifier of labels."""
    module = pytest.importorskip(library, minversion="1")
    name = {"lightgbm": "LGBM", "xgboost": "XGB", "catboost": "CatBoost"}[library]
    options: dict[str, Any] = {
        "lightgbm": {"n_estimators": 3, "verbose": -1},
        "xgboost": {"n_estimators": 3, "enable_categorical": True},
        "catboost": {"iterations": 3, "verbose": 0, "allow_writing_files": False},
    }[library]
    if library == "catboost" and "city" in table:
        options["cat_features"] = ["city"]
    kind = "Regressor" if labels is Y else "Classifier"
    return getattr(module, f"{name}{kind}")(**options).fit(table, labels)


FLOAT = float | None
SCHEMAS = {
    "lightgbm": {"area_m2": FLOAT, "age": FLOAT, "flag": FLOAT, "city": CITY},
    "xgboost": {"area m2": FLOAT, "age": FLOAT, "flag": bool | None, "city": CITY},
    "catboost": {"area m2": FLOAT, "age": FLOAT, "flag": FLOAT, "city": str},
}
SUFFIXES = {"lightgbm": ".txt", "xgboost": ".ubj", "catboost": ".cbm"}


@pytest.mark.parametrize("library", SCHEMAS)
def test_every_file_format_has_the_same_columns(library: str, tmp_path: Path) -> None:
    table = TEXTS if library == "catboost" else CATEGORIES
    model = fitted(library, table)
    joblib.dump(model, tmp_path / "model.joblib")
    path = tmp_path / f"model{SUFFIXES[library]}"
    mmf.save_model(model, path, example=table)
    for source in (model, tmp_path / "model.joblib", path, str(path)):
        assert mmf.schema_of(source) == SCHEMAS[library]
    expected = model.predict(table.head(3))
    declared = mmf.DataFrame(schema=model)
    for file in (tmp_path / "model.joblib", path):
        loaded = mmf.load_model(file)
        assert loaded.predict(declared.validate(TEXTS.head(3))) == pytest.approx(expected)


@pytest.mark.parametrize("library", ["xgboost", "catboost"])
def test_classifier_round_trip(library: str, tmp_path: Path) -> None:
    labels = (Y.median() < Y).astype(int)
    model = fitted(library, NUMBERS, labels)
    path = tmp_path / f"model{SUFFIXES[library]}"
    mmf.save_model(model, path, example=NUMBERS)
    assert mmf.load_model(path).predict_proba(NUMBERS.head(2)).shape == (2, 2)


@pytest.mark.parametrize("library", SCHEMAS)
def test_model_fitted_on_an_array_has_no_schema(library: str) -> None:
    with pytest.raises(mmf.DescriptorError, match="without column names"):
        mmf.schema_of(fitted(library, NUMBERS.to_numpy()))


@pytest.mark.parametrize("library", SCHEMAS)
def test_table_has_the_schema_of_the_booster(
    library: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = NUMBERS if library == "catboost" else CATEGORIES
    joblib.dump(fitted(library, table), tmp_path / "model.joblib")
    registry = mmf.Registry()
    model = registry.artifact(tmp_path / "model.joblib").load()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def score(data: Any = mmf.DataFrame()) -> Any:  # noqa: B008
        return model.predict(data)

    with caplog.at_level(logging.INFO):
        client = create_app(registry).test_client()
    assert f"score: data has the schema of the model, {table.shape[1]} columns" in caplog.messages
    row = dict(zip(table, TEXTS[list(table)].head(1).astype(object).to_numpy()[0], strict=True))
    assert client.post("/score", json=[{"id": 7, **row}]).status_code == 200
    wrong = [("age", "strong"), *([("city", "Paris")] if "city" in row else [])]
    for column, value in wrong:
        response = client.post("/score", json=[row, {**row, column: value}])
        assert response.status_code == 422
        (error,) = response.json["errors"]
        assert (error["row"], error["column"]) == (1, column)
    del row["age"]
    response = client.post("/score", json=[row])
    assert (response.status_code, response.json["detail"]) == (422, "missing columns: age")


def test_ambiguous_categories_are_not_guessed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    joblib.dump(fitted("catboost", TEXTS), tmp_path / "model.joblib")
    registry = mmf.Registry()
    model = registry.artifact(tmp_path / "model.joblib").load()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def score(data: Any = mmf.DataFrame()) -> Any:  # noqa: B008
        return model.predict(data)

    with caplog.at_level(logging.INFO):
        client = create_app(registry).test_client()
    assert "CatBoost takes texts or whole numbers in city" in caplog.text
    row = {**TEXTS.head(1).to_dict("records")[0], "flag": 1, "city": 7}
    body = json.dumps([row])  # in the order of the fit: CatBoost compares it
    response = client.post("/score", data=body, content_type="application/json")
    assert response.status_code == 200, response.json
