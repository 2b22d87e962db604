"""Requests by the standard library, and what can go wrong with them in words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ..errors import StoreError
from ..settings import Settings
from .base import UNKNOWN

BUSY = {429, 500, 502, 503, 504}
PAUSES = (0.5, 1.0)
"""Seconds between attempts where a server says that it is busy, as S3 does now and then."""
PARTIAL = 206
RANGE_NOT_SATISFIABLE = 416


class Refused(StoreError):
    """The server has answered, and not with what was asked for."""

    def __init__(self, uri: str, code: int, reason: str, body: str) -> None:
        super().__init__(f"{uri}: the server answers {code} {reason}")
        self.code = code
        self.body = body


class _NoRedirect(HTTPRedirectHandler):
    """A signed request is for one host; S3 redirects where the region is wrong."""

    def redirect_request(self, *_: Any) -> None:
        return None


def request(
    shown: str,
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    redirect: bool = True,
) -> Any:
    """Return an open HTTPResponse; `shown` is the name in errors: a URL may hold a secret."""
    opener = build_opener() if redirect else build_opener(_NoRedirect)
    timeout = Settings.from_env().store_timeout
    for pause in (*PAUSES, None):
        asked = Request(url, data=body, headers=dict(headers or {}), method=method)  # noqa: S310
        try:
            return opener.open(asked, timeout=timeout)
        except HTTPError as error:
            if pause is None or error.code not in BUSY:
                raise _refused(shown, error) from error
            error.close()
            time.sleep(pause)
        except (OSError, HTTPException, ValueError) as error:
            raise unreachable(shown, error) from error
    raise AssertionError


def unreachable(shown: str, error: Exception) -> StoreError:
    """Return the error for a connection that cannot be made or that breaks."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        seconds = Settings.from_env().store_timeout
        return StoreError(
            f"{shown}: no answer within {seconds:g} s (MMF_STORE_TIMEOUT); does the server hang?"
        )
    text = str(reason) or type(reason).__name__
    return StoreError(f"{shown} cannot be reached: {text}; is the address right?")


def size_and_start(headers: HTTPMessage, status: int) -> tuple[int, int]:
    """Return how large the whole is, and at which byte this answer begins (RFC 9110, 14.4)."""
    if status == PARTIAL:
        span, _, whole = headers["Content-Range"].removeprefix("bytes ").partition("/")
        size = int(whole) if whole.isdigit() else UNKNOWN
        return size, int(span.partition("-")[0])
    length = headers["Content-Length"]
    return int(length) if length else UNKNOWN, 0


def _refused(shown: str, error: HTTPError) -> Refused:
    body: IO[bytes] = error
    with error:
        try:
            text = body.read(64 * 1024).decode(errors="replace")
        except (OSError, HTTPException):
            text = ""
    return Refused(shown, error.code, str(error.reason), text)
