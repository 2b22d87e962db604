"""Bytes as they are, and as base64 (RFC 4648) inside a JSON text."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Any

from ..errors import InvalidValue
from .base import Codec, JSONCodec, Kind, Options
from .file_bytes import FileBytes, is_media_type
from .formats import Format


def from_base64(plain: Any) -> bytes:
    """Return the bytes; InvalidValue unless `plain` is a string of clean base64."""
    if not isinstance(plain, str):
        raise InvalidValue("expected a base64 string for a file inside JSON")
    try:
        return b64decode(plain, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValue("expected a base64 string, got other characters") from None


class FileBinary(Codec[bytes]):
    """Any media type; the bytes are not inspected. Options: the client's filename, media_type."""

    kind = Kind.FILE
    format = Format.BINARY

    def decode(self, data: bytes, options: Options) -> FileBytes:
        media_type = options.get("media_type", "")
        valid_type = media_type if is_media_type(media_type) else ""
        return FileBytes(data, options.get("filename", ""), valid_type)

    def encode(self, value: bytes, options: Options) -> bytes:
        return value


class FileJSON(JSONCodec[bytes]):
    """Base64 in a JSON text; `{"result": base64}` as a whole response."""

    kind = Kind.FILE
    wraps = True

    def from_plain(self, plain: Any, options: Options) -> bytes:
        return from_base64(plain)

    def to_plain(self, value: bytes) -> str:
        return b64encode(value).decode()
