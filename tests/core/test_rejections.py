"""Whether an exception inside a model is the client's error or the author's."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import mmf_core as mmf
from mmf_core.artifact import Artifact
from mmf_core.call_options import Batch, CallOptions
from mmf_core.errors import RejectedInput, TargetError
from mmf_core.execution import Execution
from mmf_core.target import Target

RANDOM = np.random.default_rng(0)
X = pd.DataFrame({"area": RANDOM.random(60), "age": RANDOM.integers(0, 50, 60)})
CITIES = X.assign(city=RANDOM.choice(["Kazan", "Moscow", "Omsk"], 60))
Y = X.area * 2
RIDGE = make_pipeline(StandardScaler(), Ridge()).fit(X, Y)
ENCODED = make_pipeline(
    make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough"), Ridge()
).fit(CITIES, Y)

TABLE = mmf.DataFrame(schema=None)
MISSING = {"area": [1.0]}
TEXT = {"area": [1.0], "age": ["strong"]}
NULL = {"area": [1.0], "age": [None]}
EXTRA = {"area": [1.0], "age": [2.0], "id": [7]}


def execution(function: Callable[..., Any], **options: Any) -> Execution:
    """Return a target whose table has no schema."""

    def score(data: Any = TABLE) -> Any:
        return function(data)

    call_options = CallOptions(**options)
    return Execution(Target.of(score, returns=mmf.DataFrame(), call_options=call_options))


def rejection(function: Callable[..., Any], columns: dict[str, list[Any]]) -> RejectedInput:
    """Return the client's error for a table."""
    with pytest.raises(RejectedInput) as caught:
        execution(function)({"data": pd.DataFrame(columns)})
    error = caught.value
    assert error.status == 422
    assert error.__cause__ is not None
    (detail,) = error.errors
    assert detail.where == "data"
    assert detail.message in error.detail
    assert "\n" not in detail.message
    return error


@pytest.mark.parametrize(
    ("model", "columns", "words"),
    [
        (RIDGE, MISSING, "feature names should match .* now missing: - age"),
        (RIDGE, TEXT, "could not convert string to float: 'strong'"),
        (RIDGE, NULL, "Input X contains NaN"),
        (RIDGE, EXTRA, "unseen at fit time: - id"),
        (ENCODED, {**NULL, "age": [1], "city": ["Paris"]}, r"unknown categories \['Paris'\]"),
        (ENCODED, NULL, "columns are missing: {'city'}"),
        (LinearRegression().fit(X, Y), TEXT, "could not convert string"),
        (RandomForestClassifier(2).fit(X, Y > 1), TEXT, "could not convert string"),
    ],
)
def test_scikit_learn_error_is_a_rejection(
    model: Any, columns: dict[str, list[Any]], words: str, tmp_path: Path
) -> None:
    assert rejection(model.predict, columns).errors[0].message
    with pytest.raises(RejectedInput, match=f"the model rejects its input: .*{words}"):
        execution(model.predict)({"data": pd.DataFrame(columns)})
    mmf.save_model(model, tmp_path / "model.joblib", example=CITIES if model is ENCODED else X)
    loaded = Artifact(tmp_path / "model.joblib").load()
    assert rejection(mmf.fast_path(loaded).predict, columns).is_untouched


def test_onnx_model_error_is_a_rejection(tmp_path: Path) -> None:
    mmf.save_model(RIDGE, tmp_path / "model.onnx", example=X.astype(float))
    model = mmf.load_model(tmp_path / "model.onnx")
    assert "expected the columns of the training data" in rejection(model.predict, MISSING).detail
    assert "could not convert" in rejection(model.predict, TEXT).detail


@pytest.mark.filterwarnings("ignore")  # of MLflow's own code
def test_mlflow_signature_error_is_a_rejection(tmp_path: Path) -> None:
    from mlflow import pyfunc
    from mlflow.models import infer_signature

    class Sum(pyfunc.PythonModel):
        def predict(self, context, model_input):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            return model_input.sum(axis=1)

    pyfunc.save_model(
        str(tmp_path / "m"), python_model=Sum(), signature=infer_signature(X), pip_requirements=[]
    )
    model = mmf.load_model(tmp_path / "m")
    assert "missing inputs" in rejection(model.predict, MISSING).detail


def _booster(library: str) -> Any:
    module = pytest.importorskip(library, minversion="1")
    options: dict[str, Any] = {
        "lightgbm": {"n_estimators": 2, "verbose": -1},
        "xgboost": {"n_estimators": 2, "enable_categorical": True},
        "catboost": {"iterations": 2, "verbose": 0, "allow_writing_files": False},
    }[library]
    name = {"lightgbm": "LGBM", "xgboost": "XGB", "catboost": "CatBoost"}[library]
    return getattr(module, f"{name}Regressor")(**options).fit(X, Y)


@pytest.mark.filterwarnings("ignore")  # warnings of the libraries themselves
@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "catboost"])
def test_booster_error_is_a_rejection(library: str) -> None:
    model = _booster(library)
    for columns in (MISSING, TEXT):
        assert rejection(model.predict, columns).detail


def test_xgboost_message_has_no_stack_trace() -> None:
    xgboost = pytest.importorskip("xgboost", minversion="1")
    table = CITIES.astype({"city": "category"})
    model = xgboost.XGBRegressor(n_estimators=2, enable_categorical=True).fit(table, Y)
    wrong = table.head(1).assign(city=pd.Categorical(["Paris"]))
    (detail,) = rejection(model.predict, dict(wrong)).errors
    assert detail.message.startswith("Found a category not in the training set")
    assert "Stack trace" not in detail.message


