"""Formulas compute exactly what scikit-learn's estimators do, or are not used."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils import all_estimators

import mmf_core as mmf
from mmf_core.models.sklearn_formulas import FEW_ROWS, FORMULAS, formula

ROWS = 100 * np.random.default_rng(0).normal(size=(60, 5))
VALUES = ROWS @ [1.0, -2.0, 3.0, 0.5, 0.1]
TWO, THREE = np.digitize(VALUES, [0]), np.digitize(VALUES, [-100, 100])
TEXTS = np.array(["low", "middle", "high"])[THREE]
CLASSES = dict(all_estimators())
OPTIONS = {"n_estimators": 7, "random_state": 0, "cv": 2, "Cs": 2, "max_iter": 100}


def fitted(kind: str, labels: Any) -> Any:
    estimator = CLASSES[kind]()
    known = {name: value for name, value in OPTIONS.items() if name in estimator.get_params()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.set_params(**known).fit(ROWS, labels)


def labels_for(kind: str) -> list[Any]:
    return [TWO, THREE, TEXTS] if is_classifier(CLASSES[kind]()) else [VALUES]


@pytest.mark.parametrize(("kind", "method"), FORMULAS, ids=lambda text: text)
@pytest.mark.filterwarnings("ignore")
def test_results_equal_the_estimator(kind: str, method: str) -> None:
    """A formula that is no longer used means that this scikit-learn computes differently."""
    for labels in labels_for(kind):
        estimator = fitted(kind, labels)
        compute = formula(estimator, method)
        assert compute is not None
        for rows in (ROWS, ROWS[:1], np.asfortranarray(ROWS), ROWS[::2], ROWS * 1e-300):
            expected, actual = getattr(estimator, method)(rows), compute(rows)
            assert actual is not None
            assert actual.dtype == expected.dtype
            assert np.array_equal(actual, expected)
            assert actual.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "last", ["LinearRegression", "LogisticRegression", "RandomForestRegressor"]
)
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(clip=True), RobustScaler()])
def test_pipelines_and_searches(scaler: Any, last: str) -> None:
    known = CLASSES[last]().get_params().keys() & {"n_estimators"}
    estimator = CLASSES[last](**dict.fromkeys(known, 5))
    pipeline = make_pipeline(scaler, "passthrough", estimator).fit(ROWS, TWO)
    search = GridSearchCV(pipeline, {}, cv=2).fit(ROWS, TWO)
    for model in (pipeline, search):
        compute = formula(model, "predict")
        assert compute is not None
        actual = compute(ROWS)
        assert actual is not None
        assert actual.tobytes() == model.predict(ROWS).tobytes()


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[:0],
        np.where(ROWS[3, 2] == ROWS, np.nan, ROWS),
        np.where(ROWS[3, 2] == ROWS, np.inf, ROWS),
        ROWS.astype(np.float32),
        ROWS.astype(int),
        np.full((2, 5), 1e300),  # more than a tree's float32 holds, and a scaler's small scale
    ],
    ids=["no rows", "NaN", "infinity", "float32", "int", "too large"],
)
def test_invalid_input_is_left_to_scikit_learn(rows: Any) -> None:
    small = make_pipeline(StandardScaler(), LinearRegression()).fit(ROWS * 1e-100, VALUES)
    for model in (RandomForestRegressor(3).fit(ROWS, VALUES), small):
        compute = formula(model, "predict")
        assert compute is not None
        with np.errstate(over="ignore"):
            assert compute(rows) is None


def test_attributes_are_read_at_each_call() -> None:
    model = LinearRegression().fit(ROWS, VALUES)
    compute = formula(model, "predict")
    model.coef_ = model.coef_ * 2
    assert compute is not None
    actual = compute(ROWS)
    assert actual is not None
    assert actual.tobytes() == model.predict(ROWS).tobytes()


def test_overridden_estimator_has_no_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LogisticRegression().fit(ROWS, TWO)
    assert formula(model, "predict") is not None
    monkeypatch.setattr(LogisticRegression, "predict", lambda _, rows: np.zeros(len(rows)))
    assert formula(model, "predict") is None
    own = LinearRegression().fit(ROWS, VALUES)
    own.predict = lambda rows: rows[:, 0]
    assert formula(own, "predict") is None


def test_unsupported_estimators_and_methods_have_no_formula() -> None:
    two_outputs = RandomForestRegressor(3).fit(ROWS, np.column_stack([VALUES, VALUES]))
    assert formula(two_outputs, "predict") is None
    assert formula(LogisticRegression().fit(ROWS, TWO), "predict_log_proba") is None
    tables = make_pipeline(StandardScaler().set_output(transform="pandas"), LinearRegression())
    assert formula(tables.fit(ROWS, VALUES), "predict") is None


def test_many_rows_of_a_forest_are_left_to_scikit_learn() -> None:
    model = RandomForestClassifier(3, n_jobs=2).fit(ROWS, THREE)
    compute = formula(model, "predict_proba")
    assert compute is not None
    assert compute(np.resize(ROWS, (FEW_ROWS, 5))) is not None
    assert compute(np.resize(ROWS, (FEW_ROWS + 1, 5))) is None


def test_fast_path_uses_formulas() -> None:
    table = pd.DataFrame(ROWS, columns=list("abcde"))
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, TEXTS)
    model = mmf.fast_path(plain)
    assert model.predict(table).tolist() == plain.predict(table).tolist()
    last = plain[-1]
    last.coef_ = -last.coef_
    assert model.predict(table).tolist() == plain.predict(table).tolist(), "never stale"
    last.predict = lambda rows: ["other"] * len(rows)
    assert model.predict(table) == ["other"] * len(table)
