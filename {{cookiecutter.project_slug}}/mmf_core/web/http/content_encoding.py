"""Content codings: packed bodies inflated, large answers packed (RFC 9110, 8.4 and 12.5.3)."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from io import BytesIO
from typing import Any

from flask import Response, request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from ...errors import BodyTooLarge, MissingPackage, RequestError, UnsupportedCoding
from ...settings import MIB

IDENTITY = "identity"
SMALLEST = 1024
"""An answer of fewer bytes fits into a network packet or so; compressing it gains nothing."""
MAX_CODINGS = 3
MAX_MEMBERS = 10_000
"""A coded stream may be several, one after the other; tiny ones cost time and carry nothing."""

_LEVEL = 1  # twice as fast as the usual 6 for a tenth more bytes
_SLICE = 16 * 1024  # bytes inflated at a time: what is left of them is copied for each piece
_PIECE = 64 * 1024  # bytes that come out at a time
_WINDOW = 23  # log2 of the 8 MiB that a sender may count on: RFC 9659, 3
_COMPRESSIBLE = re.compile(
    r"text/.+|application/(.+\+)?(json|xml|yaml|x-ndjson|jsonl|javascript)|image/svg\+xml"
)


@dataclass(frozen=True, slots=True)
class Coding:
    """How bytes are packed; `begin` makes a stream that unpacks one member, `pack` is for answers.

    A stream has `decompress(data, most)`, `eof` and `unused_data`, as those of zlib and zstd have.
    """

    name: str
    begin: Callable[[], Any]
    error: type[Exception]
    pack: Callable[[bytes], bytes] | None = None


def parse_content_encoding(header: str) -> list[Coding]:
    """Return the codings of a body's `Content-Encoding` in the order in which they come off.

    UnsupportedCoding lists what is taken; RequestError if there are too many.
    """
    names = [name for part in header.split(",") if (name := part.strip().lower())]
    names = [name.removeprefix("x-") for name in names if name != IDENTITY]  # x-gzip: 8.4.1.3
    if len(names) > MAX_CODINGS:
        raise RequestError(f"a body may be encoded {MAX_CODINGS} times at most, not {len(names)}")
    return [_known(name) for name in reversed(names)]


def decompress(data: bytes, codings: Sequence[Coding], most: int) -> bytes:
    """Return a body as it was before it was encoded; RequestError if the stream is broken.

    BodyTooLarge as soon as more than `most` bytes come out, before they take more memory.
    """
    for coding in codings:
        buffer = BytesIO()
        try:
            for piece in _pieces(data, coding):
                buffer.write(piece)
                if buffer.tell() > most:
                    raise _too_large(most)
        except coding.error as error:
            raise RequestError(f"this body is not {coding.name}: {error}") from None
        data = buffer.getvalue()
    return data


def accept_encoding() -> str:
    """Return the codings that a body may have, as a header lists them (RFC 7694)."""
    return ", ".join(_codings())


def compress(answer: Response) -> Response:
    """Compress a large text where the caller takes that; leave every other answer alone.

    A small one goes as it is even to a caller that refuses `identity` (RFC 9110, 12.4.1).
    """
    body = answer.response
    if type(body) is not list or len(body) != 1:  # empty, or sent piece by piece
        return answer
    if len(body[0]) < SMALLEST or not _is_compressible(answer):
        return answer
    answer.vary.add("Accept-Encoding")
    coding = _wanted(request.headers.get("Accept-Encoding", ""))
    if coding and coding.pack and len(packed := coding.pack(answer.get_data())) < len(body[0]):
        answer.set_data(packed)
        answer.headers["Content-Encoding"] = coding.name
    return answer


def _pieces(data: bytes, coding: Coding) -> Iterator[bytes]:
    stream, members = coding.begin(), 1
    for start in range(0, len(data), _SLICE):
        rest = data[start : start + _SLICE]
        piece = b""
        while rest or len(piece) == _PIECE:
            if stream.eof:  # one member after the other: RFC 1952, 2.2 and RFC 8878, 3.1
                if not rest:
                    break
                stream, members = coding.begin(), members + 1
                if members > MAX_MEMBERS:
                    raise RequestError(f"this body has more than {MAX_MEMBERS:,} members")
            piece = stream.decompress(rest, _PIECE)
            yield piece
            rest = stream.unused_data or getattr(stream, "unconsumed_tail", b"")
    if not stream.eof:
        raise RequestError(f"this body ends before its {coding.name} does")


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the body is larger than {most / MIB:g} MiB when it is inflated; "
        f"the operator's setting is MMF_MAX_BODY_MIB"
    )


def _known(name: str) -> Coding:
    if coding := _codings().get(name):
        return coding
    if name == "zstd":
        raise UnsupportedCoding(str(MissingPackage("Content-Encoding: zstd", ["backports.zstd"])))
    hint = f"send it plain or as {accept_encoding()}"
    raise UnsupportedCoding(f"a body with Content-Encoding: {name} cannot be read here; {hint}")


def _is_compressible(answer: Response) -> bool:
    packed = "Content-Encoding" in answer.headers
    return not packed and _COMPRESSIBLE.fullmatch(answer.mimetype or "") is not None


@lru_cache(maxsize=256)  # callers send the same few headers
def _wanted(accept: str) -> Coding | None:
    """Return how to pack an answer; None to send it as it is.

    What is accepted equally is packed by what packs faster. A caller that accepts nothing
    is answered as if it had not said so (RFC 9110, 12.5.3).
    """
    given = parse_accept_header(accept, Accept)
    packers = [coding for coding in reversed(_codings().values()) if coding.pack]
    best = max(packers, key=lambda one: given.quality(one.name))  # the first of equals
    weight = given.quality(best.name)
    return best if weight and weight >= given.quality(IDENTITY) else None


@cache
def _codings() -> dict[str, Coding]:
    """Return what is there; `deflate` is zlib's format (RFC 9110, 8.4.1.2)."""
    known = [
        Coding("gzip", lambda: zlib.decompressobj(31), zlib.error, _gzip),
        Coding("deflate", zlib.decompressobj, zlib.error),
    ]
    if zstd := _zstd():
        options = {zstd.DecompressionParameter.window_log_max: _WINDOW}
        known.append(
            Coding(
                "zstd",
                lambda: zstd.ZstdDecompressor(options=options),
                zstd.ZstdError,
                lambda data: bytes(zstd.compress(data, _LEVEL)),
            )
        )
    return {coding.name: coding for coding in known}


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, _LEVEL, mtime=0)


def _zstd() -> Any:
    """Return the standard library's (Python 3.14) or its twin's; None without both."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None
