"""How much memory a text takes once it is decoded, estimated before it is decoded.

Small values take many times their own size as Python objects: `[],` is three bytes and a list of
more than eighty. Each codec's `memory_weights` are upper bounds of the memory measured on 64 bits
while a body is decoded: parsers keep the text, its tokens and its values at the same time.
"""

from __future__ import annotations

from typing import Any

from ..errors import BodyTooLarge
from ..settings import MIB, Settings
from .base import Codec, Options
from .formats import Format

MAX_GROWTH = 12
"""A worker may grow by this many times the largest body while it decodes one."""

_MAX_WEIGHT = 450  # bytes of memory for a byte of text, in any format
_BYTE_WEIGHT = 4  # of any byte, in addition to its codec's `memory_weights`


def max_memory(options: Options) -> int:
    """Return how many bytes of memory decoding a body may take."""
    max_body: int = options.get("max_body", Settings.max_body)
    return MAX_GROWTH * max_body


def unchecked_size(options: Options) -> int:
    """Return the size up to which no text of any format can take more than `max_memory`."""
    return max_memory(options) // _MAX_WEIGHT


def check_decoded_size(codec: Codec[Any], data: bytes, options: Options) -> None:
    """Raise BodyTooLarge for a text that would take more than `max_memory`."""
    limit = max_memory(options)
    if len(data) * _MAX_WEIGHT > limit and (weights := codec.memory_weights):
        size = sum(data.count(token) * weight for token, weight in weights.items())
        if size + _BYTE_WEIGHT * len(data) > limit:
            raise too_many_values(codec.format, limit)


def too_many_values(format: Format, limit: int) -> BodyTooLarge:
    """Return the error for a body that needs more than `limit` bytes of memory."""
    return BodyTooLarge(
        f"this {format.name} has so many values that decoding it could take more than "
        f"{limit / MIB:g} MiB of memory; send it in smaller pieces "
        f"(the limit is {MAX_GROWTH} times MMF_MAX_BODY_MIB)"
    )
