"""`mmf.fast_path`: an estimator of scikit-learn gets a table's numbers as an array, unchanged."""

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
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils import validation

import mmf_core as mmf
from baking import ROOT
from mmf_core.models import sklearn_fast_path
from mmf_core.models.sklearn_fast_path import (
    METHODS,
    FastPathUnavailable,
    _columns,
)
from mmf_core.web import create_app

COLUMNS = ["a", "b", "c"]
TABLE = pd.DataFrame(np.random.default_rng(0).random((20, 3)), columns=COLUMNS)
CLASSES = np.arange(20) % 2


class Mine(LogisticRegression):
    """An estimator of a third-party class."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        return X


def line() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(TABLE, CLASSES)


def through_pickle(protocol: int, model: Any) -> Any:
    return pickle.loads(pickle.dumps(model, protocol))


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that saves an object and loads it as a model."""

    def save_and_load(model: Any, name: str = "model.joblib") -> Any:
        joblib.dump(model, tmp_path / name)
        return mmf.load_model(tmp_path / name)

    return save_and_load


@pytest.fixture
def tables_seen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list of the tables whose names scikit-learn inspects."""
    tables: list[Any] = []
    look = validation._get_feature_names

    def spy(value: Any) -> Any:
        if isinstance(value, pd.DataFrame):
            tables.append(value)
        return look(value)

    monkeypatch.setattr(validation, "_get_feature_names", spy)
    return tables


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_estimator_receives_an_array(method: str, tables_seen: list[Any]) -> None:
    plain = line()
    model = mmf.fast_path(plain)
    tables_seen.clear()
    predictions = getattr(model, method)(TABLE)
    assert tables_seen == []
    assert (predictions == getattr(plain, method)(TABLE)).all()
    assert tables_seen != []


def test_loaded_model_is_not_wrapped(load: Callable[..., Any], tables_seen: list[Any]) -> None:
    plain = line()
    model = load(plain)
    assert type(model) is Pipeline
    assert type(model[0]) is StandardScaler
    assert vars(model).keys() == vars(plain).keys()
    tables_seen.clear()
    model.predict(TABLE)
    assert tables_seen != []


def test_estimator_is_not_modified() -> None:
    plain = line()
    before = [(type(part), part.__dict__, dict(vars(part))) for part in (plain, *plain)]
    model = mmf.fast_path(plain)
    model.predict(TABLE)
    assert model.__wrapped__ is plain
    for part, (kind, state, attributes) in zip((plain, *plain), before, strict=True):
        assert type(part) is kind
        assert part.__dict__ is state
        assert state.keys() == attributes.keys()
        assert all(state[name] is value for name, value in attributes.items())


@pytest.mark.parametrize(
    "model",
    [
        *({"weights": [1.5]}, [1], "text", None, LogisticRegression(), StandardScaler),
        pytest.param(LogisticRegression().fit(TABLE.to_numpy(), CLASSES), id="without names"),
        pytest.param(Mine().fit(TABLE, CLASSES), id="another's class"),
        pytest.param(FunctionTransformer().fit(TABLE), id="aware of columns"),
        pytest.param(StandardScaler().set_output(transform="pandas").fit(TABLE), id="tables"),
    ],
    ids=repr,
)
def test_other_objects_are_returned_unchanged(model: Any) -> None:
    kind = type(model)
    assert mmf.fast_path(model) is model
    assert type(model) is kind


def test_onnx_model_is_returned_unchanged(tmp_path: Path) -> None:
    mmf.save_model(line(), tmp_path / "model.onnx", example=TABLE.astype("float32"))
    model = mmf.load_model(tmp_path / "model.onnx")
    assert mmf.fast_path(model) is model


def test_fast_path_unwraps_fast_paths_and_proxies(tmp_path: Path) -> None:
    model = line()
    assert mmf.fast_path(mmf.fast_path(model)).__wrapped__ is model
    registry = mmf.Registry()
    (tmp_path / "weights").write_text("1")
    proxy = registry.artifact(tmp_path / "weights")(lambda: model)
    assert mmf.fast_path(proxy).__wrapped__ is model


def test_attributes_are_those_of_the_estimator() -> None:
    plain = line()
    model = mmf.fast_path(plain)
    assert model.feature_names_in_.tolist() == COLUMNS
    assert model.classes_.tolist() == [0, 1]
    assert model.named_steps is plain.named_steps or model.named_steps == plain.named_steps
    assert model.score(TABLE, CLASSES) == plain.score(TABLE, CLASSES)
    assert model.get_params().keys() == plain.get_params().keys()
    assert model._repr_html_().count("LogisticRegression") > 0
    assert sklearn.base.is_classifier(model)
    assert repr(model) == f"fast_path({plain!r})"
    with pytest.raises(AttributeError, match="'Pipeline' object has no attribute 'coef_'"):
        model.coef_  # noqa: B018
    with pytest.raises(AttributeError):
        model.verbose = True  # which the estimator would not know


@pytest.mark.parametrize(
    "model", [LinearSVC(), LogisticRegression(), KMeans(2, n_init=1), make_pipeline(LinearSVC())]
)
def test_methods_are_those_of_the_estimator(model: BaseEstimator) -> None:
    own = [method for method in METHODS if hasattr(model.fit(TABLE, CLASSES), method)]
    fast = mmf.fast_path(model)
    assert [method for method in METHODS if hasattr(fast, method)] == own
    for method in set(METHODS) - set(own):
        with pytest.raises(AttributeError, match=f"'{type(model).__name__}'.* no attribute"):
            getattr(fast, method)


@pytest.mark.parametrize("model", [line(), LogisticRegression().fit(TABLE, CLASSES)], ids=repr)
@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, *(partial(through_pickle, protocol) for protocol in range(6))],
)
def test_copies_are_plain_estimators(model: Any, duplicate: Callable[..., Any]) -> None:
    other = duplicate(mmf.fast_path(model))
    assert type(other) is type(model)
    assert other is not model
    assert (other.predict(TABLE) == model.predict(TABLE)).all()
    assert vars(other).keys() == vars(model).keys()


def test_pickle_does_not_depend_on_this_package() -> None:
    assert b"mmf" not in pickle.dumps(mmf.fast_path(line()))


def test_bound_method_is_pickled_with_the_estimator() -> None:
    predict = pickle.loads(pickle.dumps(mmf.fast_path(line()).predict))
    assert type(predict.__self__) is Pipeline
    assert (predict(TABLE) == line().predict(TABLE)).all()


@pytest.mark.parametrize("suffix", [".joblib", ".pkl", ".skops", ".onnx"])
def test_save_model_saves_the_estimator(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    mmf.save_model(mmf.fast_path(line()), path, example=TABLE.astype("float32"))
    loaded = mmf.load_model(path)
    assert (loaded.predict(TABLE.astype("float32")) == line().predict(TABLE)).all()
    if suffix != ".onnx":
        assert type(loaded) is Pipeline


def test_schema_of_uses_the_estimator() -> None:
    assert mmf.schema_of(mmf.fast_path(line())) == mmf.schema_of(line())


def test_target_infers_the_schema_through_the_fast_path(
    tmp_path: Path, tables_seen: list[Any]
) -> None:
    joblib.dump(line(), tmp_path / "model.joblib")
    registry = mmf.Registry()
    model = mmf.fast_path(registry.artifact(tmp_path / "model.joblib").load())

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def score(data: Any = mmf.DataFrame()) -> Any:  # noqa: B008
        return model.predict(data)

    client = create_app(registry).test_client()
    tables_seen.clear()
    response = client.post("/score", json=TABLE.head(2).to_dict("records"))
    assert tables_seen == []
    assert [row["prediction"] for row in response.json] == model.predict(TABLE.head(2)).tolist()
    response = client.post("/score", json=[{"a": 1, "b": 2}])
    assert (response.status_code, response.json["detail"]) == (422, "missing columns: c")
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.predict(TABLE.assign(a=np.nan))


def test_clone_is_unfitted() -> None:
    other = clone(mmf.fast_path(line()))
    assert type(other) is Pipeline
    assert not hasattr(other, "classes_")


def test_refit_takes_effect() -> None:
    plain = LinearRegression().fit(TABLE, CLASSES)
    model = mmf.fast_path(plain)
    model.predict(TABLE)
    other = TABLE.rename(columns={"a": "z"})
    plain.fit(other, -CLASSES)
    assert (model.predict(other) == LinearRegression().fit(other, -CLASSES).predict(other)).all()
    with pytest.raises(ValueError, match="names should match"):
        model.predict(TABLE)


def new_mean(model: Any) -> None:
    model[0].mean_ = model[0].mean_ + 1


def mean_in_place(model: Any) -> None:
    model[0].mean_ += 1


def other_step(model: Any) -> None:
    model.steps[0] = ("other", StandardScaler(with_std=False).fit(TABLE))


def parameter(model: Any) -> None:
    model.set_params(standardscaler__with_mean=False)


def new_state(model: Any) -> None:
    model[1].__dict__ = vars(LogisticRegression(C=0.01).fit(model[0].transform(TABLE), CLASSES))


@pytest.mark.parametrize("change", [new_mean, mean_in_place, other_step, parameter, new_state])
def test_change_of_the_estimator_takes_effect(change: Callable[[Any], None]) -> None:
    plain = line()
    model = mmf.fast_path(plain)
    before = model.predict_proba(TABLE)
    change(plain)
    after = model.predict_proba(TABLE)
    assert (after != before).any()
    assert (after == copy.deepcopy(plain).predict_proba(TABLE)).all()


def test_feature_name_changed_in_place_takes_effect() -> None:
    plain = line()
    model = mmf.fast_path(plain)
    model.predict(TABLE)
    plain[0].feature_names_in_[0] = "z"
    with pytest.raises(ValueError, match="names should match"):
        model.predict(TABLE)


def test_one_copy_serves_all_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    model = mmf.fast_path(line())
    copies: list[Any] = []
    monkeypatch.setattr(sklearn_fast_path, "_NamelessCopy", lambda *args: copies.append(args))
    for _ in range(3):
        model.predict(TABLE)
    assert copies == []


def test_set_output_takes_effect() -> None:
    plain = StandardScaler().fit(TABLE)
    scaler = mmf.fast_path(plain)
    named = TABLE.set_axis(range(5, 25), axis="index")
    assert isinstance(scaler.transform(named), np.ndarray)
    with sklearn.config_context(transform_output="pandas"):
        assert scaler.transform(named).index.equals(named.index)
    plain.set_output(transform="pandas")
    assert scaler.transform(named).index.equals(named.index)


def test_metadata_routing_disables_the_fast_path(tables_seen: list[Any]) -> None:
    model = mmf.fast_path(line())
    tables_seen.clear()
    with sklearn.config_context(enable_metadata_routing=True):
        model.predict(TABLE)
    assert len(tables_seen) > 0


def test_overflow_inside_a_pipeline_is_rejected() -> None:
    tiny = pd.DataFrame(np.random.default_rng(0).random((20, 3)) * 1e-150, columns=COLUMNS)
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(tiny, CLASSES)
    large = tiny.assign(a=1e200)  # finite, unlike its quotient by the scale
    for model in (plain, mmf.fast_path(plain)):
        with np.errstate(over="ignore"), pytest.raises(ValueError, match="contains infinity"):
            model.predict(large)


def test_extra_arguments_are_passed() -> None:
    plain = GaussianProcessRegressor(alpha=0.1, optimizer=None).fit(TABLE, CLASSES)
    model = mmf.fast_path(plain)
    for mine, other in zip(
        model.predict(TABLE, return_std=True), plain.predict(TABLE, return_std=True), strict=True
    ):
        assert (mine == other).all()
    assert (model.predict(X=TABLE) == plain.predict(TABLE)).all()
    with pytest.raises(TypeError, match="'X'"):
        model.predict()


def test_table_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs: list[Any] = []
    monkeypatch.setattr(LinearRegression, "predict", lambda _, value: inputs.append(value))
    mmf.fast_path(LinearRegression().fit(TABLE, CLASSES)).predict(TABLE)
    assert isinstance(inputs[-1], np.ndarray)
    assert np.shares_memory(inputs[-1], TABLE.to_numpy())


def test_fast_path_needs_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _columns(TABLE).tolist() == COLUMNS
    monkeypatch.delitem(sys.modules, "pandas")
    with pytest.raises(FastPathUnavailable):
        _columns(TABLE)


def test_changed_columns_are_checked() -> None:
    plain = LinearRegression().fit(TABLE, CLASSES)
    model = mmf.fast_path(plain)
    expected = plain.predict(TABLE).tolist()
    others = TABLE[COLUMNS[::-1]], TABLE.rename(columns=str.upper)
    for table in (TABLE, TABLE[:1], TABLE.copy(), TABLE.set_axis(COLUMNS, axis="columns")):
        assert model.predict(table).tolist() == expected[: len(table)]
        for other in others:
            with pytest.raises(ValueError, match="feature names"):
                model.predict(other)


def test_fast_path_is_thread_safe() -> None:
    plain = RandomForestRegressor(3, random_state=0).fit(TABLE, CLASSES)
    model = mmf.fast_path(plain)
    tables = [TABLE.iloc[place:] for place in range(8)]
    expected = [plain.predict(table) for table in tables]
    wrong: list[Any] = []

    def ask(place: int) -> None:
        for _ in range(20):
            wrong.extend(np.flatnonzero(model.predict(tables[place]) != expected[place]))
            plain.note = place  # so that the copy is rebuilt

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_fast_path_does_not_import_scikit_learn(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"weights": [1]}))
    code = (
        "import json, sys; import mmf_core as mmf; mmf.fast_path(mmf.load_model(sys.argv[1]));"
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
