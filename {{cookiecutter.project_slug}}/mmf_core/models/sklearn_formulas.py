"""What scikit-learn's most common estimators compute, without the checks around it.

For one row the checks of an estimator take about 150 µs, its arithmetic two; a forest of a hundred
trees takes 10 ms for half a millisecond of it, as it makes a job of each tree. A formula does the
same operations on the same public attributes (`coef_`, `mean_`, `tree_`), which it reads at each
call, in the same order, so that every bit of the result is the same. It is used only after its
results for some made-up rows were those of the estimator, so another version of scikit-learn that
computes otherwise has no formula. It takes finite float64 numbers only: anything else is for
scikit-learn itself, with its own results, warnings and errors.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]
    Formula = Callable[[Any, Array], Array]

SEARCHES = {
    *("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"),
}
FEW_ROWS = 256
"""A forest with `n_jobs=` computes more rows in parallel: faster, and in an order by chance."""
_PROBED = ((1, 1.0), (2, 100.0), (17, 1e4))  # rows, and their size


class NotFinite(Exception):
    """A step has computed infinity, or got it: what follows is for scikit-learn to say."""


def formula(estimator: Any, method: str) -> Callable[[Array], Array | None] | None:
    """Return what computes a method of a fitted estimator; None if there is no such formula.

    It returns None for an array without rows, or not of finite float64 numbers.
    """
    import numpy as np

    compute = _formula(estimator, method)
    if compute is None or not _is_proved(estimator, method, compute):
        return None

    def checked(rows: Array) -> Array | None:
        if rows.dtype != np.float64 or not len(rows) or not np.isfinite(rows).all():
            return None
        try:
            return compute(rows)
        except NotFinite:
            return None

    return checked


def _formula(estimator: Any, method: str) -> Callable[[Array], Array] | None:
    kind = estimator.__class__.__name__
    if not estimator.__class__.__module__.startswith("sklearn."):
        return None
    if kind in SEARCHES:
        return _formula(estimator.best_estimator_, method)
    if kind == "Pipeline":
        return _of_pipeline(estimator, method)
    compute = FORMULAS.get((kind, method))
    if compute is None or getattr(estimator, "n_outputs_", 1) != 1 or "predict" in vars(estimator):
        return None
    return lambda rows: compute(estimator, rows)


def _of_pipeline(pipeline: Any, method: str) -> Callable[[Array], Array] | None:
    *transformers, last = [step for _, step in pipeline.steps if step not in (None, "passthrough")]
    if any("_sklearn_output_config" in vars(step) for step in transformers):
        return None
    steps = [*(_formula(step, "transform") for step in transformers), _formula(last, method)]
    if None in steps:
        return None

    def compute(rows: Array) -> Array:
        for step in steps:
            rows = step(rows)  # type: ignore[misc] # none is None
        return rows

    return compute


def _is_proved(estimator: Any, method: str, compute: Callable[[Array], Array]) -> bool:
    """Report whether results are the estimator's own, bit by bit, for rows by columns in memory."""
    import numpy as np

    own, random = copy(estimator), np.random.default_rng(0)
    if hasattr(own, "n_jobs"):
        own.n_jobs = 1
    try:
        for count, size in _PROBED:
            rows = size * random.normal(size=(count, estimator.n_features_in_))
            for array in (rows, np.asfortranarray(rows)):
                expected, actual = getattr(own, method)(array), compute(array)
                is_same = expected.dtype == actual.dtype and expected.shape == actual.shape
                if not (is_same and expected.tobytes() == actual.tobytes()):
                    return False
    except Exception:  # noqa: BLE001 - whatever is wrong, scikit-learn's own path says it
        return False
    return True


def _finite(rows: Array) -> Array:
    import numpy as np

    if not np.isfinite(rows).all():
        raise NotFinite
    return rows


def _centered_and_scaled(centers: str, center: str, scales: str) -> Formula:
    """Return the formula of a scaler with these attributes, and `scale_`."""

    def compute(scaler: Any, rows: Array) -> Array:
        if getattr(scaler, centers):
            rows = rows - getattr(scaler, center)
        if getattr(scaler, scales):
            rows = rows / scaler.scale_
        return _finite(rows)

    return compute


def _min_max_scaled(scaler: Any, rows: Array) -> Array:
    rows = rows * scaler.scale_
    rows += scaler.min_
    return _finite(rows.clip(*scaler.feature_range) if scaler.clip else rows)


