"""Dicts and other nested plain values as JSON."""

from __future__ import annotations

from typing import Any

from .base import JSONCodec, Kind, Options
from .plain import bounded


class TreeJSON(JSONCodec[Any]):
    """Plain values are what JSON is made of: nothing to change on the way."""

    kind = Kind.JSON

    def from_plain(self, plain: Any, options: Options) -> Any:
        return bounded(plain)

    def to_plain(self, value: Any) -> Any:
        return value
