"""The inputs that a model of each kind declares become the schema of its table."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor, VotingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)

import mmf_core as mmf
from mmf_core.errors import ArtifactError, DescriptorError, InvalidValue
from mmf_core.models import format_of, inputs_of
from mmf_core.models.pmml_inputs import pmml_columns

RANDOM = np.random.default_rng(0)
X = pd.DataFrame(
    {
        "area": RANDOM.random(60),
        "age": RANDOM.integers(0, 50, 60),
        "city": RANDOM.choice(["Kazan", "Moscow", "Omsk"], 60),
        "code": RANDOM.integers(0, 3, 60),
        "text": ["some words"] * 60,
    }
)
Y = X.area * 2
NUMBERS = ["area", "age"]
CITIES = ["Kazan", "Moscow", "Omsk"]
ONE_HOT = make_column_transformer(
    (OneHotEncoder(), ["city"]),
    (make_pipeline(SimpleImputer(), StandardScaler()), ["area"]),
    (OrdinalEncoder(), [3]),
    (TfidfVectorizer(), "text"),
)
OPEN = make_column_transformer(
    (
        make_pipeline(
            SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
        ),
        ["city"],
    ),
    remainder="passthrough",
)
FILLED = make_column_transformer(
    (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["city"]),
    ("drop", ["age"]),
    ("passthrough", ["area"]),
)


@pytest.mark.parametrize(
    ("model", "columns", "schema"),
    [
        (make_pipeline(StandardScaler(), Ridge()), NUMBERS, {"area": float, "age": float}),
        (
            make_pipeline(SimpleImputer(), Ridge()),
            NUMBERS,
            {"area": float | None, "age": float | None},
        ),
        (make_pipeline(StandardScaler(), KNNImputer(), Ridge()), ["area"], {"area": float | None}),
        (HistGradientBoostingRegressor(), ["area"], {"area": float | None}),
        (
            GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [1, 2]}),
            NUMBERS,
            {"area": float, "age": float},
        ),
        (VotingRegressor([("a", Ridge())]), NUMBERS, {"area": float, "age": float}),
        (TransformedTargetRegressor(Ridge()), ["age"], {"age": float}),
        (Pipeline([("none", "passthrough"), ("ridge", Ridge())]), ["age"], {"age": float}),
        (
            make_pipeline(FeatureUnion([("a", StandardScaler())]), Ridge()),
            NUMBERS,
            {"area": float, "age": float},
        ),
        (
            make_pipeline(ONE_HOT, Ridge()),
            list(X),
            {
                "area": float | None,
                "city": mmf.Column(str, choices=CITIES),
                "code": mmf.Column(int, choices=[0, 1, 2]),
                "text": str,
            },
        ),
        (
            make_pipeline(OPEN, Ridge()),
            ["city", "area"],
            {"city": str | None, "area": float},
        ),
        (
            make_pipeline(FILLED, Ridge()),
            ["age", "area", "city"],
            {"area": float, "city": mmf.Column(str | None, choices=CITIES)},
        ),
        (
            make_pipeline(
                make_column_transformer(
                    (OneHotEncoder(), make_column_selector(dtype_include="str")),
                    (StandardScaler(), slice(0, 2)),
                ),
                RandomForestRegressor(2),
            ),
            ["area", "age", "city"],
            {
                "area": float | None,
                "age": float | None,
                "city": mmf.Column(str, choices=CITIES),
            },
        ),
        (make_pipeline(TargetEncoder(), Ridge()), ["city"], {"city": str | None}),
    ],
)
def test_schema_of_a_scikit_learn_model(
    model: Any, columns: list[str], schema: dict[str, Any], tmp_path: Path
) -> None:
    model.fit(X[columns], Y)
    assert mmf.schema_of(model) == schema
    joblib.dump(model, tmp_path / "model.joblib")
    assert mmf.schema_of(tmp_path / "model.joblib") == schema
    table = mmf.DataFrame(schema=model)
    assert list(table.columns) == list(schema)
    # What the schema accepts, the model accepts.
    assert len(model.predict(table.validate(X[columns].head(3)))) == 3
    assert len(model.predict(table.validate(pd.DataFrame(table.plain_example)))) == 1


def test_categorical_dtype_features_have_no_choices() -> None:
    model = HistGradientBoostingRegressor().fit(X[["area", "city"]].astype({"city": "category"}), Y)
    assert mmf.schema_of(model) == {"area": float | None, "city": str | None}


@pytest.mark.parametrize(
    ("model", "table", "words"),
    [
        (Ridge(), X[NUMBERS].to_numpy(), "Ridge: it was fitted without column names; fit it on a"),
        (make_pipeline(FunctionTransformer(np.log1p), Ridge()), X[["age"]], "may take anything"),
    ],
)
def test_error_explains_why_a_model_has_no_schema(model: Any, table: Any, words: str) -> None:
    model.fit(table, Y)
    with pytest.raises(DescriptorError, match=words):
        mmf.schema_of(model)
    with pytest.raises(DescriptorError, match=f"schema: .*{words}"):
        mmf.DataFrame(schema=model)


@pytest.mark.parametrize(
    "flags", [[True, False], [True, 0], ["True", "FALSE"], ["true", 0.0], [1, 0], ["1", "0"]]
)
@pytest.mark.parametrize("dtype", [object, None])
def test_model_fitted_on_booleans_accepts_booleans(flags: list[Any], dtype: Any) -> None:
    fitted = X[["area"]].assign(flag=X.age > 20)
    table = mmf.DataFrame(schema=Ridge().fit(fitted, Y))
    rows = pd.DataFrame({"area": [1, 2], "flag": pd.Series(flags, dtype=dtype)})
    assert table.validate(rows)["flag"].tolist() == [1.0, 0.0]
    assert table.validate(rows)["flag"].dtype == "float64"
    with pytest.raises(InvalidValue):
        table.validate(rows.assign(flag=["yes", "no"]))


def test_many_columns_and_names_with_brackets() -> None:
    names = [f"f[{index}] <kg>" for index in range(5000)]
    wide = pd.DataFrame(RANDOM.random((3, 5000)), columns=names)
    table = mmf.DataFrame(schema=Ridge().fit(wide, [1, 2, 3]))
    assert list(table.columns) == names
    pd.testing.assert_frame_equal(table.validate(wide), wide)


def test_large_category_is_checked_but_not_listed() -> None:
    levels = [f"level {number}" for number in range(100_000)]
    many = pd.DataFrame({"a": levels})
    model = make_pipeline(OneHotEncoder(), Ridge(solver="lsqr", max_iter=1)).fit(
        many, np.arange(1e5)
    )
    table = mmf.DataFrame(schema=model)
    assert len(str(table.json_schema())) < 2000
    assert len(str(table.meta())) < 2000
    assert table.validate(many.tail(2))["a"].tolist() == levels[-2:]
    with pytest.raises(InvalidValue) as caught:
        table.validate(pd.DataFrame({"a": ["level 7", "level x"]}))
    (error,) = caught.value.errors
    assert (error.row, error.column) == (1, "a")
    assert len(error.message) < 1000


def _from(library: str, **members: Any) -> Any:
    """Return an object that poses as one of a library that may not be installed."""
    return type("Model", (), {"__module__": f"{library}.core", "predict": None, **members})()


LIGHTGBM_TEXT = "tree\nparameters:\n[boosting: gbdt]\n[categorical_feature: 1,2]\n\nend"


def test_lightgbm_schema() -> None:
    model = _from(
        "lightgbm",
        feature_name=lambda _: ["area_m2", "city", "code"],
        pandas_categorical=[CITIES, [1, 2]],
        model_to_string=lambda *_, **_options: LIGHTGBM_TEXT,
    )
    assert mmf.schema_of(model) == {
        "area_m2": float | None,
        "city": mmf.Column(str | None, choices=CITIES, category=True),
        "code": mmf.Column(int | None, choices=[1, 2], category=True),
    }
    # LightGBM has replaced a blank.
    rows = pd.DataFrame({"city": ["Omsk"], "code": [2], "area m2": [3]})
    table = mmf.DataFrame(schema=model).validate(rows)
    assert table.columns.tolist() == ["area_m2", "city", "code"]
    assert table["city"].dtype == pd.CategoricalDtype(CITIES)


def test_txt_file_is_a_model_only_with_a_lightgbm_header(tmp_path: Path) -> None:
    (tmp_path / "stop_words.txt").write_text("a\nthe\n")
    (tmp_path / "model.txt").write_text("tree\nversion=v4\n")
    assert format_of(tmp_path / "stop_words.txt") is None
    model_format = format_of(tmp_path / "model.txt")
    assert model_format is not None
    assert model_format is format_of(tmp_path / "new.txt")
    assert model_format.library == "lightgbm"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["Column_0", "Column_1"], "without column names"),
        (["a", "b", "a"], "duplicate column names: a"),
    ],
)
def test_lightgbm_without_column_names(names: list[str], words: str) -> None:
    with pytest.raises(DescriptorError, match=words):
        inputs_of(_from("lightgbm", feature_name=lambda _: names))


class _Levels:
    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def to_pylist(self) -> list[Any]:
        return self._values


def test_xgboost_schema() -> None:
    categories = _from("xgboost", to_arrow=lambda _: [("a[0]", None), ("city", _Levels(CITIES))])
    booster = {
        "feature_names": ["a[0]", "flag", "city"],
        "feature_types": ["float", "i", "c"],
        "get_categories": lambda *_, **_options: categories,
    }
    schema = {
        "a[0]": float | None,
        "flag": bool | None,
        "city": mmf.Column(str | None, choices=CITIES, category=True),
    }
    assert mmf.schema_of(_from("xgboost", **booster)) == schema
    estimator = _from("xgboost", get_booster=lambda _: _from("xgboost", **booster))
    assert mmf.schema_of(estimator) == schema
    with pytest.raises(DescriptorError, match="without column names"):
        inputs_of(_from("xgboost", feature_names=None))


def test_catboost_schema() -> None:
    members = {
        "get_cat_feature_indices": lambda _: [1],
        "get_text_feature_indices": lambda _: [2],
    }
    model = _from("catboost", feature_names_=["area", "code", "note"], **members)
    assert mmf.schema_of(model) == {"area": float | None, "code": str, "note": str}
    inputs = inputs_of(model)
    assert inputs is not None
    assert inputs.doubt  # a code may be a text or a number: only schema=model decides
    with pytest.raises(DescriptorError, match="without column names"):
        inputs_of(_from("catboost", feature_names_=["0", "1"], **members))


PMML = """<PMML xmlns="http://www.dmg.org/PMML-4_4"><DataDictionary>
<DataField name="area" optype="continuous" dataType="double"/>
<DataField name="rooms" optype="continuous" dataType="integer"/>
<DataField name="city" optype="categorical" dataType="string">
  <Value value="Kazan"/><Value value="Omsk"/><Value value="?" property="missing"/></DataField>
