"""scikit-learn's estimators, answering a table about as fast as an array.

Of a DataFrame scikit-learn compares the names and inspects every column's type, once for each
estimator that sees it: 500 to 900 µs a call, however few the rows. Here both are looked at once, in
a hundredth of that, and the numbers go on as an array to a copy of the estimator without feature
names: of an array where names were fitted scikit-learn would warn. The copy is made for the one
call and shares all fitted arrays, so it is never out of date, and threads do not meet in it.

The fast way is taken where it cannot be told from the ordinary one:

- The table is a DataFrame itself, no subclass; its columns are those of the fit, in their order,
  and numpy's integers and floats, so that `to_numpy()` is the array which scikit-learn would make,
  with the same type and memory layout. Values are still scikit-learn's to check: NaN, no rows.
- The class is scikit-learn's own and begins by making that array of its X. Those that hand X
  on to others instead do so if listed in META_ESTIMATORS, and if these may go the fast way in
  turn. In a Pipeline that is the first step alone: the others see what it returns.
- Nothing but X is given, and nothing is set that makes tables of the answers or routes metadata.

All else goes the ordinary way, with scikit-learn's own answers, warnings and errors. So do
ColumnTransformer, FeatureUnion, FunctionTransformer and the encoders, which look at each column;
meta-estimators that are not listed; gradient boosting with categories; Isomap, which asks a table
for its `dtype`; LocalOutlierFactor, which warns of its own array; and the classes of others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from inspect import getattr_static, isfunction
from typing import Any

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
"""Classes that give their X, as it came, to the estimators in one attribute."""
COLUMN_AWARE = {
    *("MetaEstimatorMixin", "_BaseComposition", "_BaseEncoder", "FunctionTransformer"),
    *("Isomap", "LocalOutlierFactor"),
}
"""Classes, and all that derive from them, that may do otherwise with a table than an array."""
NUMBERS = "efdbhilqBHILQ"
USUAL = {
    "transform_output": "default",
    "enable_metadata_routing": False,
    "array_api_dispatch": False,
}


class FastPathUnavailable(Exception):
    """An estimator might answer an array otherwise than a table."""


class _Quick:
    """What is told of the quick classes beyond their methods: as little as possible."""

    def __init_subclass__(cls) -> None:
        """Keep scikit-learn's from wrapping `transform` a second time."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copy and pickle as scikit-learn's own class: no file depends on this module."""
        return _copy(self, vars(self)).__reduce_ex__(protocol)


def enable_fast_path(model: Any) -> Any:
    """Let a fitted scikit-learn estimator answer tables faster; return any other object as it is.

    It stays the same object with the same state, and its `__class__` still is scikit-learn's.
    """
    kind = model.__class__
    if _is_known(kind) and not isinstance(model, _Quick) and hasattr(model, "feature_names_in_"):
        with suppress(TypeError):  # a Python that lays out the two classes differently
            model.__class__ = _quick_class(kind)
    return model


@cache
def _is_known(kind: type) -> bool:
    if not kind.__module__.startswith("sklearn."):
        return False
    bases = {base.__name__ for base in kind.__mro__}
    makes_array = bases.isdisjoint(COLUMN_AWARE) or "BaseEnsemble" in bases
    return kind.__name__ in META_ESTIMATORS or ("BaseEstimator" in bases and makes_array)


@cache
def _quick_class(kind: type) -> type:
    from sklearn.utils.metaestimators import available_if

    methods: dict[str, Any] = {}
    for name in METHODS:
        ordinary = getattr_static(kind, name, None)
        if hasattr(ordinary, "check"):  # there or not, as the fitted state has it
            methods[name] = available_if(ordinary.check)(_quick(ordinary.fn))
        elif isfunction(ordinary):
            methods[name] = _quick(ordinary)
    same = {name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")}
    namespace = {"__class__": property(lambda _: kind), **same, **methods}
    return type(kind.__name__, (_Quick, kind), namespace)


def _quick(ordinary: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(ordinary)
    def method(self: Any, *given: Any, **params: Any) -> Any:
        if len(given) == 1 and not params and (columns := _columns(given[0])) and _is_usual():
            try:
                nameless = _without_feature_names(self, columns)
            except FastPathUnavailable:
                pass
            else:
                return ordinary(nameless, given[0].to_numpy())
        return ordinary(self, *given, **params)

    return method


def _is_usual() -> bool:
    config: dict[str, Any] = sys.modules["sklearn"].get_config()
    return USUAL.items() <= config.items()


def _columns(table: Any) -> list[str] | None:
    pandas = sys.modules.get("pandas")
    if pandas is None or type(table) is not pandas.DataFrame:
        return None
    import numpy as np

    # `table.dtypes` says the same in 40 µs. Where a pandas has no blocks, nothing is known.
    blocks = getattr(getattr(table, "_mgr", None), "blocks", ())
    for block in blocks:
        dtype = block.dtype
        if not (isinstance(dtype, np.dtype) and dtype.char in NUMBERS and dtype.isnative):
            return None
    columns: list[str] = table.columns.tolist() if blocks else []
    return columns if set(map(type, columns)) == {str} else None


def _without_feature_names(estimator: Any, columns: list[str]) -> Any:
    kind = estimator.__class__
    if not _is_known(kind):
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
        return [_without_feature_names(each, columns) for each in part]
    for place, (name, step) in enumerate(part):
        if step is not None and step != "passthrough":
            return [
                *part[:place],
                (name, _without_feature_names(step, columns)),
                *part[place + 1 :],
            ]
    raise FastPathUnavailable


def _copy(estimator: Any, state: dict[str, Any]) -> Any:
    copied = object.__new__(estimator.__class__)
    copied.__dict__ = state
    return copied
