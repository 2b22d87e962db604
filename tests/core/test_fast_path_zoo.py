"""All scikit-learn estimators predict the same with and without the fast path.

Each is fitted on a small table of floats, pickled, and loaded twice: as it is, and for the fast
path. Both get the same inputs in the same order; their results must agree to the last bit, or their
errors and warnings to the last letter.
"""

import inspect
import pickle
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import mmf_core as mmf
from mmf_core.models.sklearn_fast_path import (
    METHODS,
    FastPath,
    FastPathUnavailable,
    _columns,
)

pytestmark = pytest.mark.long
COLUMNS = ["a", "b", "c", "d"]
TRAINING = pd.DataFrame(np.random.default_rng(0).random((24, 4)), columns=COLUMNS)
INPUT = pd.DataFrame(np.random.default_rng(1).random((6, 4)), columns=COLUMNS)
CLASSES = pd.Series(np.arange(24) % 2)
NUMBERS = TRAINING @ [1.0, 2.0, 3.0, 4.0] + 1
TWO = pd.DataFrame({"first": NUMBERS, "second": TRAINING["a"]})


class Tenfold(pd.DataFrame):
    """A table that is converted to an array in two ways."""

    def to_numpy(self, *arguments: Any, **params: Any) -> Any:
        return super().to_numpy(*arguments, **params) * 10


INPUTS: dict[str, Any] = {
    "right": INPUT,
    "one row": INPUT.head(1),
    "integers": (INPUT * 9).astype(int),
    "integers and floats": INPUT.assign(b=[0, 1, 2, 3, 4, 5]),
    "float32": INPUT.astype("float32"),
    "another order": INPUT[["b", "a", "c", "d"]],
    "a column missing": INPUT[["a", "b", "c"]],
    "a column more": INPUT.assign(e=0.5),
    "columns of one name": INPUT.set_axis(["a", "a", "c", "d"], axis="columns"),
    "NaN": INPUT.assign(c=np.nan),
    "infinity": INPUT.assign(c=-np.inf),
    "objects": INPUT.astype({"d": object}),
    "no rows": INPUT.head(0),
    "nullable integers": (INPUT * 9).round().astype("Int64"),
    "an array": INPUT.to_numpy(),
}
FAST_INPUTS = {
    *("right", "one row", "integers", "integers and floats", "float32", "NaN", "infinity"),
    "no rows",
}
"""The numeric tables with the fitted columns: their values are not inspected."""

KINDS = ["classifier", "regressor", "transformer", "cluster", None]

OPTIONS: dict[str, Any] = {
    "n_estimators": 3,
    "max_iter": 5,
    "random_state": 0,
    "cv": 2,
    "n_init": 1,
    "max_subpopulation": 10,
    "n_quantiles": 5,
}
"""For every estimator that has them: few iterations, deterministic."""
SPECIAL: dict[str, dict[str, Any]] = {
    "CCA": {"n_components": 1},
    "PLSCanonical": {"n_components": 1},
    "PLSSVD": {"n_components": 1},
    "GaussianRandomProjection": {"n_components": 2},
    "SparseRandomProjection": {"n_components": 2},
    "LocalOutlierFactor": {"novelty": True},
    "OrthogonalMatchingPursuitCV": {"max_iter": 2},
    "RadiusNeighborsClassifier": {"outlier_label": 0},
    "TheilSenRegressor": {"n_subsamples": 6},
    "BernoulliRBM": {"n_iter": 2},
}
ORDINARY = {
    *("ColumnTransformer", "FeatureUnion", "FunctionTransformer"),
    *("OneHotEncoder", "OrdinalEncoder", "TargetEncoder"),
    *("OneVsOneClassifier", "OneVsRestClassifier", "OutputCodeClassifier"),
    *("ClassifierChain", "RegressorChain", "MultiOutputClassifier", "MultiOutputRegressor"),
    *("RFE", "RFECV", "SelectFromModel", "SequentialFeatureSelector"),
    *("RANSACRegressor", "SelfTrainingClassifier", "FrozenEstimator"),
    *("Isomap", "LocalOutlierFactor"),
}
"""Estimators with a callable method but without a fast path."""
WITHOUT_METHODS = {
    *("AgglomerativeClustering", "DBSCAN", "HDBSCAN", "OPTICS", "SpectralClustering"),
    *("SpectralBiclustering", "SpectralCoclustering", "NearestNeighbors"),
    *("EmpiricalCovariance", "GraphicalLasso", "GraphicalLassoCV", "LedoitWolf", "MinCovDet"),
    *("OAS", "ShrunkCovariance", "ClassicalMDS", "MDS", "SpectralEmbedding", "TSNE"),
}
NOT_FOR_TABLES = {
    *("CountVectorizer", "DictVectorizer", "FeatureHasher", "HashingVectorizer"),
    *("TfidfVectorizer", "PatchExtractor", "SparseCoder", "IsotonicRegression"),
    *("LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer"),
}
"""Fitted on texts, images, labels or one column, or without learning column names."""


