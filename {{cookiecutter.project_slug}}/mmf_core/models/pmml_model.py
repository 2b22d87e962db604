"""A PMML model that answers as scikit-learn's does, with Java or without.

sklearn-pmml-model reads more than it understands: of version 1.0.8 forests answer wrongly, and what
comes before an estimator is left out, all without an error. So it gets linear models alone, and
pypmml the rest. Its Java machine is a process that no fork copies: it is ended before a fork and
started again by whoever predicts next.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any
from weakref import WeakSet

from ..errors import ArtifactError

EXTENSION = "feature_names_in_"


class PmmlModel:
    """Predicts for a table that has the columns, in any order, or an array of them as fitted."""

    def __init__(self, names: list[str]) -> None:
        import numpy as np

        self._names = names
        self.feature_names_in_ = np.asarray(names, dtype=object)

    def _table(self, data: Any) -> Any:
        import pandas as pd

        if not hasattr(data, "columns"):
            return pd.DataFrame(data, columns=self._names)
        if not set(self._names).issubset(data.columns):
            raise ValueError(
                f"the columns should be those that the model was fitted with, {self._names}, "
                f"not {data.columns.tolist()}"
            )
        return data[self._names]


class LinearModel(PmmlModel):
    """A linear regression in Python alone, by sklearn-pmml-model."""

    def __init__(self, path: Path, names: list[str]) -> None:
        from sklearn_pmml_model.linear_model import PMMLLinearRegression

        super().__init__(names)
        self._model = PMMLLinearRegression(str(path))

    def predict(self, data: Any) -> Any:
        """Return a prediction for each row, (n,)."""
        return self._model.predict(self._table(data).copy())  # it writes to the table's columns


class JavaModel(PmmlModel):
    """Any model, in a Java machine, by pypmml."""

    def __init__(self, path: Path, names: list[str]) -> None:
        _demand_java(path)
        super().__init__(names)
        self._source = path.read_text(encoding="utf-8")
        self._model = model = self._open()
        self._outputs = [(one.name, one.feature, one.value) for one in model.outputFields]
        _in_java.add(self)

    def predict(self, data: Any) -> Any:
        """Return a prediction for each row, (n,)."""
        (name,) = [name for name, feature, _ in self._outputs if feature == "predictedValue"]
        return self._answers(data, [name])[:, 0]

    def _answers(self, data: Any, names: list[str]) -> Any:
        import numpy as np

        table = self._table(data).astype(object)
        question = table.where(table.notna(), None).to_dict("split", index=False)
        told = json.loads((self._model or self._open_again()).predict(json.dumps(question)))
        places = [told["columns"].index(name) for name in names]
        return np.array([[row[place] for place in places] for row in told["data"]])

    def _open(self) -> Any:
        from pypmml import Model

        return Model.fromString(self._source).setSupplementOutput(True)

    def _open_again(self) -> Any:
        self._model = model = self._open()
        return model

    def _forget(self) -> None:
        self._model = None


class JavaClassifier(JavaModel):
    """A model with classes, and a probability for each."""

    def __init__(self, path: Path, names: list[str]) -> None:
        import numpy as np

        super().__init__(path, names)
        self.classes_ = np.asarray(self._model.classes)
        named = {str(value): name for name, kind, value in self._outputs if kind == "probability"}
        self._probabilities = [named[str(one)] for one in self.classes_]

    def predict(self, data: Any) -> Any:
        """Return a class for each row, (n,)."""
        return super().predict(data).astype(self.classes_.dtype)

    def predict_proba(self, data: Any) -> Any:
        """Return the probability of each class for each row, (n, classes)."""
        return self._answers(data, self._probabilities).astype("float64")


def _demand_java(path: Path) -> None:
    home = os.environ.get("JAVA_HOME")
    if not shutil.which("java", path=f"{home}/bin" if home else None):
        raise ArtifactError(
            f"{path.name} is run by Java, which is not there: apt install default-jre-headless, or "
            f"on Heroku: heroku buildpacks:add --index 1 heroku/jvm"
        )


_in_java: WeakSet[JavaModel] = WeakSet()


def _end_java() -> None:
    if _in_java:
        from pypmml import Model

        for model in _in_java:
            model._forget()  # noqa: SLF001 - a model of this module
        Model.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_end_java)
