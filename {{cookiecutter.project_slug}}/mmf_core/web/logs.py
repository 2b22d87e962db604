"""Logs: one configuration for Flask, gunicorn and the author's own lines.

One JSON object a line wherever the output is not a terminal; readable text in a terminal.
What a function prints during a request becomes a line like any other, with the request's id.
"""

from __future__ import annotations

import io
import logging
import logging.config
import sys
from typing import Any, TextIO

from ..settings import Settings
from .log_redaction import RedactingHandler
from .request_context import current

_JSON = {
    "()": "pythonjsonlogger.orjson.OrjsonFormatter",
    "fmt": "%(levelname)s %(name)s %(message)s %(process)d %(request_id)s",
    "rename_fields": {
        "timestamp": "time",
        "levelname": "level",
        "name": "logger",
        "process": "pid",
    },
    "timestamp": True,
}
_TEXT = {
    "format": "%(asctime)s %(levelname)-7s [%(process)d] %(name)s: %(message)s (%(request_id)s)",
    "datefmt": "%H:%M:%S",
}


def dict_config(settings: Settings | None = None) -> dict[str, Any]:
    """Return what `logging.config.dictConfig`, and gunicorn's `logconfig_dict`, take."""
    settings = settings or Settings.from_env()
    text = settings.log_format == "text" or (settings.log_format == "auto" and _terminal())
    logger = {"handlers": ["stdout"], "level": settings.log_level.upper(), "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": RequestId}, "no_access_line": {"()": NoAccessLine}},
        "formatters": {"line": _TEXT if text else _JSON},
        "handlers": {
            "stdout": {"()": stdout_handler, "formatter": "line", "filters": ["request_id"]}
        },
        "root": {"handlers": ["stdout"], "level": settings.log_level.upper()},
        "loggers": {
            "gunicorn.error": logger,
            "gunicorn.access": logger,
            "werkzeug": {**logger, "filters": ["no_access_line"]},
        },
    }


def configure(settings: Settings) -> None:
    """Configure logging, unless somebody (gunicorn, pytest, the author) has done so already."""
    if not logging.getLogger().handlers:
        logging.config.dictConfig(dict_config(settings))


class RequestId(logging.Filter):
    """Gives every record the id of the request in hand, else `-`, and its trace if it has one."""

    def filter(self, record: logging.LogRecord) -> bool:
        exchange = current()
        record.request_id = exchange.request_id if exchange else "-"
        if exchange and exchange.trace:
            record.trace_id, record.span_id = exchange.trace
        return True


class NoAccessLine(logging.Filter):
    """Leaves out the access line of Flask's own server: it would be the second."""

    def filter(self, record: logging.LogRecord) -> bool:
        return '" %s %s' not in str(record.msg)


def stdout_handler() -> logging.Handler:
    """Return a handler on standard output, which from now on is a logger too during requests."""
    stream = sys.stdout.stream if isinstance(sys.stdout, PrintedLines) else sys.stdout
    sys.stdout = PrintedLines(stream)
    return RedactingHandler(stream)


class PrintedLines(io.TextIOBase):
    """Standard output that turns what is printed during a request into log lines."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._log = logging.getLogger("print")

    def write(self, text: str) -> int:
        exchange = current()
        if exchange is None:
            return self.stream.write(text)
        *lines, rest = ("".join(exchange.printed) + text).split("\n")
        exchange.printed[:] = [rest] if rest else []
        for line in lines:
            self._log.info("%s", line)
        return len(text)

    @property
    def encoding(self) -> str:  # type: ignore[override] # read-only in every stream there is
        return self.stream.encoding

    @property
    def buffer(self) -> Any:
        return self.stream.buffer

    def flush(self) -> None:
        self.stream.flush()

    def fileno(self) -> int:
        return self.stream.fileno()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def writable(self) -> bool:
        return True


def _terminal() -> bool:
    return sys.stdout.isatty()
