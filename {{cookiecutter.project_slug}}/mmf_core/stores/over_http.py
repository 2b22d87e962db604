"""Requests over HTTP with the standard library, and their errors in plain words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ..errors import StoreError
from ..settings import Settings
from .objects import UNKNOWN

RETRY_STATUSES = {429, 500, 502, 503, 504}
PAUSES = (0.5, 1.0)
"""Seconds between attempts while a server is busy, as S3 is now and then."""
RANGE_NOT_SATISFIABLE = 416


class HTTPStatusError(StoreError):
    """The server responded with an error status, `code`."""

    def __init__(self, uri: str, code: int, reason: str) -> None:
        super().__init__(f"{uri}: the server responded with {code} {reason}")
        self.code = code


def request(name: str, url: str, headers: Mapping[str, str]) -> Any:
    """Return an open HTTPResponse; errors call the URL `name`, since it may hold a secret."""
    timeout = Settings.from_env().store_timeout
    for pause in (*PAUSES, None):
        try:
            return urlopen(Request(url, headers=dict(headers)), timeout=timeout)  # noqa: S310
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

    Only a partial response has a Content-Range.
    """
    if content_range:
        span, _, total = content_range.removeprefix("bytes ").partition("/")
        return int(span.partition("-")[0]), int(total) if total.isdigit() else UNKNOWN
    return 0, UNKNOWN if length is None else int(length)
