"""Models as results: what a training function returns, and the file that it becomes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from pathlib import PurePath
from typing import Any, ClassVar

from ..codecs import Kind
from ..errors import DescriptorError, InvalidValue, quoted
from ..models.saving import METHODS, parts_of
from .base import Descriptor

MAX_METRICS = 1_000
"""Characters of the metrics as JSON: a store keeps them beside the model, in little room."""
_TEXT_OR_NULL = {"type": ["string", "null"]}
_PROPERTIES = {
    "file": {"type": "string"},
    "sha256": {"type": "string"},
    "version": {**_TEXT_OR_NULL, "description": "its id in the store"},
    "promoted": {"type": "boolean", "description": "whether the service uses it immediately"},
    "metrics": {"type": "object", "additionalProperties": {"type": "number"}},
    "note": {"type": "string"},
    "trained_at": {"type": "string", "format": "date-time"},
    "commit": {**_TEXT_OR_NULL, "description": "the git commit of the code that trained it"},
}


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted model, and what is known of it.

    - `model`: the fitted model, or a dict of models.
    - `example`: rows of its input, for which the saved file must predict the same; without it one
      row is made up from the columns that the model knows.
    - `metrics`: numbers by name, such as the accuracy on held-out rows.
    - `note`: a text for people, of which the first 100 characters are kept.
    - `reference`: the table that it was fitted on, for drift: see `save_model`.

    >>> mmf.TrainedModel("a model", metrics={"accuracy": 0.97}).metrics
    {'accuracy': 0.97}
    """

    model: Any
    example: Any = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    reference: Any = None


@dataclass(kw_only=True, eq=False)
class ModelFile(Descriptor[TrainedModel]):
    """A fitted model as result: it becomes the next version of a file that the service loads.

    - `file`: the file, as in `mmf.artifact(file)`.
    - `promote`: whether the service uses it immediately; with False it is only put into the store.
    - `metric`: the metric by which a model is compared with the one in use: the greater is the
      better, as with scikit-learn's scores. Without it every model is good enough.
    - `tolerance`: by how much that metric may be less.

    The function returns a fitted model or a `TrainedModel`, and only ever runs as a task. The model
    is saved, compared and tried before it is taken: see docs/retraining.md.

    >>> @mmf.target(returns=mmf.ModelFile("model.joblib", metric="accuracy"), schedule="@daily")
    ... def retrain():
    ...     model, accuracy = fit()
    ...     return mmf.TrainedModel(model, metrics={"accuracy": accuracy})
    """

    file: str = field(kw_only=False)
    promote: bool = True
    metric: Any = ""
    tolerance: Any = 0.0

    kind: ClassVar[Kind] = Kind.JSON

    def __post_init__(self) -> None:
        path = PurePath(str(self.file))
        if path.is_absolute() or ".." in path.parts or ":" in str(self.file) or not path.name:
            raise DescriptorError(
                f"ModelFile({self.file!r}): expected the path of a file in the project's folder"
            )
        self.file = path.as_posix()
        is_number = isinstance(self.tolerance, Real) and not isinstance(self.tolerance, bool)
        if not is_number or not 0 <= self.tolerance < math.inf:
            raise DescriptorError(f"tolerance={self.tolerance!r}: expected a number, 0 or more")
        if not isinstance(self.metric, str):
            raise DescriptorError(f"metric={self.metric!r}: expected the name of a metric")
        super().__post_init__()

    def validate(self, value: Any) -> TrainedModel:
        raise InvalidValue("a model can only be a result")

    def to_output(self, result: Any) -> Any:
        """Return a TrainedModel; InvalidValue if it has no model, or metrics that say nothing."""
        trained = result if isinstance(result, TrainedModel) else TrainedModel(result)
        parts = parts_of(trained.model).values()
        if isinstance(trained.model, type) or not any(_is_model(part) for part in parts):
            raise InvalidValue(
                f"expected a fitted model, which has predict, got {type(trained.model).__name__}"
            )
        metrics: Mapping[Any, Any] = trained.metrics
        for name, value in metrics.items():
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not isinstance(name, str) or not is_number or not math.isfinite(value):
                raise InvalidValue(f"metric {name}: expected a finite number, got {quoted(value)}")
        if self.metric and self.metric not in trained.metrics:
            raise InvalidValue(
                f"expected the metric {self.metric}, got {', '.join(trained.metrics) or 'none'}"
            )
        metrics = {name: float(value) for name, value in trained.metrics.items()}
        if len(json.dumps(metrics)) > MAX_METRICS:
            raise InvalidValue(f"expected metrics of at most {MAX_METRICS} characters as JSON")
        return replace(trained, metrics=metrics, note=str(trained.note))

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object", "properties": _PROPERTIES, "required": list(_PROPERTIES)}

    def guess(self) -> Any:
        return {"file": self.file}


def _is_model(value: Any) -> bool:
    """Whether it predicts, or is a transformer: tables have transform, but no fit."""
    is_transformer = hasattr(value, "transform") and hasattr(value, "fit")
    return is_transformer or any(hasattr(value, name) for name in METHODS)
