"""One string, number, bool or date as bare UTF-8 text, and as JSON in MMF's envelope."""

from __future__ import annotations

from datetime import date
from typing import Any

from ..errors import RequestError
from ..settings import MIB
from .base import Codec, JSONCodec, Kind, Options
from .encoded_size import check_json_texts
from .formats import Format


class ScalarText(Codec[Any]):
    """Read a text, which the descriptor turns into a number or a date; write the same text."""

    kind = Kind.SCALAR
    format = Format.TEXT

    def decode(self, data: bytes, options: Options) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise RequestError(f"expected text in UTF-8: {error}") from None

    def encode(self, value: Any, options: Options) -> bytes:
        if isinstance(value, bool):
            return str(value).lower().encode()
        if value is None:
            return b"null"
        if isinstance(value, date):
            return value.isoformat().encode()
        return str(value).encode()


class ScalarJSON(JSONCodec[Any]):
    """Read a bare JSON value; write `{"result": value}`, as MMF's own service does."""

    kind = Kind.SCALAR
    wraps = True

    def encode(self, value: Any, options: Options) -> bytes:
        if isinstance(value, str) and len(value) > MIB:
            check_json_texts(value, options)
        return super().encode(value, options)
