"""ONNX: tables and arrays as in scikit-learn, compared names, threads and forks."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from model_zoo import Fitted, fitted
from sklearn.datasets import make_classification
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

import mmf_core as mmf
from mmf_core.errors import ArtifactError

X, Y = make_classification(40, 4, random_state=0)
TABLE = pd.DataFrame(X, columns=list("abcd"))
Load = Callable[..., Any]


@pytest.fixture
def through(tmp_path: Path) -> Load:
    """Return a function that saves a model as ONNX and loads it."""

    def save_and_load(model: Any, example: Any) -> Any:
        mmf.save_model(model, tmp_path / "model.onnx", example=example)
        return mmf.load_model(tmp_path / "model.onnx")

    return save_and_load


@pytest.fixture(scope="module")
def zoo() -> dict[str, Fitted]:
    """Return the six models."""
    return fitted()


@pytest.mark.parametrize(
    "labels", [["no", "yes"], [0, 1], [-3, 8], [False, True]], ids=lambda kinds: str(kinds[0])
)
def test_class_labels_are_kept(labels: list[Any], through: Load) -> None:
    plain = LogisticRegression().fit(TABLE, np.array(labels)[Y])
    model = through(plain, TABLE)
    assert model.predict(TABLE).tolist() == plain.predict(TABLE).tolist()
    assert model.predict(TABLE).dtype == plain.predict(TABLE).dtype
    assert model.predict_proba(TABLE).shape == (40, 2)
    assert model.predict_proba(TABLE).dtype == np.float64


@pytest.mark.parametrize("rows", [1, 7])
def test_arrays_and_other_dtypes_give_the_same_predictions(rows: int, through: Load) -> None:
    model = through(LinearRegression().fit(TABLE, Y), TABLE)
    table = (TABLE * 10).round()[:rows]
    expected = model.predict(table)
    assert expected.shape == (rows,)
    for other in (
        *(table.to_numpy(), np.asfortranarray(table), table.to_numpy().tolist()),
        *(table.astype(int), table.astype("float32"), table.astype({"a": int})),
    ):
        assert (model.predict(other) == expected).all()


def test_multiple_outputs_are_columns(through: Load) -> None:
    plain = LinearRegression().fit(X, np.c_[Y, -Y])
    model = through(plain, X)
    assert model.predict(X).shape == (40, 2)
    assert not hasattr(model, "feature_names_in_")


def test_predict_proba_exists_only_for_probabilistic_models(through: Load) -> None:
    model = through(LinearSVC().fit(TABLE, Y), TABLE)
    assert model.predict(TABLE).shape == (40,)
    assert not hasattr(model, "predict_proba")


@pytest.mark.parametrize("columns", [list("abdc"), list("abc"), list("abcde"), list("abcz")])
def test_rejects_other_columns(columns: list[str], through: Load) -> None:
    model = through(LinearRegression().fit(TABLE, Y), TABLE)
    with pytest.raises(ValueError, match=r"expected the columns .*'a', 'b', 'c', 'd'\], got"):
        model.predict(TABLE.reindex(columns=columns, fill_value=0))


def test_columns_are_matched_by_name(zoo: dict[str, Fitted], through: Load) -> None:
    plain, rows = zoo["pipeline"]
    model = through(plain, rows)
    expected = model.predict(rows)
    assert (model.predict(rows[["pay", "city", "age"]]) == expected).all()
    assert (model.predict(rows.to_numpy()) == expected).all()
    with pytest.raises(ValueError, match="'city'"):
        model.predict(rows[["pay", "age"]])
    with pytest.raises(ValueError, match=r"rows of 3, got shape \(60, 2\)"):
        model.predict(rows.to_numpy()[:, :2])


def test_zipmap_probabilities_become_rows(tmp_path: Path) -> None:
    """As skl2onnx writes them unless configured otherwise."""
    from skl2onnx import to_onnx

    plain = LogisticRegression().fit(X, Y)
    graph = to_onnx(plain, X[:1].astype("float32"))
    (tmp_path / "model.onnx").write_bytes(graph.SerializeToString())
    model = mmf.load_model(tmp_path / "model.onnx")
    np.testing.assert_allclose(model.predict_proba(TABLE), plain.predict_proba(X), atol=1e-6)
    assert model.predict(X).dtype == np.int64
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize(
    ("variable", "threads"), [("1", 1), ("3", 3), ("2,1", 2), ("0", 1), ("many", 1), ("", 1)]
)
def test_thread_count_comes_from_omp_num_threads(
    variable: str, threads: int, through: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    model = through(LinearRegression().fit(TABLE, Y), TABLE)
    options = model._session.get_session_options()
    assert options.intra_op_num_threads == threads
    assert options.inter_op_num_threads == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("threads", ["1", "4"])
def test_model_works_in_parent_and_child_after_a_fork(
    threads: str, through: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    model = through(LinearRegression().fit(TABLE, Y), TABLE)
    many = pd.concat([TABLE] * 1000)
    expected = model.predict(many)
    # An object that holds a session with threads during a fork cannot release it in the child.
    session = model._session if threads == "1" else None
    child = os.fork()
    if not child:
        try:
            is_same = (model.predict(many) == expected).all()
            model._session = None
            os._exit(0 if is_same else 3)
        finally:
            os._exit(4)
    assert os.waitpid(child, 0)[1] == 0
    assert (model.predict(many) == expected).all()
    assert (model._session is session) == (threads == "1")


def test_invalid_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ArtifactError, match=r"model\.onnx cannot be loaded"):
        mmf.load_model(tmp_path / "model.onnx")