<DataField name="open" optype="categorical" dataType="string"><Value value="a"/></DataField>
</DataDictionary><TreeModel><MiningSchema><MiningField name="city"/>
<MiningField name="open" invalidValueTreatment="asMissing"/></MiningSchema></TreeModel></PMML>"""


def test_pmml_schema() -> None:
    columns = pmml_columns(ET.fromstring(PMML), ["area", "rooms", "city", "open"])
    declared = {name: (column.type, column.choices) for name, column in columns.items()}
    assert declared == {
        "area": (float, None),
        "rooms": (int, None),
        "city": (str, ("Kazan", "Omsk")),
        "open": (str, None),
    }


@pytest.mark.filterwarnings("ignore")  # of the exporter's own code
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (NUMBERS, {"area": float | None, "age": int}),
        (["area", "city"], {"area": float | None, "city": str}),
    ],
)
def test_onnx_schema(columns: list[str], expected: dict[str, Any], tmp_path: Path) -> None:
    numbers = StandardScaler() if columns == NUMBERS else "passthrough"
    parts = [(numbers, [name for name in columns if name != "city"])]
    if "city" in columns:
        parts.append((OneHotEncoder(), ["city"]))
    model = make_pipeline(make_column_transformer(*parts), Ridge()).fit(X[columns], Y)
    mmf.save_model(model, tmp_path / "model.onnx", example=X[columns])
    assert mmf.schema_of(tmp_path / "model.onnx") == expected


def test_rejects_other_objects_as_schema(tmp_path: Path) -> None:
    with pytest.raises(DescriptorError, match=r"expected {column: type}, .*a model or an object"):
        mmf.DataFrame(schema=7)
    with pytest.raises(ArtifactError, match="not found"):
        mmf.schema_of(tmp_path / "absent.joblib")


@pytest.mark.parametrize(("suffix", "package"), [(".pt", "torch"), (".keras", "keras")])
def test_unsupported_format_error_shows_a_loader(suffix: str, package: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        mmf.load_model(f"net{suffix}")
    words, _, code = str(caught.value).partition("main.py:\n\n")
    assert f"make add PACKAGE={package}, and write its loader and a target in" in words
    assert code.startswith(f'@mmf.artifact("net{suffix}")\ndef model():\n')
    compile(code, "main.py", "exec")


def test_dict_of_models_is_saved_if_each_predicts_the_same(tmp_path: Path) -> None:
    models = {"a": Ridge().fit(X[NUMBERS], Y), "b": Ridge().fit(X[["age"]], Y), "threshold": 0.5}
    examples = {"a": X[NUMBERS], "b": X[["age"]]}
    mmf.save_model(models, tmp_path / "models.joblib", example=examples)
    loaded = mmf.load_model(tmp_path / "models.joblib")
    assert loaded["threshold"] == 0.5
    assert loaded["b"].predict(X[["age"]]) == pytest.approx(models["b"].predict(X[["age"]]))
    with pytest.raises(ArtifactError, match="no predict"):
        mmf.save_model({"threshold": 0.5}, tmp_path / "none.joblib", example=X)
