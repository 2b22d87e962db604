"""The methods of gRPC in an event loop: it waits for clients, threads wait for targets.

How many messages are in memory at a time, places.py says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from ..server.request_threads import RequestThreads
from .calls import HEALTH, SERVICE, Call, Reply
from .health import SERVICE_UNKNOWN, Health
from .messages import message_class
from .places import Job, Lane, Place
from .settings import MAX_STREAMS
from .statuses import OK, code_of

QUICK = {
    *("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata"),
    "RepositoryIndex",
}
"""Methods that call no target: slow targets do not hold them up."""
QUICK_THREADS, QUICK_PLACES = 2, 16
SMALL = 64 * 1024
"""Bytes of a response that has no place while it is sent."""
QUIET = 0.2
"""Seconds without a call after which no more are expected while responses are held back."""
LONGEST_HOLD = 1.0
"""Seconds for which they are, at most."""
MAX_WATCHES = 100
HEALTH_POLL = 0.1  # seconds between two looks at a status that is watched
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_STREAM = f"/{SERVICE}/ModelStreamInfer"
_ENDS_STREAM = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
_ENDING = "the service is shutting down; call again"


class Handlers:
    """Handles all calls of a worker; `respond` is the application, `threads` those of targets."""

    def __init__(
        self,
        respond: Callable[[Call], Reply],
        health: Health,
        threads: int,
        client_timeout: float,
    ) -> None:
        self._respond = respond
        self._health = health
        self._patience = client_timeout
        self.threads = RequestThreads[Job](threads)
        quick = ThreadPoolExecutor(QUICK_THREADS, "mmf-grpc-quick")
        self._targets = Lane(self.threads.submit, threads + max(1, threads // 2))
        self._quick = Lane(quick.submit, QUICK_PLACES)
        self._streams = self._watches = 0
        self._last_call = 0.0  # on the loop's clock
        self._may_respond = asyncio.Event()
        self._may_respond.set()
        self.ending = asyncio.Event()

    def generic(self) -> list[Any]:
        """Return what a server of gRPC is made of; messages are bytes."""
        quick = {name: self._of_app(SERVICE, name, self._quick) for name in QUICK}
        inference = {
            "ModelInfer": self._of_app(SERVICE, "ModelInfer", self._targets),
            "ModelStreamInfer": _streaming(self._stream),
        }
        health = {
            "Check": _unary(self._check),
            "List": self._of_app(HEALTH, "List", self._quick),  # it names targets
            "Watch": _streaming(self._watch),
        }
        return [
            grpc.method_handlers_generic_handler(SERVICE, quick | inference),
            grpc.method_handlers_generic_handler(HEALTH, health),
        ]

    def _of_app(self, service: str, name: str, lane: Lane) -> Any:
        """Return a method that the application responds to."""
        return _unary(partial(self._infer, f"/{service}/{name}", lane))

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold responses back in the block, which begins when no more calls arrive.

        The library loses what arrives while its server begins to stop. A client that waits for its
        response does not call, and hears of the end of its connection before the response.
        """
        self._may_respond.clear()
        clock = asyncio.get_running_loop().time
        end = clock() + LONGEST_HOLD
        try:
            while clock() - self._last_call < QUIET and clock() < end:
                await asyncio.sleep(QUIET / 10)
            yield
        finally:
            self._may_respond.set()

    async def _infer(self, path: str, lane: Lane, context: Any) -> bytes:
        async with lane.place() as place:
            message = await self._read(context)
            reply = await self._run(path, message, context, place)
            del message
            if reply.status != OK:
                await _abort(context, reply)
            context.set_trailing_metadata(reply.metadata)
            if len(reply.body) > SMALL:
                place.keep_until_sent(context, self._patience)
            return reply.body

    async def _run(self, path: str, message: bytes, context: Any, place: Place) -> Reply:
        gone: list[bool] = []
        self._last_call = asyncio.get_running_loop().time()
        call = Call(
            path,
            message,
            context.invocation_metadata() or (),
            context.peer(),
            lambda: bool(gone),
        )
        try:
            reply = await place.run(partial(self._respond, call))
        except asyncio.CancelledError:  # by its client, or by its deadline
            gone.append(True)
            raise
        if not self._may_respond.is_set():
            await self._may_respond.wait()
        return reply

    async def _stream(self, context: Any) -> None:
        """Respond to the messages of a stream one after another; an error does not end it."""
        if self._streams >= MAX_STREAMS:
            detail = f"this worker is at its limit of {MAX_STREAMS} streams"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, detail)
        self._streams += 1
        try:
            while (message := await self._next(context)) is not None:
                async with self._targets.place() as place:
                    reply = await self._run(_STREAM, message, context, place)
                    del message
                    await self._write(context, await _in_stream(context, reply))
        finally:
            self._streams -= 1

    async def _check(self, context: Any) -> bytes:
        async with self._quick.place():
            service = await _service(context, await self._read(context))
            if (status := self._health.status(service)) == SERVICE_UNKNOWN:
                await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
            return self._health.response(status)

    async def _watch(self, context: Any) -> None:
        """Send the status of a service, and each change of it."""
        if self._watches >= MAX_WATCHES:
            detail = f"this worker is at its limit of {MAX_WATCHES} watches"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, detail)
        self._watches += 1
        try:
            await self._watch_service(context)
        finally:
            self._watches -= 1

    async def _watch_service(self, context: Any) -> None:
        async with self._quick.place():
            service, last = await _service(context, await self._read(context)), None
        while not self.ending.is_set():
            if (status := self._health.status(service)) != last:
                await self._write(context, self._health.response(status))
                last = status
            await asyncio.sleep(HEALTH_POLL)
        await context.abort(grpc.StatusCode.UNAVAILABLE, _ENDING)

    async def _read(self, context: Any) -> bytes:
        """Return the one message of a call."""
        try:
            async with asyncio.timeout(self._patience):
                message: bytes | Any = await context.read()
        except TimeoutError:
            detail = "the message did not arrive in time (set MMF_CLIENT_TIMEOUT)"
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, detail)
        if message is grpc.aio.EOF:  # a client whose message was too large has its error already
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "expected a message, got none")
        return message

    async def _next(self, context: Any) -> bytes | None:
        """Return the next message of a stream, however long that takes; None at its end."""
        read = asyncio.ensure_future(context.read())
        end = asyncio.ensure_future(self.ending.wait())
        try:
            await asyncio.wait({read, end}, return_when=asyncio.FIRST_COMPLETED)
            if not read.done():
                await context.abort(grpc.StatusCode.UNAVAILABLE, _ENDING)
            message: bytes | Any = read.result()
            return None if message is grpc.aio.EOF else message
        finally:
            read.cancel()
            end.cancel()

    async def _write(self, context: Any, message: bytes) -> None:
        """Send a message; end the call of a client that does not read it."""
        try:
            async with asyncio.timeout(self._patience):
                await context.write(message)
        except TimeoutError:
            detail = "the client does not read the response (set MMF_CLIENT_TIMEOUT)"
            await context.abort(grpc.StatusCode.ABORTED, detail)


