"""A warning that the log is not ours any more: libraries may configure logging when imported."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from .logs import writes_to_stdout

_log = logging.getLogger("mmf.start")


@contextmanager
def warn_if_replaced() -> Iterator[None]:
    """Log a warning if the block, such as an import, puts another handler in the place of ours."""
    had_ours = writes_to_stdout()
    yield
    if had_ours and not writes_to_stdout():
        handlers = ", ".join(type(handler).__name__ for handler in logging.getLogger().handlers)
        _log.warning(
            "main.py, or a package that it imports, has replaced the handlers of the root logger: "
            "expected StdoutHandler, got %s; lines have no request ids, and secrets stay in them, "
            "unless that package is kept from configuring logging",
            handlers or "none",
        )