def make(kind: type) -> Any:
    """Return a small, deterministic, unfitted estimator of a class."""
    from sklearn.base import RegressorMixin
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.preprocessing import StandardScaler

    name, signature = kind.__name__, inspect.signature(kind)
    inner = Ridge() if issubclass(kind, RegressorMixin) else LogisticRegression()
    required = {
        "base_estimator": inner,
        "estimator": inner.fit(TRAINING, CLASSES) if name == "FrozenEstimator" else inner,
        "estimators": [("one", inner), ("two", "drop"), ("three", type(inner)(max_iter=50))],
        "param_grid": {"fit_intercept": [True]},
        "param_distributions": {"fit_intercept": [True]},
        "steps": [("scale", StandardScaler()), ("model", inner)],
        "transformer_list": [("scale", StandardScaler())],
        "transformers": [("scale", StandardScaler(), ["a"])],
    }
    needed = {key for key, item in signature.parameters.items() if item.default is item.empty}
    needed |= {"estimator"} if name == "SelfTrainingClassifier" else set()
    chosen = {key: value for key, value in required.items() if key in needed}
    options = {key: value for key, value in OPTIONS.items() if key in signature.parameters}
    return kind(**{**options, **chosen, **SPECIAL.get(name, {})})


def fit(estimator: Any) -> Any:
    """Fit an estimator on TRAINING with suitable targets."""
    from sklearn.base import is_regressor

    name = type(estimator).__name__
    labels: Any = NUMBERS if is_regressor(estimator) else CLASSES
    if name.startswith(("MultiTask", "MultiOutputRegressor", "RegressorChain")):
        labels = TWO
    elif name in ("ClassifierChain", "MultiOutputClassifier"):
        labels = pd.DataFrame({"first": CLASSES, "second": 1 - CLASSES})
    elif name == "SelfTrainingClassifier":
        labels = CLASSES.where(CLASSES.index > 4, -1)
    table = TRAINING.head(4) if name == "KernelCenterer" else TRAINING
    return estimator.fit(table, labels[: len(table)])


def of_kind(kind: str | None) -> Iterator[tuple[str, type]]:
    """Yield scikit-learn's estimators of one kind, by name, unless of a kind before it."""
    import sklearn.experimental.enable_halving_search_cv
    import sklearn.experimental.enable_iterative_imputer  # noqa: F401 - more of them to find
    from sklearn.utils import all_estimators

    earlier = {name for other in KINDS[: KINDS.index(kind)] for name, _ in all_estimators(other)}
    yield from ((name, cls) for name, cls in all_estimators(kind) if name not in earlier)


def call_method(estimator: Any, method: str, value: Any) -> tuple[Any, list[tuple[type, str]]]:
    """Return a method's result or exception, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome = getattr(estimator, method)(value)
        except Exception as error:  # noqa: BLE001 - compared with another estimator's
            outcome = (type(error), str(error))
    return outcome, [(item.category, str(item.message)) for item in caught]


def is_same(first: Any, other: Any) -> bool:
    """Return whether two results agree to the last bit, in type and in memory layout."""
    match first, other:
        case np.ndarray(), np.ndarray():
            alike = (first.dtype, first.shape, first.strides) == (
                other.dtype,
                other.shape,
                other.strides,
            )
            if first.dtype.char in "Og":  # pointers; padding
                return alike and np.array_equal(first, other)
            return alike and first.tobytes() == other.tobytes()
        case (pd.DataFrame(), pd.DataFrame()) | (pd.Series(), pd.Series()):
            return bool(first.equals(other))
        case (tuple(), tuple()) | (list(), list()):
            return len(first) == len(other) and all(map(is_same, first, other))
    if sparse.issparse(first) and sparse.issparse(other):
        return first.format == other.format and is_same(first.toarray(), other.toarray())
    return type(first) is type(other) and bool(first == other)


def uses_fast_path(estimator: Any, table: Any) -> bool:
    """Whether an estimator gets a table as an array."""
    model = mmf.fast_path(estimator)
    if type(model) is not FastPath:
        assert model is estimator
        return False
    try:
        model.nameless_copy(_columns(table))
    except FastPathUnavailable:
        return False
    return True


def differences(fitted: Any) -> list[str]:
    """Return each method and input for which the fast path gives another result.

    Whether the ordinary path is taken does not depend on the method, so one is checked for it.
    """
    saved = pickle.dumps(fitted)
    ordinary, quick = pickle.loads(saved), mmf.fast_path(pickle.loads(saved))
    methods = [method for method in METHODS if hasattr(ordinary, method)]
    if methods != [method for method in METHODS if hasattr(quick, method)]:
        return ["its methods"]
    return [
        f"{method}({name})"
        for name, value in INPUTS.items()
        for method in (methods if uses_fast_path(fitted, value) else methods[:1])
        if not is_same(call_method(ordinary, method, value), call_method(quick, method, value))
    ]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Limit threads in all libraries that the zoo imports: small computations would contend."""
    from threadpoolctl import threadpool_limits

    assert dict(of_kind(None))
    with threadpool_limits(1):
        yield


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_every_estimator_predicts_the_same(kind: str | None) -> None:
    classes = dict(of_kind(kind))
    wrong, slow = {}, set()
    for name in classes.keys() - NOT_FOR_TABLES - WITHOUT_METHODS:
        fitted = fit(make(classes[name]))
        if differing := differences(fitted):
            wrong[name] = differing
        fast = {name for name, table in INPUTS.items() if uses_fast_path(fitted, table)}
        if not fast:
            slow.add(name)
        elif fast != FAST_INPUTS:
            wrong[name] = [f"goes the fast way with {fast}"]
    assert wrong == {}
    assert slow == classes.keys() & ORDINARY


