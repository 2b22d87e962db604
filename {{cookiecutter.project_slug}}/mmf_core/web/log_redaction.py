"""Secrets stay out of logs: passwords in URLs, signatures, and what the environment keeps."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TextIO
from urllib.parse import quote

_SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|ACCESS_KEY|API_KEY|ACCOUNT_KEY")
_SHORTEST = 6  # characters; less is a word that any line may have
_PATTERNS = (
    re.compile(r"(://[^/\s:@'\"]*:)[^/\s@'\"]+(?=@)"),  # RFC 3986, 3.2.1
    re.compile(  # of presigned URLs: AWS, Azure, Google
        r"([?&](?:[\w.-]*(?:signature|credential|token|password|secret|key)[\w-]*|sig)=)[^&\s'\"\\]+",
        re.IGNORECASE,
    ),
    re.compile(r"(authorization[\\'\"]*\s*[:=]\s*[\\'\"]*[\w-]+ )[^'\"\\\r\n]+", re.IGNORECASE),
)
_HIDDEN = "***"


def redactor(environ: Mapping[str, str] = os.environ) -> Callable[[str], str]:
    """Return what takes secrets out of a text, the environment's too, as they are there now."""
    kept = {
        text
        for name, text in environ.items()
        if _SECRET.search(name.upper()) and len(text) >= _SHORTEST
    }
    forms = {form for text in kept for form in (text, json.dumps(text)[1:-1], quote(text, safe=""))}
    known = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))) or r"(?!)")

    def redact(text: str) -> str:
        text = known.sub(_HIDDEN, text)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\1{_HIDDEN}", text)
        return text

    return redact


class RedactingHandler(logging.StreamHandler[TextIO]):
    """Writes lines without secrets. The access line has none: it leaves out the query."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._redact = redactor()

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return line if record.name == "mmf.access" else self._redact(line)


def excepthook(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Tell what ends the process as Python does, without secrets."""
    sys.stderr.write(redactor()("".join(traceback.format_exception(kind, error, trace))))
