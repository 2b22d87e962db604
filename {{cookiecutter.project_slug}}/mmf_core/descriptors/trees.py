"""Nested plain values: dicts, and JSON files of any shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..codecs import Kind
from ..errors import InvalidValue
from .base import Descriptor


@dataclass(kw_only=True, eq=False)
class Dict(Descriptor[dict[str, Any]]):
    """An object: name → value (name from MMF)."""

    kind: ClassVar[Kind] = Kind.TREE

    def check(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidValue(
                f"an object {{name: value, …}} is wanted, not a {type(value).__name__}"
            )
        return value

    def example(self) -> Any:
        return {"name": 1.5}


@dataclass(kw_only=True, eq=False)
class JsonFile(Descriptor[Any]):
    """A JSON file that holds an object or a list (name from MMF)."""

    kind: ClassVar[Kind] = Kind.TREE
    is_file: ClassVar[bool] = True

    def check(self, value: Any) -> Any:
        if not isinstance(value, dict | list):
            raise InvalidValue(f"a JSON object or list is wanted, not a {type(value).__name__}")
        return value

    def example(self) -> Any:
        return [{"name": 1.5}]
