"""A client's connection: what it has sent so far, and what is missing."""

from __future__ import annotations

import math
import re
import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import TConn

from .wires import SECONDS, Wire

LARGEST = 1 << 20  # bytes of a request that are collected before a thread is given to it
_CHUNK = 1 << 16  # more would be given by the system anew for each read
_LARGEST_HEAD = 1 << 16
_MIB = 1 << 20
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,10})[ \t]*\r\n", re.IGNORECASE)
_DIALOGUE = re.compile(rb"\r\n(?:transfer-encoding|expect):", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
_DIGITS = 16
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(TConn):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's connection, with what it has received before a thread is given to it."""

    def __init__(
        self,
        cfg: Any,
        client: socket.socket,
        address: Any,
        server: Any,
        seconds: float = SECONDS,
    ) -> None:
        super().__init__(cfg, Wire.of(client, seconds), address, server)
        self.seconds = seconds
        self.received = b""
        self.began = 0.0  # when the first part of a request came that is not whole
        self._chunk = 0  # where the next chunk of its body begins
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
        """Say how many bytes are to come before the next look; infinite where a thread should read.

        Nothing of a request may be missing before it gets a thread, or nothing of its first MiB:
        a slow client costs a file descriptor. This decides only who reads. What a request is, and
        whether it is one, gunicorn's parser says.
        """
        if self.cut_off:
            return math.inf  # what it is to be told, the parser and the application know
        end = self.received.find(_END)
        if end < 0:
            return 1 if len(self.received) < _LARGEST_HEAD else math.inf
        head = end + len(_END)
        if _DIALOGUE.search(self.received, 0, head):
            return self._missing_in_dialogue(head)
        length = _LENGTH.search(self.received, 0, head)
        return self._missing_of(head + (int(length[1]) if length else 0))

    def _missing_of(self, whole: int) -> float:
        if whole <= LARGEST:
            return whole - len(self.received)
        return max(0, LARGEST - len(self.received)) or math.inf

    def _missing_in_dialogue(self, head: int) -> float:
        """Say it for a body in chunks, and for one that comes when it is asked for."""
        if asked := _EXPECT.search(self.received, 0, head):
            if len(self.received) == head:
                with suppress(OSError):
                    self.sock.send(_GO_ON, socket.MSG_DONTWAIT)
            self.received = self.received[: asked.start()] + self.received[asked.end() :]
            return self.missing()
        if not _CHUNKED.search(self.received, 0, head):
            return math.inf  # what is expected, nobody knows
        if len(self.received) >= LARGEST:
            return math.inf
        self._chunk = max(self._chunk, head)
        while (line := self.received.find(b"\r\n", self._chunk)) >= 0:
            size = _size(self.received[self._chunk : line])
            if size is None:
                return math.inf  # gunicorn refuses it
            if size == 0:  # the last, and maybe trailers
                return 0 if self.received.find(_END, line) >= 0 else 1
            self._chunk = line + size + 4
        return max(1, self._chunk - len(self.received))

    def is_endless(self) -> bool:
        """Tell whether the head is longer than any may be."""
        if len(self.received) < _LARGEST_HEAD:
            return False
        return self.received.find(_END, 0, _LARGEST_HEAD + len(_END)) < 0

    def deadline(self) -> float:
        """Return when a request that is not whole must have come on, by `time.monotonic`."""
        self.began = self.began or time.monotonic()
        return self.began + self.seconds * (1 + len(self.received) / _MIB)

    def to_parser(self) -> None:
        """Hand over what has been received."""
        self.data_ready = True
        if self.received:
            self.init()
            if isinstance(self.sock, Wire):
                self.sock.until = math.inf if self.whole else self.deadline()
            self.parser.unreader.unread(self.received)
            self.received, self.began, self._chunk = b"", 0.0, 0

    def from_parser(self) -> None:
        """Take back what has been read of the request after the one that is answered."""
        self.received = self.parser.unreader.take_buffered()

    def flush(self) -> None:
        """Send what is left of an answer, as far as the client takes it."""
        if isinstance(self.sock, Wire):  # TLS has put its own in the place
            self.sock.flush()

    def unread(self) -> int:
        """Return how many bytes of an answer the client has not read."""
        return self.sock.rest.nbytes if isinstance(self.sock, Wire) else 0

    def hang_up(self) -> None:
        """Tell the client that nothing more will come; OSError if it knows (RFC 9112, 9.6)."""
        self.over = True
        self.sock.shutdown(socket.SHUT_WR)


def _size(line: bytes) -> int | None:
    """Read the line before a chunk: its size in hexadecimal, and maybe extensions."""
    digits = line.partition(b";")[0].strip(b" \t")
    try:
        return int(digits, 16) if len(digits) <= _DIGITS and digits.isalnum() else None
    except ValueError:
        return None
