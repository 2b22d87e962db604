"""How much memory a text takes once it is read, told from what is in it before it is read.

Tiny values take many times their own bytes as Python's objects: `[],` is three bytes and a list of
more than eighty. The figures are upper bounds of what was measured, on 64 bits, while a body is
read: parsers keep a text, its tokens and its values at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import BodyTooLarge
from ..settings import MIB, Settings
from .base import Kind, Options
from .formats import Format

MOST_TIMES = 12
"""A worker may grow by so many times the largest body while it reads one."""

_HEAVIEST = 450  # bytes for each byte, of any format
_JSON = {b"{": 240, b"[": 110, b",": 64, b'"': 30}
_RECORDS = {**_JSON, b",": 72}  # a place in the table, too
_CELLS = {b"\n": 56, b"\r": 56, b",": 28, b";": 28, b"\t": 28}
_PER_BYTE = 4
# Bytes for each time that a byte occurs, beside four for each byte.
_WEIGHTS: Mapping[tuple[Kind, Format], Mapping[bytes, int]] = {
    (Kind.TABLE, Format.CSV): _CELLS,
    (Kind.TABLE, Format.TSV): _CELLS,
    (Kind.TABLE, Format.JSON): _RECORDS,
    (Kind.TABLE, Format.JSONL): {**_RECORDS, b"\n": 72},
    (Kind.TABLE, Format.XML): {b"<": 72, b"=": 180},
    (Kind.ARRAY, Format.JSON): _JSON,
    (Kind.ARRAY, Format.CSV): {b"\n": 360, b",": 70},
    (Kind.JSON, Format.JSON): _JSON,
    (Kind.JSON, Format.XML): {b"<": 180, b"=": 320},
    (Kind.JSON, Format.YAML): dict.fromkeys((b",", b"\n", b":", b"[", b"{"), 440),
    (Kind.JSON, Format.PROTOBUF): {b"\n": 100},  # the tag of every value in a Struct
}


def most_memory(options: Options) -> int:
    """Return how many bytes may be taken while a body is read."""
    most: int = options.get("max_body", Settings.max_body)
    return MOST_TIMES * most


def check_decoded_size(kind: Kind, format: Format, data: bytes, options: Options) -> None:
    """Raise BodyTooLarge for a text that would take more memory than `most_memory`."""
    most = most_memory(options)
    if len(data) * _HEAVIEST > most and (weights := _WEIGHTS.get((kind, format))):
        weight = sum(data.count(part) * each for part, each in weights.items())
        if weight + _PER_BYTE * len(data) > most:
            raise too_heavy(format, most)


def too_heavy(format: Format, most: int) -> BodyTooLarge:
    """Return the error for a body of too many values."""
    return BodyTooLarge(
        f"this {format.name} has so many values that reading it could take more than "
        f"{most / MIB:g} MiB of memory; send it in smaller pieces; the operator's setting is "
        f"MMF_MAX_BODY_MIB, of which {MOST_TIMES} times may be taken"
    )
