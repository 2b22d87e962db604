"""Custom models: PythonModel with load_context, artifacts and its own code."""

import json
from pathlib import Path

import pytest
from test_cli_from_mlflow import columns, from_mlflow, invoke

import mmf_core as mmf
from mmf_core.errors import ArtifactError

pytestmark = pytest.mark.filterwarnings("ignore")  # raised by MLflow itself

HELPER = "def times(values, factor):\n    return values * factor\n"
MODEL = """
import json

from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class Custom(PythonModel):
    def load_context(self, context):
        with open(context.artifacts["factor"], encoding="utf-8") as file:
            self.factor = json.load(file)
        if self.factor is None:
            raise RuntimeError("there is no factor")

    def predict(self, context, model_input, params=None):
        from beside import times

        return times(model_input["a"], self.factor).rename("y") + params["more"]


set_model(Custom())
"""


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder with such a model in `custom`."""
    from mlflow import pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    parts = tmp_path / "parts"
    project = tmp_path / "project"
    for folder in (parts, project):
        folder.mkdir()
    for name, text in (("model.py", MODEL), ("beside.py", HELPER), ("factor.json", "2.5")):
        (parts / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(project)
    params = ParamSchema([ParamSpec("more", "double", 0.0)])
    pyfunc.save_model(
        "custom",
        python_model=str(parts / "model.py"),
        artifacts={"factor": str(parts / "factor.json")},
        code_paths=[str(parts / "beside.py")],
        signature=ModelSignature(columns(("double", "a")), params=params),
        pip_requirements=[],
    )
    for name in ("model.py", "beside.py", "factor.json"):
        (parts / name).unlink()  # everything it needs is in its folder
    return project


def test_custom_pyfunc_model_is_served(saved: Path) -> None:
    result = from_mlflow(Path("custom"))
    assert result.exit_code == 0, result.output
    body = {"dataframe_split": {"columns": ["a"], "data": [[1], [2.0]]}, "params": {"more": 1}}
    status, _, response = invoke(saved, body).partition(" ")
    assert status == "200"
    assert json.loads(response) == {"predictions": [{"y": 3.5}, {"y": 6.0}]}


def test_failing_custom_loader_is_reported(saved: Path) -> None:
    (factor,) = saved.rglob("factor.json")
    factor.write_text("null", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"custom.*there is no factor"):
        mmf.Registry().artifact("custom").load()


def test_invalid_folder_is_reported(saved: Path) -> None:
    (saved / "custom" / "MLmodel").write_text("flavors: {}\n", encoding="utf-8")
    with pytest.raises(ArtifactError, match="custom"):
        mmf.Registry().artifact("custom").load()