def _linear(model: Any, rows: Array) -> Array:
    coefficients = model.coef_
    product = rows @ (coefficients if coefficients.ndim == 1 else coefficients.T)
    result: Array = product + model.intercept_
    return result


def _decision(model: Any, rows: Array) -> Array:
    scores = _linear(model, rows)
    return scores.reshape(-1) if scores.ndim > 1 and scores.shape[1] == 1 else scores


def _linear_class(model: Any, rows: Array) -> Array:
    scores = _decision(model, rows)
    places = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
    result: Array = model.classes_.take(places, axis=0)
    return result


def _logistic_probabilities(model: Any, rows: Array) -> Array:
    import numpy as np
    from scipy.special import expit  # type: ignore[import-untyped]
    from sklearn.utils.extmath import softmax

    scores = _decision(model, rows)
    if scores.ndim > 1:
        result: Array = softmax(scores, copy=False)
        return result
    second = expit(scores)
    return np.stack([1 - second, second], axis=1)


def _single(rows: Array) -> Array:
    """Return the rows as trees take them."""
    import numpy as np

    return _finite(rows.astype(np.float32))


def _value(_: Any) -> Any:
    """Return where the values of a regression are in what a tree gives."""
    return 0


def _classes(model: Any) -> Any:
    """Return where the probabilities of the classes are in what a tree gives."""
    return slice(model.n_classes_)


def _of_tree(place: Callable[[Any], Any]) -> Formula:
    def compute(tree: Any, rows: Array) -> Array:
        result: Array = tree.tree_.predict(_single(rows))[:, place(tree)]
        return result

    return compute


def _of_forest(place: Callable[[Any], Any]) -> Formula:
    def compute(forest: Any, rows: Array) -> Array:
        total: Any = 0.0
        single, part = _for_forest(forest, rows), place(forest)
        for tree in forest.estimators_:
            total += tree.tree_.predict(single)[:, part]
        result: Array = total / len(forest.estimators_)
        return result

    return compute


def _for_forest(forest: Any, rows: Array) -> Array:
    if len(rows) > FEW_ROWS and forest.n_jobs not in (None, 1):
        raise NotFinite
    return _single(rows)


def _likeliest(probabilities: Formula) -> Formula:
    def compute(model: Any, rows: Array) -> Array:
        result: Array = model.classes_.take(probabilities(model, rows).argmax(axis=1), axis=0)
        return result

    return compute


REGRESSORS = (
    *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV"),
    *("BayesianRidge", "HuberRegressor", "LinearSVR"),
)
CLASSIFIERS = (
    *("LogisticRegression", "LogisticRegressionCV", "RidgeClassifier", "LinearSVC"),
    *("SGDClassifier", "Perceptron", "LinearDiscriminantAnalysis"),
)
FORMULAS: dict[tuple[str, str], Formula] = {
    ("StandardScaler", "transform"): _centered_and_scaled("with_mean", "mean_", "with_std"),
    ("MinMaxScaler", "transform"): _min_max_scaled,
    ("RobustScaler", "transform"): _centered_and_scaled(
        "with_centering", "center_", "with_scaling"
    ),
    **{(name, "predict"): _linear for name in REGRESSORS},
    **{(name, "predict"): _linear_class for name in CLASSIFIERS},
    **{(name, "decision_function"): _decision for name in CLASSIFIERS},
    ("LogisticRegression", "predict_proba"): _logistic_probabilities,
    ("LogisticRegressionCV", "predict_proba"): _logistic_probabilities,
    ("DecisionTreeRegressor", "predict"): _of_tree(_value),
    ("ExtraTreeRegressor", "predict"): _of_tree(_value),
    **{
        (name, method): compute
        for name in ("DecisionTreeClassifier", "ExtraTreeClassifier")
        for method, compute in {
            "predict": _likeliest(_of_tree(_classes)),
            "predict_proba": _of_tree(_classes),
        }.items()
    },
    ("RandomForestRegressor", "predict"): _of_forest(_value),
    ("ExtraTreesRegressor", "predict"): _of_forest(_value),
    **{
        (name, method): compute
        for name in ("RandomForestClassifier", "ExtraTreesClassifier")
        for method, compute in {
            "predict": _likeliest(_of_forest(_classes)),
            "predict_proba": _of_forest(_classes),
        }.items()
    },
}
"""By the name of a class of scikit-learn, and a method."""
