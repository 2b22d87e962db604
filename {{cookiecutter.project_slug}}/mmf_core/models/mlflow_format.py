"""MLflow's folders: a model beside a file `MLmodel` that says how to load it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

from ..errors import ArtifactError
from ..settings import Settings
from .base import ModelFormat
from .skops_format import trusted

DESCRIPTION = "MLmodel"
_log = logging.getLogger("mmf.models")


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
        _compare(path)
        with quiet():
            from mlflow.pyfunc import load_model

            # What it would say of requirements was said.
            model: Any = load_model(str(path), suppress_warnings=True)
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
    MlflowFormat().require(path.name)
    with quiet():
        from mlflow.models import Model

        return Model.load(str(path)).signature


def _compare(path: Path) -> None:
    """Warn of what the model was saved with and is another version here; refuse it if strict."""
    others = "; ".join(_mismatches(path / "requirements.txt"))
    if not others:
        return
    told = f"{path} was saved with other versions: {others}"
    if Settings.from_env().mlflow_strict:
        raise ArtifactError(f"{told}; install those, or leave MMF_MLFLOW_STRICT out")
    _log.warning("%s: it may fail or answer otherwise; MMF_MLFLOW_STRICT=1 refuses it", told)


def _mismatches(requirements: Path) -> Iterator[str]:
    from packaging.requirements import InvalidRequirement, Requirement

    lines = requirements.read_text(encoding="utf-8").splitlines() if requirements.exists() else []
    for line in lines:
        try:
            wanted = Requirement(line.partition(" #")[0])
        except InvalidRequirement:  # an option, a path, a comment
            continue
        if wanted.marker and not wanted.marker.evaluate():
            continue
        found = _installed(wanted.name)
        if not found or not wanted.specifier.contains(found, prereleases=True):
            yield f"{wanted}, and here is {found or 'none'}"


def _installed(package: str) -> str:
    """Return a package's version; mlflow-skinny is mlflow, too. Empty if it is absent."""
    for name in (package, f"{package}-skinny"):
        with suppress(PackageNotFoundError):
            return version(name)
    return ""


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out warnings of MLflow's own code, and of integers that might be missing one day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
