"""A client's socket: how a request comes in and an answer goes out, and for how long."""

from __future__ import annotations

import errno
import math
import socket
import struct
import time
from typing import Any

SECONDS = 30.0  # that a client gets for each MiB, and for less
_MIB = 1 << 20


class Wire(socket.socket):
    """A client's socket that sends the head of an answer together with what follows it.

    It never waits for ever: each MiB of a request has to come within `seconds`, and each MiB of an
    answer has to be taken. TimeoutError or BrokenPipeError where they are not.
    """

    _held = b""
    seconds = SECONDS
    until = math.inf  # when the rest of a request must be there

    @classmethod
    def of(cls, sock: socket.socket, seconds: float = SECONDS) -> Wire:
        """Take over what a socket is connected to."""
        wire = cls(sock.family, sock.type, sock.proto, sock.detach())
        wire.seconds = seconds
        # The system's own clock: Python's would ask the system once more for each call.
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            wire.setsockopt(socket.SOL_SOCKET, option, _timeval(seconds))
        return wire

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Keep an answer's head back until something follows it, or `flush`."""
        if not self._held and data.startswith(b"HTTP/1."):
            self._held = data
        else:
            self.flush(data, flags)

    def sendfile(self, *given: Any, **named: Any) -> int:
        """Send the head first: a file goes by another way."""
        self.flush()
        return super().sendfile(*given, **named)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Take what has come, and give more time for it."""
        if flags:
            return super().recv(size, flags)
        if time.monotonic() > self.until:
            raise TimeoutError("the client is too slow")
        try:
            data = super().recv(size)
        except BlockingIOError as error:
            if self.gettimeout() is not None:
                raise
            raise TimeoutError("the client sends nothing") from error
        self.until += self.seconds * len(data) / _MIB
        return data

    def settimeout(self, value: float | None) -> None:
        """Set it where it differs: gunicorn sets it several times for each request."""
        if value != self.gettimeout():
            super().settimeout(value)

    def setblocking(self, flag: bool) -> None:
        """Set it where it differs."""
        self.settimeout(None if flag else 0.0)

    def flush(self, more: Any = b"", flags: int = 0) -> None:
        """Send what was kept back, and more."""
        held, self._held = self._held, b""
        if data := held + more if held else more:
            sent = self._send(data, flags)
            if sent < len(data):
                self._send_rest(memoryview(data)[sent:], flags)

    def _send_rest(self, data: memoryview, flags: int) -> None:
        end = time.monotonic() + self.seconds * (1 + len(data) / _MIB)
        while data:
            data = data[self._send(data, flags) :]
            if data and time.monotonic() > end:
                raise BrokenPipeError(errno.EPIPE, "the client does not read in time")

    def _send(self, data: Any, flags: int) -> int:
        try:
            return self.send(data, flags)
        except BlockingIOError as error:  # gunicorn knows a broken pipe: the client has gone
            raise BrokenPipeError(errno.EPIPE, "the client does not read") from error


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack("ll", whole, int((seconds - whole) * 1_000_000))
