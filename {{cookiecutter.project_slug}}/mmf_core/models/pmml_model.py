"""A PMML model with the interface of scikit-learn's, with or without Java.

sklearn-pmml-model silently misreads many documents: with version 1.0.8 forests predict wrongly, and
preprocessing before an estimator is ignored. It therefore gets only linear models, and pypmml the
rest. pypmml's Java machine is a process that is ended before a fork, which would not copy it, and
restarted by the next prediction.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakSet

from ..errors import ArtifactError
from .inputs import LIBRARY, InputColumn, ModelInputs

EXTENSION = "feature_names_in_"


class PmmlModel:
    """Predicts for a table with columns in any order, or for an array in the order of the fit."""

    def __init__(self, columns: Mapping[str, InputColumn]) -> None:
        import numpy as np

        self._columns = columns
        self._names = list(columns)
        self.feature_names_in_ = np.asarray(self._names, dtype=object)

    def inputs(self) -> ModelInputs:
        """Return the columns of the document's data dictionary."""
        return ModelInputs(self._columns, LIBRARY)

    def _table(self, data: Any) -> Any:
        import pandas as pd

        if not hasattr(data, "columns"):
            return pd.DataFrame(data, columns=self._names)
        if not set(self._names).issubset(data.columns):
            raise ValueError(
                f"expected the columns of the training data, {self._names}, "
                f"got {data.columns.tolist()}"
            )
        return data[self._names]


class LinearModel(PmmlModel):
    """A linear regression in pure Python, by sklearn-pmml-model."""

    def __init__(self, path: Path, columns: Mapping[str, InputColumn]) -> None:
        from sklearn_pmml_model.linear_model import PMMLLinearRegression

        super().__init__(columns)
        self._model = PMMLLinearRegression(str(path))

    def predict(self, data: Any) -> Any:
        """Return a prediction for each row, (n,)."""
        return self._model.predict(self._table(data).copy())  # predict modifies the table


class JavaModel(PmmlModel):
    """Any model, in a Java machine, by pypmml."""

    def __init__(self, path: Path, columns: Mapping[str, InputColumn]) -> None:
        _require_java(path)
        super().__init__(columns)
        self._source = path.read_text(encoding="utf-8")
        self._model = model = self._open()
        self._outputs = [(field.name, field.feature, field.value) for field in model.outputFields]
        _open_models.add(self)

    def predict(self, data: Any) -> Any:
        """Return a prediction for each row, (n,)."""
        (name,) = [name for name, feature, _ in self._outputs if feature == "predictedValue"]
        return self._evaluate(data, [name])[:, 0]

    def _evaluate(self, data: Any, names: list[str]) -> Any:
        import numpy as np

        table = self._table(data).astype(object)
        rows = table.where(table.notna(), None).to_dict("split", index=False)
        results = json.loads((self._model or self._reopen()).predict(json.dumps(rows)))
        indices = [results["columns"].index(name) for name in names]
        return np.array([[row[index] for index in indices] for row in results["data"]])

    def _open(self) -> Any:
        from pypmml import Model

        return Model.fromString(self._source).setSupplementOutput(True)

    def _reopen(self) -> Any:
        self._model = model = self._open()
        return model

    def _close(self) -> None:
        self._model = None


class JavaClassifier(JavaModel):
    """A model with classes, and a probability for each."""

    def __init__(self, path: Path, columns: Mapping[str, InputColumn]) -> None:
        import numpy as np

        super().__init__(path, columns)
        self.classes_ = np.asarray(self._model.classes)
        named = {str(value): name for name, kind, value in self._outputs if kind == "probability"}
        self._probabilities = [named[str(label)] for label in self.classes_]

    def predict(self, data: Any) -> Any:
        """Return a class for each row, (n,)."""
        return super().predict(data).astype(self.classes_.dtype)

    def predict_proba(self, data: Any) -> Any:
        """Return the probability of each class for each row, (n, classes)."""
        return self._evaluate(data, self._probabilities).astype("float64")


def _require_java(path: Path) -> None:
    home = os.environ.get("JAVA_HOME")
    if not shutil.which("java", path=f"{home}/bin" if home else None):
        raise ArtifactError(
            f"{path.name} needs Java: apt install default-jre-headless, or on Heroku: "
            f"heroku buildpacks:add --index 1 heroku/jvm"
        )


_open_models: WeakSet[JavaModel] = WeakSet()


def _end_java() -> None:
    if _open_models:
        from pypmml import Model

        for model in _open_models:
            model._close()  # noqa: SLF001 - a model of this module
        Model.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_end_java)
