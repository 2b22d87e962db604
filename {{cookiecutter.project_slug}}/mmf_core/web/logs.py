"""Logs: one configuration for Flask, gunicorn and the author's own lines.

One JSON object per line, or readable text if the output is a terminal. Lines that a target prints
during a request are logged like any other, with the request's id.
"""

from __future__ import annotations

import io
import logging
import logging.config
import os
import select
import sys
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from functools import cache
from time import perf_counter
from typing import Any, TextIO

from ..execution import Timings
from ..settings import Settings
from .log_redaction import redactor
from .request_context import RequestContext, current_context
from .stdout_capture import StdoutCapture, original

MAX_TEXT = 32 * 1024
"""Characters of a message or of a traceback, of which a longer one keeps both ends."""
_ATOMIC: int = getattr(select, "PIPE_BUF", 0)
"""Bytes that a pipe takes in one piece, POSIX's write()."""
_STAGES = ("decode", "queue", "call", "encode")
_access_log = logging.getLogger("mmf.access")
_TEXT = {
    "format": "%(asctime)s %(levelname)-7s [%(process)d] %(name)s: %(message)s (%(request_id)s)",
    "datefmt": "%H:%M:%S",
}


@cache
def json_formatter() -> logging.Formatter:
    """Return the formatter of records as JSON; the access line has the same shape without one."""
    from pythonjsonlogger.orjson import OrjsonFormatter

    return OrjsonFormatter(
        "%(levelname)s %(name)s %(message)s %(process)d %(request_id)s",
        rename_fields={
            "timestamp": "time",
            "levelname": "level",
            "name": "logger",
            "process": "pid",
        },
        timestamp=True,
    )


