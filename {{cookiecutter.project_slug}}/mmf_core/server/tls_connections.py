"""Requests by TLS: decrypted as they arrive, so that no thread waits for a client here either."""

from __future__ import annotations

import os
import time
from functools import cache
from ssl import SSLContext, SSLSocket, SSLWantReadError, SSLWantWriteError
from typing import Any

from gunicorn.http import get_parser
from gunicorn.sock import is_http2_negotiated, ssl_context

from .connections import MAX_AWAITED, Connection
from .sockets import PatientSending

_RECORD = 1 << 14  # bytes: the largest of TLS
_INCOMPLETE = (SSLWantReadError, SSLWantWriteError)


class TLSSocket(PatientSending, SSLSocket):
    """A socket with TLS."""


@cache
def _context(cfg: Any) -> SSLContext:
    """Return the context of the settings; the certificates are read once by each worker."""
    context: SSLContext = ssl_context(cfg)
    context.sslsocket_class = TLSSocket
    return context


class TLSConnection(Connection):
    """A connection whose handshake is done, and whose requests are decrypted, without waiting."""

    def init(self) -> None:
        """Have threads wait for `client_timeout` at most: with TLS, Python ignores SO_RCVTIMEO."""
        super().init()
        self.sock.settimeout(self.client_timeout)

    def has_arrived(self) -> bool:
        """Report whether to hand the next request to a thread; ConnectionError ends it."""
        if not self.parser and not self._has_shaken_hands():
            self.began = self.began or time.monotonic()
            return False
        self.is_whole = self.is_probe = False
        if self.is_http2:  # a thread reads all of it
            return True
        self.sock.setblocking(False)
        buffer = self.parser.unreader.buf
        has_ended = self._decrypt_into(buffer)
        size = buffer.tell()
        if not has_ended and size < self.awaited:
            self.began = (self.began or time.monotonic()) if size else 0.0
            return False
        missing = self._judge(buffer.getvalue(), size, is_early=has_ended)
        self.awaited = size + missing if missing else 1
        return not missing

    def is_decrypted(self) -> bool:
        """Report whether a part of a record is left."""
        return bool(self.sock.pending())

    def send(self, data: bytes) -> None:
        """Send without waiting, if there has been a handshake."""
        if self.parser:
            self.sock.send(data)

    def _has_shaken_hands(self) -> bool:
        try:
            if not isinstance(self.sock, SSLSocket):
                self.sock = _context(self.cfg).wrap_socket(
                    self.sock,
                    server_side=True,
                    suppress_ragged_eofs=self.cfg.suppress_ragged_eofs,
                    do_handshake_on_connect=False,
                )
            self.sock.do_handshake()
        except _INCOMPLETE:
            return False
        except OSError as error:
            raise ConnectionAbortedError(f"the handshake failed: {error}") from error
        self.is_http2 = is_http2_negotiated(self.sock)
        options = {"http2_connection": True} if self.is_http2 else {}
        self.parser = get_parser(self.cfg, self.sock, self.client, **options)
        self.initialized, self.began = True, 0.0
        if self.is_http2:
            self.parser.initiate_connection()
        else:
            self.init()
        return True

    def _decrypt_into(self, buffer: Any) -> bool:
        """Decrypt what has arrived, but no more than can wait; report whether it is the last."""
        buffer.seek(0, os.SEEK_END)
        while buffer.tell() < MAX_AWAITED:
            try:
                data = self.sock.recv(_RECORD)
            except _INCOMPLETE:
                return False
            except OSError:  # a thread will get it too
                return True
            if not data:
                return True
            buffer.write(data)
        return False
