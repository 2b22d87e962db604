"""Requests wait in the kernel until they are complete, so that no thread waits for a client."""

from __future__ import annotations

import errno
import fcntl
import re
import select
import selectors
import socket
import struct
import termios
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from gunicorn.http.body import ChunkedReader
from gunicorn.http.message import Request
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn

from ..errors import BodyTooLarge
from ..probes import probes
from ..settings import MIB
from .sockets import BlockingSocket

MAX_AWAITED = 1 << 20  # bytes of a request that wait in the kernel before a thread reads them
_GRACE = 2.0  # seconds for a client that sends nothing while others wait for its thread
_STEP = 250  # milliseconds, after which a thread looks whether others wait
_MAX_PEEK = 1 << 16
_MAX_CHUNKED = 1 << 14
_MAX_CHUNKS = 1_000_000  # each takes three microseconds, however short it is
_MAX_AWAITED_CHUNKS = 32  # they are looked through again with every byte that comes
_MAX_LINE = 4094
_MAX_DIGITS = 10
_REQUEST_LINE = re.compile(rb"[!#-~]+ [!-\xff]+ HTTP/1\.[01]\r\n")
_FRAMING = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)
_SEES_CHANGES = selectors.DefaultSelector.__name__ in {"EpollSelector", "KqueueSelector"}
_CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,8})[^\r\n]*\r\n", re.IGNORECASE)


