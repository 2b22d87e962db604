"""A fast path that lets scikit-learn's estimators predict tables about as fast as arrays.

For a DataFrame scikit-learn compares the column names and inspects every column's type, in each
estimator of a pipeline: 500 to 900 µs a call, however few the rows. Here names and types are
checked once, in a hundredth of that time, and the numbers are passed as an array to a copy of the
estimator without feature names (with names, scikit-learn would warn about an array). The author's
estimator is never changed. The copy shares all its fitted arrays, and is recreated as soon as an
attribute of the estimator, or of a part that is copied too, is another object: it is never stale.

The fast path is taken if its results are the same as those of scikit-learn's own path:

- The table is a DataFrame, not of a subclass. Its columns are those of the fit, in the same order,
  of NumPy integers and floats, so that `to_numpy()` returns the array that scikit-learn would
  create, with the same type and memory layout. scikit-learn still validates the values: without
  that (`assume_finite`) a scaler's overflow would reach the next step, where it is now an error.
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
from copy import copy
from typing import Any

from ..column_dtypes import column_dtypes
from .sklearn_formulas import formula

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


def fast_path(model: Any) -> Any:
    """Return a model that predicts tables faster than scikit-learn does, with the same results.

    It wraps a fitted scikit-learn estimator, which stays as it is: `predict`, `predict_proba`,
    `transform` and the like skip the checks of column names and types that a schema has made, where
    that provably changes nothing; every other attribute is the estimator's own. A copy of it, also
    in a pickle, is a copy of the estimator. A model without a fast path is returned unchanged.

    - `model`: any model; of scikit-learn's, those that were fitted on a table of numbers gain.

    >>> mmf.fast_path(model).predict(X)
    array([1., 2.])
    """
    estimator = unwrapped(model)
    is_sklearn = estimator.__class__.__module__.startswith("sklearn.")
    if not (is_sklearn and hasattr(estimator, "feature_names_in_")):
        return model
    try:
        return FastPath(estimator)
    except FastPathUnavailable:
        return model


def unwrapped(model: Any) -> Any:
    """Return the model that the proxy of a loader, or a fast path, stands for."""
    from werkzeug.local import LocalProxy

    if type(model) is LocalProxy:
        model = model._get_current_object()  # noqa: SLF001 - werkzeug's public name
    return model.__wrapped__ if type(model) is FastPath else model


class FastPathUnavailable(Exception):
    """An estimator may treat an array and a table differently."""


class FastPath:
    """A fitted estimator, `__wrapped__`, that gets tables of numbers as arrays.

    FastPathUnavailable if no table could be passed like that.
    """

    __slots__ = ("__wrapped__", "_nameless")

    def __init__(self, estimator: Any) -> None:
        self.__wrapped__ = estimator
        self._nameless = _NamelessCopy(estimator, list(estimator.feature_names_in_))

    def __getattr__(self, name: str) -> Any:
        own = getattr(self.__wrapped__, name)
        return _METHODS[name].__get__(self) if name in METHODS else own

    def __repr__(self) -> str:
        return f"fast_path({self.__wrapped__!r})"

    def __reduce__(self) -> Any:
        """Copy and pickle as the estimator, so that no file depends on this module."""
        return copy, (self.__wrapped__,)

    def nameless_copy(self, index: Any) -> _NamelessCopy:
        """Return the estimator for arrays; FastPathUnavailable unless it has these columns."""
        nameless = self._nameless
        if not (nameless.has(index) and nameless.is_current()):
            self._nameless = nameless = _NamelessCopy(self.__wrapped__, _names(index))
        return nameless


def _with_fast_path(name: str) -> Callable[..., Any]:
    """Return a method of FastPath for the estimator's method of this name."""

    def method(self: FastPath, *args: Any, **params: Any) -> Any:
        if len(args) == 1 and not params and _has_default_config():
            (table,) = args
            try:
                nameless = self.nameless_copy(_columns(table))
            except FastPathUnavailable:
                pass
            else:
                return nameless.call(name, table.to_numpy())
        return getattr(self.__wrapped__, name)(*args, **params)

    method.__name__ = method.__qualname__ = name  # by which it is pickled
    return method


