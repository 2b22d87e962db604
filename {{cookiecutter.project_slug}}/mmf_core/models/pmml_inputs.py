"""The columns in a PMML document's data dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .inputs import NUMBER_OR_NULL, InputColumn

_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "date": datetime,
    "dateTime": datetime,
}


def pmml_columns(root: Any, names: Sequence[str]) -> dict[str, InputColumn]:
    """Return the named columns of a document's root element."""
    fields = {field.get("name"): field for field in root.iterfind("{*}DataDictionary/{*}DataField")}
    mining = {field.get("name"): field for field in root.iterfind("./*/{*}MiningSchema/*")}
    return {name: _column(fields.get(name), mining.get(name)) for name in names}


def _column(field: Any, mining: Any) -> InputColumn:
    if field is None:
        return NUMBER_OR_NULL
    type_ = _TYPES.get(field.get("dataType"), float)
    treatment = "returnInvalid" if mining is None else mining.get("invalidValueTreatment")
    values = [
        value.get("value")
        for value in field.iterfind("{*}Value")
        if value.get("property", "valid") == "valid"
    ]
    if not values or treatment not in {None, "returnInvalid"} or type_ in {bool, datetime}:
        return InputColumn(type_, nullable=True)
    return InputColumn(type_, nullable=True, choices=tuple(map(type_, values)))
