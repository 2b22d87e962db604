"""The service under test, called directly before the load begins."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple

TIMEOUT = 60.0
"""Seconds for one request."""


class LoadTestError(Exception):
    """The load test cannot run; the text says why."""


class Response(NamedTuple):
    """A response of any status."""

    status: int
    media_type: str
    content: bytes


class Service:
    """A service of this template, of which only the URL is known."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise LoadTestError(f"expected a URL such as http://127.0.0.1:8000, got {url!r}")
        self.url = url.rstrip("/")
        self._headers = dict(headers or {})

    def get(self, path: str) -> Any:
        """Return a description; LoadTestError if there is none."""
        status, _, content = self.request(path)
        try:
            description = json.loads(content)
        except ValueError:
            description = None
        if status != http.client.OK or not isinstance(description, dict):
            raise LoadTestError(f"{self.url}{path} is not a description: status {status}")
        return description

    def request(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """GET, or POST a body; LoadTestError if there is no response."""
        url = f"{self.url}{path}"
        try:
            request = urllib.request.Request(url, body, self._headers | dict(headers or {}))  # noqa: S310
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
                return _response(response)
        except urllib.error.HTTPError as error:
            return _response(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise LoadTestError(f"{self.url} cannot be reached: {reason}") from None


def _response(response: Any) -> Response:
    return Response(response.status, response.headers.get_content_type(), response.read())
