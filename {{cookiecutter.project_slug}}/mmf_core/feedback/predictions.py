"""The predictions in a result, row by row, and their probabilities, if it has them.

- A table: its column `prediction`, else the most probable class by `probability_<class>`, else its
  only column. A column `probability` is that of the prediction.
- The columns `prediction_0`, `prediction_1`, … of an array of two dimensions, if each of its rows
  adds up to one: the index of the most probable class.
- An object: the same names; `probabilities` may be an object by class. A list: each of its items.
- A number, a text, true or false: itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from numbers import Integral, Real
from typing import Any, TypeAlias

from ..codecs import NumberTable

MAX_ROWS = 10_000
"""Rows of a response that are compared with the truth; a reward may be for any row."""
MAX_CLASS_LENGTH = 200
"""Characters; a longer text is not a class."""
Value: TypeAlias = str | int | float | bool | None
_PREDICTION, _PROBABILITY, _PROBABILITIES = "prediction", "probability", "probabilities"
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Predictions:
    """A response's rows; `values` and `probabilities` are those of the first rows, if available.

    A prediction that is a whole number, a text or a bool is a class, any other number a quantity.
    """

    rows: int = 1
    values: Sequence[Value] = field(default_factory=list)
    probabilities: Sequence[float | None] = field(default_factory=list)


def predictions_of(result: Any) -> Predictions:
    """Return a result's predictions; no values for any other type, such as a picture."""
    if type(result) is NumberTable:
        array, indexes = result.array, {name: index for index, name in enumerate(result.names)}
        return _of_table([*indexes], lambda name: array[:MAX_ROWS, indexes[name]], len(array))
    if hasattr(result, "columns"):
        names = [str(name) for name in result.columns]
        head = result.iloc[:MAX_ROWS]
        return _of_table(names, lambda name: head.iloc[:, names.index(name)], len(result))
    if hasattr(result, "ndim") and hasattr(result, "tolist"):
        return _of_array(result)
    if isinstance(result, list | tuple):
        return _of_items(result[:MAX_ROWS], len(result))
    return _of_items([result], 1)


def _of_table(names: Sequence[str], column: Callable[[str], Any], rows: int) -> Predictions:
    classes = [name for name in names if name.startswith(f"{_PROBABILITY}_")]
    others = [name for name in names if name != _PROBABILITY]
    values: Sequence[Value] = []
    probabilities: Sequence[float | None] = []
    labels = [name.removeprefix(f"{_PROBABILITY}_") for name in classes]
    if classes and _PREDICTION in names:
        values = _cells(column(_PREDICTION))
        by_label = {
            label: _cells(column(name)) for label, name in zip(labels, classes, strict=True)
        }
        probabilities = [_probability_of(value, row, by_label) for row, value in enumerate(values)]
    elif classes:
        indexes, probabilities = _most_probable([column(name) for name in classes])
        values = [None if index is None else labels[index] for index in indexes]
    elif _is_numbered(names):
        return _of_probabilities([column(name) for name in names], rows)
    elif _PREDICTION in names or len(others) == 1:
        values = _cells(column(_PREDICTION if _PREDICTION in names else others[0]))
    if _PROBABILITY in names:
        probabilities = [*map(_probability, _cells(column(_PROBABILITY)))]
    return _without_empty(rows, values, probabilities)


def _is_numbered(names: Sequence[str]) -> bool:
    return len(names) > 1 and [*names] == [f"{_PREDICTION}_{index}" for index in range(len(names))]


def _of_array(array: Any) -> Predictions:
    if not array.ndim:
        return _of_items([array.item()], 1)
    head = array[:MAX_ROWS]
    if array.ndim == 1:
        return _without_empty(len(array), _cells(head), [])
    is_table = array.ndim == 2 and array.shape[1] > 1  # noqa: PLR2004 - rows of classes
    return _of_probabilities([*head.T], len(array)) if is_table else Predictions(len(array))


