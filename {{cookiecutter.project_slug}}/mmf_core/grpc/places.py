"""The places of calls: how many messages are in memory, and how many threads work on them.

A call of one message has a place from before it is read until its target has ended, even if its
client is gone by then, and until a large response is sent. The messages of calls without a place
are still with their clients, with two exceptions: each of up to `MAX_STREAMS` streams may have one
that waits for a place, and calls that need no token up to `PUBLIC_READS` in all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

from .calls import Reply

Job: TypeAlias = Callable[[], Reply]


class Lane:
    """Threads, and a few more places than these: in them messages are read, and responses sent."""

    def __init__(self, submit: Callable[[Callable[[Job], None], Job], object], places: int) -> None:
        self.submit = submit
        self._places = asyncio.Semaphore(places)
        self._loop = asyncio.get_running_loop()
        self._ended: deque[tuple[Place, Reply | BaseException]] = deque()
        self._is_scheduled = False  # whether the loop will look at them

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """Hold a place in the block, and for as long as what has begun in it runs."""
        await self._places.acquire()
        place = Place(self)
        try:
            yield place
        finally:
            place.leave()

    def release(self) -> None:
        """Give a place to another call."""
        self._places.release()

    def end(self, place: Place, reply: Reply | BaseException) -> None:
        """Have the loop give a reply to its call: it wakes up once for several of them."""
        self._ended.append((place, reply))
        if not self._is_scheduled:
            self._is_scheduled = True
            with suppress(RuntimeError):  # the loop has ended before
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_scheduled = False  # reset first: a later reply schedules it again
        while self._ended:
            place, reply = self._ended.popleft()
            place.end(reply)


class Place:
    """The place of one call; it is another's when all that keeps it has ended."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._loop = asyncio.get_running_loop()
        self._keepers = 1  # the block itself

    async def run(self, job: Job) -> Reply:
        """Run a job in a thread, which continues even if the call does not wait any more."""
        self._keepers += 1
        self._reply: asyncio.Future[Reply] = self._loop.create_future()
        self._lane.submit(self._work, job)
        return await self._reply

    def keep_until_sent(self, context: Any, longest: float) -> None:
        """Keep the place until the call has ended, or its client has had time enough to read."""
        self._keepers += 1
        timer = self._loop.call_later(longest, self.leave)

        def sent(_: Any) -> None:
            if not timer.cancelled() and timer.when() > self._loop.time():
                timer.cancel()
                self.leave()

        context.add_done_callback(sent)

    def leave(self) -> None:
        """End what keeps the place."""
        self._keepers -= 1
        if not self._keepers:
            self._lane.release()

    def _work(self, job: Job) -> None:
        reply: Reply | BaseException
        try:
            reply = job()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            reply = error
        self._lane.end(self, reply)

    def end(self, reply: Reply | BaseException) -> None:
        """Give a thread's reply to the call, if it still waits."""
        if self._reply.done():  # the call has ended before
            pass
        elif isinstance(reply, BaseException):
            self._reply.set_exception(reply)
        else:
            self._reply.set_result(reply)
        self.leave()