class Connection(TConn):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's connection, which knows whether its next request has arrived."""

    sock: Any
    awaited = 1  # bytes that the kernel must have before it calls the socket readable
    began = 0.0  # when the first bytes of an incomplete request arrived, by `time.monotonic`
    client_timeout = 0.0  # seconds for a thread to read a request, and each MiB
    deadline = 0.0  # their end
    contended_deadline = 0.0  # their end while other clients wait for the thread
    _sent_before = 0  # bytes that have arrived before the thread reads
    is_contended: Callable[[], bool] = bool
    timeout = 0.0  # until when to wait for the client, by `time.monotonic`
    is_whole = is_probe = is_slow = is_used = closing = False

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock if cfg.is_ssl else BlockingSocket.of(sock), client, server)

    def init(self) -> None:
        """Have threads read within the deadline, once there is a parser."""
        super().init()
        if not self.is_http2 and not isinstance(self.parser.unreader, _Reader):
            reader = _Reader(self)
            reader.buf, self.parser.unreader = self.parser.unreader.buf, reader
            self.parser.mesg_class = _Request

    def has_arrived(self) -> bool:
        """Report whether to hand the next request to a thread: whole, or as far as it can wait.

        This only decides when a thread reads; gunicorn's parser decides what a request is. So
        anything unusual is handed over, and so is a socket that is readable before `awaited`
        bytes are there: the client has closed its end, or memory is short.
        """
        buffered = self.parser.unreader.buf.getvalue() if self.parser else b""
        try:
            received = self.sock.recv(_MAX_PEEK, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError as error:
            if isinstance(error, BlockingIOError) and not buffered:
                return False
            received = b""
        available = len(received) if len(received) < _MAX_PEEK else self._available()
        request, size = buffered + received, len(buffered) + available
        is_early = available < self.awaited and bool(self.began or not buffered)
        missing = self._judge(request, size, is_early=is_early)
        self._await(available + missing if missing else 1)
        self.data_ready = not missing
        return self.data_ready

    def send(self, data: bytes) -> None:
        """Send without waiting."""
        self.sock.send(data, socket.MSG_DONTWAIT)

    def can_be_kept(self) -> bool:
        """Report whether a thread may have the poller wait for the next request.

        Not if the poller does not see a change while it waits, as epoll and kqueue do.
        """
        if self.is_slow or self.is_http2 or self.cfg.is_ssl or not _SEES_CHANGES:
            return False
        return not self.parser.unreader.buf.getvalue()

    def is_readable(self) -> bool:
        """Report whether bytes have arrived, or the client has closed its end."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))

    def has_hung_up(self) -> bool:
        """Send no more, and report whether the client, which may be reading, has closed its end.

        RFC 9112, 9.6. It has a moment for that.
        """
        now = time.monotonic()
        try:
            if not self.closing:
                self.sock.shutdown(socket.SHUT_WR)
                self.closing, self.began, self.timeout = True, 0.0, now + STOP_KEEPALIVE_LINGER
            return now > self.timeout or not self.sock.recv(1 << 16, socket.MSG_DONTWAIT)
        except OSError as error:
            return not isinstance(error, BlockingIOError)

    def is_decrypted(self) -> bool:
        """Report whether bytes can be read that the kernel does not have any more."""
        return False

    def begin_reading(self) -> None:
        """Start the time that a thread gives to the client."""
        self._sent_before = self._available()
        self.deadline = time.monotonic() + self.client_timeout
        self.contended_deadline = time.monotonic() + min(_GRACE, self.client_timeout)

    def has_read(self, size: int) -> None:
        """Give the client more time; for what it sent before, only if nobody waits."""
        sent_before = min(size, self._sent_before)
        self._sent_before -= sent_before
        self.deadline += self._seconds_for(size)
        self.contended_deadline += self._seconds_for(size - sent_before)

    def is_late(self) -> bool:
        """Report whether the time is over, which is shorter while others wait for the thread."""
        now = time.monotonic()
        return now > self.deadline or (now > self.contended_deadline and self.is_contended())

    def _seconds_for(self, size: int) -> float:
        return self.client_timeout * size / MIB

    def _judge(self, request: bytes, size: int, *, is_early: bool) -> int:
        """Return how many more bytes to wait for before a thread reads; 0: none."""
        missing = None if is_early else _missing(request[:_MAX_PEEK], size)
        waits = bool(missing) and size < MAX_AWAITED
        self.began = (self.began or time.monotonic()) if waits else 0.0
        self.is_whole = missing == 0
        self.is_probe = self.is_whole and _is_probe(request)
        return min(missing or 0, MAX_AWAITED - size) if waits else 0

    def _available(self) -> int:
        size: int = struct.unpack("i", fcntl.ioctl(self.sock, termios.FIONREAD, b"\0" * 4))[0]
        return size

    def _await(self, size: int) -> None:
        if size != self.awaited:
            self.awaited = size
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)


class _Reader(SocketUnreader):  # type: ignore[misc] # gunicorn has no types
    """Reads a connection's requests in a thread, each within its deadline."""

    def __init__(self, conn: Connection) -> None:
        super().__init__(conn.sock)
        self._conn = conn

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return what has arrived; TimeoutError if the client pauses, or takes, too long."""
        # gunicorn would log a traceback for every other number.
        late = TimeoutError(errno.ECONNRESET, "the request has not arrived in time")
        if not (self._conn.is_whole or self._has_more()):
            raise late
        try:
            data: bytes = super().chunk(size_hint)
        except (BlockingIOError, TimeoutError):  # SO_RCVTIMEO; with TLS
            raise late from None
        self._conn.has_read(len(data))
        return data

    def _has_more(self) -> bool:
        """Wait for bytes; False if the client is late."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        while not self._conn.is_late():
            if self._conn.is_decrypted() or poll.poll(_STEP):
                return True
        return False


class _Request(Request):  # type: ignore[misc] # gunicorn has no types
    """A request whose body has a bound on its chunks."""

    def set_body_reader(self) -> None:
        """Choose how the body is read, as gunicorn does."""
        super().set_body_reader()
        if type(self.body.reader) is ChunkedReader:
            self.body.reader = _Chunks(self, self.unreader)


class _Chunks(ChunkedReader):  # type: ignore[misc] # gunicorn has no types
    """Raises BodyTooLarge for too many of them."""

    _count = 0

    def parse_chunk_size(self, unreader: Any, data: bytes | None = None) -> Any:
        """Read the size of the next chunk."""
        self._count += 1
        if self._count > _MAX_CHUNKS:
            raise BodyTooLarge(
                f"expected a body of at most {_MAX_CHUNKS:,} chunks; send longer ones"
            )
        return super().parse_chunk_size(unreader, data)


@cache
def _probe() -> re.Pattern[bytes]:
    return re.compile(rb"(?:GET|HEAD) (?:%s)[ ?]" % "|".join(probes()).encode())


def _is_probe(request: bytes) -> bool:
    """Report whether a request is for a health check, and has no body to be read."""
    head = request.find(b"\r\n\r\n")
    return _probe().match(request) is not None and not _FRAMING.search(request, 0, head + 2)


def _missing(request: bytes, size: int) -> int | None:
    """Return how many bytes of a request are missing, at least; None if only a parser knows.

    `request` is the beginning of the `size` bytes that have arrived.
    """
    if not _REQUEST_LINE.match(request) and (b"\n" in request or size > _MAX_LINE):
        return None
    end = request.find(b"\r\n\r\n")
    if end < 0:
        return 1 if size < _MAX_PEEK else None
    head = end + 4
    match [(name.lower(), value.strip()) for name, value in _FRAMING.findall(request, 0, head)]:
        case []:
            return 0
        case [(b"content-length", length)] if length.isdigit():
            digits = length.lstrip(b"0") or b"0"
            return max(0, head + int(digits) - size) if len(digits) <= _MAX_DIGITS else None
        case [(b"transfer-encoding", b"chunked")] if size - head < _MAX_CHUNKED:
            return _missing_chunks(request, head)
    return None


def _missing_chunks(request: bytes, start: int) -> int | None:
    """Return the same of a chunked body whose first chunk begins at `start`."""
    for _ in range(_MAX_AWAITED_CHUNKS):
        if not (end := request.find(b"\n", start) + 1):
            return max(1, start - len(request))
        size = _CHUNK_SIZE.fullmatch(request, start, end)
        if not size:
            return None
        if not int(size[1], 16):  # the last chunk; trailers may follow
            return 0 if request.endswith(b"\r\n\r\n") else None
        start = end + int(size[1], 16) + 2
    return None
