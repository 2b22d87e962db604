"""Model files: read by suffix, rejected with the reason."""

import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core import models
from mmf_core.errors import ArtifactError, MissingPackage
from mmf_core.models import ModelFormat
from mmf_core.models.load_failures import how_to_mend

PACKAGE = Path(mmf.__file__).parent
MODEL = {"weights": [1.5, 2.0]}


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes MODEL under a name."""

    def write(name: str) -> Path:
        path = tmp_path / name
        if path.suffix.lower() == ".joblib":
            joblib.dump(MODEL, path, compress=3)
        else:
            path.write_bytes(pickle.dumps(MODEL))
        return path

    return write


@pytest.mark.parametrize("name", ["a.pkl", "a.pickle", "a.PKL", "a.v2.joblib"])
@pytest.mark.parametrize("kind", [str, Path])
def test_format_is_selected_by_suffix(
    name: str, kind: Callable[[Path], Any], save: Callable[[str], Path]
) -> None:
    assert mmf.load_model(kind(save(name))) == MODEL


@pytest.mark.parametrize("name", ["model", "model.doc", "model.pkl.gz", ".pkl"])
def test_unknown_suffix_error_lists_known_ones(name: str, save: Callable[[str], Path]) -> None:
    with pytest.raises(ArtifactError, match=r"\.joblib.*\.pkl"):
        mmf.load_model(save(name))


def test_folder_that_is_not_a_model_is_named() -> None:
    with pytest.raises(ArtifactError, match=r"^\.: unknown suffix"):
        mmf.load_model(".")


@pytest.mark.parametrize("name", ["a.pkl", "a.joblib"])
def test_missing_file_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="not found") as caught:
        mmf.load_model(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("name", ["a.pkl", "a.joblib"])
@pytest.mark.parametrize("data", [b"", b"no pickle", b"cno_such_module\nThing\n."])
def test_invalid_file_is_named_with_the_reason(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ArtifactError, match="cannot be loaded") as caught:
        mmf.load_model(tmp_path / name)
    assert name in str(caught.value)
    assert caught.value.__cause__ is not None
    assert type(caught.value.__cause__).__name__ in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "pointer of Git LFS"),
        (b"cno_such_module\nThing\n.", "has the module no_such_module"),
        (b"c__main__\nNoSuchClass\n.", "of the notebook or script that saved it"),
        (b"cnumpy.no_such_module\nThing\n.", "versions in requirements.txt"),
        (b"", "versions in requirements.txt"),
    ],
)
def test_error_suggests_a_fix(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(data)
    with pytest.raises(ArtifactError, match=words) as caught:
        mmf.load_model(tmp_path / "a.pkl")
    assert ": ;" not in str(caught.value)


@pytest.mark.parametrize("module", ["__main__", "gunicorn.__main__"])
def test_missing_class_of_a_notebook_is_recognised(module: str, tmp_path: Path) -> None:
    """Python names the module `__main__` after its package if it runs with `python -m`."""
    error = AttributeError(f"Can't get attribute 'Net' on <module {module!r} from 'x.py'>")
    assert "notebook or script" in how_to_mend(tmp_path / "model.joblib", error)


@pytest.mark.parametrize("name", ["a.pkl", "a.joblib"])
def test_truncated_file_raises_artifact_error(name: str, save: Callable[[str], Path]) -> None:
    path = save(name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ArtifactError):
        mmf.load_model(path)


def test_missing_library_names_the_pip_command(
    without: Callable[..., None], save: Callable[[str], Path]
) -> None:
    path = save("a.joblib")
    without("joblib")
    with pytest.raises(MissingPackage, match=r"a\.joblib needs: pip install joblib$"):
        mmf.load_model(path)


@pytest.mark.parametrize("kind", ["mlflow", "onnx", "pmml", "skops"])
def test_format_can_be_deleted(kind: str, tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (tmp_path / PACKAGE.name / "models").glob(f"{kind}_*.py"):
        module.unlink()
    code = f"import mmf_core; mmf_core.load_model('model.{kind}')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    _, _, message = done.stderr.strip().rpartition("\n")
    assert f"model.{kind}: unknown suffix" in message
    assert f".{kind}" not in message.partition("expected")[2]


class Greedy(ModelFormat):
    """A custom format."""

    suffixes = (".greedy",)

    def load(self, path: Path) -> Any:
        raise MemoryError


def test_custom_format_and_memory_errors_propagate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(models, "FORMATS", [*models.FORMATS, Greedy()])
    (tmp_path / "a.greedy").touch()
    with pytest.raises(MemoryError):
        mmf.load_model(tmp_path / "a.greedy")


@pytest.mark.filterwarnings("ignore::UserWarning")  # of MLflow's own code
def test_mlflow_models_accept_nullable_booleans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    (tmp_path / "echoed_flags.py").write_text(
        "class Model:\n"
        "    def predict(self, data, params=None):\n"
        "        return data['f'].tolist()\n\n\n"
        "def _load_pyfunc(path):\n"
        "    return Model()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    signature = ModelSignature(Schema([ColSpec("boolean", "f", required=False)]))
    pyfunc.save_model(
        str(tmp_path / "model"),
        loader_module="echoed_flags",
        signature=signature,
        pip_requirements=[],
    )
    model = mmf.load_model(tmp_path / "model")
    for flags in ([True, None], [None], [True, False]):
        assert model.predict(pd.DataFrame({"f": pd.array(flags, "boolean")})) == flags
