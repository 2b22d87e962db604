"""MLflow's folders: a model next to a file `MLmodel` that describes how to load it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

from ..errors import ArtifactError, DescriptorError
from ..settings import SettingsGroup, on_off, setting
from .base import ModelFormat
from .inputs import ModelInputs, library_of
from .mlflow_signature import columns_of, read_signature
from .trusted_types import check_trusted

_log = logging.getLogger("mmf.models")


@dataclass(frozen=True)
class MLflowFormatSettings(SettingsGroup):
    """`strict`: a model saved with other versions than those installed is refused."""

    strict: bool = setting("MMF_MLFLOW_STRICT", False, on_off)


class MlflowFormat(ModelFormat):
    """One folder of any name, saved by any of MLflow's flavors.

    A scikit-learn model is loaded as itself; any other as MLflow's own object with `predict`.
    """

    suffixes = (".mlflow",)
    library = "mlflow"
    requires: ClassVar = {"mlflow": "mlflow-skinny"}
    settings = MLflowFormatSettings
    runs_code = True  # MLmodel names the module that loads it, and the types that are trusted

    def holds(self, path: Path) -> bool:
        """Whether it is such a folder, or has the suffix of one."""
        return super().holds(path) or (path / "MLmodel").is_file()

    def load(self, path: Path) -> Any:
        _compare_versions(path)
        with warnings.catch_warnings(action="ignore"):  # of MLflow's own code
            from mlflow.pyfunc import load_model

            # Requirements are compared above.
            model: Any = load_model(str(path), suppress_warnings=True)
        if model.loader_module == "mlflow.sklearn":
            return model.get_raw_model()
        model.predict = _with_known_types(model.predict)
        return model

    def save(self, model: Any, path: Path, example: Any) -> None:
        with warnings.catch_warnings(action="ignore"):  # also of integers that may become missing
            from mlflow import sklearn
            from mlflow.models import infer_signature
            from skops.io import dumps, get_untrusted_types

            sklearn.save_model(
                model,
                str(path),
                serialization_format="skops",
                skops_trusted_types=check_trusted(get_untrusted_types(data=dumps(model))),
                pip_requirements=sklearn.get_default_pip_requirements(include_skops=True),
                signature=infer_signature(example, model.predict(example)),
            )

    def inputs_of(self, model: Any) -> ModelInputs | None:
        if library_of(model) != self.library:
            return None
        signature = getattr(getattr(model, "metadata", None), "signature", None)
        if signature is None or signature.inputs is None:
            raise DescriptorError("the model was saved without signature=")
        return ModelInputs(columns_of(signature), self.library)

    def inputs_of_file(self, path: Path) -> ModelInputs:
        self.require(path.name)
        return ModelInputs(columns_of(read_signature(path)), self.library)


def _with_known_types(predict: Callable[..., Any]) -> Callable[..., Any]:
    """Return MLflow's `predict`, which refuses nulls in pandas' `boolean`, but not in objects."""

    @wraps(predict)
    def predict_known(data: Any, *arguments: Any, **options: Any) -> Any:
        for name in getattr(data, "columns", ()):
            if data[name].dtype == "boolean":
                flags = data[name].astype(object)
                data = data.assign(**{name: flags.where(flags.notna(), None)})
        return predict(data, *arguments, **options)

    return predict_known


def _compare_versions(path: Path) -> None:
    """Warn of packages whose version differs from the saved one; refuse them if strict."""
    mismatches = "; ".join(_mismatches(path / "requirements.txt"))
    if not mismatches:
        return
    message = f"{path} was saved with other versions: {mismatches}"
    if MLflowFormatSettings.from_env().strict:
        raise ArtifactError(f"{message}; install those, or unset MMF_MLFLOW_STRICT")
    _log.warning("%s; it may fail or predict differently (MMF_MLFLOW_STRICT=1 refuses it)", message)


def _mismatches(requirements: Path) -> Iterator[str]:
    from packaging.requirements import InvalidRequirement, Requirement

    lines = requirements.read_text(encoding="utf-8").splitlines() if requirements.exists() else []
    for line in lines:
        try:
            requirement = Requirement(line.partition(" #")[0])
        except InvalidRequirement:  # an option, a path, a comment
            continue
        if requirement.marker and not requirement.marker.evaluate():
            continue
        installed = _installed_version(requirement.name)
        if not installed or not requirement.specifier.contains(installed, prereleases=True):
            yield f"{requirement} ({installed or 'none'} is installed)"


def _installed_version(package: str) -> str:
    """Return a package's version, also if only its `-skinny` variant is installed; else ""."""
    for name in (package, f"{package}-skinny"):
        with suppress(PackageNotFoundError):
            return version(name)
    return ""


FORMAT = MlflowFormat()
