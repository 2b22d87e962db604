"""What a skops file may create: fitted scikit-learn models, and nothing with side effects."""

import json
import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import BisectingKMeans, FeatureAgglomeration
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, TweedieRegressor
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, SplineTransformer
from sklearn.random_projection import SparseRandomProjection
from sklearn.tree import DecisionTreeClassifier
from skops.io import dump

from mmf_core.errors import ArtifactError
from mmf_core.models import load_model
from mmf_core.models.trusted_types import check_trusted

X = np.random.default_rng(0).random((40, 3)) + 0.1
Y = (X[:, 0] > 0.6).astype(int)
LOGISTIC = LogisticRegression()
MODELS: list[Any] = [
    *(DecisionTreeClassifier(), HistGradientBoostingClassifier(max_iter=2), TweedieRegressor()),
    *(KNeighborsClassifier(), GaussianProcessClassifier(), MLPClassifier(4, max_iter=400, tol=1)),
    *(CalibratedClassifierCV(LOGISTIC), VotingClassifier([("a", LOGISTIC)]), BisectingKMeans(2)),
    *(GridSearchCV(LOGISTIC, {"C": [1.0]}), TunedThresholdClassifierCV(LOGISTIC)),
    *(
        make_pipeline(step, LogisticRegression())
        for step in (
            *(SelectKBest(k=2), SplineTransformer(), FeatureAgglomeration(2)),
            *(KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"),),
            SparseRandomProjection(2),
        )
    ),
]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_fitted_scikit_learn_models_are_trusted(model: BaseEstimator, tmp_path: Path) -> None:
    dump(model.fit(X, Y), tmp_path / "model.skops")
    assert np.array_equal(load_model(tmp_path / "model.skops").predict(X), model.predict(X))


@pytest.mark.parametrize(
    "name",
    [
        *("numpy.load", "numpy.save", "numpy.memmap", "numpy.ctypeslib.load_library"),
        *("numpy.testing._private.utils.runstring", "numpy.f2py.compile", "numpy.ndarray.tofile"),
        *("scipy.stats._distn_infrastructure.rv_continuous", "scipy.io._netcdf.netcdf_file"),
        *("scipy.sparse._matrix_io.load_npz", "scipy.sparse._csr.np", "sklearn.conftest.x"),
        *("sklearn.tree._export.export_graphviz", "sklearn.utils._testing.TempMemmap"),
        *("sklearn.datasets._base.load_files", "sklearn.externals._arff.load"),
        *("sklearn.svm._base.np", "sklearn.metrics._ranking.warnings", "sklearn.nothing.X"),
        *("sklearn.svm.SVC", "sklearn", "", "sklearn.svm._classes.SVC.fit"),
    ],
)
def test_rejects_untrusted_names(name: str) -> None:
    with pytest.raises(TypeError, match="untrusted types"):
        check_trusted([name])
    assert check_trusted([name], {name}) == [name], "unless the lock lists it"


def node(loader: str, module: str, name: str, **content: Any) -> dict[str, Any]:
    return {"__loader__": loader, "__module__": module, "__class__": name, **content}


def plain(value: Any) -> dict[str, Any]:
    return node("JsonNode", "builtins", "str", content=json.dumps(value), is_json=True)


class Touch:
    """An object whose unpickling creates a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


def hostile(schema: dict[str, Any], before: bytes = b"") -> bytes:
    """Return a skops file; a zip archive may begin with anything."""
    file = BytesIO(before)
    with zipfile.ZipFile(file, "a") as archive:
        schema |= {"protocol": 2, "_skops_version": skops.__version__}
        archive.writestr("schema.json", json.dumps(schema))
    return file.getvalue()


def test_skops_file_cannot_unpickle_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_ALLOW_PICKLE", "0")
    file, ran = tmp_path / "model.skops", tmp_path / "ran"
    arguments = [plain(value) for value in (str(file), None, True)]
    content = node("TupleNode", "builtins", "tuple", content=arguments)
    schema = node("ConstructorFromReduceNode", "numpy", "load", content=content)
    file.write_bytes(hostile(schema, before=pickle.dumps(Touch(ran))))
    with pytest.raises(ArtifactError, match=r"untrusted types .*: numpy\.load"):
        load_model(file)
    assert not ran.exists()


def test_skops_state_is_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_ALLOW_PICKLE", "0")
    file, ran = tmp_path / "model.skops", tmp_path / "ran"
    state = {"_parse_arg_template": f"open({str(ran)!r}, 'w')"}
    content = {name: plain(value) for name, value in state.items()}
    keys = node("ListNode", "builtins", "list", content=[plain(name) for name in state])
    attributes = node("DictNode", "builtins", "dict", content=content, key_types=keys)
    schema = node(
        "ObjectNode", "scipy.stats._distn_infrastructure", "rv_continuous", content=attributes
    )
    file.write_bytes(hostile(schema))
    with pytest.raises(ArtifactError, match=r"untrusted types .*: scipy\.stats"):
        load_model(file)
    assert not ran.exists()