def dict_config(settings: Settings | None = None) -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig` and gunicorn's `logconfig_dict`."""
    settings = settings or Settings.from_env()
    text = settings.log_format == "text" or (settings.log_format == "auto" and _terminal())
    logger = {"handlers": ["stdout"], "level": settings.log_level.upper(), "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_access_line": {"()": NoAccessLine}},
        "formatters": {"line": _TEXT if text else {"()": json_formatter}},
        "handlers": {"stdout": {"()": StdoutHandler, "formatter": "line"}},
        "root": {"handlers": ["stdout"], "level": settings.log_level.upper()},
        "loggers": {
            "gunicorn.error": logger,
            "gunicorn.access": logger,
            "werkzeug": {**logger, "filters": ["no_access_line"]},
        },
    }


def configure(settings: Settings) -> None:
    """Configure logging, unless gunicorn, pytest or the author has done so already.

    If the handler is ours, standard output is captured: see `StdoutCapture`.
    """
    root = logging.getLogger()
    if not root.handlers:
        logging.config.dictConfig(dict_config(settings))
    if writes_to_stdout():
        sys.stdout = StdoutCapture(original(sys.stdout))


def writes_to_stdout() -> bool:
    """Return whether the handler of the root logger is ours."""
    return any(isinstance(handler, StdoutHandler) for handler in logging.getLogger().handlers)


class NoAccessLine(logging.Filter):
    """Drops the access line of Flask's own server, which would be a duplicate."""

    def filter(self, record: logging.LogRecord) -> bool:
        return '" %s %s' not in str(record.msg)


class StdoutHandler(logging.StreamHandler[TextIO]):
    """Writes lines to standard output, with the id of the current request and without secrets."""

    def __init__(self) -> None:
        super().__init__(original(sys.stdout))
        self._redact = redactor()
        self._is_long = False  # the record being written, which the system may take in pieces

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; `write_object` does not interrupt a long one."""
        try:
            super().emit(record)
        finally:
            self._is_long = False

    def format(self, record: logging.LogRecord) -> str:
        context = current_context()
        record.request_id = context.request_id if context else "-"
        if context:
            vars(record).update(context.log_fields)
        if record.name == "mmf.access":  # short, and without secrets: it omits the query
            return super().format(record)
        text = self._redact(super().format(_shortened(record)))
        self._is_long = len(text) > _ATOMIC // 4  # of UTF-8's at most four bytes
        return text

    def write_object(self, fields: Mapping[str, Any]) -> None:
        """Write a line of JSON that needs neither a record nor redaction.

        The system writes a short line in one piece: no lock is held meanwhile, for which all other
        requests would wait.
        """
        import orjson

        line = orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
        try:
            file = None if self._is_long else _file_number(self.stream)
            if len(line) <= _ATOMIC and file is not None:
                while line:  # all at once, unless the disk is full
                    line = line[os.write(file, line) :]
            else:
                self._write_locked(line.decode())
        except Exception:  # noqa: BLE001 - as for any record: the response is sent all the same
            self.handleError(logging.makeLogRecord({"msg": line.decode(errors="replace")}))

    def _write_locked(self, line: str) -> None:
        self.acquire()
        try:
            self.stream.write(line)
            self.stream.flush()
        finally:
            self.release()


def _file_number(stream: TextIO) -> int | None:
    """Return the number of a stream's file; None if it has none, or does more than write to it."""
    if type(stream) is io.TextIOWrapper:
        with suppress(OSError, ValueError):  # it writes to memory, or is closed
            return stream.fileno()
    return None


def _shortened(record: logging.LogRecord) -> logging.LogRecord:
    """Return a copy whose texts are short: a message or an exception may quote a whole body."""
    record = copy(record)
    record.msg, record.args = _shorten(record.getMessage()), ()
    if record.exc_info and not record.exc_text:
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    if record.exc_text:
        record.exc_text, record.exc_info = _shorten(record.exc_text), None
    return record


def _shorten(text: str) -> str:
    """Keep both ends; a word that is cut may be a part of a secret, and is left out whole."""
    if len(text) <= MAX_TEXT:
        return text
    start, end = text[: MAX_TEXT // 2], text[-MAX_TEXT // 2 :]
    kept = _last_word_off(start), _last_word_off(end[::-1])[::-1]
    return f"{kept[0]}… {len(text) - sum(map(len, kept))} characters left out …{kept[1]}"


def _last_word_off(text: str) -> str:
    return text[: max(text.rfind(space) for space in " \n") + 1]


def _terminal() -> bool:
    return sys.stdout.isatty()


def write_access_line(context: RequestContext) -> None:
    """Write the access line of a finished request; times are in milliseconds."""
    if not _access_log.isEnabledFor(logging.INFO):
        return
    ms = _ms(perf_counter() - context.started)
    length = context.environ.get("CONTENT_LENGTH", "")
    fields = {
        "method": context.method,
        "path": context.path,
        "target": context.target,
        "status": context.status,
        "ms": ms,
        "rows_in": context.rows_in,
        "rows_out": context.rows_out,
        "bytes_in": int(length) if length.isdecimal() else None,
        "bytes_out": context.bytes_out,
    }
    if timings := context.timings:
        fields["model_version"] = context.model_version or None
        fields["decode_ms"] = _ms(timings.decode)
        fields["queue_ms"] = _ms(timings.queue)
        fields["call_ms"] = _ms(timings.call)
        fields["encode_ms"] = _ms(timings.encode)
        fields["batch_size"] = timings.batch_size
    message = f"{context.method} {context.path} {context.status} {ms:.1f} ms"
    handler = _only_handler(_access_log)
    if handler is None:
        _access_log.info("%s", message, extra=fields)
        return
    handler.write_object(
        {
            "level": "INFO",
            "logger": _access_log.name,
            "message": message,
            "pid": os.getpid(),
            "request_id": context.request_id,
            **fields,
            **context.log_fields,
            "time": datetime.now(UTC),
        }
    )


def _only_handler(log: logging.Logger) -> StdoutHandler | None:
    """Return the handler that alone would get a record, to write it as JSON; else None.

    Making a record, and formatting it, takes longer than all else that a request does with its log.
    """
    stdout_handler: StdoutHandler | None = None
    if log.filters or logging.getLogRecordFactory() is not logging.LogRecord:
        return None
    logger: logging.Logger | None = log
    while logger:
        for handler in logger.handlers:
            if (
                stdout_handler
                or type(handler) is not StdoutHandler
                or handler.formatter is not json_formatter()
            ):
                return None
            if handler.filters or handler.level > logging.INFO:
                return None
            stdout_handler = handler
        logger = logger.parent if logger.propagate else None
    return stdout_handler


def server_timing(timings: Timings) -> tuple[str, str]:
    """Return the header of W3C Server Timing."""
    stages = (f"{stage};dur={_ms(getattr(timings, stage))}" for stage in _STAGES)
    return ("Server-Timing", ", ".join(stages))


def _ms(seconds: float) -> float:
    return round(seconds * 1_000_000) / 1000  # rounding to a digit takes twice as long
