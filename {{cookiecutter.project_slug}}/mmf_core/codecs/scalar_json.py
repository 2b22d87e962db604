"""One string, number, bool or date as JSON, in MMF's envelope on the way out."""

from __future__ import annotations

from typing import Any

from .base import JSONCodec, Kind, Options


class ScalarJSON(JSONCodec[Any]):
    """A bare JSON value in; `{"result": value}` out, as MMF's own service answers."""

    kind = Kind.SCALAR
    wraps = True

    def from_plain(self, plain: Any, options: Options) -> Any:
        return plain

    def to_plain(self, value: Any) -> Any:
        return value
