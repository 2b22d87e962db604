"""gunicorn's threaded worker, where the thread that polls also answers.

gthread hands each request from the thread that polls to another one and back. For a request of a
millisecond that is a good part of its time: each of the two has to be woken, and to get the
interpreter's lock. Here one thread of the pool, the leader, polls, reads, calls and writes.
Requests that it finds waiting together take turns, so that a target with batch= gets them in one
call.

The main thread looks after the leader. Where that is kept by a request, waiting for a database or
a lock, or computing, another thread of the pool takes the lead, and the one that is
held up finishes its requests by itself. What often waits gets a thread of its own from the start.
Where no thread is free, a spare one stands in, which answers nothing but questions for the
service's health: who is busy is not dead.

A request that has not arrived whole waits with the poller, for MMF_CLIENT_TIMEOUT. Of one that is
larger than a MiB, what follows is read in a thread of its own, within the same time for each MiB.
Connections with TLS and HTTP/2 are read in threads, as in gthread.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from threading import Event, Lock
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from ..settings import Settings
from ..turns import Turn
from . import draining
from .clients import Clients
from .connections import Connection
from .leads import Lead, Look
from .memory import MemoryLimit
from .refusals import answer_to
from .shares import SLACK, shares

GLANCE = 0.005  # seconds between two looks at a busy leader
REST = 0.050  # and at an idle one
MOST_AT_ONCE = 64  # connections taken before those that are there are looked at


class LeaderWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's gthread, answering in the thread that polls, with an even share of connections."""

    alive: bool
    sockets: list[Any]
    _most = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._lead: Lead | None = None
        self._look: Look | None = None
        self._handover = Lock()
        self._polling = Lock()
        self._spare = ThreadPoolExecutor(1, thread_name_prefix="mmf-spare")
        self._stand_in: Future[None] | None = None
        self._seconds = Settings.from_env().client_timeout
        self._ended = Event()
        self._swept = 0.0
        self._idle_until = math.inf
        http1 = self.cfg.protocol == "http" and "h2" not in self.cfg.http_protocols
        self.clients = Clients(
            lambda: self.poller, self.enqueue_req, collects=http1 and not self.cfg.is_ssl
        )
        self.keepalived_conns = self.clients.idle  # gunicorn asks how many there are

    @property
    def worker_connections(self) -> float:
        """The limit that is set, or less while other workers have fewer, or can answer at all."""
        if self._lead is not None and self._lead.stands_in:
            return self._most if shares.least(self.age) == math.inf else 0
        shares.tell(self.age, self.clients.count)
        return min(self._most, shares.least(self.age) + SLACK)

    @worker_connections.setter
    def worker_connections(self, most: int) -> None:
        self._most = most

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Return a pool with room for the leader beside the threads that are asked for."""
        return ThreadPoolExecutor(self.cfg.threads + 1, thread_name_prefix="mmf")

    # In the main thread, which alone gets signals and is never held up by a request.

    def run(self) -> None:
        """Look after the leader, and after the master, until the worker is to end."""
        self.poller.register(self.method_queue, EVENT_READ, self.method_queue.run_callbacks)
        self.tpool.submit(self._lead_on)
        told, latest, pause = -math.inf, math.inf, GLANCE
        memory = MemoryLimit(Settings.from_env().max_rss)
        try:
            while not self._ended.wait(pause) and (now := time.monotonic()) < latest:
                pause = self._glance()
                if now - told > 1:
                    told = now
                    self.notify()
                    self.alive = (
                        self.alive and self.is_parent_alive() and not memory.is_passed(self)
                    )
                if not self.alive:
                    latest = min(latest, now + self.cfg.graceful_timeout)
        finally:
            self._end()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End after what is accepted and what waits to be, when it is time to."""
        if not draining.goes_on():  # some systems send SIGTERM to workers, too
            super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop at once."""
        self._end()
        super().handle_quit(sig, frame)

    def _end(self) -> None:
        self.alive = False
        self._ended.set()
        self.method_queue.defer(int)  # wakes the leader

    def _glance(self) -> float:
        """Let another thread lead if this one is held up; say in how many seconds to look again."""
        lead = self._lead
        if lead is None:
            if self._stand_in is None or self._stand_in.done():
                self._stand_in = self._spare.submit(self._lead_on, stands_in=True)
            return GLANCE
        if lead.stands_in:
            return REST
        if self._look is None or not self._look.still_holds():
            self._look = Look(lead)
        elif self._look.end_the_lead():
            self._lead = self._look = None
            self.tpool.submit(self._lead_on)
        return GLANCE if lead.turn else REST

    # In the leader's thread.

    def _lead_on(self, *, stands_in: bool = False) -> None:
        """Poll, and answer what comes, until another leads or the worker ends."""
        lead = Lead(stands_in=stands_in)
        try:
            if not self._take_the_lead(lead):
                return
            while not lead.over and not self._ended.is_set():
                with self._polling:
                    if not lead.over:
                        self._poll(lead)
                if stands_in:
                    self._answer_probes(lead)
                else:
                    self._answer_ready(lead)
        except BaseException:
            self.log.exception("the thread that polls has failed")
            self._ended.set()

    def _take_the_lead(self, lead: Lead) -> bool:
        """Lead from now on; who stands in makes way, and needs not begin where another leads."""
        with self._handover:
            other = self._lead
            if other is not None and lead.stands_in:
                return False
            self._lead = lead
            if other is not None:
                with other.lock:
                    other.over = True
                self.method_queue.defer(int)  # wakes it
        if lead.stands_in:
            shares.hold(self.age)
        return True

    def _poll(self, lead: Lead) -> None:
        if self.alive:
            self.set_accept_enabled(self.clients.count < self.worker_connections)
        elif self.sockets:
            self._stop_listening()
        self.wait_for_and_dispatch_events(self._patience(lead))
        self._sweep()

    def _patience(self, lead: Lead) -> float:
        """Return for how many seconds to poll."""
        if self.clients.ready and not lead.stands_in:
            return 0
        return 1 if self.alive else 0.1

    def _answer_probes(self, lead: Lead) -> None:
        """Answer who asks for the service's health; all others wait for a thread."""
        while True:
            with lead.lock:
                conn = None if lead.over else self.clients.next_probe()
            if conn is None:
                break
            self._answer(lead, conn)

    def _answer_ready(self, lead: Lead) -> None:
        """Answer all that has arrived; who steps aside goes on when all have had a turn."""
        aside = []
        for _ in range(len(self.clients.ready)):
            if lead.over:
                break  # whoever leads now goes on
            conn = self.clients.ready.popleft()
            request = conn.request()
            turn = Turn(partial(self._answer, lead, conn))
            began, computed = time.perf_counter(), time.thread_time()
            self._go_on(lead, turn)
            if turn.dead:
                passed = time.perf_counter() - began
                self.clients.waiters.note(request, passed, time.thread_time() - computed)
            else:
                aside.append(turn)
        for turn in aside:
            while not turn.dead:
                self._go_on(lead, turn)

    def _go_on(self, lead: Lead, turn: Turn) -> None:
        lead.at(turn)
        turn.switch()
        lead.at(None)

    def _answer(self, lead: Lead, conn: Connection) -> None:
        keep = self.handle(conn)
        with lead.lock:
            if not lead.over:
                self._put_back(conn, keep)
                return
        self.method_queue.defer(self._put_back, conn, keep)

    def _sweep(self) -> None:
        """Close what has been idle for too long; see whether a worker that ends has ended."""
        now = time.monotonic()
        if self.alive and now - self._swept < 1:
            return
        self._swept = now
        if not self.alive:
            shares.leave(self.age)
            self._idle_until = min(self._idle_until, now + STOP_KEEPALIVE_LINGER)
        self.clients.close_idle(self._idle_until)
        if not self.alive and not self.sockets and not self.clients.count:
            self._ended.set()

    # In any thread.

    def handle(self, conn: Connection) -> Any:
        """Answer the request that a connection has brought; say whether it may bring another."""
        try:
            conn.to_parser()
            keep = super().handle(conn)
            conn.flush()
        except OSError:  # the client has gone
            return False
        except BaseException:
            self.log.exception("a request has failed")
            return False
        return keep

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Refuse what is no request, in the service's own shape; see `refusals`."""
        with suppress(OSError):
            client.sendall(answer_to(exc))

    def _keepalive_after(self, conn: Connection, keepalive: Any) -> Any:
        if conn.whole:  # nothing to wait for, and so no clock to set
            return keepalive and conn.parser.finish_body()
        return super()._keepalive_after(conn, keepalive)

    # Connections.

    def accept(self, listener: Any) -> None:
        """Take the new connections that are this worker's share; of a flood, some at a time."""
        for _ in range(MOST_AT_ONCE):
            if self.clients.count >= self.worker_connections or not self._accept_one(listener):
                break

    def _accept_one(self, listener: Any) -> bool:
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # there are no more, or it has gone
            return False
        except OSError as error:  # the system has no more for this process
            self._most = max(1, self.clients.count)
            self.log.warning("%d connections from now on: %s", self._most, error)
            return False
        conn = Connection(self.cfg, client, address, listener.getsockname(), self._seconds)
        self.clients.welcome(conn, self.cfg.keepalive)
        return True

    def _stop_listening(self) -> None:
        """Take those who wait to be accepted: with the last worker the system would reset them."""
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.setblocking(False)
            while self.clients.count < self._most and self._accept_one(listener):
                pass
            listener.close()
        self.sockets = []

    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        """Take a connection back from another thread of the pool."""
        self._put_back(conn, not fs.cancelled() and fs.result())

    def _put_back(self, conn: Connection, keep: Any) -> None:
        if conn.unread():
            self.clients.send_rest(conn, partial(self._put_back, conn, keep))
        elif keep:
            self.clients.take_back(
                conn, self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER
            )
        else:
            self.clients.hang_up(conn)
