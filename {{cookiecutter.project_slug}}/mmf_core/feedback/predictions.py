"""What an answer predicts, row by row, and how probable that is, where the answer says so.

- A table: its column `prediction`, else the most probable class by `probability_<class>`, else its
  only column. Beside it `probability` is that of the prediction.
- The columns `prediction_0`, `prediction_1`, … of an array of two dimensions, if each of its rows
  adds up to one: the number of the most probable class.
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
"""The truth is compared with so many rows of an answer; a reward may be for any."""
LONGEST_CLASS = 200
"""Characters; a longer text is no class."""
Value: TypeAlias = str | int | float | bool | None
_PREDICTION, _PROBABILITY, _PROBABILITIES = "prediction", "probability", "probabilities"
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Predictions:
    """An answer's rows; `values` and `probabilities` are those of the first, as far as known.

    A prediction that is a whole number, a text or a bool is a class, any other number a quantity.
    """

    rows: int = 1
    values: Sequence[Value] = field(default_factory=list)
    probabilities: Sequence[float | None] = field(default_factory=list)


def predictions_of(result: Any) -> Predictions:
    """Return what a result predicts; no values if it is nothing of the above, such as a picture."""
    if type(result) is NumberTable:
        array, places = result.array, {name: at for at, name in enumerate(result.names)}
        return _of_table([*places], lambda name: array[:MAX_ROWS, places[name]], len(array))
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
        places, probabilities = _most([column(name) for name in classes])
        values = [None if place is None else labels[place] for place in places]
    elif _is_counted(names):
        return _of_probabilities([column(name) for name in names], rows)
    elif _PREDICTION in names or len(others) == 1:
        values = _cells(column(_PREDICTION if _PREDICTION in names else others[0]))
    if _PROBABILITY in names:
        probabilities = [*map(_probability, _cells(column(_PROBABILITY)))]
    return _known(rows, values, probabilities)


def _is_counted(names: Sequence[str]) -> bool:
    return len(names) > 1 and [*names] == [f"{_PREDICTION}_{at}" for at in range(len(names))]


def _of_array(array: Any) -> Predictions:
    if not array.ndim:
        return _of_items([array.item()], 1)
    head = array[:MAX_ROWS]
    if array.ndim == 1:
        return _known(len(array), _cells(head), [])
    is_table = array.ndim == 2 and array.shape[1] > 1  # noqa: PLR2004 - rows of classes
    return _of_probabilities([*head.T], len(array)) if is_table else Predictions(len(array))


def _of_probabilities(columns: Sequence[Any], rows: int) -> Predictions:
    """Return the numbers of the most probable classes, if these are probabilities."""
    import numpy as np

    matrix = _matrix(columns)
    is_whole = np.isclose(matrix.sum(axis=1), 1, atol=_TOLERANCE)
    if not (is_whole.all() and (np.abs(matrix - 0.5) <= 0.5 + _TOLERANCE).all()):
        return Predictions(rows)
    return _known(rows, *_most(columns))


def _probability_of(
    value: Value, row: int, by_label: Mapping[str, Sequence[Value]]
) -> float | None:
    """Return how probable a class is that was predicted, which need not be the most probable."""
    cells = by_label.get(_label(value))
    return _probability(cells[row]) if cells else None


def _label(value: Value) -> str:
    """Return what a class is called in names of columns: 1.0 is 1."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _most(columns: Sequence[Any]) -> tuple[list[int | None], list[float | None]]:
    """Return the column that is most probable in each row, and how much so; None if none is."""
    import numpy as np

    matrix = _matrix(columns)
    matrix[np.isnan(matrix)] = -1.0
    places, most = matrix.argmax(axis=1).tolist(), matrix.max(axis=1).tolist()
    known = [place if each >= 0 else None for place, each in zip(places, most, strict=True)]
    return known, [*map(_probability, most)]


def _matrix(columns: Sequence[Any]) -> Any:
    """Return columns as floats; nan for what is not a number."""
    import numpy as np
    import pandas as pd

    numbers = [pd.to_numeric(pd.Series(column), errors="coerce") for column in columns]
    return np.column_stack([each.to_numpy("float64", na_value=np.nan) for each in numbers])


def _cells(column: Any) -> list[Value]:
    """Return the cells of a column or an array as JSON has them."""
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
    return _known(rows, [value for value, _ in pairs], [each for _, each in pairs])


def _of_item(item: Any) -> tuple[Value, float | None]:
    if not isinstance(item, Mapping):
        return _value(item), None
    value, probability = _value(item.get(_PREDICTION)), _probability(item.get(_PROBABILITY))
    by_class = item.get(_PROBABILITIES)
    if isinstance(by_class, Mapping) and by_class:
        each_class = ((name, _probability(cell)) for name, cell in by_class.items())
        known = {name: each for name, each in each_class if each is not None}
        value = _value(max(known, key=known.__getitem__, default=None)) if value is None else value
        by_label = {str(name): each for name, each in known.items()}
        probability = by_label.get(_label(value)) if probability is None else probability
    return value, probability


def _known(
    rows: int, values: Sequence[Value], probabilities: Sequence[float | None]
) -> Predictions:
    """Return the predictions, without lists that hold nothing."""
    if all(value is None for value in values):
        return Predictions(rows)
    is_known = any(each is not None for each in probabilities)
    return Predictions(rows, values, probabilities if is_known else [])


def _value(cell: Any) -> Value:
    """Return a cell as JSON has it; None if it is neither a class nor a quantity."""
    if isinstance(cell, str):
        return str(cell) if len(cell) <= LONGEST_CLASS else None
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
