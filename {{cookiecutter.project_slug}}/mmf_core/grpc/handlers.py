"""The methods of gRPC in an event loop: it waits for clients, threads wait for targets.

places.py limits how many messages are in memory at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc

from ..server.request_threads import RequestThreads
from .calls import HEALTH, SERVICE, Call, Reply
from .gate import Gate
from .health import Health
from .places import Job, Lane, Place
from .public_calls import ENDING, FIRST_MESSAGE, PublicCalls
from .settings import MAX_STREAMS
from .transfers import PublicReader, in_stream, read_one, returned, streaming, unary, write

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
_STREAM = f"/{SERVICE}/ModelStreamInfer"


class Handlers:
    """Handles all calls of a worker; `respond` is the application, `threads` those of targets."""

    def __init__(
        self,
        respond: Callable[[Call], Reply],
        gate: Gate,
        health: Health,
        threads: int,
        client_timeout: float,
    ) -> None:
        self._respond, self._gate = respond, gate
        self._client_timeout = client_timeout
        self.threads = RequestThreads[Job](threads)
        quick = ThreadPoolExecutor(QUICK_THREADS, "mmf-grpc-quick")
        self._targets = Lane(self.threads.submit, threads + max(1, threads // 2))
        self._quick = Lane(quick.submit, QUICK_PLACES)
        self._open = Lane(quick.submit, QUICK_PLACES)
        self._refused = Lane(quick.submit, 1)  # any number of them leaves a thread to the others
        self._reader = PublicReader()
        self._streams = 0
        self._last_call = 0.0  # on the loop's clock
        self._may_respond = asyncio.Event()
        self._may_respond.set()
        self.ending = asyncio.Event()
        run = partial(self._run_in, self._open)
        self._public = PublicCalls(health, run, self._reader, client_timeout, self.ending)

    def generic(self) -> list[Any]:
        """Return the handlers for a gRPC server; messages are bytes."""
        quick = {name: self._of_app(SERVICE, name, self._quick) for name in QUICK}
        inference = {
            "ModelInfer": self._of_app(SERVICE, "ModelInfer", self._targets),
            "ModelStreamInfer": streaming(self._stream),
        }
        health = {"List": self._of_app(HEALTH, "List", self._quick)}  # it names targets
        return [
            grpc.method_handlers_generic_handler(SERVICE, quick | inference),
            grpc.method_handlers_generic_handler(HEALTH, health),
            *self._public.generic(),
        ]

    def _of_app(self, service: str, name: str, lane: Lane) -> Any:
        """Return a method that the application responds to."""
        path = f"/{service}/{name}"
        if self._gate.is_open(path):
            return unary(partial(self._call_open, path))
        return unary(partial(self._call, path, lane))

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

    async def _call(self, path: str, lane: Lane, context: Any) -> bytes:
        if not self._gate.admits(path, context):
            return await self._refuse(path, context)
        async with lane.place() as place:
            message = await read_one(context, self._client_timeout)
            reply = await self._run(path, message, context, place)
            del message
            body = await returned(context, reply)
            if len(body) > SMALL:
                place.keep_until_sent(context, self._client_timeout)
            return body

    async def _call_open(self, path: str, context: Any) -> bytes:
        message = await self._reader.read_one(context, FIRST_MESSAGE)
        return await returned(context, await self._run_in(self._open, path, message, context))

    async def _refuse(self, path: str, context: Any) -> bytes:
        """Have the application refuse a call, which it logs and counts; its message is not read."""
        return await returned(context, await self._run_in(self._refused, path, b"", context))

    async def _run_in(self, lane: Lane, path: str, message: bytes, context: Any) -> Reply:
        async with lane.place() as place:
            return await self._run(path, message, context, place)

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
        if not self._gate.admits(_STREAM, context):
            await self._refuse(_STREAM, context)
            return
        if self._streams >= MAX_STREAMS:
            detail = f"this worker is at its limit of {MAX_STREAMS} streams"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, detail)
        self._streams += 1
        try:
            while (message := await self._next(context)) is not None:
                async with self._targets.place() as place:
                    reply = await self._run(_STREAM, message, context, place)
                    del message
                    await write(context, await in_stream(context, reply), self._client_timeout)
        finally:
            self._streams -= 1

    async def _next(self, context: Any) -> bytes | None:
        """Return the next message of a stream, however long that takes; None at its end."""
        read = asyncio.ensure_future(context.read())
        end = asyncio.ensure_future(self.ending.wait())
        try:
            await asyncio.wait({read, end}, return_when=asyncio.FIRST_COMPLETED)
            if not read.done():
                await context.abort(grpc.StatusCode.UNAVAILABLE, ENDING)
            message: bytes | Any = read.result()
            return None if message is grpc.aio.EOF else message
        finally:
            read.cancel()
            end.cancel()
