"""The service under test, as it is asked before the load begins."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple

LONGEST = 60.0


class Unusable(Exception):
    """There is nothing that can be put under load; the text says why."""


class Reply(NamedTuple):
    """An answer of whatever status."""

    status: int
    media_type: str
    content: bytes


class Service:
    """A service of this template, of which nothing is known but its URL."""

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise Unusable(f"the host is a URL such as http://127.0.0.1:8000, not {url!r}")
        self.url = url.rstrip("/")

    def get(self, path: str) -> Any:
        """Return what a description says; Unusable where there is none."""
        status, _, content = self.ask(path)
        try:
            described = json.loads(content)
        except ValueError:
            described = None
        if status != http.client.OK or not isinstance(described, dict):
            raise Unusable(f"{self.url}{path} is not a description: status {status}")
        return described

    def ask(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """GET, or POST a body; Unusable where nobody answers."""
        url = f"{self.url}{path}"
        try:
            request = urllib.request.Request(url, body, dict(headers or {}))  # noqa: S310
            with urllib.request.urlopen(request, timeout=LONGEST) as answer:  # noqa: S310
                return _reply(answer)
        except urllib.error.HTTPError as answer:
            return _reply(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Unusable(f"{self.url} does not answer: {reason}") from None


def _reply(answer: Any) -> Reply:
    return Reply(answer.status, answer.headers.get_content_type(), answer.read())
