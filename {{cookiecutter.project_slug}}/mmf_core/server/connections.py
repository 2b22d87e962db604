"""A client's connection: what it has sent so far, and how an answer goes out."""

from __future__ import annotations

import math
import re
import socket
from typing import Any

from gunicorn.workers.gthread import TConn

LARGEST = 1 << 20  # bytes of a request that are collected before a thread is given to it
_CHUNK = 1 << 16  # more would be given by the system anew for each read
_LARGEST_HEAD = 1 << 16
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,10})[ \t]*\r\n", re.IGNORECASE)
_DIALOGUE = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade):", re.IGNORECASE)


class Wire(socket.socket):
    """A client's socket that sends the head of an answer together with what follows it."""

    _held = b""

    @classmethod
    def of(cls, sock: socket.socket) -> Wire:
        """Take over what a socket is connected to."""
        return cls(sock.family, sock.type, sock.proto, sock.detach())

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
            super().sendall(data, flags)


class Connection(TConn):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's connection, with what it has received before a thread is given to it."""

    def __init__(self, cfg: Any, client: socket.socket, address: Any, server: Any) -> None:
        super().__init__(cfg, Wire.of(client), address, server)
        self.received = b""
        self.cut_off = False  # no more will come
        self.whole = False  # a whole request was received before it was taken
        self.taken = False  # a thread is at it
        self.polled = False
        self.over = False  # all is said; the client is to close it
        self.dropped = False

    def receive(self) -> bool:
        """Take what has arrived; False if the client has gone and has left nothing."""
        try:
            data = self.sock.recv(_CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.received += data
        self.cut_off = not data
        return bool(self.received)

    def request(self) -> bytes:
        """Return the method and the path of a request that has arrived."""
        end = self.received.find(b" ", self.received.find(b" ") + 1)
        return self.received[: max(0, end)].partition(b"?")[0]

    def missing(self) -> float:
        """Say how many bytes of a request are still to come; infinite where a thread should read.

        It decides only who reads. What a request is, and whether it is one, gunicorn's parser says.
        """
        if self.cut_off:
            return math.inf  # what it is to be told, the parser and the application know
        end = self.received.find(_END)
        if end < 0:
            return 1 if len(self.received) < _LARGEST_HEAD else math.inf
        head = end + len(_END)
        if _DIALOGUE.search(self.received, 0, head):
            return math.inf
        length = _LENGTH.search(self.received, 0, head)
        whole = head + (int(length[1]) if length else 0)
        return whole - len(self.received) if whole <= LARGEST else math.inf

    def to_parser(self) -> None:
        """Hand over what has been received."""
        self.data_ready = True
        if self.received:
            self.init()
            self.parser.unreader.unread(self.received)
            self.received = b""

    def from_parser(self) -> None:
        """Take back what has been read of the request after the one that is answered."""
        self.received = self.parser.unreader.take_buffered()

    def flush(self) -> None:
        """Send what is left of an answer."""
        if isinstance(self.sock, Wire):  # TLS has put its own in the place
            self.sock.flush()

    def hang_up(self) -> None:
        """Tell the client that nothing more will come; OSError if it knows (RFC 9112, 9.6)."""
        self.over = True
        self.sock.shutdown(socket.SHUT_WR)