def test_listed_exceptions_exist() -> None:
    classes = {name: cls for kind in KINDS for name, cls in of_kind(kind)}
    assert classes.keys() >= ORDINARY | NOT_FOR_TABLES | WITHOUT_METHODS
    for name in WITHOUT_METHODS:
        assert not any(hasattr(classes[name], method) for method in METHODS), name


@cache
def composed() -> dict[str, tuple[Any, bool]]:
    """Return meta-estimators, and whether they have a fast path."""
    from sklearn import (
        calibration,
        compose,
        decomposition,
        ensemble,
        frozen,
        impute,
        linear_model,
        model_selection,
        multiclass,
        pipeline,
        preprocessing,
        svm,
        tree,
    )

    logistic, scaler = linear_model.LogisticRegression(), preprocessing.StandardScaler()
    forest = ensemble.RandomForestClassifier(3, random_state=0)
    line = pipeline.make_pipeline(scaler, logistic)
    columns = compose.ColumnTransformer([("scale", scaler, ["a", "b"])], remainder="passthrough")
    lower = preprocessing.FunctionTransformer(np.abs)
    tables = preprocessing.StandardScaler().set_output(transform="pandas")
    pair = [("line", line), ("forest", forest)]
    grid = {"logisticregression__C": [0.5, 1.0]}
    searched = model_selection.GridSearchCV(line, grid, cv=2)
    prefit = frozen.FrozenEstimator(line.fit(TRAINING, CLASSES))
    categories = ensemble.HistGradientBoostingClassifier(max_iter=3, categorical_features=["a"])
    stump = tree.DecisionTreeClassifier(max_depth=1)
    poly = preprocessing.PolynomialFeatures()
    return {
        "scaler, linear": (line, True),
        "scaler, PCA, forest": (
            pipeline.make_pipeline(scaler, decomposition.PCA(2, random_state=0), forest),
            True,
        ),
        "nested": (pipeline.make_pipeline(pipeline.make_pipeline(scaler, poly), line), True),
        "pass through first": (
            pipeline.Pipeline([("0", None), ("1", "passthrough"), ("line", line)]),
            False,  # such a pipeline has no feature names
        ),
        "pass through last": (pipeline.make_pipeline(scaler, "passthrough"), True),
        "pass through only": (pipeline.make_pipeline("passthrough"), False),
        "one step": (pipeline.make_pipeline(logistic), True),
        "an array's function": (pipeline.make_pipeline(scaler, lower, logistic), True),
        "columns": (pipeline.make_pipeline(columns, logistic), False),
        "scaler, columns": (pipeline.make_pipeline(tables, columns, logistic), False),
        "tables": (pipeline.make_pipeline(tables, logistic), False),
        "tables inside": (pipeline.make_pipeline(poly, tables, logistic), True),
        "a function": (pipeline.make_pipeline(lower, logistic), False),
        "imputer": (pipeline.make_pipeline(impute.SimpleImputer(add_indicator=True), line), True),
        "search": (searched, True),
        "search of search": (model_selection.GridSearchCV(searched, {"cv": [2, 3]}, cv=2), True),
        "search of columns": (
            model_selection.GridSearchCV(pipeline.make_pipeline(columns, logistic), grid, cv=2),
            False,
        ),
        "votes": (ensemble.VotingClassifier(pair), True),
        "soft votes": (ensemble.VotingClassifier(pair, voting="soft"), True),
        "votes with columns": (
            ensemble.VotingClassifier([*pair, ("c", pipeline.make_pipeline(columns, forest))]),
            False,
        ),
        "stack": (ensemble.StackingClassifier(pair, cv=2, passthrough=True), True),
        "calibrated": (calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2), True),
        "calibrated pipeline": (calibration.CalibratedClassifierCV(line, cv=2), True),
        "calibrated as it was": (calibration.CalibratedClassifierCV(prefit), False),
        "threshold": (model_selection.FixedThresholdClassifier(line, threshold=0.6), True),
        "one against the rest": (multiclass.OneVsRestClassifier(line), False),
        "bags": (ensemble.BaggingClassifier(line, 3, random_state=0, max_features=2), True),
        "boosted": (ensemble.AdaBoostClassifier(stump, n_estimators=3), True),
        "gradients": (ensemble.GradientBoostingClassifier(init=logistic, n_estimators=2), True),
        "categories": (categories, False),
        "categories by type": (
            ensemble.HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype"),
            True,
        ),
        "target": (
            compose.TransformedTargetRegressor(pipeline.make_pipeline(scaler, svm.SVR())),
            True,
        ),
        "a kernel of one's own": (svm.SVC(kernel=np.inner), False),
        "union": (pipeline.make_union(scaler, poly), False),
    }


