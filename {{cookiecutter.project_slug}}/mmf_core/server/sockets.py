"""Sockets that a thread waits for: only so long for a client that does not read."""

from __future__ import annotations

import errno
import math
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..settings import MIB


class PatientSending:
    """How a socket sends: a client that reads too slowly holds no thread."""

    client_timeout = math.inf  # seconds for a client to read, and again for each MiB it has read
    send: Callable[..., int]

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all of it; TimeoutError if the client does not read in time."""
        began, rest = time.monotonic(), memoryview(data).cast("B")
        size = len(rest)
        while rest:
            with suppress(BlockingIOError, TimeoutError):  # SO_SNDTIMEO; with TLS
                rest = rest[self.send(rest, flags) :]
            seconds = self.client_timeout * (1 + (size - len(rest)) / MIB)
            if rest and time.monotonic() - began > seconds:
                # gunicorn would log a traceback for every other number.
                raise TimeoutError(errno.ECONNRESET, "the response has not been read in time")


class BlockingSocket(PatientSending, socket.socket):
    """A socket that is always blocking: nothing here waits for one but a thread that uses it.

    gunicorn would change that before and after every request.
    """

    @classmethod
    def of(cls, sock: socket.socket) -> BlockingSocket:
        """Take over a connected socket."""
        sock.setblocking(True)
        return cls(sock.family, sock.type, sock.proto, sock.detach())

    def setblocking(self, flag: bool, /) -> None:
        """Stay as it is."""


def limit_waits(sock: socket.socket, seconds: float) -> None:
    """Have the kernel end a thread's wait to receive or send after this time."""
    limit = struct.pack("ll", *divmod(int(seconds * 1_000_000), 1_000_000))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, limit)