def _unfitted(data: pd.DataFrame) -> Any:
    return Ridge().predict(data)


def _own_code(_data: pd.DataFrame) -> Any:
    raise ValueError("Input X contains NaN")


def _own_transformer(data: pd.DataFrame) -> Any:
    def broken(_table: Any) -> Any:
        raise ValueError("a bug in the author's step")

    return FunctionTransformer(broken).fit_transform(data)


def _wrong_call(data: pd.DataFrame) -> Any:
    return RIDGE.predict(data, no_such_option=1)


def _wrong_columns(data: pd.DataFrame) -> Any:
    return RIDGE.predict(data.rename(columns={"age": "aeg"}))


def _wrong_table(_data: pd.DataFrame) -> Any:
    return RIDGE.predict(pd.DataFrame({"area": [1.0]}))


def _wrong_name(data: pd.DataFrame) -> Any:
    return RIDGE.predict(data[["area", "aeg"]])


def _score(data: pd.DataFrame) -> Any:
    return accuracy_score([1, 0], data["age"])


@pytest.mark.parametrize(
    "function",
    [
        *(_unfitted, _own_code, _own_transformer, _wrong_call, _wrong_columns, _wrong_table),
        *(_wrong_name, _score),
    ],
)
def test_error_in_the_function_is_a_target_error(function: Callable[..., Any]) -> None:
    with pytest.raises(TargetError) as caught:
        execution(function)({"data": X.head(3)})
    assert caught.value.status == 500


def test_error_in_another_package_is_a_target_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helper = ModuleType("helper")
    helper.__file__ = "/lib/site-packages/helper.py"
    exec("def check(data):\n    raise ValueError('no')", vars(helper))
    monkeypatch.setitem(sys.modules, "helper", helper)
    with pytest.raises(TargetError):
        execution(helper.check)({"data": X})


DERIVED = mmf.DataFrame(schema={"area": float, "years": float | None})
NO_YEARS = pd.DataFrame({"area": [1.0], "years": [None]})
RIGHT = pd.DataFrame({"area": [1.0], "years": [2.0]})


def deriving(name: str, table: mmf.DataFrame = DERIVED) -> Execution:
    """Return a target whose function renames a column to `name`, for a model that takes `age`."""

    def score(data: Any = table) -> Any:
        return RIDGE.predict(data.rename(columns={"years": name}))

    return Execution(Target.of(score, returns=mmf.DataFrame()))


def test_derived_table_is_a_rejection_if_the_example_succeeds() -> None:
    run = deriving("age")
    for _ in range(2):  # on the first request, and again after a success
        with pytest.raises(RejectedInput, match="Input X contains NaN") as caught:
            run({"data": NO_YEARS})
        assert not caught.value.is_untouched
        run({"data": RIGHT})


@pytest.mark.parametrize(
    ("name", "table"),
    [("aeg", DERIVED), ("age", mmf.DataFrame(schema=None))],
    ids=["wrong function", "example is a guess"],
)
def test_derived_table_is_a_target_error_if_the_example_fails(
    name: str, table: mmf.DataFrame
) -> None:
    run = deriving(name, table)
    for _ in range(2):
        with pytest.raises(TargetError):
            run({"data": NO_YEARS})
        if name == "age":
            run({"data": RIGHT})


@pytest.mark.filterwarnings("ignore")  # warnings of the libraries themselves
@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "catboost"])
def test_derived_table_for_a_booster(library: str) -> None:
    model = _booster(library)
    text = mmf.DataFrame(schema={"area": float, "years": mmf.Column(str, choices=["1", "old"])})

    def score(data: Any = text) -> Any:
        age = data["years"]
        return model.predict(
            data[["area"]].assign(age=age if "old" in set(age) else age.astype(int))
        )

    run = Execution(Target.of(score, returns=mmf.DataFrame()))
    with pytest.raises(RejectedInput):
        run({"data": pd.DataFrame({"area": [1.0], "years": ["old"]})})

    def wrong(data: Any = DERIVED) -> Any:
        return model.predict(data[["area"]])

    with pytest.raises(TargetError):
        Execution(Target.of(wrong, returns=mmf.DataFrame()))({"data": RIGHT})


def test_example_is_called_once_and_only_for_derived_tables() -> None:
    calls = []

    def score(data: Any = DERIVED) -> Any:
        calls.append(len(data))
        return RIDGE.predict(data.rename(columns={"years": "age"}))

    run = Execution(Target.of(score, returns=mmf.DataFrame()))
    run({"data": RIGHT})
    assert len(calls) == 1
    for expected in (3, 4):
        with pytest.raises(RejectedInput):
            run({"data": NO_YEARS})
        assert len(calls) == expected


@pytest.mark.parametrize("pieces", [0, 1, 2])
def test_stream_example_uses_the_first_piece(pieces: int) -> None:
    serialized = []

    class Share(mmf.Float):
        def to_output(self, result: Any) -> Any:
            serialized.append(result)
            return f"{super().to_output(result):.0%}"

    def score(data: Any = DERIVED) -> Any:
        RIDGE.predict(data.rename(columns={"years": "age"}))
        yield from [0.5] * pieces

    run = Execution(Target.of(score, returns=mmf.Stream(Share())))
    with pytest.raises(RejectedInput, match="NaN"):
        next(run({"data": NO_YEARS}))
    assert serialized == [0.5] * min(pieces, 1)


def test_rejection_with_batch_and_timeout() -> None:
    run = execution(RIDGE.predict, batch=Batch(), timeout=30)
    with pytest.raises(RejectedInput, match="now missing: - age"):
        run({"data": pd.DataFrame(MISSING)})
