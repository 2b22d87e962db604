"""From a descriptor to a form's control: its kind, and the bounds and choices of its values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from itertools import islice
from math import isfinite
from typing import Any

from ..codecs import Format, Kind, json, readable
from ..descriptors import NAIVE, Bool, DataFrame, Date, Datetime, Descriptor, Float, Integer, List
from ..web.openapi.sections import without_null

Texts = Mapping[str, str]
_MAX_COLUMNS = 100  # that are listed, and are fields of the form of one row
_MAX_CHOICES = 10  # shown for a column
_MAX_OPTIONS = 100  # of a list to choose from; more are typed
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_MAX_INT64 = 2**63 - 1
FILE_CONTROLS = {Kind.TABLE: "table", Kind.IMAGE: "image", Kind.FILE: "file"}


def form_field(name: str, descriptor: Descriptor[Any], texts: Texts) -> dict[str, Any]:
    """Return what a template needs to draw an argument's control.

    `control` is `table`, `image` or `file` for a dropped file, `json` for a value that may be typed
    or chosen as a file, `list` for a value in each line, and `choice`, `number`, `date`, `datetime`
    or `text` for a scalar.
    """
    return {
        "name": name,
        "label": descriptor.name or name,
        "description": descriptor.description,
        "required": descriptor.required,
        "value": initial_text(descriptor),
        "accept": _extensions(descriptor),
        "formats": _formats(descriptor),
        **_columns(descriptor, texts),
        "hint": "",
        **(
            _scalar(descriptor, texts)
            if descriptor.kind is Kind.SCALAR
            else _other(descriptor, texts)
        ),
    }


def _other(descriptor: Descriptor[Any], texts: Texts) -> dict[str, Any]:
    if isinstance(descriptor, List):
        return {"control": "list", "hint": texts["one_per_line"]}
    if control := FILE_CONTROLS.get(descriptor.kind):
        return {"control": control}
    return {"control": "json", "value": "", "example": example_text(descriptor)}


def initial_text(descriptor: Descriptor[Any]) -> str:
    """Return what the control of a scalar or a list holds at first: the default."""
    if descriptor.required:
        return ""
    if isinstance(descriptor, List):
        return _lines(descriptor.default or [])
    return _text(descriptor.default) if descriptor.kind is Kind.SCALAR else ""


def _lines(items: list[Any]) -> str:
    """Return a value in each line, or JSON if that is not clear."""
    lines = [_text(item) for item in items]
    is_clear = all(lines) and not any("\n" in line or line.startswith("[") for line in lines)
    return "\n".join(lines) if is_clear else json.dumps(items).decode()


def example_text(descriptor: Descriptor[Any]) -> str:
    """Return an example as a person would type it: JSON, or the text of a scalar."""
    example = descriptor.plain_example
    is_scalar = descriptor.kind is Kind.SCALAR
    return _text(example) if is_scalar else json.dumps(example).decode()


def _scalar(descriptor: Descriptor[Any], texts: Texts) -> dict[str, Any]:
    schema = without_null(descriptor.json_schema())
    if isinstance(descriptor, Bool):
        return {"control": "choice", "choices": [("true", texts["yes"]), ("false", texts["no"])]}
    if 0 < len(schema.get("enum", ())) <= _MAX_OPTIONS:
        choices = [_text(choice) for choice in schema["enum"]]
        return {"control": "choice", "choices": [(choice, choice) for choice in choices]}
    if isinstance(descriptor, Integer | Float):
        return _number(descriptor, schema)
    if isinstance(descriptor, Datetime):
        return _moment(descriptor, texts)
    return {"control": "date" if isinstance(descriptor, Date) else "text"}


def _moment(descriptor: Datetime, texts: Texts) -> dict[str, Any]:
    """Return the control: a browser's own has no UTC offset."""
    if descriptor.tz not in {None, NAIVE}:
        return {"control": "text", "hint": texts["zone_hint"].format(descriptor.tz)}
    if _has_zone(descriptor):
        return {"control": "text"}
    return {"control": "datetime", "hint": texts["datetime_hint"]}


