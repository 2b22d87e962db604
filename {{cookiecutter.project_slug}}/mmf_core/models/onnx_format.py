"""ONNX: a model as a graph of operators, run by onnxruntime without the training library."""

from __future__ import annotations

import json
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from ..errors import MissingPackage
from .base import ModelFormat
from .inputs import ModelInputs
from .onnx_model import CLASSES, FEATURES, METHODS, OnnxModel


class OnnxFormat(ModelFormat):
    """One graph; saved by skl2onnx, in float32."""

    suffixes = (".onnx",)
    library = "onnxruntime"
    requires: ClassVar = {"onnxruntime": "onnxruntime"}
    tolerance = 1e-4

    def load(self, path: Path) -> Any:
        return OnnxModel(path, _threads())

    def inputs_of(self, model: Any) -> ModelInputs | None:
        return model.inputs() if isinstance(model, OnnxModel) else None

    def save(self, model: Any, path: Path, example: Any) -> None:
        try:
            import skl2onnx  # noqa: F401 - a missing package is reported before the work starts
        except ImportError as error:
            raise MissingPackage(f"writing {path.name}", ["skl2onnx"]) from error
        from onnx.helper import set_model_props

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the exporter's own code
            graph = _converted(model, example)
        set_model_props(graph, _metadata(model, example))
        path.write_bytes(graph.SerializeToString())


FORMAT = OnnxFormat()


def _threads() -> int:
    """Return the threads for each worker, which gunicorn.conf.py sets: cores ÷ workers."""
    threads = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return max(1, int(threads)) if threads.isdecimal() else 1


def _converted(model: Any, example: Any) -> Any:
    """Return the graph with a single input for all numbers, or else with one for each column.

    A single input is faster; a model that selects columns by name needs one for each.
    """
    from skl2onnx import convert_sklearn

    options = _options(model)
    is_table = hasattr(example, "columns")
    if is_table and not {dtype.kind for dtype in example.dtypes} <= set("fiub"):
        return convert_sklearn(model, initial_types=_columns(example), options=options)
    try:
        return convert_sklearn(model, initial_types=_block(example), options=options)
    except Exception:  # of any type, if the model selects columns by name
        if is_table:
            with suppress(Exception):
                return convert_sklearn(model, initial_types=_columns(example), options=options)
        raise


def _block(example: Any) -> list[tuple[str, Any]]:
    from skl2onnx.common.data_types import FloatTensorType

    return [("X", FloatTensorType([None, example.shape[1]]))]


def _columns(table: Any) -> list[tuple[str, Any]]:
    from skl2onnx.common import data_types

    kinds = {"f": "Float", "i": "Int64", "u": "Int64", "b": "Boolean"}
    return [
        (name, getattr(data_types, f"{kinds.get(dtype.kind, 'String')}TensorType")([None, 1]))
        for name, dtype in table.dtypes.items()
    ]


def _options(model: Any) -> dict[Any, dict[str, Any]]:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

    # onnxruntime's default locale is missing from most containers, and skl2onnx's default pattern
    # of words has English letters only.
    text = {"locale": "C.UTF-8", "tokenexp": r"[\p{L}\p{N}_]+"}
    options: dict[Any, dict[str, Any]] = {CountVectorizer: text, TfidfVectorizer: text}
    if hasattr(model, "predict_proba"):
        options[id(model)] = {"zipmap": False}
    return options


def _metadata(model: Any, example: Any) -> dict[str, str]:
    """Return scikit-learn's attributes of the same names as JSON."""
    metadata = {FEATURES: list(getattr(example, "columns", ()))}
    metadata[METHODS] = [name for name in ("predict", "predict_proba") if hasattr(model, name)]
    classes = getattr(model, CLASSES, None)
    if classes is not None and hasattr(classes, "tolist"):  # with several outputs it is a list
        metadata[CLASSES] = classes.tolist()
    return {name: json.dumps(values) for name, values in metadata.items() if values}