def _of_probabilities(columns: Sequence[Any], rows: int) -> Predictions:
    """Return the indexes of the most probable classes, if these are probabilities."""
    import numpy as np

    matrix = _matrix(columns)
    is_whole = np.isclose(matrix.sum(axis=1), 1, atol=_TOLERANCE)
    if not (is_whole.all() and (np.abs(matrix - 0.5) <= 0.5 + _TOLERANCE).all()):
        return Predictions(rows)
    return _without_empty(rows, *_most_probable(columns))


def _probability_of(
    value: Value, row: int, by_label: Mapping[str, Sequence[Value]]
) -> float | None:
    """Return the probability of the predicted class, which need not be the most probable one."""
    cells = by_label.get(_label(value))
    return _probability(cells[row]) if cells else None


def _label(value: Value) -> str:
    """Return a class as column names spell it: 1.0 is 1."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _most_probable(columns: Sequence[Any]) -> tuple[list[int | None], list[float | None]]:
    """Return the index of the most probable column in each row, and its probability, or None."""
    import numpy as np

    matrix = _matrix(columns)
    matrix[np.isnan(matrix)] = -1.0
    columns_of_max, largest = matrix.argmax(axis=1).tolist(), matrix.max(axis=1).tolist()
    pairs = zip(columns_of_max, largest, strict=True)
    indexes = [index if value >= 0 else None for index, value in pairs]
    return indexes, [*map(_probability, largest)]


def _matrix(columns: Sequence[Any]) -> Any:
    """Return columns as floats; NaN for cells that are not numbers."""
    import numpy as np
    import pandas as pd

    numbers = [pd.to_numeric(pd.Series(column), errors="coerce") for column in columns]
    return np.column_stack([column.to_numpy("float64", na_value=np.nan) for column in numbers])


def _cells(column: Any) -> list[Value]:
    """Return the cells of a column or an array as JSON values."""
    import numpy as np

    cells, dtype = column.tolist(), column.dtype
    kind = dtype.kind if isinstance(dtype, np.dtype) else "O"
    if kind in "biu":
        return list(cells)
    if kind == "f":
        return [cell if isfinite(cell) else None for cell in cells]
    return [*map(_value, cells)]


def _of_items(items: Iterable[Any], rows: int) -> Predictions:
    pairs = [*map(_of_item, items)]
    return _without_empty(
        rows, [value for value, _ in pairs], [probability for _, probability in pairs]
    )


def _of_item(item: Any) -> tuple[Value, float | None]:
    if not isinstance(item, Mapping):
        return _value(item), None
    value, probability = _value(item.get(_PREDICTION)), _probability(item.get(_PROBABILITY))
    by_class = item.get(_PROBABILITIES)
    if isinstance(by_class, Mapping) and by_class:
        pairs = ((name, _probability(cell)) for name, cell in by_class.items())
        valid = {name: number for name, number in pairs if number is not None}
        value = _value(max(valid, key=valid.__getitem__, default=None)) if value is None else value
        by_label = {str(name): number for name, number in valid.items()}
        probability = by_label.get(_label(value)) if probability is None else probability
    return value, probability


def _without_empty(
    rows: int, values: Sequence[Value], probabilities: Sequence[float | None]
) -> Predictions:
    """Return the predictions, without lists of nothing but None."""
    if all(value is None for value in values):
        return Predictions(rows)
    has_any = any(probability is not None for probability in probabilities)
    return Predictions(rows, values, probabilities if has_any else [])


def _value(cell: Any) -> Value:
    """Return a cell as a JSON value; None if it is neither a class nor a quantity."""
    if isinstance(cell, str):
        return str(cell) if len(cell) <= MAX_CLASS_LENGTH else None
    if isinstance(cell, bool) or type(cell).__name__ in {"bool", "bool_"}:  # NumPy's
        return bool(cell)
    if isinstance(cell, Integral):
        return int(cell)
    if isinstance(cell, Real) and isfinite(cell):
        return float(cell)
    return None


def _probability(cell: Any) -> float | None:
    value = _value(cell)
    if isinstance(value, str | None) or not -_TOLERANCE <= value <= 1 + _TOLERANCE:
        return None
    return float(value)
