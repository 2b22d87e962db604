"""Sockets that a thread waits for: only so long for a client that does not read.

Each system call that may wait gives the interpreter's lock away, and another thread takes it. So
there are as few as possible: a response's headers are sent together with its body.
"""

from __future__ import annotations

import errno
import math
import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..settings import MIB

_FINAL_RESPONSE = (b"HTTP/1.1 2", b"HTTP/1.1 3", b"HTTP/1.1 4", b"HTTP/1.1 5")  # no 100, 101, 103
_CHUNKED = b"\r\nTransfer-Encoding: chunked\r\n"
_NO_BODY = b" 204 ", b" 304 "
_EMPTY = b"\r\nContent-Length: 0\r\n"
_JOINED = 1 << 16  # bytes of a body that are copied behind the headers


class PatientSending:
    """How a socket sends: a client that reads too slowly holds no thread."""

    client_timeout = math.inf  # seconds for a client to read, and again for each MiB it has read
    send: Callable[..., int]
    _may_hold = False
    _held = b""

    def hold_headers(self) -> None:
        """Keep the headers of the next response, which are sent first, for the first of its body.

        Not those of a body in chunks, whose first one may take time, nor those without a body.
        """
        self._may_hold = True

    def send_held(self) -> None:
        """Send the headers of a response whose body has not come; hold none from now on."""
        self._may_hold = False
        if self._held:
            self.sendall(b"")

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all of it; TimeoutError if the client does not read in time."""
        if self._may_hold:
            self._may_hold = False
            if data.startswith(_FINAL_RESPONSE) and not _is_needed_at_once(data):
                self._held = data
                return
        if self._held:
            held, self._held = self._held, b""
            if len(data) > _JOINED:
                self.sendall(held)
            else:
                data = held + data
        began, rest = time.monotonic(), memoryview(data).cast("B")
        size = len(rest)
        while rest:
            with suppress(BlockingIOError, TimeoutError):  # SO_SNDTIMEO; with TLS
                rest = rest[self.send(rest, flags) :]
            seconds = self.client_timeout * (1 + (size - len(rest)) / MIB)
            if rest and time.monotonic() - began > seconds:
                # gunicorn would log a traceback for every other number.
                raise TimeoutError(errno.ECONNRESET, "the response has not been read in time")


def _is_needed_at_once(headers: bytes) -> bool:
    return headers[8:13] in _NO_BODY or _EMPTY in headers or _CHUNKED in headers


class BlockingSocket(PatientSending, socket.socket):
    """A socket that is always blocking: nothing here waits for one but a thread that uses it.

    gunicorn would change that several times for each request.
    """

    _timeout: float | None = None

    @classmethod
    def of(cls, sock: socket.socket) -> BlockingSocket:
        """Take over a connected socket."""
        sock.setblocking(True)
        return cls(sock.family, sock.type, sock.proto, sock.detach())

    def setblocking(self, flag: bool, /) -> None:
        """Stay as it is."""

    def settimeout(self, seconds: float | None, /) -> None:
        """Have `recv` wait for so long, without a system call here."""
        self._timeout = seconds

    def gettimeout(self) -> float | None:
        """Return what was set last."""
        return self._timeout

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive up to `size` bytes; TimeoutError if none arrive in time."""
        if self._timeout is not None:
            poll = select.poll()
            poll.register(self, select.POLLIN)
            if not poll.poll(1000 * self._timeout):
                raise TimeoutError("timed out")
        return super().recv(size, flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file after what is held."""
        self.send_held()
        return super().sendfile(file, offset, count)


def limit_waits(sock: socket.socket, seconds: float) -> None:
    """Have the kernel end a thread's wait to receive or send after this time."""
    limit = struct.pack("ll", *divmod(int(seconds * 1_000_000), 1_000_000))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, limit)
