"""A fast path that lets scikit-learn's estimators predict tables about as fast as arrays.

For a DataFrame scikit-learn compares the column names and inspects every column's type, in each
estimator of a pipeline: 500 to 900 µs a call, however few the rows. Here names and types are
checked once, in a hundredth of that time, and the numbers are passed as an array to a copy of the
estimator without feature names (with names, scikit-learn would warn about an array). The copy is
made for a single call and shares all fitted arrays, so that it is never stale and threads do not
interfere.

The fast path is taken if its results are the same as those of scikit-learn's own path:

- The table is a DataFrame, not of a subclass. Its columns are those of the fit, in the same order,
  of NumPy integers and floats, so that `to_numpy()` returns the array that scikit-learn would
  create, with the same type and memory layout. scikit-learn still validates the values.
- The class is scikit-learn's own and starts by converting X to an array. A class that passes X on
  to other estimators must be in META_ESTIMATORS, and these estimators must qualify as well; in a
  Pipeline only the first step must, as the others receive its output.
- X is the only argument, and scikit-learn is not configured to return tables or route metadata.

Everything else takes scikit-learn's path, with its own results, warnings and errors:
ColumnTransformer, FeatureUnion, FunctionTransformer and encoders, which inspect each column;
meta-estimators that are not listed; gradient boosting with categories; Isomap, which reads a
table's `dtype`; LocalOutlierFactor, which warns about its own array; and classes of other packages.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from inspect import getattr_static, isfunction
from typing import Any

from ..column_dtypes import column_dtypes

METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
    "transform",
)
META_ESTIMATORS = {
    "Pipeline": "steps",
    "GridSearchCV": "best_estimator_",
    "RandomizedSearchCV": "best_estimator_",
    "HalvingGridSearchCV": "best_estimator_",
    "HalvingRandomSearchCV": "best_estimator_",
    "VotingClassifier": "estimators_",
    "VotingRegressor": "estimators_",
    "StackingClassifier": "estimators_",
    "StackingRegressor": "estimators_",
    "CalibratedClassifierCV": "calibrated_classifiers_",
    "_CalibratedClassifier": "estimator",
    "FixedThresholdClassifier": "estimator_",
    "TunedThresholdClassifierCV": "estimator_",
    "TransformedTargetRegressor": "regressor_",
}
"""Classes that pass X unchanged to the estimators in one attribute."""
COLUMN_AWARE = {
    *("MetaEstimatorMixin", "_BaseComposition", "_BaseEncoder", "FunctionTransformer"),
    *("Isomap", "LocalOutlierFactor"),
}
"""Classes that, like their subclasses, may treat a table and an array differently."""
NUMBERS = "efdbhilqBHILQ"  # type codes of NumPy
DEFAULT_CONFIG = {
    "transform_output": "default",
    "enable_metadata_routing": False,
    "array_api_dispatch": False,
}


class FastPathUnavailable(Exception):
    """An estimator may treat an array and a table differently."""


class _FastPath:
    """The base of the classes with a fast path, which otherwise look like the originals."""

    def __init_subclass__(cls) -> None:
        """Keep scikit-learn's hook from wrapping `transform` a second time."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copy and pickle as scikit-learn's own class, so that no file depends on this module."""
        return _copy(self, vars(self)).__reduce_ex__(protocol)


def enable_fast_path(model: Any) -> Any:
    """Give a fitted scikit-learn estimator the fast path; return any other object unchanged.

    It stays the same object with the same state, and its `__class__` is still scikit-learn's.
    """
    kind = model.__class__
    if (
        _is_supported(kind)
        and not isinstance(model, _FastPath)
        and hasattr(model, "feature_names_in_")
    ):
        with suppress(TypeError):  # if Python lays out the two classes differently
            model.__class__ = _fast_class(kind)
    return model


@cache
def _is_supported(kind: type) -> bool:
    if not kind.__module__.startswith("sklearn."):
        return False
    bases = {base.__name__ for base in kind.__mro__}
    converts_x = bases.isdisjoint(COLUMN_AWARE) or "BaseEnsemble" in bases
    return kind.__name__ in META_ESTIMATORS or ("BaseEstimator" in bases and converts_x)


@cache
def _fast_class(kind: type) -> type:
    from sklearn.utils.metaestimators import available_if

    methods: dict[str, Any] = {}
    for name in METHODS:
        ordinary = getattr_static(kind, name, None)
        if hasattr(ordinary, "check"):  # available depending on the fitted state
            methods[name] = available_if(ordinary.check)(_with_fast_path(ordinary.fn))
        elif isfunction(ordinary):
            methods[name] = _with_fast_path(ordinary)
    names = {name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")}
    namespace = {"__class__": property(lambda _: kind), **names, **methods}
    return type(kind.__name__, (_FastPath, kind), namespace)


def _with_fast_path(ordinary: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(ordinary)
    def method(self: Any, *args: Any, **params: Any) -> Any:
        if len(args) == 1 and not params and _has_default_config():
            (table,) = args
            try:
                estimator = _without_feature_names(self, _column_names(table))
            except FastPathUnavailable:
                pass
            else:
                return ordinary(estimator, table.to_numpy())
        return ordinary(self, *args, **params)

    return method


def _has_default_config() -> bool:
    config: dict[str, Any] = sys.modules["sklearn"].get_config()
    return DEFAULT_CONFIG.items() <= config.items()


def _column_names(table: Any) -> list[str]:
    """Return the columns of a table of numbers."""
    pandas = sys.modules.get("pandas")
    if pandas is None or type(table) is not pandas.DataFrame:
        raise FastPathUnavailable
    import numpy as np

    for dtype in column_dtypes(table):
        if not (isinstance(dtype, np.dtype) and dtype.char in NUMBERS and dtype.isnative):
            raise FastPathUnavailable
    columns: list[str] = table.columns.tolist()
    if set(map(type, columns)) != {str}:
        raise FastPathUnavailable
    return columns


def _without_feature_names(estimator: Any, columns: list[str]) -> Any:
    kind = estimator.__class__
    if not _is_supported(kind):
        raise FastPathUnavailable
    state = vars(estimator).copy()
    names = state.pop("feature_names_in_", None)
    if "_sklearn_output_config" in state or state.get("_preprocessor") is not None:
        raise FastPathUnavailable  # it returns tables, or encodes categories (gradient boosting)
    if part := META_ESTIMATORS.get(kind.__name__):
        state[part] = _nameless_part(state.get(part), columns)
    elif names is None or list(names) != columns:
        raise FastPathUnavailable
    return _copy(estimator, state)


def _nameless_part(part: Any, columns: list[str]) -> Any:
    if not isinstance(part, list):
        return _without_feature_names(part, columns)
    if not (part and isinstance(part[0], tuple)):
        return [_without_feature_names(estimator, columns) for estimator in part]
    for index, (name, step) in enumerate(part):
        if step is not None and step != "passthrough":
            first = (name, _without_feature_names(step, columns))
            return [*part[:index], first, *part[index + 1 :]]
    raise FastPathUnavailable


def _copy(estimator: Any, state: dict[str, Any]) -> Any:
    copied = object.__new__(estimator.__class__)
    copied.__dict__ = state
    return copied
