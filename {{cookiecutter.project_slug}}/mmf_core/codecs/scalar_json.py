"""One string, number, bool or date as JSON, written in MMF's envelope."""

from __future__ import annotations

from typing import Any

from .base import JSONCodec, Kind, Options


class ScalarJSON(JSONCodec[Any]):
    """Read a bare JSON value; write `{"result": value}`, as MMF's own service does."""

    kind = Kind.SCALAR
    wraps = True

    def from_plain(self, plain: Any, options: Options) -> Any:
        return plain

    def to_plain(self, value: Any) -> Any:
        return value
