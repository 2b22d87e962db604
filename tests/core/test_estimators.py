"""A loaded scikit-learn estimator gets a table's numbers as an array, and stays what it is."""

import copy
import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils import validation

import mmf_core as mmf
from baking import ROOT
from mmf_core.errors import SettingError
from mmf_core.models import estimators
from mmf_core.models.estimators import METHODS, FastPathUnavailable, enable_fast_path

COLUMNS = ["a", "b", "c"]
TABLE = pd.DataFrame(np.random.default_rng(0).random((20, 3)), columns=COLUMNS)
CLASSES = np.arange(20) % 2


class Mine(LogisticRegression):
    """An estimator of somebody else's class."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        return X


def line() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(TABLE, CLASSES)


def through_pickle(protocol: int, model: Any) -> Any:
    return pickle.loads(pickle.dumps(model, protocol))


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Any]:
    """Give a function that saves an object and loads it as a model."""

    def save_and_load(model: Any, name: str = "model.joblib") -> Any:
        joblib.dump(model, tmp_path / name)
        return mmf.load_model(tmp_path / name)

    return save_and_load


@pytest.fixture
def tables_seen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give a list of the tables whose names scikit-learn looks at."""
    seen: list[Any] = []
    look = validation._get_feature_names

    def spy(value: Any) -> Any:
        if isinstance(value, pd.DataFrame):
            seen.append(value)
        return look(value)

    monkeypatch.setattr(validation, "_get_feature_names", spy)
    return seen


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_a_loaded_estimator_gets_no_table(
    method: str, load: Callable[..., Any], tables_seen: list[Any]
) -> None:
    plain = line()
    model = load(plain)
    tables_seen.clear()
    predictions = getattr(model, method)(TABLE)
    assert tables_seen == []
    assert (predictions == getattr(plain, method)(TABLE)).all()
    assert tables_seen != []


def test_an_artifact_is_quick_too(tmp_path: Path, tables_seen: list[Any]) -> None:
    joblib.dump(line(), tmp_path / "model.joblib")
    model = mmf.artifact(tmp_path / "model.joblib").load()
    tables_seen.clear()
    assert set(model.predict(TABLE)) == {0, 1}
    assert tables_seen == []


def test_the_setting_turns_it_off(
    load: Callable[..., Any], tables_seen: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_FAST_SKLEARN", "0")
    model = load(line())
    tables_seen.clear()
    model.predict(TABLE)
    assert tables_seen != []
    assert type(model) is Pipeline


def test_a_setting_that_is_neither_is_refused(
    load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_FAST_SKLEARN", "maybe")
    with pytest.raises(SettingError, match=r"MMF_FAST_SKLEARN='maybe'.*1 for on or 0 for off"):
        load(line())


@pytest.mark.parametrize(
    "model",
    [
        *({"weights": [1.5]}, [1], "text", LogisticRegression(), StandardScaler),
        pytest.param(LogisticRegression().fit(TABLE.to_numpy(), CLASSES), id="without names"),
        pytest.param(Mine().fit(TABLE, CLASSES), id="another's class"),
    ],
    ids=repr,
)
def test_another_object_is_left_as_it_is(model: Any) -> None:
    kind = type(model)
    assert enable_fast_path(model) is model
    assert type(model) is kind


def test_a_python_that_refuses_the_class_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimators, "_fast_class", lambda _: int)
    assert type(enable_fast_path(line())) is Pipeline


def test_it_is_the_same_object_of_the_same_class_and_state() -> None:
    plain, model = line(), line()
    state = vars(model)
    assert enable_fast_path(enable_fast_path(model)) is model
    assert vars(model) is state
    assert isinstance(model, Pipeline)
    assert model.__class__ is Pipeline
    assert (repr(model), str(type(model))) == (repr(plain), str(type(plain)))
    assert model._repr_html_().count("LogisticRegression") > 0
    assert model.feature_names_in_.tolist() == COLUMNS
    assert model.get_params().keys() == plain.get_params().keys()
    assert sklearn.base.is_classifier(model)
    assert model[:1].transform(TABLE).shape == TABLE.shape
    assert model.predict.__doc__ == plain.predict.__doc__
    assert set(dir(model)) == set(dir(plain))


@pytest.mark.parametrize(
    "model", [LinearSVC(), LogisticRegression(), KMeans(2, n_init=1), make_pipeline(LinearSVC())]
)
def test_it_has_the_methods_it_had(model: BaseEstimator) -> None:
    had = [method for method in METHODS if hasattr(model.fit(TABLE, CLASSES), method)]
    assert [method for method in METHODS if hasattr(enable_fast_path(model), method)] == had
    for method in set(METHODS) - set(had):
        with pytest.raises(AttributeError, match=f"has no attribute '{method}'"):
            getattr(model, method)


@pytest.mark.parametrize("model", [line(), LogisticRegression().fit(TABLE, CLASSES)], ids=repr)
@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, *(partial(through_pickle, protocol) for protocol in range(6))],
)
def test_copies_are_of_scikit_learns_own_class(model: Any, duplicate: Callable[..., Any]) -> None:
    expected, kind = model.predict(TABLE), model.__class__
    other = duplicate(enable_fast_path(model))
    assert type(other) is kind
    assert (other.predict(TABLE) == expected).all()
    assert vars(other).keys() == vars(model).keys()