def _unary(method: Callable[[Any], Awaitable[bytes]]) -> Any:
    """Return a method of one message, which it reads itself: the library would do so at once."""

    async def handle(_: Any, context: Any) -> bytes:
        return await method(context)

    return grpc.stream_unary_rpc_method_handler(handle)


def _streaming(method: Callable[[Any], Awaitable[None]]) -> Any:
    """Return a method that reads and writes its messages itself."""

    async def handle(_: Any, context: Any) -> None:
        await method(context)

    return grpc.stream_stream_rpc_method_handler(handle)


async def _service(context: Any, message: bytes) -> str:
    try:
        return Health.service_of(message)
    except DecodeError:
        detail = "expected a message grpc.health.v1.HealthCheckRequest"
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, detail)
        raise


def _status_of(reply: Reply) -> tuple[grpc.StatusCode, str, bytes]:
    """Return the code, the message and the details of an error, whoever has made its response."""
    try:
        status = message_class("google.rpc.Status").FromString(reply.body)
    except DecodeError:  # by what an author has put around the application
        status = None
    if status is None or status.code not in _CODES or not status.code:
        return _CODES[code_of(reply.status)], f"status {reply.status} over HTTP", b""
    return _CODES[status.code], status.message, reply.body if status.details else b""


async def _abort(context: Any, reply: Reply) -> None:
    code, message, details = _status_of(reply)
    metadata = [*reply.metadata]
    if details:
        metadata.append(("grpc-status-details-bin", details))  # type: ignore[arg-type]
    await context.abort(code, message, tuple(metadata))


async def _in_stream(context: Any, reply: Reply) -> bytes:
    """Return a ModelStreamInferResponse; an error of access ends the stream."""
    if reply.status == OK:
        return reply.body
    code, message, _ = _status_of(reply)
    if code in _ENDS_STREAM:
        await _abort(context, reply)
    response = message_class("inference.ModelStreamInferResponse")(error_message=message)
    data: bytes = response.SerializeToString()
    return data