UNUSUAL: dict[str, Any] = {
    "float16": INPUT.astype("float16"),
    "long double": INPUT.astype("longdouble"),
    "big-endian": INPUT.astype(">f8"),
    "two kinds of floats": INPUT.astype({"a": "float32"}),
    "small integers": (INPUT * 9).astype({"a": "uint8", "b": "int8", "c": "uint64", "d": "int64"}),
    "every second row": INPUT[::2],
    "an index of names": INPUT.set_axis(list("uvwxyz"), axis="index"),
    "a block each": pd.concat([INPUT[[name]] for name in COLUMNS], axis="columns"),
    "by columns": pd.DataFrame(np.asfortranarray(INPUT), columns=COLUMNS),
    "objects as names": INPUT.set_axis(pd.Index(COLUMNS, dtype=object), axis="columns"),
    "numpy's names": INPUT.set_axis(pd.Index([np.str_("a"), *"bcd"], dtype=object), axis="columns"),
    "numbers as names": INPUT.set_axis([0, 1, 2, 3], axis="columns"),
    "names of two parts": INPUT.set_axis(
        pd.MultiIndex.from_product([COLUMNS, [0]]), axis="columns"
    ),
    "truth": INPUT > 0.5,
    "truth and floats": INPUT.assign(a=INPUT["a"] > 0.5),
    "complex": INPUT.astype({"a": complex}),
    "texts": INPUT.assign(a="red"),
    "numbers as texts": INPUT.astype({"a": str}),
    "categories": INPUT.astype({"a": "category"}),
    "all categories": (INPUT > 0.5).astype(int).astype("category"),
    "times": INPUT.assign(a=pd.Timestamp("2026-01-31")),
    "nullable floats": INPUT.astype("Float64"),
    "nullable floats with null": INPUT.astype("Float64").mask(INPUT > 0.9),
    "one nullable": (INPUT * 9).astype({"a": int}).astype({"a": "Int64"}),
    "sparse": INPUT.astype(pd.SparseDtype(float)),
    "no columns": INPUT[[]],
    "a table of another class": Tenfold(INPUT),
    "a list": INPUT.to_numpy().tolist(),
    "a column": INPUT["a"],
    "a dict": INPUT.to_dict(),
    "None": None,
}


def fit_composed(name: str) -> Any:
    """Fit one of them, with new parts."""
    from sklearn.base import clone

    return fit(clone(composed()[name][0]))


@pytest.mark.filterwarnings("ignore")
def test_meta_estimators_predict_the_same() -> None:
    expected = {name: is_fast for name, (_, is_fast) in composed().items()}
    fitted = {name: fit_composed(name) for name in expected}
    wrong = {name: differing for name, model in fitted.items() if (differing := differences(model))}
    assert wrong == {}
    assert {name: uses_fast_path(model, INPUT) for name, model in fitted.items()} == expected


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name",
    [
        *("scaler, linear", "stack", "categories by type", "imputer", "target"),
        *("pass through last", "a kernel of one's own", "columns", "calibrated pipeline"),
    ],
)
def test_unusual_inputs_give_the_same_results(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.INPUTS", UNUSUAL)
    assert differences(fit_composed(name)) == []
