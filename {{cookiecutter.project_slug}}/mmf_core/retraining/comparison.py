"""What a new model must have in common with the current one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..descriptors import DataFrame, ModelFile, TrainedModel
from ..errors import DescriptorError
from ..execution import example_values
from ..models import ModelInputs, inputs_of
from ..models.saving import METHODS, parts_of
from .errors import ModelRejected

_KINDS = {"f": "numbers", "c": "numbers", "i": "whole numbers", "u": "whole numbers", "b": "flags"}


def check_metric(returns: ModelFile, trained: TrainedModel, old: Mapping[str, float]) -> None:
    """Raise ModelRejected if the metric is less than that of the current version.

    A current version without the metric is not compared.
    """
    name = returns.metric
    if name and name in old and trained.metrics[name] < old[name] - returns.tolerance:
        new, used = trained.metrics[name], old[name]
        raise ModelRejected(
            f"{name} is {new:.6g}, but {used:.6g} for the current version", reason="worse"
        )


def example_of(trained: TrainedModel) -> Any:
    """Return the rows on which models are compared; for a dict of models, by its keys.

    ModelRejected if there are none, and the model does not know its columns.
    """
    if trained.example is not None:
        return trained.example
    rows = {key: _row(part) for key, part in parts_of(trained.model).items() if _predicts(part)}
    return rows if isinstance(trained.model, Mapping) else rows.get("")


def check_compatible(old: Any, new: Any, example: Any) -> None:
    """Raise ModelRejected if a model expects other columns, or returns other types of results.

    Each model of a dict is compared. An object without `predict`, or None, is not compared.
    """
    if isinstance(new, Mapping) is not isinstance(old, Mapping) and _predicts(old, anywhere=True):
        raise ModelRejected("it is a dict of models, or the current one is", reason="type")
    for key, part in parts_of(old).items():
        if not _predicts(part):
            continue
        if key not in parts_of(new):
            raise ModelRejected(f"it has no model {key!r}", reason="type")
        rows = example.get(key) if isinstance(example, Mapping) else example
        _check_columns(part, parts_of(new)[key])
        if rows is not None:
            _check_results(part, parts_of(new)[key], rows)


def _check_columns(old: Any, new: Any) -> None:
    expected, actual = _columns(old), _columns(new)
    if expected is None or actual is None or expected == actual:
        return
    missing = [name for name in expected if name not in actual]
    unknown = [name for name in actual if name not in expected]
    parts = [
        *([f"without {', '.join(missing[:10])}"] if missing else []),
        *([f"with {', '.join(unknown[:10])}"] if unknown else []),
    ]
    raise ModelRejected(
        f"it expects other columns: {', '.join(parts) or 'in another order'}", reason="columns"
    )


def _check_results(old: Any, new: Any, rows: Any) -> None:
    for name in METHODS:
        if not hasattr(old, name):
            continue
        if not hasattr(new, name):
            raise ModelRejected(f"it has no {name}, but the current one has", reason="type")
        expected = _result(old, name, rows, "the current one")
        actual = _result(new, name, rows, "it")
        if expected != actual:
            raise ModelRejected(
                f"{name} returns {actual}, but {expected} from the current one", reason="type"
            )


def _result(model: Any, name: str, rows: Any, whose: str) -> str:
    """Describe the result of a method: the type of its values and its columns."""
    import numpy as np

    try:
        result = np.asarray(getattr(model, name)(rows))
    except Exception as error:
        raise ModelRejected(
            f"{whose} fails on its example: {type(error).__name__}",
            f"{whose} fails on its example: {type(error).__name__}: {error}",
            reason="columns",
        ) from error
    kind = _KINDS.get(result.dtype.kind, "texts")
    return kind if result.ndim == 1 else f"{' by '.join(map(str, result.shape[1:]))} {kind}"


def _columns(model: Any) -> list[str] | None:
    """Return the names of the columns that a model expects, in order; None if it has none."""
    try:
        inputs = inputs_of(model)
    except Exception:  # noqa: BLE001 - from an unknown version of a library
        return None
    return None if inputs is None else list(inputs.columns)


def _row(model: Any) -> Any:
    inputs: ModelInputs | None = None
    reason = "it does not know its columns"
    try:
        inputs = inputs_of(model)
    except DescriptorError as error:
        reason = str(error)
    if inputs is None:
        raise ModelRejected(
            f"{reason}; return mmf.TrainedModel(model, example=rows of its input)", reason="type"
        )
    table = DataFrame(schema=inputs)
    (value,) = example_values({"data": table}).values()
    return table.validate(value)


def _predicts(value: Any, *, anywhere: bool = False) -> bool:
    parts = parts_of(value).values() if anywhere else [value]
    return any(hasattr(part, METHODS[0]) for part in parts)
