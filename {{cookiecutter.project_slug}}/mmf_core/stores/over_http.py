"""Requests over HTTP with the standard library, and plain messages for their errors."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import IPv6Address, ip_address
from threading import Timer
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from ..errors import StoreError
from ..settings import Settings
from .objects import UNKNOWN

RETRY_STATUSES = {429, 500, 502, 503, 504}
PAUSES = (0.5, 1.0)
"""Seconds between attempts while a server is busy, as S3 is now and then."""
HEADERS_TIMEOUT = 60
"""Seconds within which all headers of a response must be there, however they come."""
RANGE_NOT_SATISFIABLE = 416
METADATA_ADDRESSES = frozenset({"fd00:ec2::254", "100.100.100.200"})
"""Those of Amazon by IPv6, and of Alibaba; all others are link-local, such as 169.254.169.254."""
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)


class HTTPStatusError(StoreError):
    """The server responded with an error status, `code`."""

    def __init__(self, uri: str, code: int, reason: str) -> None:
        super().__init__(f"{uri}: the server responded with {code} {reason}")
        self.code = code


class _SafeRedirects(HTTPRedirectHandler):
    """Follows a redirect to another web server; never to one without TLS after one with it.

    Nor to a link-local address, where clouds give their machines passwords.
    """

    def redirect_request(self, req: Request, *args: Any) -> Request | None:
        url = urlsplit(args[-1])
        schemes = {"https"} if req.full_url.startswith("https:") else {"https", "http"}
        if url.scheme not in schemes or is_metadata_address(url.hostname or ""):
            raise HTTPException(f"redirected to {url.scheme}://{url.netloc}, which is refused")
        return super().redirect_request(req, *args)


class _Connection(HTTPConnection):
    """Sends nothing to such an address, whatever name has led there; ends if headers drip."""

    def connect(self) -> None:
        super().connect()
        address = self.sock.getpeername()[0]
        if is_metadata_address(address):
            self.close()
            raise HTTPException(f"{self.host} has the address {address}, which is refused")

    def getresponse(self) -> HTTPResponse:
        end = time.monotonic() + HEADERS_TIMEOUT
        limit = Timer(HEADERS_TIMEOUT, _shut_down, [self.sock])
        limit.start()
        try:
            response = super().getresponse()
        finally:
            limit.cancel()
        if time.monotonic() >= end:  # headers that are cut off look as if they were complete
            response.close()
            raise HTTPException(f"the headers took longer than {HEADERS_TIMEOUT} s")
        return response


class _SecureConnection(HTTPSConnection, _Connection):
    """The same, over TLS."""


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended
        connection.shutdown(socket.SHUT_RDWR)


class _HTTP(HTTPHandler):
    def http_open(self, req: Request) -> Any:
        return self.do_open(_Connection, req)


class _HTTPS(HTTPSHandler):
    def https_open(self, req: Request) -> Any:
        return self.do_open(_SecureConnection, req, context=ssl.create_default_context())


@cache
def _opener() -> OpenerDirector:
    return build_opener(_SafeRedirects, _HTTP, _HTTPS)


def is_metadata_address(host: str) -> bool:
    """Return whether it is an address at which clouds give their machines passwords."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:  # a name
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_link_local or str(address) in METADATA_ADDRESSES


def request(name: str, url: str, headers: Mapping[str, str]) -> Any:
    """Return an open HTTPResponse; errors call the URL `name`, since it may hold a secret."""
    timeout = Settings.from_env().store_timeout
    for pause in (*PAUSES, None):
        try:
            return _opener().open(Request(url, headers=dict(headers)), timeout=timeout)  # noqa: S310
        except HTTPError as error:
            error.close()
            if pause is None or error.code not in RETRY_STATUSES:
                raise HTTPStatusError(name, error.code, str(error.reason)) from error
            time.sleep(pause)
        except (OSError, HTTPException, ValueError) as error:
            raise connection_error(name, error) from error
    raise AssertionError


def connection_error(name: str, error: Exception) -> StoreError:
    """Return the error for a connection that cannot be made or that breaks."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        seconds = Settings.from_env().store_timeout
        return StoreError(
            f"{name}: no response within {seconds:g} s (MMF_STORE_TIMEOUT); is the server up?"
        )
    text = str(reason) or type(reason).__name__
    return StoreError(f"{name}: connection failed: {text}; check the address")


def start_and_size(content_range: str | None, length: int | str | None) -> tuple[int, int]:
    """Return the first byte of a response, and the size of the whole object (RFC 9110, 14.4).

    Only a partial response has a Content-Range. StoreError if one of them is malformed.
    """
    if content_range:
        match = _CONTENT_RANGE.fullmatch(content_range)
        if not match:
            raise StoreError(f"the server sent an invalid Content-Range: {content_range[:80]!r}")
        return int(match[1]), UNKNOWN if match[2] == "*" else int(match[2])
    if length is None:
        return 0, UNKNOWN
    if not _LENGTH.fullmatch(str(length)):
        raise StoreError(f"the server sent an invalid Content-Length: {str(length)[:80]!r}")
    return 0, int(length)
