"""The clients of a worker: who is idle, whose request has arrived, who is to be closed.

Only the thread that polls touches them. A connection that a thread is at belongs to that thread,
until it is taken back.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from socket import MSG_DONTWAIT
from typing import Any

from ..readiness import PROBES
from .connections import LARGEST, Connection
from .leads import Waiters
from .refusals import refusal

_log = logging.getLogger("mmf.clients")
_PROBES = {f"{method} {path}".encode() for method in ("GET", "HEAD") for path in PROBES}
TOO_SLOW = "the request has not arrived in time; the operator's setting is MMF_CLIENT_TIMEOUT"
TOO_LONG = "the headers are longer than 64 KiB"
MOST_UNREAD = 64 << 20  # bytes of answers that wait to be read, of a worker
LINGER = 2.0  # seconds that a client gets to close a connection that is over


class Clients:
    """Connections at the poller.

    A request goes to `ready` once all of it is there, those for the service's health first, and
    to a thread of its own, by `to_thread`, where it is large or known to wait. With `collects`
    off, as for TLS, it is always a thread that reads.
    """

    def __init__(
        self,
        poller: Callable[[], BaseSelector],
        to_thread: Callable[[Connection], None],
        *,
        collects: bool,
    ) -> None:
        self.idle: dict[Connection, None] = {}
        self.unread: dict[Connection, None] = {}  # who has read nothing for the longest first
        self.ready: deque[Connection] = deque()
        self.waiters = Waiters()
        self.count = 0
        self._poller = poller
        self._to_thread = to_thread
        self._collects = collects

    def welcome(self, conn: Connection, seconds: float) -> None:
        """Take a new connection, with what it has brought; it may be idle for so long."""
        self.count += 1
        self._wait_for(conn, seconds)
        if self._collects:
            self._readable(conn, conn.sock)

    def take_back(self, conn: Connection, seconds: float) -> None:
        """Take a connection after an answer; it may be idle for so long."""
        conn.taken = False
        self._wait_for(conn, seconds)
        if self._collects:
            conn.from_parser()
            if conn.received:
                self._sort(conn)

    def hang_up(self, conn: Connection) -> None:
        """End a connection after its last answer, when the client has read that."""
        conn.taken = False
        try:
            conn.hang_up()
        except OSError:
            self._drop(conn)
        else:
            self._wait_for(conn, LINGER)

    def send_rest(self, conn: Connection, then: Callable[[], None]) -> None:
        """Send what is left of an answer as the client reads on, and go on with `then`.

        Of answers that wait to be read there are MOST_UNREAD bytes, or one answer: for more, who
        has read nothing for the longest is hung up.
        """
        conn.timeout = time.monotonic() + conn.sock.patience()
        self.unread[conn] = None
        self._ignore(conn)
        self._poll(conn, EVENT_WRITE, partial(self._writable, conn, then))
        while len(self.unread) > 1 and sum(one.unread() for one in self.unread) > MOST_UNREAD:
            self._give_up(next(iter(self.unread)))

    def close_idle(self, since: float) -> None:
        """Close what has been idle for its time, or, if nothing has arrived, `since` some moment.

        `since` is on `time.monotonic`'s clock; infinite where their own time is all that counts.
        """
        now = time.monotonic()
        for conn in list(self.idle):
            if now > conn.timeout and conn.received and self._collects and not conn.over:
                self._refuse(conn, 408, TOO_SLOW)
            elif now > conn.timeout or (now > since and not conn.received):
                self._drop(conn)
        for conn in [one for one in self.unread if now > one.timeout]:
            self._give_up(conn)

    def _wait_for(self, conn: Connection, seconds: float) -> None:
        conn.timeout = time.monotonic() + seconds
        self.idle[conn] = None
        if not conn.polled:
            self._poll(conn, EVENT_READ, partial(self._readable, conn))

    def _poll(self, conn: Connection, event: int, notice: Callable[[Any], None]) -> None:
        conn.polled = True
        try:
            self._poller().register(conn.sock, event, notice)
        except KeyError:  # the number belonged to a connection that another thread has closed
            self._poller().unregister(conn.sock.fileno())
            self._poller().register(conn.sock, event, notice)

    def _writable(self, conn: Connection, then: Callable[[], None], _sock: Any) -> None:
        if conn.dropped:  # the poller had this notice already
            return
        del self.unread[conn]
        try:
            is_all = conn.sock.send_rest()
        except OSError:  # the client has gone
            self._drop(conn)
            return
        if is_all:
            self._ignore(conn)
            then()
        else:
            self.unread[conn] = None  # the last again

    def _give_up(self, conn: Connection) -> None:
        _log.warning("a client does not read its answer: it is hung up")
        self._drop(conn)

    def _readable(self, conn: Connection, _sock: Any) -> None:
        if conn.taken:  # by a thread that gives it back
            self._ignore(conn)
        elif conn.over:
            if not conn.receive() or conn.cut_off or len(conn.received) > LARGEST:
                self._drop(conn)
        elif not self._collects:
            self._give_a_thread(conn)
        elif conn.receive():
            self._sort(conn)
        else:
            self._drop(conn)

    def _sort(self, conn: Connection) -> None:
        """Decide what to do with a connection that has brought something."""
        missing = conn.missing()
        if conn.is_endless():
            self._refuse(conn, 431, TOO_LONG)
        elif 0 < missing < math.inf:
            if conn.received:
                conn.timeout = conn.deadline()
        elif missing == math.inf:
            self._give_a_thread(conn)
        elif (request := conn.request()) in _PROBES:
            self._take(conn, whole=True)
            self.ready.appendleft(conn)
        elif self.waiters.has(request):
            self._give_a_thread(conn)
        else:
            self._take(conn, whole=True)
            self.ready.append(conn)

    def next_probe(self) -> Connection | None:
        """Take a connection that asks for the service's health; None where the first does not."""
        if self.ready and self.ready[0].request() in _PROBES:
            return self.ready.popleft()
        return None

    def _refuse(self, conn: Connection, status: int, detail: str) -> None:
        """Tell a client why no more is read from it, if it listens."""
        request_id, answer = refusal(status, detail)
        _log.warning("%d: %s (%s)", status, detail, request_id)
        conn.received = b""
        with suppress(OSError):
            conn.sock.send(answer, MSG_DONTWAIT)
        self.hang_up(conn)

    def _give_a_thread(self, conn: Connection) -> None:
        self._take(conn, whole=False)
        self._ignore(conn)
        self._to_thread(conn)

    def _take(self, conn: Connection, *, whole: bool) -> None:
        conn.taken, conn.whole = True, whole
        del self.idle[conn]

    def _drop(self, conn: Connection) -> None:
        if conn.dropped:  # the poller had two notices at once, and this is the second
            return
        conn.dropped = True
        self.idle.pop(conn, None)
        self.unread.pop(conn, None)
        self._ignore(conn)
        self.count -= 1
        conn.close()

    def _ignore(self, conn: Connection) -> None:
        if conn.polled:
            conn.polled = False
            with suppress(KeyError, ValueError, OSError):  # closed in another thread
                self._poller().unregister(conn.sock)
