"""The model of a target as ONNX, with what is needed to call it: proven on the target's example."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ..codecs import as_frame
from ..errors import MMFError
from ..execution import Execution, Timings, example_values, validate_arguments
from ..models import format_of, load_model, save_model
from ..models.onnx_model import NUMPY_TYPES, OnnxModel
from ..registry import Registry
from ..target import Target

PLAN, MODEL = "schema.json", "model.onnx"
_TOLERANCE = 1e-4  # relative: graphs compute in float32
_METHODS = ("predict", "predict_proba")


class ExportError(MMFError):
    """A target cannot be exported."""


def export_model(registry: Registry, target: Target, argument: str, folder: Path) -> dict[str, Any]:
    """Write the model and its plan; return the plan.

    ExportError unless the target returns, for its example, what one method of the model returns.
    """
    arguments = validate_arguments(target, example_values(target.arguments))
    rows = arguments[argument]
    path = folder / MODEL
    _write(registry, rows, path)
    exported = load_model(path)
    expected = as_frame(Execution(target)(example_values(target.arguments), Timings()))
    session = _session(path)
    inputs = _inputs(session, exported)
    used = [name for each in inputs for name in each["columns"]]
    method = _method(exported, rows[used], expected, target)
    plan = {
        "target": target.route,
        "title": target.name,
        "description": target.description,
        "inputs": inputs,
        "output": _output(session, method),
        "columns": [str(name) for name in expected.columns],
        "example": json.loads(rows[used].to_json(orient="split", index=False))["data"],
    }
    text = json.dumps(plan, ensure_ascii=False, indent=2)
    (folder / PLAN).write_text(f"{text}\n", encoding="utf-8")
    return plan


def _write(registry: Registry, rows: Any, path: Path) -> None:
    """Write the only model of a registry as ONNX."""
    files = [artifact for artifact in registry.artifacts.values() if format_of(artifact.path)]
    if len(files) != 1:
        names = ", ".join(artifact.name for artifact in files) or "none"
        raise ExportError(f"expected one model from mmf.artifact, got {names}")
    (artifact,) = files
    model = artifact.ensure_loaded()
    model = load_model(artifact.path) if model is None else model
    if isinstance(model, OnnxModel):
        shutil.copy(artifact.path, path)
    else:
        columns = getattr(model, "feature_names_in_", rows.columns)
        save_model(model, path, example=rows[list(columns)])


def _session(path: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def _inputs(session: Any, exported: Any) -> list[dict[str, Any]]:
    """Return the inputs of a graph: name, type, number of dimensions, columns."""
    nodes = session.get_inputs()
    names = getattr(exported, "feature_names_in_", None)
    if names is None:
        raise ExportError(f"{MODEL} does not declare its columns; save it with mmf.save_model")
    columns = [list(names)] if len(nodes) == 1 else [[node.name] for node in nodes]
    return [
        {
            "name": node.name,
            "type": NUMPY_TYPES[node.type].replace("object", "string"),
            "rank": len(node.shape),
            "columns": [str(name) for name in each],
        }
        for node, each in zip(nodes, columns, strict=True)
    ]


def _method(exported: Any, rows: Any, expected: Any, target: Target) -> str:
    """Return the method of the model whose result is the target's."""
    for name in _METHODS:
        if hasattr(exported, name) and _is_same(getattr(exported, name)(rows), expected):
            return name
    raise ExportError(
        f"{target.route}: expected the prediction of its model, got something else for its "
        f"example; only the model runs on a device, so move the other steps into it"
    )


def _is_same(result: Any, expected: Any) -> bool:
    import numpy as np

    ours, theirs = np.asarray(result), expected.to_numpy()
    if ours.ndim == 1:
        ours = ours.reshape(-1, 1)
    if ours.shape != theirs.shape:
        return False
    if ours.dtype.kind in "fiub" and theirs.dtype.kind in "fiub":
        return bool(np.allclose(ours, theirs, rtol=_TOLERANCE, atol=_TOLERANCE))
    return bool((ours.astype(str) == theirs.astype(str)).all())


def _output(session: Any, method: str) -> str:
    """Return the name of the output that a method returns, as `OnnxModel` chooses it."""
    names: list[str] = [node.name for node in session.get_outputs()]
    if method == "predict":
        return names[0]
    return next(name for name in names if "probabilit" in name.lower())