_METHODS = {name: _with_fast_path(name) for name in METHODS}


class _NamelessCopy:
    """A copy of an estimator that was fitted on these columns, which does not know their names."""

    def __init__(self, estimator: Any, columns: list[str]) -> None:
        self._columns = columns
        self._index: Any = None  # of the last table with these columns
        self._sources: list[tuple[Any, Any]] = []  # each with what it had when it was copied
        self._named: list[Any] = []  # arrays of column names, which may be changed in place
        self._formulas: dict[str, Any] = {}  # by method; made when first asked for
        self.estimator = self._without_names(estimator)

    def call(self, name: str, rows: Any) -> Any:
        """Call a method with an array."""
        if name not in self._formulas:
            self._formulas[name] = formula(self.estimator, name)
        compute = self._formulas[name]
        result = compute(rows) if compute else None
        return getattr(self.estimator, name)(rows) if result is None else result

    def has(self, index: Any) -> bool:
        """Whether these are its columns; the names in an index are texts only when asked for."""
        if not index.is_(self._index):
            if _names(index) != self._columns:
                return False
            self._index = index
        return True

    def is_current(self) -> bool:
        """Whether all that was copied has the attributes and parts that it had.

        These are compared by identity first; whatever cannot be compared is another one.
        """
        try:
            is_same = all(_contents(source) == contents for source, contents in self._sources)
        except ValueError:  # of an array
            return False
        return is_same and all(names.tolist() == self._columns for names in self._named)

    def _add_source(self, source: Any) -> None:
        if isinstance(source, list) or hasattr(source, "__dict__"):
            self._sources.append((source, _contents(source).copy()))

    def _without_names(self, estimator: Any) -> Any:
        kind = estimator.__class__
        if not _is_supported(kind):
            raise FastPathUnavailable
        self._add_source(estimator)
        state = vars(estimator).copy()
        if (names := state.pop("feature_names_in_", None)) is not None:
            self._named.append(names)
        if "_sklearn_output_config" in state or state.get("_preprocessor") is not None:
            raise FastPathUnavailable  # it returns tables, or encodes categories (boosting)
        if part := META_ESTIMATORS.get(kind.__name__):
            state[part] = self._without_names_inside(state.get(part))
        elif names is None or list(names) != self._columns:
            raise FastPathUnavailable
        copied = object.__new__(kind)
        copied.__dict__ = state
        return copied

    def _without_names_inside(self, part: Any) -> Any:
        if not isinstance(part, list):
            return self._without_names(part)
        self._add_source(part)
        if not (part and isinstance(part[0], tuple)):
            return [self._without_names(estimator) for estimator in part]
        for index, (name, step) in enumerate(part):
            if step is not None and step != "passthrough":
                first = (name, self._without_names(step))
                later = part[index + 1 :]
                for _, each in later:
                    self._add_source(each)
                return [*part[:index], first, *later]
        raise FastPathUnavailable


def _contents(source: Any) -> Any:
    """Return an estimator's attributes, or a list itself."""
    return source if isinstance(source, list) else vars(source)


def _is_supported(kind: type) -> bool:
    if not kind.__module__.startswith("sklearn."):
        return False
    bases = {base.__name__ for base in kind.__mro__}
    converts_x = bases.isdisjoint(COLUMN_AWARE) or "BaseEnsemble" in bases
    return kind.__name__ in META_ESTIMATORS or ("BaseEstimator" in bases and converts_x)


def _has_default_config() -> bool:
    config: dict[str, Any] = sys.modules["sklearn"].get_config()
    return DEFAULT_CONFIG.items() <= config.items()


def _columns(table: Any) -> Any:
    """Return the column index of a table of numbers."""
    pandas = sys.modules.get("pandas")
    if pandas is None or type(table) is not pandas.DataFrame:
        raise FastPathUnavailable
    import numpy as np

    for dtype in column_dtypes(table):
        if not (isinstance(dtype, np.dtype) and dtype.char in NUMBERS and dtype.isnative):
            raise FastPathUnavailable
    return table.columns


def _names(index: Any) -> list[str]:
    names: list[str] = index.tolist()
    if set(map(type, names)) != {str}:
        raise FastPathUnavailable
    return names
