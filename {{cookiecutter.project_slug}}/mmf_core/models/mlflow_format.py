"""MLflow's folders: a model beside a file `MLmodel` that says how to load it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from .base import ModelFormat
from .skops_format import trusted

DESCRIPTION = "MLmodel"


class MlflowFormat(ModelFormat):
    """One folder, whatever its name, as any of MLflow's flavors saves it.

    A scikit-learn model is that model again; any other is MLflow's own, which has `predict`.
    """

    suffixes = (".mlflow",)
    requires: ClassVar = {"mlflow": "mlflow-skinny"}
    runs_code = True  # MLmodel names the module that loads it, and the types that are trusted

    def holds(self, path: Path) -> bool:
        """Whether it is such a folder, or will be."""
        return super().holds(path) or (path / DESCRIPTION).is_file()

    def load(self, path: Path) -> Any:
        with quiet():
            from mlflow.pyfunc import load_model

            model: Any = load_model(str(path))
        if model.loader_module == "mlflow.sklearn":
            return model.get_raw_model()
        return model

    def save(self, model: Any, path: Path, example: Any) -> None:
        with quiet():
            from mlflow import sklearn
            from mlflow.models import infer_signature
            from skops.io import dumps, get_untrusted_types

            sklearn.save_model(
                model,
                str(path),
                serialization_format="skops",
                skops_trusted_types=trusted(get_untrusted_types(data=dumps(model))),
                pip_requirements=sklearn.get_default_pip_requirements(include_skops=True),
                signature=infer_signature(example, model.predict(example)),
            )


def signature(path: Path) -> Any:
    """Return the signature beside a model in a folder, or None; may raise anything."""
    MlflowFormat().demand(path.name)
    with quiet():
        from mlflow.models import Model

        return Model.load(str(path)).signature


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out warnings of MLflow's own code, and of integers that might be missing one day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
