"""Streams as responses: each piece is sent when the function yields it.

The response begins with the first piece, so that an error before it is a response like any other.
A later one ends events by `event: error`, and breaks every other format off: its client must not
take a part for the whole. The access line and the metrics have the status of what ended the stream.
"""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from time import perf_counter
from typing import Any, cast

from flask import Response, stream_with_context

from ..codecs import Format, Kind, StreamCodec, find
from ..errors import ClientGone, NotAcceptable, Overloaded
from ..readiness import server_status
from ..target import Target
from .errors import problem
from .http.codec_options import options_of
from .http.negotiation import response_formats
from .http.responses import VARY
from .request_context import RequestContext, current_context

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # the latter is nginx's


class StreamWriter:
    """Writes the streams of one target; `limits` are the operator's codec options."""

    def __init__(self, target: Target, limits: Mapping[str, Any]) -> None:
        self.formats = response_formats(target.returns)
        self._options = options_of(target.returns, limits) if target.returns else {}

    def write(
        self, pieces: Generator[Any], format: Format | None, *, is_negotiated: bool = False
    ) -> Response:
        """Respond with the pieces of a stream once the first is there; its errors are raised."""
        codec = cast("StreamCodec", find(Kind.STREAM, format or self.formats[0]))
        encode = partial(_encode, codec, self._options)
        first = [encode(piece) for piece in islice(pieces, 1)]
        context = current_context() or RequestContext("-")
        if context.timings:
            context.timings.encode_started = perf_counter()
        body = _body(chain(first, map(encode, pieces)), codec, context)
        response = Response(stream_with_context(body), content_type=codec.format.content_type)
        response.headers.update(_HEADERS)
        if is_negotiated:
            response.headers.extend([VARY])
        response.call_on_close(pieces.close)
        context.is_streamed = True
        return response


def _encode(codec: StreamCodec, options: Mapping[str, Any], piece: Any) -> bytes:
    try:
        return codec.encode(piece, options)
    except (TypeError, ValueError) as error:
        raise NotAcceptable(
            f"a piece of the stream cannot be written as {codec.format.name}: {error}"
        ) from None


def _body(
    contents: Iterator[bytes], codec: StreamCodec, context: RequestContext
) -> Iterator[bytes]:
    try:
        for content in contents:
            yield content
            _check(context)
        yield codec.end
    except ClientGone as error:
        context.status = error.status
    except Exception as error:  # noqa: BLE001 - reported like that of any response
        context.status, document = problem(error)
        if (last := codec.failure(document)) is None:
            raise ConnectionResetError(errno.ECONNRESET, "the stream has failed") from None
        yield last


def _check(context: RequestContext) -> None:
    """End a stream that nobody reads, and all of them when the service has to end."""
    if context.has_hung_up():
        raise ClientGone("the client has gone during its stream")
    if server_status.must_end():
        raise Overloaded("the service is shutting down")
