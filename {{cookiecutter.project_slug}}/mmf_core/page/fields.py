"""From a descriptor to the control of a form: what is typed or dropped, and within which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from ..codecs import Format, Kind, json, readable
from ..descriptors import Bool, Datetime, Descriptor, Float, Integer
from ..web.openapi.sections import without_null

Texts = Mapping[str, str]
_MOST_CHOICES = 10  # of a column, in its line
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_FILES = {Kind.TABLE: "table", Kind.IMAGE: "image", Kind.FILE: "file"}


def field(name: str, one: Descriptor[Any], texts: Texts) -> dict[str, Any]:
    """Return what a template needs to draw an argument's control.

    `control` is `table`, `image` or `file` for what is dropped, `json` for what may be typed, too,
    and `choice`, `number`, `moment` or `text` for scalars.
    """
    return {
        "name": name,
        "label": one.name or name,
        "description": one.description,
        "required": one.required,
        "value": _text(None if one.required else one.default),
        "accept": _accept(one),
        "takes": _takes(one),
        "columns": _columns(one, texts),
        "hint": "",
        **(_scalar(one, texts) if one.kind is Kind.SCALAR else _other(one)),
    }


def _other(one: Descriptor[Any]) -> dict[str, Any]:
    if control := _FILES.get(one.kind):
        return {"control": control}
    example = json.dumps(one.example()).decode()
    return {"control": "json", "value": "", "example": example}


def _scalar(one: Descriptor[Any], texts: Texts) -> dict[str, Any]:
    schema = without_null(one.json_schema())
    if isinstance(one, Bool):
        return {"control": "choice", "choices": [("true", texts["yes"]), ("false", texts["no"])]}
    if "enum" in schema:
        listed = [_text(choice) for choice in schema["enum"]]
        return {"control": "choice", "choices": [(text, text) for text in listed]}
    if isinstance(one, Integer | Float):
        return _number(one, schema)
    has_zone = isinstance(one.default, datetime) and one.default.tzinfo is not None
    if isinstance(one, Datetime) and not has_zone:
        return {"control": "moment", "hint": texts["moment_hint"]}
    return {"control": "text"}


def _number(one: Descriptor[Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(one.default, float) and not isfinite(one.default):
        return {"control": "text"}  # a browser's field for numbers knows no infinity
    return {
        "control": "number",
        "step": "1" if isinstance(one, Integer) else "any",
        "min": schema.get("minimum"),
        "max": schema.get("maximum"),
        "hint": _bounds(schema),
    }


def _columns(one: Descriptor[Any], texts: Texts) -> list[dict[str, str]]:
    """Return a table's declared columns, each with what its cells are, in words."""
    schema = one.json_schema()
    rows = next(iter(schema.get("anyOf", [schema])))
    items = rows.get("items", {}) if isinstance(rows, dict) else {}
    cells = items.get("properties", {}) if isinstance(items, dict) else {}
    return [{"name": name, "cells": _cells(cell, texts)} for name, cell in cells.items()]


def _cells(schema: Mapping[str, Any], texts: Texts) -> str:
    declared = schema.get("type", "string")
    kinds = declared if isinstance(declared, list) else [declared]
    kind = "moment" if "anyOf" in schema else next(one for one in kinds if one != "null")
    parts = [texts[f"type_{kind}"], _bounds(schema)]
    if listed := [_text(one) for one in schema.get("enum", ()) if one is not None]:
        more = ", …" * (len(listed) > _MOST_CHOICES)
        parts = [texts["one_of"] + " " + ", ".join(listed[:_MOST_CHOICES]) + more]
    if "null" in kinds:
        parts.append(texts["may_be_empty"])
    return ", ".join(part for part in parts if part)


def _bounds(schema: Mapping[str, Any]) -> str:
    return ", ".join(f"{sign} {schema[key]:g}" for key, sign in _BOUNDS.items() if key in schema)


def _accept(one: Descriptor[Any]) -> list[str]:
    """Return the names of files that are taken, as `.csv`; none where all are."""
    if one.kind in {Kind.FILE, Kind.SCALAR}:
        return []
    return [f".{extension}" for form in readable(one.kind) for extension in form.extensions]


def _takes(one: Descriptor[Any]) -> list[str]:
    """Return the formats that are taken, by one extension each, people's first."""
    if not _accept(one):
        return []
    return [
        form.extension
        for form in sorted(readable(one.kind), key=lambda one: one is not Format.XLSX)
    ]


def _text(value: Any) -> str:
    """Return a value as it is typed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
