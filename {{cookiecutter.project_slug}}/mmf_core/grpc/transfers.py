"""Messages to and from the clients of calls, and errors: what is done with a call's context."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from .calls import Reply
from .messages import message_class
from .settings import PUBLIC_READS
from .statuses import OK, add_retry, code_of

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_ENDS_STREAM = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
_LATE = "the message did not arrive in time"


class PublicReader:
    """Reads the messages of calls that need no token, a few at a time.

    When one more is to be read, the call that has waited longest for its message ends. So silent
    callers hold up no probe, whose message arrives with its metadata.
    """

    def __init__(self) -> None:
        self._timeouts: dict[asyncio.Timeout, None] = {}  # those that began first, first

    async def read(self, context: Any, client_timeout: float) -> bytes | Any:
        """Return the next message of a call, or EOF; end a call whose message does not come."""
        if len(self._timeouts) >= PUBLIC_READS:
            oldest = next(iter(self._timeouts))
            del self._timeouts[oldest]
            if not oldest.expired():
                oldest.reschedule(asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(client_timeout) as timeout:
                self._timeouts[timeout] = None
                try:
                    return await context.read()
                finally:
                    self._timeouts.pop(timeout, None)
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, _LATE)
            raise

    async def read_one(self, context: Any, client_timeout: float) -> bytes:
        """Return the one message of a call."""
        return await _checked(context, await self.read(context, client_timeout))


async def read_one(context: Any, client_timeout: float) -> bytes:
    """Return the one message of a call that has a place."""
    try:
        async with asyncio.timeout(client_timeout):
            message = await context.read()
    except TimeoutError:
        detail = f"{_LATE} (set MMF_CLIENT_TIMEOUT)"
        await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, detail)
    return await _checked(context, message)


async def _checked(context: Any, message: bytes | Any) -> bytes:
    if message is grpc.aio.EOF:  # a client whose message was too large has its error already
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "expected a message, got none")
    return message


async def write(context: Any, message: bytes, client_timeout: float) -> None:
    """Send a message; end the call of a client that does not read it."""
    try:
        async with asyncio.timeout(client_timeout):
            await context.write(message)
    except TimeoutError:
        detail = "the client does not read the response (set MMF_CLIENT_TIMEOUT)"
        await context.abort(grpc.StatusCode.ABORTED, detail)


def unary(method: Callable[[Any], Awaitable[bytes]]) -> Any:
    """Return a method of one message, which it reads itself: the library would do so at once."""

    async def handle(_: Any, context: Any) -> bytes:
        return await method(context)

    return grpc.stream_unary_rpc_method_handler(handle)


def streaming(method: Callable[[Any], Awaitable[None]]) -> Any:
    """Return a method that reads and writes its messages itself."""

    async def handle(_: Any, context: Any) -> None:
        await method(context)

    return grpc.stream_stream_rpc_method_handler(handle)


def status_of(reply: Reply) -> tuple[grpc.StatusCode, str, bytes]:
    """Return the code, the message and the details of an error, even if it is not ours."""
    try:
        status = message_class("google.rpc.Status").FromString(reply.body)
    except DecodeError:  # by what an author has put around the application
        status = None
    if status is None or status.code not in _CODES or not status.code:
        return _CODES[code_of(reply.status)], f"status {reply.status} over HTTP", b""
    if seconds := dict(reply.metadata).get("retry-after", ""):
        add_retry(status, seconds)
    return (
        _CODES[status.code],
        status.message,
        status.SerializeToString() if status.details else b"",
    )


async def abort(context: Any, reply: Reply) -> None:
    """End a call with the error that the application has responded with."""
    code, message, details = status_of(reply)
    metadata = [*reply.metadata]
    if details:
        metadata.append(("grpc-status-details-bin", details))  # type: ignore[arg-type]
    await context.abort(code, message, tuple(metadata))


async def returned(context: Any, reply: Reply) -> bytes:
    """Return the message of a response, or end the call with its error."""
    if reply.status != OK:
        await abort(context, reply)
    context.set_trailing_metadata(reply.metadata)
    return reply.body


async def in_stream(context: Any, reply: Reply) -> bytes:
    """Return a ModelStreamInferResponse; an error of access ends the stream."""
    if reply.status == OK:
        return reply.body
    code, message, _ = status_of(reply)
    if code in _ENDS_STREAM:
        await abort(context, reply)
    response = message_class("inference.ModelStreamInferResponse")(error_message=message)
    data: bytes = response.SerializeToString()
    return data
