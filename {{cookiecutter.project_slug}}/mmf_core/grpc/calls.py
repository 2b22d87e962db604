"""Calls of gRPC as requests of WSGI: what a server of HTTP would make of their headers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from ..web.request_context import IS_GONE

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

SERVICE, HEALTH = "inference.GRPCInferenceService", "grpc.health.v1.Health"
MEDIA_TYPE = "application/grpc+proto"
IS_CALL = "mmf.grpc"
"""In the environment of a request that is a call; no client of HTTP can set it."""
Metadata = Sequence[tuple[str, str | bytes]]
_NOT_HEADERS = {
    *("accept-encoding", "connection", "content-encoding", "content-length", "content-type"),
    *("expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
}
"""Of a connection, or of a body, which gRPC has in its own form."""
_RETURNED = (
    *("x-request-id", "x-model-version", "retry-after", "server-timing"),
    *("ratelimit", "www-authenticate"),
)
"""How the names of headers begin that a call gets as well."""


class Reply(NamedTuple):
    """A response: a message, or if `status` is not 200, a serialized google.rpc.Status."""

    status: int
    body: bytes
    metadata: tuple[tuple[str, str], ...]


class Call(NamedTuple):
    """One call of a client; `is_gone` reports whether the client has stopped waiting."""

    path: str
    message: bytes
    metadata: Metadata
    peer: str
    is_gone: Callable[[], bool]


def respond(app: WSGIApplication, call: Call, *, port: int, is_secure: bool) -> Reply:
    """Return the application's response to a call; its metadata are those that clients know."""
    status, returned = 500, []

    def start(line: str, fields: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        nonlocal status, returned
        status = int(line[:3])
        returned = [(name.lower(), value) for name, value in fields]
        return lambda _: None

    body = app(_environ(call, port, is_secure), start)
    try:
        content = b"".join(body)
    finally:
        close: Callable[[], None] = getattr(body, "close", lambda: None)
        close()
    metadata = ((name, value) for name, value in returned if name.startswith(_RETURNED))
    return Reply(status, content, tuple(pair for pair in metadata if pair[1].isascii()))


def _environ(call: Call, port: int, is_secure: bool) -> WSGIEnvironment:
    return {
        **headers(call.metadata),
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": call.path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/2",
        # gRPC keeps the name that its client has called. No page of a browser can call gRPC, so
        # that it needs no check against names of an attacker's (MMF_ALLOWED_HOSTS).
        "HTTP_HOST": "127.0.0.1",
        "REMOTE_ADDR": address_of(call.peer),
        "CONTENT_TYPE": MEDIA_TYPE,
        "CONTENT_LENGTH": str(len(call.message)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if is_secure else "http",
        "wsgi.input": BytesIO(call.message),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        IS_CALL: True,
        IS_GONE: call.is_gone,
    }


def headers(metadata: Iterable[tuple[str, str | bytes]]) -> dict[str, str]:
    """Return metadata as WSGI has headers: those of one name joined, none that looks like another.

    Binary metadata are left out.
    """
    named: dict[str, str] = {}
    for name, value in metadata:
        if name in _NOT_HEADERS or "_" in name or isinstance(value, bytes):
            continue
        key = f"HTTP_{name.upper().replace('-', '_')}"
        named[key] = f"{named[key]},{value}" if key in named else value
    return named


def address_of(peer: str) -> str:
    """Return the address in gRPC's `ipv4:127.0.0.1:5000` or `ipv6:%5B::1%5D:5000`."""
    _, _, address = unquote(peer).partition(":")
    return address.rpartition(":")[0].strip("[]")
