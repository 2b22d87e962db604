"""Requests by the standard library, and what can go wrong with them in words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ..errors import StoreError
from ..settings import Settings
from .base import UNKNOWN

BUSY = {429, 500, 502, 503, 504}
PAUSES = (0.5, 1.0)
"""Seconds between attempts where a server says that it is busy, as S3 does now and then."""
RANGE_NOT_SATISFIABLE = 416


class Refused(StoreError):
    """The server has answered, and not with what was asked for."""

    def __init__(self, uri: str, code: int, reason: str) -> None:
        super().__init__(f"{uri}: the server answers {code} {reason}")
        self.code = code


def request(shown: str, url: str, headers: Mapping[str, str]) -> Any:
    """Return an open HTTPResponse; `shown` is the name in errors: a URL may hold a secret."""
    timeout = Settings.from_env().store_timeout
    for pause in (*PAUSES, None):
        asked = Request(url, headers=dict(headers))  # noqa: S310
        try:
            return urlopen(asked, timeout=timeout)  # noqa: S310
        except HTTPError as error:
            error.close()
            if pause is None or error.code not in BUSY:
                raise Refused(shown, error.code, str(error.reason)) from error
            time.sleep(pause)
        except (OSError, HTTPException, ValueError) as error:
            raise connection_error(shown, error) from error
    raise AssertionError


def connection_error(shown: str, error: Exception) -> StoreError:
    """Return the error for a connection that cannot be made or that breaks."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        seconds = Settings.from_env().store_timeout
        return StoreError(
            f"{shown}: no answer within {seconds:g} s (MMF_STORE_TIMEOUT); does the server hang?"
        )
    text = str(reason) or type(reason).__name__
    return StoreError(f"{shown} cannot be reached: {text}; is the address right?")


def start_and_size(content_range: str | None, length: int | str | None) -> tuple[int, int]:
    """Return at which byte an answer begins, and how large the whole is (RFC 9110, 14.4).

    Only an answer with a part has a Content-Range.
    """
    if content_range:
        span, _, whole = content_range.removeprefix("bytes ").partition("/")
        return int(span.partition("-")[0]), int(whole) if whole.isdigit() else UNKNOWN
    return 0, UNKNOWN if length is None else int(length)
