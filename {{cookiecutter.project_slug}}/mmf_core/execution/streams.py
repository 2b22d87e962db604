"""Streams: what a generator function yields, checked piece by piece.

A stream has its place among the target's calls, and among the streams of its worker, until its
generator is closed: when it is exhausted, or at its next `yield` after the client has gone. Each
takes a thread of the server, so that a worker serves a limited number and rejects the rest at once:
other requests keep their threads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import ExitStack, closing
from functools import cache
from inspect import isasyncgen
from time import perf_counter
from typing import Any

from ..errors import ClientGone, MMFError, ResultError
from ..settings import Settings
from ..target import Target
from .calls import FAILURES, Arguments, Call, example_trial, failure, serialize
from .limits import HANG_UP_POLL, Slots
from .timings import Timings

_log = logging.getLogger("mmf.streams")


def stream_call(target: Target, settings: Settings) -> Call:
    """Return the call of a generator function, whose result is an iterator of its pieces.

    Overloaded and ClientGone come with the first of them. Errors are those of `function_call`.
    """
    options = target.call_options
    slots = [_worker_slots(settings.max_streams)]
    if options.max_concurrency:
        slots.append(Slots.of_target(target.route, options.max_concurrency, options.max_queue))
    is_proven = example_trial(target, lambda arguments: _first_piece(target, arguments))

    def call(arguments: Arguments, timings: Timings) -> Iterator[Any]:
        with ExitStack() as stack:
            for pool in slots:
                stack.enter_context(pool.take(timings))
            timings.queue = perf_counter() - timings.entered
            yield from _pieces(target, arguments, timings, is_proven)

    return call


@cache
def _worker_slots(limit: int) -> Slots:
    unit = "stream" if limit == 1 else "streams"
    return Slots(limit, 0, f"this worker is at its limit of {limit} {unit} (set MMF_MAX_STREAMS)")


def _first_piece(target: Target, arguments: Arguments) -> Any:
    """Return the first piece alone, serialized: a stream may be endless. None if it is empty."""
    with closing(_pieces(target, arguments, Timings(), lambda: False)) as pieces:
        return next(pieces, None)


def _pieces(
    target: Target, arguments: Arguments, timings: Timings, is_proven: Callable[[], bool]
) -> Generator[Any]:
    pieces: Any = target.function(**arguments)
    generator = _synchronous(pieces, timings) if isasyncgen(pieces) else pieces  # type: ignore[arg-type]
    try:
        while True:
            started = perf_counter()
            try:
                piece = serialize(target, next(generator))
            except StopIteration as end:
                _refuse_value(target, end.value)
                return
            except MMFError:
                raise
            except FAILURES as error:
                raise failure(target, error, arguments, is_proven) from error
            finally:
                timings.call += perf_counter() - started
            yield piece
    finally:
        _close(target, generator)


def _refuse_value(target: Target, value: Any) -> None:
    if value is not None:
        raise ResultError(
            f"{target.route} returned a {type(value).__name__}; yield it: a stream has no other end"
        )


def _close(target: Target, generator: Generator[Any]) -> None:
    """Have the function leave its `yield` by GeneratorExit; an error in it is only logged."""
    try:
        generator.close()
    except Exception:  # noqa: BLE001 - nobody waits for it
        _log.exception("%s failed while its stream was closed", target.route)


def _synchronous(pieces: AsyncGenerator[Any], timings: Timings) -> Generator[Any]:
    """Run an async generator in an event loop of its own, between two pieces it stands still."""
    with asyncio.Runner() as runner:
        try:
            while True:
                try:
                    piece = runner.run(_next(pieces, timings))
                except StopAsyncIteration:
                    return
                yield piece
        finally:
            runner.run(_aclose(pieces))


async def _next(pieces: AsyncGenerator[Any], timings: Timings) -> Any:
    """Return the next piece; ClientGone, after `asyncio.CancelledError` in it, if nobody waits."""
    step = asyncio.ensure_future(anext(pieces))
    while not (await asyncio.wait({step}, timeout=HANG_UP_POLL))[0]:
        if timings.is_abandoned():
            step.cancel()
            await asyncio.wait({step})
            raise ClientGone("the client has gone during its stream")
    return step.result()


async def _aclose(pieces: AsyncGenerator[Any]) -> None:
    await pieces.aclose()