def test_a_saved_file_does_not_know_of_this_package() -> None:
    plain = line()
    saved = pickle.dumps(plain)
    assert pickle.dumps(enable_fast_path(pickle.loads(saved))) == pickle.dumps(pickle.loads(saved))


def test_no_method_is_wrapped_by_scikit_learn_again() -> None:
    kind = type(enable_fast_path(StandardScaler().fit(TABLE)))
    assert vars(kind)["transform"].__wrapped__ is StandardScaler.transform
    assert vars(kind).keys() - {"transform"} <= {
        "__module__",
        "__qualname__",
        "__doc__",
        "__class__",
    }


def test_a_clone_is_new() -> None:
    other = clone(enable_fast_path(line()))
    assert type(other) is Pipeline
    assert not hasattr(other, "classes_")


def test_a_later_fit_is_followed() -> None:
    model = enable_fast_path(LinearRegression().fit(TABLE, CLASSES))
    model.predict(TABLE)
    other = TABLE.rename(columns={"a": "z"})
    assert (
        model.fit(other, -CLASSES).predict(other)
        == LinearRegression().fit(other, -CLASSES).predict(other)
    ).all()
    with pytest.raises(ValueError, match="names should match"):
        model.predict(TABLE)


def test_a_changed_part_is_followed() -> None:
    model = enable_fast_path(line())
    before = model.predict_proba(TABLE)
    model[0].mean_ = model[0].mean_ + 1
    after = model.predict_proba(TABLE)
    assert (after != before).any()
    assert (after == copy.copy(model).predict_proba(TABLE)).all()


def test_a_part_set_to_answer_tables_is_followed() -> None:
    scaler = enable_fast_path(StandardScaler().fit(TABLE))
    named = TABLE.set_axis(range(5, 25), axis="index")
    assert isinstance(scaler.transform(named), np.ndarray)
    with sklearn.config_context(transform_output="pandas"):
        assert scaler.transform(named).index.equals(named.index)
    scaler.set_output(transform="pandas")
    assert scaler.transform(named).index.equals(named.index)


def test_metadata_routing_goes_the_ordinary_way(tables_seen: list[Any]) -> None:
    model = enable_fast_path(line())
    tables_seen.clear()
    with sklearn.config_context(enable_metadata_routing=True):
        model.predict(TABLE)
    assert len(tables_seen) > 0


def test_other_arguments_go_along() -> None:
    plain = GaussianProcessRegressor(alpha=0.1, optimizer=None).fit(TABLE, CLASSES)
    model = enable_fast_path(copy.deepcopy(plain))
    for mine, other in zip(
        model.predict(TABLE, return_std=True), plain.predict(TABLE, return_std=True), strict=True
    ):
        assert (mine == other).all()
    assert (model.predict(X=TABLE) == plain.predict(TABLE)).all()
    with pytest.raises(TypeError, match="'X'"):
        model.predict()


def test_the_estimator_is_not_changed_by_a_call() -> None:
    model = enable_fast_path(line())
    before = {name: id(value) for name, value in vars(model[0]).items()}
    model.predict(TABLE)
    assert {name: id(value) for name, value in vars(model[0]).items()} == before
    assert model.feature_names_in_.tolist() == COLUMNS


def test_the_table_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs: list[Any] = []
    monkeypatch.setattr(LinearRegression, "predict", lambda _, value: inputs.append(value))
    estimators._fast_class.cache_clear()
    try:
        enable_fast_path(LinearRegression().fit(TABLE, CLASSES)).predict(TABLE)
    finally:
        estimators._fast_class.cache_clear()
    assert isinstance(inputs[0], np.ndarray)
    assert np.shares_memory(inputs[0], TABLE.to_numpy())


def test_without_pandas_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert estimators._column_names(TABLE) == COLUMNS
    monkeypatch.delitem(sys.modules, "pandas")
    with pytest.raises(FastPathUnavailable):
        estimators._column_names(TABLE)


def test_threads_do_not_meet_in_it() -> None:
    model = enable_fast_path(RandomForestRegressor(3, random_state=0).fit(TABLE, CLASSES))
    tables = [TABLE.iloc[place:] for place in range(8)]
    expected = [model.predict(table) for table in tables]
    wrong: list[Any] = []

    def ask(place: int) -> None:
        for _ in range(20):
            wrong.extend(np.flatnonzero(model.predict(tables[place]) != expected[place]))

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_scikit_learn_is_not_imported_for_it(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"weights": [1]}))
    code = (
        "import json, sys; import mmf_core as mmf; mmf.load_model(sys.argv[1]);"
        "print(json.dumps([name in sys.modules for name in ('sklearn', 'numpy', 'pandas')]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.pkl")],
        cwd=ROOT / "{{cookiecutter.project_slug}}",
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [False, False, False]
