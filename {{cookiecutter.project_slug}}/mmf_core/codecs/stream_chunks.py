"""Streams: each chunk as it comes, as an event, a line of JSON, or bare text.

A codec of a stream encodes one chunk, a plain JSON value. Events (HTML, 9.2.6) say how the stream
has ended: `event: done`, or `event: error` with the problem. The others end like any response, and
break off when they fail.
"""

from __future__ import annotations

from typing import Any, ClassVar

from . import json
from .base import Codec, Kind, Options
from .formats import Format


class StreamCodec(Codec[Any]):
    """One format of a stream; `end` is what follows the last chunk."""

    kind = Kind.STREAM
    reads = False
    end: ClassVar[bytes] = b""

    def failure(self, problem: bytes) -> bytes | None:
        """Return what ends a stream that has failed; None if the format has no word for it."""
        return None


class StreamEvents(StreamCodec):
    """Server-sent events: text as it is, any other value as JSON."""

    format = Format.EVENTS
    end = b"event: done\ndata: \n\n"

    def encode(self, value: Any, options: Options) -> bytes:
        if not isinstance(value, str):
            return b"data: %b\n\n" % json.dumps(value)
        if "\r" in value:  # would be read as a line feed
            raise ValueError("an event cannot hold a carriage return; accept application/x-ndjson")
        return b"data: %b\n\n" % value.encode().replace(b"\n", b"\ndata: ")

    def failure(self, problem: bytes) -> bytes:
        return b"event: error\ndata: %b\n\n" % problem


class StreamLines(StreamCodec):
    """A line of JSON for each chunk."""

    format = Format.JSONL

    def encode(self, value: Any, options: Options) -> bytes:
        return json.dumps(value) + b"\n"


class StreamText(StreamCodec):
    """The chunks of a text, one after the other."""

    format = Format.TEXT

    def encode(self, value: Any, options: Options) -> bytes:
        text: str = value
        return text.encode()
