"""gunicorn's threaded worker, where the thread that polls also answers.

gthread hands each request from the thread that polls to another one and back. For a request of a
millisecond that is a good part of its time: each of the two has to be woken, and to get the
interpreter's lock. Here one thread of the pool, the leader, polls, reads, calls and writes.
Requests that it finds waiting together take turns, so that a target with batch= gets them in one
call.

The main thread looks after the leader. Where that is kept by a request, waiting for a database, a
lock or a slow client, or computing, another thread of the pool takes the lead, and the one that is
held up finishes its requests by itself. What often waits gets a thread of its own from the start.

A request that has not arrived whole waits with the poller. One that is large or of unknown length
is read in a thread of its own, as in gthread; so are connections with TLS and HTTP/2.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from threading import Event
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from ..turns import Turn
from .clients import Clients
from .connections import Connection
from .leads import Lead, Look
from .shares import SLACK, Shares

GLANCE = 0.005  # seconds between two looks at a busy leader
REST = 0.050  # and at an idle one

_shares = Shares()


class LeaderWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's gthread, answering in the thread that polls, with an even share of connections."""

    alive: bool
    sockets: list[Any]
    _most = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._lead: Lead | None = None
        self._look: Look | None = None
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
        """The limit that is set, or less while other workers have fewer."""
        _shares.tell(self.age, self.clients.count)
        return min(self._most, _shares.least(self.age) + SLACK)

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
        try:
            while not self._ended.wait(pause) and (now := time.monotonic()) < latest:
                pause = self._glance()
                if now - told > 1:
                    told = now
                    self.notify()
                    self.alive = self.alive and self.is_parent_alive()
                if not self.alive:
                    latest = min(latest, now + self.cfg.graceful_timeout)
        finally:
            self._end()

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
            return GLANCE
        if self._look is None or not self._look.still_holds():
            self._look = Look(lead)
        elif self._look.end_the_lead():
            self._lead = self._look = None
            self.tpool.submit(self._lead_on)
        return GLANCE if lead.turn else REST

    # In the leader's thread.

    def _lead_on(self) -> None:
        """Poll, and answer what comes, until another leads or the worker ends."""
        lead = self._lead = Lead()
        try:
            while not lead.over and not self._ended.is_set():
                if self.alive:
                    self.set_accept_enabled(self.clients.count < self.worker_connections)
                elif self.sockets:
                    self._stop_listening()
                self.wait_for_and_dispatch_events(self._patience())
                self._answer_ready(lead)
                if not lead.over:
                    self._sweep()
        except BaseException:
            self.log.exception("the thread that polls has failed")
            self._ended.set()

    def _patience(self) -> float:
        """Return for how many seconds to poll."""
        if self.clients.ready:
            return 0
        return 1 if self.alive else 0.1

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
            _shares.leave(self.age)
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

    def _keepalive_after(self, conn: Connection, keepalive: Any) -> Any:
        if conn.whole:  # nothing to wait for, and so no clock to set
            return keepalive and conn.parser.finish_body()
        return super()._keepalive_after(conn, keepalive)

    # Connections.

    def accept(self, listener: Any) -> None:
        """Take all new connections that are this worker's share."""
        while self.clients.count < self.worker_connections and self._accept_one(listener):
            pass

    def _accept_one(self, listener: Any) -> bool:
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # there are no more, or it has gone
            return False
        conn = Connection(self.cfg, client, address, listener.getsockname())
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
        if keep:
            self.clients.take_back(
                conn, self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER
            )
        else:
            self.clients.hang_up(conn)
