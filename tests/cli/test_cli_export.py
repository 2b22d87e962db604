"""`mmfmeta export` writes a model, its columns and a page, if a target only calls its model."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_wine

import mmf_core as mmf
from exported_project import make_exportable
from mmf_core.cli import main

RUNTIME = {"ort.wasm.bundle.min.mjs": b"export {};", "ort-wasm-simd-threaded.wasm": b"\0asm"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a stand-in for onnxruntime-web."""
    (tmp_path / "runtime" / "dist").mkdir(parents=True)
    for name, content in RUNTIME.items():
        (tmp_path / "runtime" / "dist" / name).write_bytes(content)
    return make_exportable(tmp_path, monkeypatch)


def export(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["export", "out", *arguments, "--runtime", "runtime"])
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize(
    ("target", "output", "columns"),
    [("score", "label", 1), ("probabilities", "probabilities", 3)],
)
def test_folder_has_the_model_and_its_schema(
    target: str, output: str, columns: int, project: Path
) -> None:
    export(target)
    plan = json.loads((project / "out" / "schema.json").read_text(encoding="utf-8"))
    wines = load_wine(as_frame=True).data
    (graph_input,) = plan["inputs"]
    assert graph_input["columns"] == wines.columns.tolist()
    assert (plan["output"], len(plan["columns"])) == (output, columns)
    assert np.shape(plan["example"])[1] == wines.shape[1]
    exported = mmf.load_model(project / "out" / "model.onnx")
    expected = mmf.load_model(project / "model.joblib").predict(wines)
    assert exported.predict(wines).tolist() == expected.tolist()


def test_project_texts_cannot_end_the_script(project: Path) -> None:
    export("score")
    page = (project / "out" / "index.html").read_text(encoding="utf-8")
    assert "</script><b>" not in page
    assert "&lt;/script&gt;&lt;b&gt;the&lt;/b&gt; cultivar" in page
    assert "%%" not in page


def test_onnx_model_is_copied(project: Path) -> None:
    rows = load_wine(as_frame=True).data
    mmf.save_model(mmf.load_model("model.joblib"), "model.onnx", example=rows)
    text = (project / "main.py").read_text(encoding="utf-8")
    (project / "main.py").write_text(text.replace("model.joblib", "model.onnx"), encoding="utf-8")
    export("score")
    copy = (project / "out" / "model.onnx").read_bytes()
    assert copy == (project / "model.onnx").read_bytes()


def test_rejects_target_that_does_more_than_predict(project: Path) -> None:
    printed = export("more", code=1)
    assert "more: expected the prediction of its model, got something else" in printed
    assert not (project / "out").exists()


def test_rejects_folder_without_the_runtime(project: Path) -> None:
    (project / "runtime" / "dist" / "ort.wasm.bundle.min.mjs").unlink()
    assert "npm install onnxruntime-web" in export("score", code=1)
    assert not (project / "out").exists()