def _has_zone(descriptor: Descriptor[Any]) -> bool:
    """Return whether the field must hold a time zone, which a browser's field for dates cannot."""
    written = None if descriptor.example is None else descriptor.plain_example
    moments = [descriptor.default, written and datetime.fromisoformat(written)]
    return any(isinstance(moment, datetime) and moment.tzinfo is not None for moment in moments)


def _number(descriptor: Descriptor[Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(descriptor.default, float) and not isfinite(descriptor.default):
        return {"control": "text"}  # a browser's number field cannot hold infinity
    return {
        "control": "number",
        "step": "1" if isinstance(descriptor, Integer) else "any",
        "min": schema.get("minimum"),
        "max": schema.get("maximum"),
        "hint": _bounds(schema),
    }


def _columns(descriptor: Descriptor[Any], texts: Texts) -> dict[str, Any]:
    """Return a table's declared columns, each with its type in words, and as `data-` attributes.

    `columns` are the first `_MAX_COLUMNS`, and `more` counts the others.
    """
    schema = descriptor.json_schema()
    rows = next(iter(schema.get("anyOf", [schema])))
    items = rows.get("items", {}) if isinstance(rows, dict) else {}
    cells = items.get("properties", {}) if isinstance(items, dict) else {}
    notes = descriptor.notes if isinstance(descriptor, DataFrame) else {}
    columns = [
        {
            "name": name,
            "type": _cell_type(cell, texts),
            "data": {**_cell_data(cell), "data-note": notes.get(name)},
        }
        for name, cell in islice(cells.items(), _MAX_COLUMNS)
    ]
    return {"columns": columns, "more": len(cells) - len(columns)}


def _cell_data(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a script needs to draw the field of a cell."""
    choices = [choice for choice in schema.get("enum", ()) if choice is not None]
    choices = choices if len(choices) <= _MAX_OPTIONS else []
    return {
        "data-type": "choice" if choices else _type_name(schema),
        "data-min": _declared(schema, "minimum"),
        "data-max": _declared(schema, "maximum"),
        "data-choices": json.dumps([*map(_text, choices)]).decode() if choices else None,
        "data-nullable": "" if "null" in _types(schema) else None,
    }


def _types(schema: Mapping[str, Any]) -> list[str]:
    declared = schema.get("type", "string")
    return declared if isinstance(declared, list) else [declared]


def _type_name(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema or schema.get("format") == "date-time-local":
        return "datetime"
    if schema.get("format") == "date":
        return "date"
    return next(kind for kind in _types(schema) if kind != "null")


def _cell_type(schema: Mapping[str, Any], texts: Texts) -> str:
    types = _types(schema)
    parts = [texts[f"type_{_type_name(schema)}"], _bounds(schema)]
    if choices := [_text(choice) for choice in schema.get("enum", ()) if choice is not None]:
        more = ", …" * (len(choices) > _MAX_CHOICES)
        parts = [texts["one_of"] + " " + ", ".join(choices[:_MAX_CHOICES]) + more]
    if "null" in types:
        parts.append(texts["may_be_empty"])
    return ", ".join(part for part in parts if part)


def _bounds(schema: Mapping[str, Any]) -> str:
    bounds = {key: _declared(schema, key) for key in _BOUNDS}
    return ", ".join(
        f"{_BOUNDS[key]} {bound:g}" for key, bound in bounds.items() if bound is not None
    )


def _declared(schema: Mapping[str, Any], key: str) -> Any:
    """Return a bound that the author declared; the limits of the type say nothing to people."""
    bound = schema.get(key)
    return None if bound is None or abs(bound) >= _MAX_INT64 else bound


def _extensions(descriptor: Descriptor[Any]) -> list[str]:
    """Return the accepted file name extensions, such as `.csv`; none if any is accepted."""
    if descriptor.kind in {Kind.FILE, Kind.SCALAR}:
        return []
    return [
        f".{extension}" for format in readable(descriptor.kind) for extension in format.extensions
    ]


def _formats(descriptor: Descriptor[Any]) -> list[str]:
    """Return the main extension of each accepted format, Excel first; none if any is accepted."""
    if not _extensions(descriptor):
        return []
    formats = sorted(readable(descriptor.kind), key=lambda format: format is not Format.XLSX)
    return [format.extension for format in formats]


def _text(value: Any) -> str:
    """Return a value as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
