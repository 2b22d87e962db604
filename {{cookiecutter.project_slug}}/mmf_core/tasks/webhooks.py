"""Webhooks: a task is posted to its caller's URL when it is done (Standard Webhooks).

The service sends requests to URLs of its callers. So these may name only public addresses, or those
that the operator allows; a name is resolved and checked again when the task is sent, and that very
address is connected to. Redirects are not followed, and the body of the response is not read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import logging
import re
import socket
import ssl
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from itertools import islice
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..codecs import json
from ..errors import ErrorDetail, InvalidValue, Overloaded, quoted
from .outbox import ATTEMPT_TIMEOUT, ATTEMPTS, Outbox
from .settings import TaskSettings
from .task import Task

TIMEOUT = 10.0  # seconds for connecting, and for each read
MAX_URL = 2_000
MAX_HEAD = 16 * 1024
_STATUS = re.compile(rb"^HTTP/1\.[01] ([2-9][0-9][0-9])[ \r\n]", re.MULTILINE)
MAX_CONCURRENT = 32
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # of IPv4 by NAT64: RFC 6052
_lookups = BoundedSemaphore(4)
"""Names that a worker resolves at a time: each may take a thread for half a minute."""
_LOOKUP_WAIT = 0.5  # seconds to wait for one of them to end
_PRINTABLE = re.compile(r"[!-~]+")
_log = logging.getLogger("mmf.webhooks")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class _ForbiddenAddress(Exception):
    """An address that must not be connected to."""


def check(url: str, settings: TaskSettings) -> str:
    """Return the URL of a webhook; InvalidValue if it is invalid or forbidden.

    Overloaded while other requests wait for names that do not resolve: callers choose those.
    """
    if not _lookups.acquire(timeout=_LOOKUP_WAIT):
        raise Overloaded("too many requests wait for the addresses of their webhooks")
    try:
        reason = _reason_against(url, settings)
    finally:
        _lookups.release()
    if reason:
        detail = f"Webhook-URL: {reason}"
        raise InvalidValue(detail, [ErrorDetail(reason, where="Webhook-URL")])
    return url


def _reason_against(url: str, settings: TaskSettings) -> str:
    if not settings.webhook_secret:
        return "webhooks are off (set MMF_WEBHOOK_SECRET)"
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
        if not is_url or parts.port == 0 or len(url) > MAX_URL or not _PRINTABLE.fullmatch(url):
            return f"expected http:// or https:// and a host, got {quoted(url)}"
        _addresses(parts, settings)
    except _ForbiddenAddress as error:
        return str(error)
    except (ValueError, OSError):
        return f"the host in {quoted(url)} cannot be found"
    return ""


def _addresses(parts: SplitResult, settings: TaskSettings) -> list[str]:
    """Return the addresses of a host; _ForbiddenAddress unless all are public or allowed."""
    host = parts.hostname or ""
    entries = socket.getaddrinfo(host, _port(parts), type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in entries))
    allowed_hosts, allowed_networks = settings.webhook_allow
    for text in addresses:
        address = ipaddress.ip_address(text)
        is_allowed = host in allowed_hosts or any(
            address in network for network in allowed_networks
        )
        if not is_allowed and not _is_public(address):
            raise _ForbiddenAddress(f"{quoted(host)} is a private address (set MMF_WEBHOOK_ALLOW)")
    return addresses


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.is_site_local:  # RFC 3879: deprecated, and private still
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def signed(task_id: str, body: bytes, secret: bytes, now: int) -> dict[str, str]:
    """Return the headers by which a receiver identifies and verifies a message."""
    message_id = f"msg_{hashlib.sha256(task_id.encode()).hexdigest()[:32]}"
    content = b".".join([message_id.encode(), str(now).encode(), body])
    signature = base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{signature}",
    }


def post(url: str, task: Task, settings: TaskSettings) -> int:
    """Send a task; return the status of the response. OSError if there is none."""
    parts = urlsplit(url)
    connection = _Connection(parts, _addresses(parts, settings)[0])
    body = json.dumps(task.document("", None))
    headers = signed(task.id, body, settings.webhook_secret, int(time.time()))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, {"Content-Type": "application/json", **headers})
        return _status(connection.sock)
    finally:
        connection.close()


def _status(sock: socket.socket) -> int:
    """Return the status of a response; OSError if its first `MAX_HEAD` bytes have none.

    Interim responses may precede it (RFC 9110, 15.2), of which http.client reads any number.
    """
    head = b""
    while len(head) < MAX_HEAD and (piece := sock.recv(MAX_HEAD)):
        head += piece
        if statuses := _STATUS.findall(head):
            return int(statuses[0])
    raise OSError("not HTTP")


class _Connection(http.client.HTTPConnection):
    """A connection to an address that was checked, whatever its name resolves to meanwhile."""

    def __init__(self, parts: SplitResult, address: str) -> None:
        self.default_port = 443 if parts.scheme == "https" else 80
        super().__init__(parts.hostname or "", _port(parts), timeout=TIMEOUT)
        self._address = address
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    def connect(self) -> None:
        """Connect to the address, and verify the name's certificate."""
        self.sock: Any = socket.create_connection((self._address, self.port), TIMEOUT)
        if self._tls:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)


def deliver(outbox: Outbox, settings: TaskSettings) -> None:
    """Send a batch of due webhooks; failed ones are retried later, and given up in the end.

    A thread whose receiver is too slow is abandoned: it ends with this process.
    """
    claims = list(islice(iter(outbox.claim, None), MAX_CONCURRENT))
    pool = ThreadPoolExecutor(MAX_CONCURRENT, "mmf-webhooks")
    sent = [(*claim, pool.submit(post, claim[1], claim[0], settings)) for claim in claims]
    pool.shutdown(wait=False)
    end = time.monotonic() + ATTEMPT_TIMEOUT
    for task, _, attempt, future in sent:
        outcome = _outcome(future, end - time.monotonic())
        level = logging.INFO if isinstance(outcome, int) else logging.WARNING
        _log.log(level, "webhook of task %s, attempt %d: %s", task.id, attempt, outcome)
        if _is_final(outcome, attempt):
            outbox.remove(task)


def _outcome(future: Future[int], seconds: float) -> int | str:
    """Return the status of a response, or the reason for its absence."""
    try:
        return future.result(max(0.0, seconds))
    except TooSlow:
        return "no response in time"
    except Exception as error:  # noqa: BLE001 - the other outcomes must still be stored
        return str(error) or type(error).__name__


def _is_final(outcome: int | str, attempt: int) -> bool:
    """Return whether this is the final attempt: it was accepted, rejected, or the last one."""
    is_retryable = isinstance(outcome, str) or outcome in (408, 429) or outcome >= 500  # noqa: PLR2004
    return not is_retryable or attempt >= ATTEMPTS
