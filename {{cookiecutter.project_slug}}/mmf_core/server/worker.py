"""gunicorn's threaded worker, with what it lacks when no proxy is in front of it.

A request waits in the kernel until a thread can read all of it; one that cannot wait there, such
as a large body, is read within a deadline by separate threads. A spare thread serves health checks,
new connections are left to the worker that has the fewest, and a client that does not close its
connection holds nothing up.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from threading import Lock
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from ..blocking import blocking
from ..settings import Settings
from .connections import Connection
from .graceful_shutdown import stop_worker
from .http_errors import error_response, timeout_response
from .request_threads import RequestThreads
from .share import ACCEPT_DELAY, Share
from .sockets import limit_waits
from .tls_connections import TLSConnection

ACCEPT_BATCH = 64  # connections accepted before the open ones are served
UNUSED_LINGER = 5.0  # seconds for the first request of a connection, when the worker ends
BEAT = 0.1  # seconds between two heartbeats, each of which is a system call
_log = logging.getLogger("mmf.connections")


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's gthread, with slow clients in the kernel and an even share of connections."""

    alive: bool
    sockets: list[socket.socket]
    tpool: RequestThreads[Connection]
    _limit = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._client_timeout = Settings.from_env().client_timeout
        self._probe_thread = ThreadPoolExecutor(1, thread_name_prefix="mmf-probe")
        # Requests that a thread has to wait for have threads of their own: they hold up each other.
        self._slow_threads = max(1, self.cfg.threads // 2)
        self._slow_pool = ThreadPoolExecutor(self._slow_threads, "mmf-slow")
        self._slow = 0
        self._share = Share(self.age, self.cfg.threads)
        self._reaped = self._beaten = 0.0
        self._keeping = Lock()  # for what threads share with the main one

    def init_process(self) -> None:
        """Run the worker with its settings at hand: gunicorn looks up thirty for each request."""
        self.cfg.__dict__ |= {name: each.get() for name, each in self.cfg.settings.items()}
        super().init_process()

    def get_thread_pool(self) -> RequestThreads[Connection]:
        """Return the threads that run requests."""
        blocking.threads = (threads := RequestThreads[Connection](self.cfg.threads),)
        return threads

    def run(self) -> None:
        """Serve; at the end, wait for requests that outlast the time they have."""
        super().run()
        self.tpool.shutdown(wait=True)

    def notify(self) -> None:
        """Beat ten times a second at most, not with every event."""
        now = time.monotonic()
        if now - self._beaten >= BEAT:
            self._beaten = now
            super().notify()

    @property
    def worker_connections(self) -> float:
        """The limit that is set, or none while a worker with fewer connections can accept."""
        waiting = len(self.keepalived_conns) + len(self.pending_conns) + self._slow
        return self._share.limit(self._limit, self.nr_conns, waiting)

    @worker_connections.setter
    def worker_connections(self, limit: int) -> None:
        self._limit = limit

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events; not for long if connections are left to others, or requests wait."""
        left = self.alive and not self._accepting and self.nr_conns < self._limit
        waits = left or self.tpool.is_any_waiting()
        super().wait_for_and_dispatch_events(ACCEPT_DELAY if waits else timeout)
        self.tpool.adapt()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or stop accepting; at the end, accept the backlog, which would be reset."""
        super().set_accept_enabled(enabled)
        self._share.watch(self.sockets)
        if not self.alive:
            self._share.give_up()
            for listener in self.sockets:
                listener.setblocking(False)
                while self.nr_conns < self._limit and self._accept_one(listener):
                    pass
                listener.close()
            self.sockets = []

    def accept(self, listener: socket.socket) -> None:
        """Accept this worker's share of the connections, a batch at a time."""
        for _ in range(ACCEPT_BATCH):
            if not self._accept_one(listener) or self.nr_conns >= self.worker_connections:
                break

    def _accept_one(self, listener: socket.socket) -> bool:
        try:
            client, address = listener.accept()
            limit_waits(client, self._client_timeout)
        except OSError:  # none is waiting, or it was closed
            return False
        self.nr_conns += 1
        connection = TLSConnection if self.cfg.is_ssl else Connection
        conn = connection(self.cfg, client, address, listener.getsockname())
        conn.client_timeout, conn.is_contended = self._client_timeout, self._is_slow_pool_full
        self.enqueue_req(conn)
        return True

    def enqueue_req(self, conn: Connection) -> None:
        """Submit a request that has arrived to a thread; else wait for the rest of it."""
        try:
            self._submit_or_wait(conn)
        except ConnectionError:
            self._hang_up(conn)
        except Exception as error:  # noqa: BLE001 - it must not end the worker's other connections
            self._give_up(conn, error)

    def _submit_or_wait(self, conn: Connection) -> None:
        if conn.closing:
            self._hang_up(conn)
        elif conn.has_arrived():
            conn.is_used = True
            self._pool_for(conn).submit(self._serve, conn)
        elif conn.began:
            conn.timeout = conn.began + self._client_timeout
            self._wait(conn, self.pending_conns, self.on_pending_socket_readable)
        else:
            seconds = self.cfg.keepalive if self.alive else _linger(conn)
            conn.timeout = time.monotonic() + seconds
            self._wait(conn, self.keepalived_conns, self.on_client_socket_readable)

    def _pool_for(self, conn: Connection) -> ThreadPoolExecutor | RequestThreads[Connection]:
        if conn.is_probe:
            return self._probe_thread
        if conn.is_whole:
            return self.tpool
        self._slow += 1
        conn.is_slow = True
        return self._slow_pool

    def _is_slow_pool_full(self) -> bool:
        return bool(self._slow > self._slow_threads)

    def handle(self, conn: Connection) -> Any:
        """Serve a request in a thread, which reads and sends for as long as the client may take."""
        conn.sock.client_timeout = conn.client_timeout
        if not conn.is_whole:
            conn.begin_reading()
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Send headers and body together, before what the client may still send is read."""
        if req.method != "HEAD":
            conn.sock.hold_headers()
        try:
            return super().handle_request(req, conn)
        finally:
            conn.sock.send_held()

    def _serve(self, conn: Connection) -> None:
        """Handle a request; have the poller wait for the next one without the main thread."""
        try:
            outcome = self.handle(conn)
        except BaseException as error:  # noqa: BLE001 - as an executor does
            outcome = error
        with self._keeping:  # not during the system call: others would wait for that, too
            is_kept = outcome is True and self.alive and conn.can_be_kept()
            if is_kept:
                conn.set_timeout()
                self.keepalived_conns.append(conn)
        if not is_kept:
            self.method_queue.defer(self._finish, conn, outcome)
            return
        try:
            self._poll(conn, self.on_client_socket_readable)
        except Exception as error:  # noqa: BLE001 - as in enqueue_req
            self.method_queue.defer(self._give_up, conn, error)

    def _wait(self, conn: Connection, waiting: Any, callback: Any) -> None:
        waiting.append(conn)
        self._poll(conn, callback)

    def _poll(self, conn: Connection, callback: Any) -> None:
        self.poller.register(conn.sock, EVENT_READ, partial(callback, conn))

    def _cap_keepalive(self, deadline: float) -> None:
        """At the end, wait longer for a first request, which its client might not repeat."""
        with self._keeping:
            for conn in self.keepalived_conns:
                linger = _linger(conn) - STOP_KEEPALIVE_LINGER
                conn.timeout = min(conn.timeout, deadline + linger)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close idle connections, but serve a request that has come at the last moment."""
        now, waiting = time.monotonic(), self.keepalived_conns
        if self.alive and not force and (not waiting or waiting[0].timeout >= now):
            return  # they are in the order of their times, but at the end: then there are two
        with self._keeping:
            polled = self.poller.get_map()  # a thread may be about to register one
            late = [conn for conn in waiting if force or conn.timeout < now]
            over = [conn for conn in late if force or conn.sock in polled]
            for conn in over:
                waiting.remove(conn)
        for conn in over:
            with suppress(KeyError):  # not registered yet, and never used any more
                self.poller.unregister(conn.sock)
            if not force and conn.is_readable():
                self.enqueue_req(conn)
            else:
                self.nr_conns -= 1
                conn.close()

    def murder_pending(self) -> None:
        """Once a second, give up requests that have not arrived in time."""
        now = time.monotonic()
        if now - self._reaped < 1:
            return
        self._reaped = now
        for conn in [conn for conn in self.pending_conns if conn.timeout < now]:
            self.pending_conns.remove(conn)
            self.poller.unregister(conn.sock)
            if conn.began:
                with suppress(OSError):
                    conn.send(timeout_response())
            self._hang_up(conn)

    def handle_exit(self, sig: Any, frame: Any) -> None:
        """End after the requests that are running; streams must not take all of that time."""
        if self.alive:
            stop_worker(self.cfg.graceful_timeout)
        super().handle_exit(sig, frame)

    def handle_quit(self, *_: object) -> None:
        """End at once: the interpreter would wait for every call that is running."""
        self.cfg.worker_int(self)
        os._exit(0)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Respond to a malformed request in the service's own format."""
        with suppress(OSError):
            client.sendall(error_response(exc))

    def _finish(self, conn: Connection, outcome: object) -> None:
        """Keep a connection for its next request, or close it."""
        self._slow -= conn.is_slow
        conn.is_slow = False
        try:
            if not outcome or isinstance(outcome, BaseException):
                self._hang_up(conn)
            else:
                future: Future[Any] = Future()
                future.set_result(outcome)
                self.finish_request(conn, future)
        except Exception as error:  # noqa: BLE001
            self._give_up(conn, error)

    def _give_up(self, conn: Connection, error: Exception) -> None:
        """Close a connection that cannot be served, such as when no thread can be started."""
        _log.error("closing a connection: %s", error, exc_info=error)
        for waiting in (self.keepalived_conns, self.pending_conns):
            with suppress(ValueError):
                waiting.remove(conn)
        self._slow -= conn.is_slow
        conn.is_slow = False
        self.nr_conns -= 1
        conn.close()

    def _hang_up(self, conn: Connection) -> None:
        """Close a connection after its client."""
        if conn.has_hung_up():
            self.nr_conns -= 1
            conn.close()
        else:
            self._wait(conn, self.pending_conns, self.on_pending_socket_readable)


def _linger(conn: Connection) -> float:
    return STOP_KEEPALIVE_LINGER if conn.is_used else UNUSED_LINGER
