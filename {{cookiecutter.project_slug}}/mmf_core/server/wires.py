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
    answer has to be taken. TimeoutError or BrokenPipeError where they are not. It does not wait at
    all for the client to read the end of an answer: that is left in `rest`, for `send_rest`.
    """

    _held = b""
    rest = memoryview(b"")  # of an answer, which the client has not read
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
        self._finish()
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
        """Send what was kept back, and more; what the client does not take at once is the rest."""
        held, self._held = self._held, b""
        if data := held + more if held else more:
            self._finish()  # of an answer in parts, the one before
            if (sent := self._offer(data, flags)) < len(data):
                self.rest = memoryview(data)[sent:]

    def send_rest(self) -> bool:
        """Send of the rest what the client takes now; say whether that was all."""
        self.rest = self.rest[self._offer(self.rest) :]
        return not self.rest

    def patience(self) -> float:
        """Return for how many seconds the client may read on."""
        return self.seconds * (1 + len(self.rest) / _MIB)

    def _offer(self, data: Any, flags: int = 0) -> int:
        try:
            return self.send(data, flags | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def _finish(self) -> None:
        """Wait until the client has taken the rest."""
        end = time.monotonic() + self.patience()
        while self.rest:
            try:
                self.rest = self.rest[self.send(self.rest) :]
            except BlockingIOError as error:  # gunicorn knows a broken pipe: the client has gone
                raise BrokenPipeError(errno.EPIPE, "the client does not read") from error
            if self.rest and time.monotonic() > end:
                raise BrokenPipeError(errno.EPIPE, "the client does not read in time")


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack("ll", whole, int((seconds - whole) * 1_000_000))
