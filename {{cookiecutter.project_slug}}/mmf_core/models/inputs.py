"""What a fitted model takes, as far as the model itself knows: the interface of every model kind.

To teach it another kind, give that kind's `ModelFormat` an `inputs_of`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DescriptorError


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One column: its Python type, and whether the model takes an empty cell.

    `choices` are all values that the model knows, where it refuses others; with `category` it
    wants a pandas category of these. An `optional` column may be missing.
    """

    type: type
    nullable: bool = False
    choices: tuple[Any, ...] | None = None
    category: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """The columns of the table that a model takes, in order.

    `library` is the package that checks them. `doubt` says why a caller's table may fit the model
    but not these columns; empty if it cannot. With `underscores` the library has replaced
    the blanks in names by underscores, and takes both.
    """

    columns: Mapping[str, InputColumn]
    library: str
    doubt: str = ""
    underscores: bool = False


LIBRARY = __name__.rpartition(".")[0]
"""The models of this package check their input themselves."""
SKLEARN = frozenset({"sklearn", "imblearn"})
NUMBER = InputColumn(float)
NUMBER_OR_NULL = InputColumn(float, nullable=True)


def library_of(model: Any) -> str:
    """Return the name of the package of an object's class."""
    return str(model.__class__.__module__).partition(".")[0]


def without_names(model: Any) -> DescriptorError:
    """Return the error for a model that was fitted on an array."""
    return DescriptorError(
        f"{model.__class__.__name__}: it was fitted without column names; fit it on a table, or "
        f"write schema={{column: type}}"
    )


def named(names: Iterable[str], column: InputColumn = NUMBER_OR_NULL) -> dict[str, InputColumn]:
    """Return columns of one kind by name; DescriptorError if two have the same name."""
    counts = Counter(names)
    if duplicates := [name for name, count in counts.items() if count > 1]:
        raise DescriptorError(f"it was fitted with duplicate column names: {', '.join(duplicates)}")
    return dict.fromkeys(counts, column)


def choices_column(
    values: Iterable[Any], *, closed: bool = True, nullable: bool = False, category: bool = False
) -> InputColumn:
    """Return the column of values that a model knows; if `closed`, it takes no others.

    DescriptorError if they are of types that no column has.
    """
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    present = [value for value in plain if value is not None and value == value]  # noqa: PLR0124 - NaN
    types = set(map(type, present))
    nullable = nullable or len(present) < len(plain) or not closed
    if types == {int, float}:
        present, types = list(map(float, present)), {float}
    if types == {int} and nullable and not category:
        present, types = list(map(float, present)), {float}
    if len(types) != 1 or not types <= {str, int, float, bool}:
        names = ", ".join(sorted(kind.__name__ for kind in types)) or "nothing"
        raise DescriptorError(f"expected categories of one type, got {names}")
    return InputColumn(types.pop(), nullable, tuple(present) if closed else None, category)
