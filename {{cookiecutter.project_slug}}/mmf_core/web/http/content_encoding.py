"""Content codings: bodies are decompressed, large responses compressed (RFC 9110, 8.4, 12.5.3)."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from typing import Any

from flask import Response, request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from ...errors import BodyTooLarge, MissingPackage, RequestError, UnsupportedCoding
from ...packages import zstd_module
from ...settings import MIB
from .requests import MAX_HEADER

IDENTITY = "identity"
SMALLEST = 1024
"""Bytes; a smaller response fits into a network packet, so compressing it gains nothing."""
MAX_CODINGS = 3
MAX_MEMBERS = 10_000
"""A stream may have several members; many tiny members only cost time."""
_LEVEL = 1  # twice as fast as the usual 6 for a tenth more bytes
_SLICE = 16 * 1024  # compressed bytes at a time: the rest of them is copied for each piece
_PIECE = 64 * 1024  # bytes that come out at a time
_WINDOW = 23  # log2 of 8 MiB, which senders may rely on: RFC 9659, 3
_COMPRESSIBLE = re.compile(
    r"text/.+|application/(.+\+)?(json|xml|yaml|x-ndjson|jsonl|javascript)|image/svg\+xml"
)


@dataclass(frozen=True, slots=True)
class Coding:
    """A way to compress bytes; `compress` is set if responses may use it.

    `decompressor` creates an object for one member of a stream, with the interface of zlib's and
    zstd's: `decompress(data, max_length)`, `eof` and `unused_data`.
    """

    name: str
    decompressor: Callable[[], Any]
    error: type[Exception]
    compress: Callable[[bytes], bytes] | None = None


def parse_content_encoding(header: str) -> list[Coding]:
    """Return the codings of a body's `Content-Encoding` in the order to undo them.

    UnsupportedCoding lists those that are accepted; RequestError if there are too many.
    """
    names = [name for part in header.split(",") if (name := part.strip().lower())]
    names = [name.removeprefix("x-") for name in names if name != IDENTITY]  # x-gzip: 8.4.1.3
    if len(names) > MAX_CODINGS:
        raise RequestError(
            f"a body may have at most {MAX_CODINGS} content codings, got {len(names)}"
        )
    return [_coding(name) for name in reversed(names)]


def decompress(data: bytes, codings: Sequence[Coding], limit: int) -> bytes:
    """Return a body as it was before it was encoded; RequestError if the stream is broken.

    BodyTooLarge as soon as the output exceeds `limit` bytes, before it takes more memory.
    """
    for coding in codings:
        buffer = BytesIO()
        try:
            for piece in _pieces(data, coding):
                buffer.write(piece)
                if buffer.tell() > limit:
                    raise _too_large(limit)
        except coding.error as error:
            raise RequestError(f"the body is not valid {coding.name}: {error}") from None
        data = buffer.getvalue()
    return data


def accept_encoding() -> str:
    """Return the codings that a body may have, as a header lists them (RFC 7694)."""
    return ", ".join(_codings())


def compress(response: Response) -> Response:
    """Compress a large text if the client accepts that; leave every other response alone.

    A small text is sent as it is even to a client that refuses `identity` (RFC 9110, 12.4.1).
    """
    body = response.response
    if type(body) is not list or len(body) != 1:  # empty, or sent piece by piece
        return response
    if len(body[0]) < SMALLEST or not _is_compressible(response):
        return response
    response.vary.add("Accept-Encoding")
    accept = request.headers.get("Accept-Encoding", "")
    coding = _preferred_coding(accept) if len(accept) <= MAX_HEADER else None
    if coding and coding.compress:
        compressed = coding.compress(response.get_data())
        if len(compressed) < len(body[0]):
            response.set_data(compressed)
            response.headers["Content-Encoding"] = coding.name
    return response


def _pieces(data: bytes, coding: Coding) -> Iterator[bytes]:
    stream, members = coding.decompressor(), 1
    for start in range(0, len(data), _SLICE):
        rest = data[start : start + _SLICE]
        piece = b""
        while rest or len(piece) == _PIECE:
            if stream.eof:  # members follow each other: RFC 1952, 2.2 and RFC 8878, 3.1
                if not rest:
                    break
                stream, members = coding.decompressor(), members + 1
                if members > MAX_MEMBERS:
                    raise RequestError(
                        f"the body has more than {MAX_MEMBERS:,} {coding.name} members"
                    )
            piece = stream.decompress(rest, _PIECE)
            yield piece
            rest = stream.unused_data or getattr(stream, "unconsumed_tail", b"")
    if not stream.eof:
        raise RequestError(f"the body ends in the middle of its {coding.name} stream")


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the body decompresses to more than {limit / MIB:g} MiB (set MMF_MAX_BODY_MIB)"
    )


def _coding(name: str) -> Coding:
    if coding := _codings().get(name):
        return coding
    if name == "zstd":
        raise UnsupportedCoding(str(MissingPackage("Content-Encoding: zstd", ["backports.zstd"])))
    raise UnsupportedCoding(
        f"unsupported Content-Encoding {name}; send the body uncompressed or as {accept_encoding()}"
    )


def _is_compressible(response: Response) -> bool:
    if "Content-Encoding" in response.headers:
        return False
    return _COMPRESSIBLE.fullmatch(response.mimetype or "") is not None


@lru_cache(maxsize=256)  # callers send the same few headers
def _preferred_coding(accept: str) -> Coding | None:
    """Return the coding of a response; None to send it uncompressed.

    Of those accepted equally, the faster. A client that accepts nothing at all gets the response
    uncompressed (RFC 9110, 12.5.3).
    """
    accepted = parse_accept_header(accept, Accept)
    candidates = [coding for coding in reversed(_codings().values()) if coding.compress]
    best = max(candidates, key=lambda coding: accepted.quality(coding.name))  # of equals, the first
    weight = accepted.quality(best.name)
    return best if weight and weight >= accepted.quality(IDENTITY) else None


@cache
def _codings() -> dict[str, Coding]:
    """Return the installed codings; `deflate` is zlib's format (RFC 9110, 8.4.1.2)."""
    codings = [
        Coding("gzip", lambda: zlib.decompressobj(31), zlib.error, _gzip),
        Coding("deflate", zlib.decompressobj, zlib.error),
    ]
    if zstd := zstd_module():
        options = {zstd.DecompressionParameter.window_log_max: _WINDOW}
        codings.append(
            Coding(
                "zstd",
                lambda: zstd.ZstdDecompressor(options=options),
                zstd.ZstdError,
                lambda data: bytes(zstd.compress(data, _LEVEL)),
            )
        )
    return {coding.name: coding for coding in codings}


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, _LEVEL, mtime=0)
