"""A model in onnxruntime with the interface of scikit-learn's.

A session with one thread survives a fork and is shared by all workers. A session with more threads
is closed before a fork, which would not copy them, and reopened by the next prediction.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from weakref import WeakSet

from .inputs import LIBRARY, NUMBER_OR_NULL, InputColumn, ModelInputs, named, without_names

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

_COLUMNS = {
    "int64": InputColumn(int),
    "int32": InputColumn(int),
    "bool": InputColumn(bool),
    "object": InputColumn(str),
}


class OnnxModel:
    """Predicts for a table or an array; a table's columns are compared with those in the file.

    `feature_names_in_` and `classes_` are set if the file has them, as files of `save_model` do.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._source = path.read_bytes()  # the file may have changed by the time of a reopening
        self._folder = path.parent
        self._threads = threads
        self._session = session = self._open()
        self._inputs = [
            (node.name, NUMPY_TYPES[node.type], len(node.shape)) for node in session.get_inputs()
        ]
        self._outputs = [node.name for node in session.get_outputs()]
        self._names: list[Any] | None = None
        metadata = session.get_modelmeta().custom_metadata_map
        self._read_metadata(metadata)
        # skl2onnx also names the scores of a classifier without probabilities like that.
        methods = json.loads(metadata.get(METHODS, '["predict_proba"]'))
        if "predict_proba" in methods and any(map(_is_probability, self._outputs)):
            self.__class__ = OnnxClassifier
        if threads > 1:
            _open_models.add(self)
        else:
            self._source = b""

    def predict(self, data: Any) -> Any:
        """Return a prediction for each row: (n,), or (n, k) if the model has k > 1 outputs."""
        output = self._run(self._outputs[0], data)
        if output.ndim == 2 and output.shape[1] == 1:  # noqa: PLR2004 - rows and columns
            output = output[:, 0]
        if output.dtype.kind == "f":
            return output.astype("float64")
        classes = getattr(self, CLASSES, None)
        return output if classes is None else output.astype(classes.dtype)

    def inputs(self) -> ModelInputs:
        """Return the columns; DescriptorError if the file has no names of them."""
        if self._names is None:
            raise without_names(self)
        if len(self._inputs) == 1:
            return ModelInputs(named(self._names), LIBRARY)
        columns = {name: _COLUMNS.get(kind, NUMBER_OR_NULL) for name, kind, _ in self._inputs}
        return ModelInputs(columns, LIBRARY)

    def _run(self, output: str, data: Any) -> Any:
        session = self._session or self._reopen()
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
            name: _with_rank(array[:, index].astype(kind), rank)
            for index, (name, kind, rank) in enumerate(self._inputs)
        }

    def _feed_table(self, table: Any) -> dict[str, Any]:
        if len(self._inputs) == 1:
            name, kind, _ = self._inputs[0]
            if self._names is not None and table.columns.tolist() != self._names:
                raise ValueError(_wrong_columns(self._names, table))
            return {name: table.to_numpy(kind)}
        names = [name for name, _, _ in self._inputs]
        if not set(names).issubset(table.columns):
            raise ValueError(_wrong_columns(names, table))
        return {
            name: _with_rank(table[name].to_numpy(kind), rank) for name, kind, rank in self._inputs
        }

    def _read_metadata(self, metadata: dict[str, str]) -> None:
        import numpy as np

        if CLASSES in metadata:
            self.classes_ = np.asarray(json.loads(metadata[CLASSES]))
        names = json.loads(metadata.get(FEATURES, "null"))
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
        # Weights of more than 2 GiB are in files next to the model.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(self._folder)
        )
        return onnxruntime.InferenceSession(
            self._source, options, providers=["CPUExecutionProvider"]
        )

    def _reopen(self) -> Any:
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
        output = self._run(name, data)
        if isinstance(output, list):  # exported with the option zipmap: a mapping for each row
            output = np.array([list(row.values()) for row in output])
        return output.astype("float64")


def _is_probability(output: str) -> bool:
    """Return whether an output has probabilities; all exporters name it so."""
    return "probabilit" in output.lower()


def _with_rank(column: Any, rank: int) -> Any:
    return column.reshape(-1, 1) if rank == 2 else column  # noqa: PLR2004


def _wrong_columns(expected: list[Any], table: Any) -> str:
    return f"expected the columns of the training data, {expected}, got {table.columns.tolist()}"


_open_models: WeakSet[OnnxModel] = WeakSet()
"""Models whose session has several threads."""


def _close_all() -> None:
    for model in _open_models:
        model._close()  # noqa: SLF001 - a model of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_all)
