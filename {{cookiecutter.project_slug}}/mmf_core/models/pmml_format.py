"""PMML: a model as XML, which many systems write and read (dmg.org, version 4.4)."""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from ..errors import MissingPackage
from .base import ModelFormat
from .inputs import ModelInputs
from .pmml_inputs import pmml_columns
from .pmml_model import EXTENSION, JavaClassifier, JavaModel, LinearModel, PmmlModel


class PmmlFormat(ModelFormat):
    """One document; saved by sklearn2pmml, which runs Java, or by nyoka, for fewer models.

    An extension of the header keeps the names of the columns in the order of the fit.
    """

    suffixes = (".pmml",)
    library = "pypmml"
    tolerance = 1e-6

    def load(self, path: Path) -> Any:
        from xml.etree import ElementTree as ET

        root = ET.parse(path).getroot()  # noqa: S314 - the author's own file, as load_model says
        names = _names(root)
        columns = pmml_columns(root, names)
        if _is_linear(root) and find_spec("sklearn_pmml_model"):
            return LinearModel(path, columns)
        if not find_spec("pypmml"):
            raise MissingPackage(f"{path.name}, besides a Java runtime (JRE),", ["pypmml"])
        is_classifier = root.find("./*[@functionName='classification']") is not None
        return (JavaClassifier if is_classifier else JavaModel)(path, columns)

    def inputs_of(self, model: Any) -> ModelInputs | None:
        return model.inputs() if isinstance(model, PmmlModel) else None

    def save(self, model: Any, path: Path, example: Any) -> None:
        names = list(getattr(example, "columns", ())) or [
            f"x{index + 1}" for index in range(example.shape[1])
        ]
        exporters: dict[str, Callable[..., None]] = {
            "sklearn2pmml": _save_by_java,
            "nyoka": _save_by_nyoka,
        }
        installed = [name for name in exporters if find_spec(name)]
        if not installed:
            raise MissingPackage(f"writing {path.name}", ["sklearn2pmml"])
        for name in installed:
            try:
                with warnings.catch_warnings(), redirect_stdout(io.StringIO()) as printed:
                    warnings.simplefilter("ignore")  # of the exporter's own code
                    exporters[name](deepcopy(model), path, names)
                break
            except Exception as error:
                error.add_note(printed.getvalue())
                if name == installed[-1]:
                    raise ValueError(_reason(error)) from error
                warnings.warn(
                    f"{name} failed: {_reason(error)}; trying {installed[-1]}", stacklevel=4
                )
        _add_names(path, names)


FORMAT = PmmlFormat()


def _save_by_java(model: Any, path: Path, names: list[str]) -> None:
    from sklearn2pmml import make_pmml_pipeline, sklearn2pmml

    sklearn2pmml(make_pmml_pipeline(model, names, ["y"]), str(path))


def _save_by_nyoka(model: Any, path: Path, names: list[str]) -> None:
    from nyoka import skl_to_pmml
    from sklearn.pipeline import Pipeline

    pipeline = model if isinstance(model, Pipeline) else Pipeline([("model", model)])
    skl_to_pmml(pipeline, names, "y", str(path))


def _reason(error: Exception) -> str:
    """Return the message of Java's exception, or else of Python's."""
    printed = "\n".join(getattr(error, "__notes__", ()))
    match = re.search(r"^\S*(?:Exception|Error): (.+)$", printed, re.MULTILINE)
    return match[1] if match else str(error)


def _is_linear(root: Any) -> bool:
    """Whether the document is a linear regression of the untransformed columns."""
    is_regression = root.find("{*}RegressionModel[@functionName='regression']") is not None
    return is_regression and root.find(".//{*}DerivedField") is None


def _names(root: Any) -> list[str]:
    extension = root.find(f"{{*}}Header/{{*}}Extension[@name='{EXTENSION}']")
    if extension is not None:
        names: list[str] = json.loads(extension.get("value"))
        return names
    schema = root.find("./*/{*}MiningSchema")  # of the whole model; its parts may use fewer columns
    targets = ("target", "predicted")
    return [field.get("name") for field in schema if field.get("usageType") not in targets]


def _add_names(path: Path, names: list[str]) -> None:
    text = path.read_text(encoding="utf-8")
    extension = f'<Extension name="{EXTENSION}" value={quoteattr(json.dumps(names))}/>'
    path.write_text(
        re.sub(r"<Header\b[^>]*>", lambda header: header[0] + extension, text, count=1),
        encoding="utf-8",
    )
