"""Health and reflection, which need no token unless a call names a target.

Their messages are read without a place, and none of them waits for a thread that a target could
have: see `PublicReader`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from .calls import HEALTH, SERVICE, Reply
from .health import SERVICE_UNKNOWN, WHOLE, Health
from .messages import pool
from .statuses import NOT_FOUND
from .transfers import PublicReader, returned, streaming, unary, write

FIRST_MESSAGE = 2.0
"""Seconds for the message of a call that needs no token: a probe sends it at once."""
MAX_WATCHES = 100
HEALTH_POLL = 0.1  # seconds between two checks of a watched status
CHECK = f"/{HEALTH}/Check"
REFLECTION = reflection.SERVICE_NAME
ENDING = "the service is shutting down; call again"
Run = Callable[[str, bytes, Any], Awaitable[Reply]]


class PublicCalls:
    """Handles these calls; `run` has the application respond to a message."""

    def __init__(
        self, health: Health, run: Run, reader: PublicReader, timeout: float, ending: asyncio.Event
    ) -> None:
        self._health, self._run, self._reader = health, run, reader
        self._timeout, self._ending = timeout, ending
        self._watches = 0
        names = (SERVICE, HEALTH, REFLECTION)
        self._reflection = reflection.aio.ReflectionServicer(names, pool=pool())

    def generic(self) -> list[Any]:
        """Return the handlers for a gRPC server; messages are bytes."""
        health = {"Check": unary(self._check), "Watch": streaming(self._watch)}
        return [
            grpc.method_handlers_generic_handler(HEALTH, health),
            grpc.method_handlers_generic_handler(
                REFLECTION, {"ServerReflectionInfo": streaming(self._reflect)}
            ),
        ]

    async def _check(self, context: Any) -> bytes:
        message = await self._reader.read_one(context, FIRST_MESSAGE)
        service = await _service(context, message)
        if service in WHOLE:
            return self._health.response(self._health.status(service))
        return await returned(context, await self._run(CHECK, message, context))

    async def _watch(self, context: Any) -> None:
        """Send the status of a service, and each change of it."""
        if self._watches >= MAX_WATCHES:
            detail = f"this worker is at its limit of {MAX_WATCHES} watches"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, detail)
        self._watches += 1
        try:
            message = await self._reader.read_one(context, FIRST_MESSAGE)
            await self._watch_service(context, message, await _service(context, message))
        finally:
            self._watches -= 1

    async def _watch_service(self, context: Any, message: bytes, service: str) -> None:
        last = None
        while not self._ending.is_set():
            if (status := self._health.status(service)) != last:
                response = self._health.response(status)
                if service not in WHOLE:
                    response = await self._watched(context, message)
                await write(context, response, self._timeout)
                last = status
            await asyncio.sleep(HEALTH_POLL)
        await context.abort(grpc.StatusCode.UNAVAILABLE, ENDING)

    async def _watched(self, context: Any, message: bytes) -> bytes:
        """Return the response to a caller that may know the status of a target."""
        reply = await self._run(CHECK, message, context)
        if reply.status == NOT_FOUND:
            return self._health.response(SERVICE_UNKNOWN)
        return await returned(context, reply)

    async def _reflect(self, context: Any) -> None:
        async def requests() -> AsyncIterator[Any]:
            while (message := await self._reader.read(context, self._timeout)) is not grpc.aio.EOF:
                yield await _parsed(context, ServerReflectionRequest, message)

        async for response in self._reflection.ServerReflectionInfo(requests(), context):
            await write(context, response.SerializeToString(), self._timeout)


async def _service(context: Any, message: bytes) -> str:
    service: str = (await _parsed(context, Health.request(), message)).service
    return service


async def _parsed(context: Any, cls: Any, message: bytes) -> Any:
    try:
        return cls.FromString(message)
    except DecodeError:
        detail = f"expected a message {cls.DESCRIPTOR.full_name}"
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, detail)
        raise
