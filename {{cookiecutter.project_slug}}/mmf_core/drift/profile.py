"""The profile of a model's reference data: some kB of JSON beside the model's file.

For each column the shares of empty cells and of bins: equally frequent ranges of numbers, or the
most frequent categories. Predictions for the reference are a column, too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..column_dtypes import is_null
from ..errors import ArtifactError
from ..models import profile_of
from ..stores.digests import sha256_of
from ..text_files import replace_text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PREDICTION = "(prediction)"
"""The name of the column of predictions, unless a column of the table has it."""
MAX_COLUMNS = 200
MAX_BINS, MIN_BINS, TOTAL_BINS = 20, 5, 2_000
MAX_VALUES = 20
MAX_VALUE_LENGTH = 50
MIN_ROWS = 5
_DIGITS = 6


@dataclass(frozen=True)
class ColumnProfile:
    """The bins of a column, and the share of the reference in each: empty cells come first.

    Numbers have `edges`, each of which belongs to the bin below it; categories have `values`, most
    frequent first, and all others in the last bin.
    """

    shares: tuple[float, ...]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] | None = None

    @property
    def is_number(self) -> bool:
        """Whether its cells are numbers."""
        return self.values is None

    def labels(self) -> list[str]:
        """Return a readable label for each bin."""
        if self.values is not None:
            return ["empty", *self.values, "other"]
        if not self.edges:
            return ["empty", "any"]
        pairs = zip(self.edges, self.edges[1:], strict=False)
        between = [f"{low:g} … {high:g}" for low, high in pairs]
        return ["empty", f"≤ {self.edges[0]:g}", *between, f"> {self.edges[-1]:g}"]

    def count(self, cells: Iterable[Any]) -> np.ndarray[Any, Any]:
        """Return how many cells are in each bin; cells that are not numbers count as empty."""
        import numpy as np

        return np.bincount(self.bins_of(cells), minlength=len(self.shares))

    def bins_of(self, cells: Iterable[Any]) -> np.ndarray[Any, Any]:
        """Return the bin of each cell."""
        import numpy as np

        if self.values is not None:
            by_value, other = self._bin_by_value, len(self.shares) - 1
            return np.array([by_value.get(text_of(cell), other) for cell in cells], dtype=np.intp)
        numbers = as_numbers(cells)
        bins = 1 + np.searchsorted(self._edges, numbers, side="left")
        bins[np.isnan(numbers)] = 0
        return bins

    @cached_property
    def _edges(self) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.array(self.edges)

    @cached_property
    def _bin_by_value(self) -> Mapping[str | None, int]:
        return {None: 0} | {value: index for index, value in enumerate(self.values or (), start=1)}

    @classmethod
    def of(cls, column: pd.Series[Any], bins: int) -> Self | None:
        """Return the profile of a column; None for times, which never repeat."""
        kind = column.dtype.kind
        if kind in "mM":
            return None
        if kind in "iuf":
            profile = cls(shares=(), edges=_quantiles(column, bins))
            size = len(profile.edges) + 2
        else:
            counts = column.map(text_of).value_counts()
            frequent = counts[counts >= MIN_ROWS].index[:MAX_VALUES]  # a rare one may be a name
            profile = cls(shares=(), values=tuple(frequent))
            size = len(profile.values or ()) + 2
        counted = cls((0.0,) * size, profile.edges, profile.values).count(column)
        shares = tuple(round(float(count) / len(column), _DIGITS) for count in counted)
        return cls(shares, profile.edges, profile.values)


@dataclass(frozen=True)
class Profile:
    """The columns of a reference of `rows` rows, and the checksum of its model's file."""

    rows: int
    columns: Mapping[str, ColumnProfile]
    sha256: str = ""

    def only(self, names: Collection[str]) -> Profile:
        """Return the profile of some columns, and of the predictions."""
        selected = {*names, PREDICTION}
        columns = {name: column for name, column in self.columns.items() if name in selected}
        return Profile(self.rows, columns, self.sha256)


def save(model: Any, path: Path, reference: Any) -> None:
    """Write the profile of a model's file; ArtifactError unless `reference` is a table of rows."""
    if not (hasattr(reference, "columns") and hasattr(reference, "dtypes") and len(reference)):
        raise ArtifactError(
            f"reference=: expected a table with rows, such as the training table X, got a "
            f"{type(reference).__name__}"
        )
    names = [name for name in reference.columns if isinstance(name, str)][:MAX_COLUMNS]
    bins = min(MAX_BINS, max(MIN_BINS, TOTAL_BINS // max(1, len(names))))
    columns = {name: ColumnProfile.of(reference[name], bins) for name in names}
    if hasattr(model, "predict"):
        columns.setdefault(PREDICTION, _of_predictions(model.predict(reference), bins))
    profiled = {name: column for name, column in columns.items() if column}
    document = asdict(Profile(len(reference), profiled, sha256_of(path)))
    replace_text(profile_of(path), json.dumps(document, ensure_ascii=False) + "\n")


def read(path: Path) -> Profile:
    """Read a profile; ArtifactError if the file is missing or invalid."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        columns = {name: _column(**entry) for name, entry in document["columns"].items()}
        return Profile(int(document["rows"]), columns, str(document["sha256"]))
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArtifactError(
            f"{path} is not a profile: {error!r}; save the model again with reference="
        ) from error


def as_numbers(cells: Any) -> np.ndarray[Any, Any]:
    """Return floats; NaN for cells that are not numbers."""
    import numpy as np
    import pandas as pd

    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iuf":
        return cells.astype(np.float64, copy=False)
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "O":
        return np.array([_number(cell) for cell in cells])
    column = cells if isinstance(cells, pd.Series) else pd.Series(list(cells))
    if column.dtype.kind not in "iuf":
        column = pd.to_numeric(column, errors="coerce")
    return column.to_numpy(np.float64, na_value=np.nan)


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (OverflowError, TypeError, ValueError):
        return math.nan


def text_of(value: Any) -> str | None:
    """Return a category as text, the same for each format; None for an empty cell."""
    if type(value) is str:
        return value[:MAX_VALUE_LENGTH]
    if is_null(value):
        return None
    if getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)[:MAX_VALUE_LENGTH]


def _quantiles(column: pd.Series[Any], bins: int) -> tuple[float, ...]:
    """Return the edges of bins with about the same number of rows; fewer if numbers repeat."""
    import numpy as np

    numbers = as_numbers(column)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return ()
    quantiles = np.quantile(numbers, np.linspace(0, 1, bins + 1)[1:-1], method="lower")
    rounded = {float(f"{edge:.{_DIGITS}g}") for edge in quantiles.tolist()}
    return tuple(sorted(edge for edge in rounded if edge < numbers.max()))


def _of_predictions(predictions: Any, bins: int) -> ColumnProfile | None:
    import pandas as pd

    is_one = getattr(predictions, "ndim", 1) == 1
    return ColumnProfile.of(pd.Series(predictions), bins) if is_one else None


def _column(shares: list[float], edges: list[float], values: list[str] | None) -> ColumnProfile:
    size = len(edges) + 2 if values is None else len(values) + 2
    if len(shares) != size or edges != sorted(edges):
        raise ValueError(f"expected {size} shares")
    return ColumnProfile(
        tuple(map(float, shares)),
        tuple(map(float, edges)),
        None if values is None else tuple(map(str, values)),
    )
