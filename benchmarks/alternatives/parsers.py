"""The cost of parsing the head of a request by each parser of gunicorn's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

PARSERS = {"gunicorn's own parser, in Python": "python", "gunicorn_h1c, in C": "fast"}
HEAD = (
    b"POST /score HTTP/1.1\r\n"
    b"Host: 127.0.0.1:8000\r\n"
    b"Content-Type: application/json\r\n"
    b"Accept: application/json\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def parse(setting: str) -> Callable[[], Any]:
    """Return a function that parses one request, as a new connection does."""
    config = Config()
    config.set("http_parser", setting)
    return lambda: next(RequestParser(config, iter([HEAD]), ("127.0.0.1", 1)))


ACTIONS: dict[str, Callable[[], Any]] = {name: parse(setting) for name, setting in PARSERS.items()}
