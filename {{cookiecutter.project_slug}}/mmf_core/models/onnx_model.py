"""A model in onnxruntime that answers as scikit-learn's does.

A session with one thread may be forked, and is shared by all workers. One with more has threads
that no fork copies: it is closed before a fork and opened again by whoever predicts next.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from weakref import WeakSet

FEATURES = "feature_names_in_"
CLASSES = "classes_"
METHODS = "methods"
NUMPY_TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}


class OnnxModel:
    """Predicts for a table or an array; a table is compared with the names that the file tells.

    `feature_names_in_` and `classes_` are there if the file tells them, as `save_model`'s do.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._source = path.read_bytes()  # the file may be another by the time it is needed again
        self._folder = path.parent
        self._threads = threads
        self._session = session = self._open()
        self._inputs = [
            (one.name, NUMPY_TYPES[one.type], len(one.shape)) for one in session.get_inputs()
        ]
        self._outputs = [one.name for one in session.get_outputs()]
        self._names: list[Any] | None = None
        told = session.get_modelmeta().custom_metadata_map
        self._read_metadata(told)
        # skl2onnx calls the scores of a classifier without probabilities so, too.
        methods = json.loads(told.get(METHODS, '["predict_proba"]'))
        if "predict_proba" in methods and any(map(_is_probability, self._outputs)):
            self.__class__ = OnnxClassifier
        if threads > 1:
            _threaded.add(self)
        else:
            self._source = b""

    def predict(self, data: Any) -> Any:
        """Return a prediction for each row: (n,), or (n, k) if the model has k > 1 results."""
        answer = self._run(self._outputs[0], data)
        if answer.ndim == 2 and answer.shape[1] == 1:  # noqa: PLR2004 - rows and columns
            answer = answer[:, 0]
        if answer.dtype.kind == "f":
            return answer.astype("float64")
        classes = getattr(self, CLASSES, None)
        return answer if classes is None else answer.astype(classes.dtype)

    def _run(self, output: str, data: Any) -> Any:
        session = self._session or self._open_again()
        return session.run([output], self._feed(data))[0]

    def _feed(self, data: Any) -> dict[str, Any]:
        if hasattr(data, "columns"):
            return self._feed_table(data)
        import numpy as np

        array = np.asarray(data)
        if len(self._inputs) == 1:
            name, kind, _ = self._inputs[0]
            return {name: array.astype(kind, copy=False)}
        if array.ndim != 2 or array.shape[1] != len(self._inputs):  # noqa: PLR2004
            raise ValueError(f"expected rows of {len(self._inputs)}, got shape {array.shape}")
        return {
            name: _shaped(array[:, place].astype(kind), rank)
            for place, (name, kind, rank) in enumerate(self._inputs)
        }

    def _feed_table(self, table: Any) -> dict[str, Any]:
        if len(self._inputs) == 1:
            name, kind, _ = self._inputs[0]
            if self._names is not None and table.columns.tolist() != self._names:
                raise ValueError(_differ(self._names, table.columns.tolist()))
            return {name: table.to_numpy(kind)}
        names = [name for name, _, _ in self._inputs]
        if not set(names).issubset(table.columns):
            raise ValueError(_differ(names, table.columns.tolist()))
        return {
            name: _shaped(table[name].to_numpy(kind), rank) for name, kind, rank in self._inputs
        }

    def _read_metadata(self, told: dict[str, str]) -> None:
        import numpy as np

        if CLASSES in told:
            self.classes_ = np.asarray(json.loads(told[CLASSES]))
        names = json.loads(told.get(FEATURES, "null"))
        if len(self._inputs) > 1:
            names = [name for name, _, _ in self._inputs]
        if names:
            self._names = names
            self.feature_names_in_ = np.asarray(names, dtype=object)

    def _open(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # Weights of more than 2 GiB lie in files beside the model.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(self._folder)
        )
        return onnxruntime.InferenceSession(
            self._source, options, providers=["CPUExecutionProvider"]
        )

    def _open_again(self) -> Any:
        self._session = session = self._open()
        return session

    def _close(self) -> None:
        self._session = None


class OnnxClassifier(OnnxModel):
    """A model with probabilities."""

    def predict_proba(self, data: Any) -> Any:
        """Return the probability of each class for each row, (n, classes)."""
        import numpy as np

        name = next(filter(_is_probability, self._outputs))
        answer = self._run(name, data)
        if isinstance(answer, list):  # exported with the option zipmap: a mapping for each row
            answer = np.array([list(row.values()) for row in answer])
        return answer.astype("float64")


def _is_probability(output: str) -> bool:
    """Tell by its name whether an output has probabilities: exporters agree on the word."""
    return "probabilit" in output.lower()


def _shaped(column: Any, rank: int) -> Any:
    return column.reshape(-1, 1) if rank == 2 else column  # noqa: PLR2004


def _differ(expected: list[Any], given: list[Any]) -> str:
    return f"the columns should be those that the model was fitted with, {expected}, not {given}"


_threaded: WeakSet[OnnxModel] = WeakSet()


def _close_all() -> None:
    for model in _threaded:
        model._close()  # noqa: SLF001 - a model of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_all)
