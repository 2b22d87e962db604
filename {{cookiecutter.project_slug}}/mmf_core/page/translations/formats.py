"""The names of formats for people: the same in every language."""

from __future__ import annotations

from collections.abc import Mapping

_LABELS: Mapping[str, str] = {
    "xlsx": "Excel",
    "xls": "Excel 97",
    "ods": "OpenDocument",
    "jsonl": "JSON lines",
    "events": "events",
    "parquet": "Parquet",
    "feather": "Feather",
    "arrow": "Arrow",
    "msgpack": "MessagePack",
    "pb": "Protobuf",
    "npy": "NumPy",
    "jpg": "JPEG",
    "tif": "TIFF",
    "txt": "text",
    "bin": "any file",
}


def format_label(extension: str) -> str:
    """Return a format's name for people."""
    return _LABELS.get(extension, extension.upper())
