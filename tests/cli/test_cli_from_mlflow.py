"""`mmfmeta from-mlflow` writes a main.py that serves an MLflow model; its signature as a schema."""

import json
import os
import subprocess
import sys
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
from baking import PAYLOAD
from mmf_core.cli import main
from mmf_core.errors import ArtifactError, DescriptorError

TABLE = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]})
INVOKE = """
import json, sys
from mmf_core.web import create_app
response = create_app("main").test_client().post("/invocations", json=json.loads(sys.argv[1]))
print(response.status_code, json.dumps(response.json))
"""


def save(folder: Path, inputs: Any, **how: Any) -> None:
    """Save a linear regression with a signature of `inputs`, if there is one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import sklearn
        from mlflow.models import ModelSignature

        data = how.pop("data", TABLE)
        signature = None if inputs is None else ModelSignature(inputs=inputs, **how)
        sklearn.save_model(
            LinearRegression().fit(data, [2.0, 4.0, 6.0]),
            str(folder),
            signature=signature,
            serialization_format="cloudpickle",
            pip_requirements=[],
        )


def columns(*pairs: tuple[str, str], **how: Any) -> Any:
    """Return MLflow's schema of columns: type and name of each."""
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec(kind, name, **how) for kind, name in pairs])


def from_mlflow(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["from-mlflow", str(folder), *options])


def invoke(folder: Path, body: Any) -> str:
    """Serve the main.py in a folder in a new process; return its response."""
    done = subprocess.run(
        [sys.executable, "-c", INVOKE, json.dumps(body)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{PAYLOAD}{os.pathsep}{folder}",
            "MMF_LOG_LEVEL": "error",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.strip()


def test_signature_becomes_a_schema(tmp_path: Path) -> None:
    types = ("boolean", "integer", "long", "float", "double", "string", "datetime")
    save(tmp_path / "all", columns(*((type_name, type_name) for type_name in types)))
    expected = [bool, int, int, float, float, str, datetime]
    assert mmf.schema_of(tmp_path / "all") == dict(zip(types, expected, strict=True))
    save(tmp_path / "some", columns(("double", "b"), required=False))
    assert mmf.schema_of(str(tmp_path / "some")) == {"b": float | None}
    assert repr(mmf.schema_of(tmp_path / "some")) == "{'b': float | None}"


def test_loaded_model_has_its_signature(tmp_path: Path) -> None:
    save(tmp_path / "model", columns(("long", "a"), ("double", "b")))
    from mlflow.pyfunc import load_model

    assert mmf.schema_of(load_model(str(tmp_path / "model"))) == {"a": int, "b": float}


def test_unsupported_signature_is_reported(tmp_path: Path) -> None:
    from mlflow.types import Schema, TensorSpec

    save(tmp_path / "none", None)
    save(tmp_path / "bytes", columns(("binary", "a")))
    save(tmp_path / "array", Schema([TensorSpec(np.dtype("float64"), (-1, 2))]))
    (tmp_path / "empty").mkdir()
    for name, error, words in (
        ("none", DescriptorError, "without signature"),
        ("bytes", DescriptorError, "column 'a': unsupported type"),
        ("array", DescriptorError, r"mmf\.Array"),
        ("empty", DescriptorError, "not a model that declares its columns"),
        ("absent", ArtifactError, "not found"),
    ):
        with pytest.raises(error, match=words):
            mmf.schema_of(tmp_path / name)


def test_generated_main_serves_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "model", columns(("long", "a"), ("double", "b")))
    result = from_mlflow(Path("model"))
    assert result.exit_code == 0, result.output
    assert '{"dataframe_records": [{"a": 1, "b": 0.5}]}' in result.output
    text = (tmp_path / "main.py").read_text(encoding="utf-8")
    assert "SCHEMA = {'a': int, 'b': float}\n" in text
    status, _, response = invoke(tmp_path, {"dataframe_records": [{"a": 1, "b": 0.5}]}).partition(
        " "
    )
    assert status == "200"
    assert json.loads(response)["predictions"] == pytest.approx([2.0])
    assert invoke(tmp_path, {"dataframe_records": [{"a": 1}]}).startswith("400 ")
    again = from_mlflow(Path("model"))
    assert again.exit_code == 1
    assert "--out" in again.output
    assert from_mlflow(Path("model"), "--out", "other.py").exit_code == 0


def test_tensor_signature_becomes_an_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.types import Schema, TensorSpec

    monkeypatch.chdir(tmp_path)
    inputs = Schema([TensorSpec(np.dtype("float64"), (-1, 2))])
    save(tmp_path / "model", inputs, data=TABLE.to_numpy())
    assert from_mlflow(Path("model")).exit_code == 0
    text = (tmp_path / "main.py").read_text(encoding="utf-8")
    assert "mmf.Array(shape=(None, 2), dtype='float64')" in text
    status, _, response = invoke(tmp_path, {"inputs": [[1, 0.5], [2, 1.5]]}).partition(" ")
    assert status == "200"
    assert json.loads(response)["predictions"] == pytest.approx([2.0, 4.0])


def test_params_become_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.types import ParamSchema, ParamSpec

    monkeypatch.chdir(tmp_path)
    params = ParamSchema([ParamSpec("times", "long", 2), ParamSpec("label", "string", "x")])
    save(tmp_path / "model", columns(("datetime", "when")), params=params)
    assert from_mlflow(Path("model")).exit_code == 0
    text = (tmp_path / "main.py").read_text(encoding="utf-8")
    compile(text, "main.py", "exec")
    assert "from datetime import datetime\n" in text
    assert "    times=mmf.Integer(default=2),\n    label=mmf.String(default='x'),\n" in text
    assert 'model.predict(data, params={"times": times, "label": label})' in text
    listed = ParamSchema([ParamSpec("many", "long", [1], shape=(-1,))])
    save(tmp_path / "listed", columns(("long", "a")), params=listed)
    result = from_mlflow(Path("listed"), "--out", "other.py")
    assert result.exit_code == 1
    assert "many" in result.output
