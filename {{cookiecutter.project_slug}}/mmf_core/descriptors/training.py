"""The schema of what a model was fitted on, so that nobody types it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DescriptorError
from .columns import Column
from .signatures import columns_of, read_signature

if TYPE_CHECKING:
    import pandas as pd

_KINDS: dict[str, type] = {
    "boolean": bool,
    "integer": int,
    "floating": float,
    "mixed-integer-float": float,
    "string": str,
    "datetime": datetime,
    "datetime64": datetime,
}
_WIDTH = 88


class Columns(dict[str, Any]):
    """A schema that prints as the Python that declares it."""

    def __repr__(self) -> str:
        cells = [f"{name!r}: {_shown(declared)}" for name, declared in self.items()]
        line = f"{{{', '.join(cells)}}}"
        if len(line) <= _WIDTH:
            return line
        return "{\n" + "".join(f"    {cell},\n" for cell in cells) + "}"


def schema_of(table: pd.DataFrame | str | Path | Any) -> Columns:
    """Return the schema of a table: types, `| None` where cells are empty, categories as choices.

    Also of an MLflow model that was saved with a signature: of its folder, or of what MLflow loads
    from there. It is for `DataFrame(schema=…)`, and prints as Python that can be pasted there.
    DescriptorError names the first column that no schema can describe.
    """
    if isinstance(table, str | Path):
        return Columns(columns_of(read_signature(Path(table))))
    if (metadata := getattr(table, "metadata", None)) and getattr(metadata, "signature", None):
        return Columns(columns_of(metadata.signature))
    names: list[Any] = list(table.columns)
    wrong = [name for name in names if not isinstance(name, str) or names.count(name) > 1]
    if wrong:
        raise DescriptorError(f"schema: column {wrong[0]!r}: a name is a text, and there once")
    return Columns({name: _declared(name, table[name]) for name in names})


def _declared(name: str, column: pd.Series[Any]) -> Any:
    if str(column.dtype) != "category":
        return _type(name, column, column)
    categories = column.cat.categories
    values = [one.to_pydatetime() if hasattr(one, "to_pydatetime") else one for one in categories]
    choices = [one.item() if hasattr(one, "item") else one for one in values]
    return Column(_type(name, categories, column), choices=choices, category=True)


def _type(name: str, values: Any, column: pd.Series[Any]) -> Any:
    from pandas.api.types import infer_dtype

    found = infer_dtype(values, skipna=True)
    if found not in _KINDS:
        raise DescriptorError(f"schema: column {name!r} holds {found}, which no schema describes")
    kind: Any = _KINDS[found]
    return kind | None if column.isna().any() else kind


def _shown(declared: Any) -> str:
    return repr(declared if isinstance(declared, Column) else Column(declared))
