"""Which calls are refused by their metadata alone, before a message of theirs is read."""

from __future__ import annotations

from typing import Any

from flask import Flask

from ..errors import RequestError
from ..web.authorization import OPEN, authorization
from .calls import address_of, headers


class Gate:
    """Applies the rule for requests to the calls of an application; nothing is counted here.

    The application applies it again, and to the target that the message names.
    """

    def __init__(self, app: Flask) -> None:
        installed = authorization(app)
        self._groups = {
            rule.rule: installed.group_of(rule.endpoint) for rule in app.url_map.iter_rules()
        }
        authorizer = installed.authorizer
        self._authorizer = authorizer if authorizer and authorizer.needs_token else None

    def is_open(self, path: str) -> bool:
        """Return whether a method is for callers without a token, such as probes."""
        return self._groups[path] == OPEN

    def admits(self, path: str, context: Any) -> bool:
        """Return whether the caller may call a method at all, by the context of a call."""
        group = self._groups[path]
        if self._authorizer is None or group == OPEN:
            return True
        sent = headers(context.invocation_metadata() or ())
        metadata = {"authorization": sent.get("HTTP_AUTHORIZATION", "")}
        try:
            self._authorizer.check(metadata, group, address=address_of(context.peer()))
        except RequestError:
            return False
        return True
