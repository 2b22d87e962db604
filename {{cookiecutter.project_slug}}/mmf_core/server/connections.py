"""Requests wait in the kernel until they are complete, so that no thread waits for a client."""

from __future__ import annotations

import re
import socket
import time
from functools import cache

from gunicorn.workers.gthread import TConn

from .probes import probes

MAX_AWAITED = 1 << 20  # bytes of a request that wait in the kernel before a thread reads them
_MAX_PEEK = 1 << 16
_MAX_CHUNKED = 1 << 14
_MAX_LINE = 4094
_MAX_DIGITS = 10
_REQUEST_LINE = re.compile(rb"[!#-~]+ [!-\xff]+ HTTP/1\.[01]\r\n")
_FRAMING = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)
_CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,8})[^\r\n]*\r\n", re.IGNORECASE)


class Connection(TConn):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's connection, which knows whether its next request has arrived."""

    awaited = 1  # bytes that the kernel must have before it reports the socket readable
    began = 0.0  # when the first bytes of an incomplete request arrived, by `time.monotonic`
    is_probe = closing = False

    def has_arrived(self) -> bool:
        """Report whether a thread can read the next request without waiting for the client.

        This only decides when a thread reads; gunicorn's parser decides what a request is. So
        anything unusual counts as arrived, and so does a socket that is readable before `awaited`
        bytes are there: the client has closed its end, or memory is short.
        """
        buffered = self.parser.unreader.buf.getvalue() if self.parser else b""
        try:
            received = self.sock.recv(_MAX_PEEK, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError as error:
            if isinstance(error, BlockingIOError) and not buffered:
                return False
            received = b""
        early = len(received) < self.awaited and (self.began or not buffered)
        missing = 0 if early else _missing(buffered + received)
        self._await(len(received) + missing if missing else 1)
        self.began = (self.began or time.monotonic()) if missing else 0.0
        self.is_probe = _probe().match(buffered + received) is not None
        self.data_ready = not missing
        return self.data_ready

    def _await(self, size: int) -> None:
        if size != self.awaited:
            self.awaited = size
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)


@cache
def _probe() -> re.Pattern[bytes]:
    return re.compile(rb"(?:GET|HEAD) (?:%s)[ ?]" % "|".join(probes()).encode())


def _missing(request: bytes) -> int:
    """Return how many bytes, at least, are missing before a thread can read a request."""
    if not _REQUEST_LINE.match(request) and (b"\n" in request or len(request) > _MAX_LINE):
        return 0
    end = request.find(b"\r\n\r\n")
    if end < 0:
        return 1 if len(request) < _MAX_PEEK else 0
    head = end + 4
    missing = 0
    match [(name.lower(), value.strip()) for name, value in _FRAMING.findall(request, 0, head)]:
        case [(b"content-length", length)] if length.isdigit():
            digits = length.lstrip(b"0") or b"0"
            if len(digits) <= _MAX_DIGITS:
                missing = head + int(digits) - len(request)
        case [(b"transfer-encoding", b"chunked")] if len(request) - head < _MAX_CHUNKED:
            missing = _missing_chunks(request, head)
    return max(0, min(missing, MAX_AWAITED - len(request)))


def _missing_chunks(request: bytes, start: int) -> int:
    """Return how many are missing of a chunked body whose first chunk begins at `start`."""
    while (end := request.find(b"\n", start) + 1) > 0:
        size = _CHUNK_SIZE.fullmatch(request, start, end)
        if not size or not int(size[1], 16):  # malformed, or the last chunk
            return 0
        start = end + int(size[1], 16) + 2
    return max(1, start - len(request))
