"""Redaction of secrets in logs: passwords in URLs, signatures, secrets of the environment."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote

from ..errors import MMFError
from ..example_calls import Failure

# Whole words in a variable's name; some, as in PGPASSWORD, are without an underscore.
_CONFIDENTIAL = r"PASS|PWD|[A-Z0-9]*(?:PASSWORDS?|PASSWD|PASSPHRASE|SECRETS?)"
_PASSWORD_NAME = re.compile(rf"(?:^|_)(?:{_CONFIDENTIAL})\d*(?:_|$)")
_SECRET_NAME = re.compile(
    rf"(?:^|_)(?:(?:{_CONFIDENTIAL}|KEYS?|PAT|DSN|CREDS|JWT|COOKIE|CONNECTION_STRING|"
    r"[A-Z0-9]*(?:TOKEN|CREDENTIALS?|APIKEYS?))\d*(?:_|$)|(?:AUTH|P?SK)\d*$)"
)
_WEBHOOK_PATH = re.compile(r"https?://[^/?#\s]+(/\S*)")
"""The path of a webhook, such as Slack's, is a secret: it is enough to post there."""
_PUBLIC_NAME = re.compile(r"(?:^|_)PUBLIC(?:_|$)")
_USER_INFO = re.compile(r"(?:[\w+.-]+://[^/\s:@]*:|https?://)([^/\s:@]+)@")
_MIN_LENGTH = 6
"""Characters; a shorter value could be a word that occurs in many lines."""
_SECRET_PARAMETER = re.compile(  # of presigned URLs: AWS, Azure, Google
    r"signature|credential|token|password|secret|key|^sig$", re.IGNORECASE
)
_PARAMETER = re.compile(r"([?&]([\w.-]+)=)[^&\s'\"\\]+")
# Between a header's name and its value, in a request, a dict or a list of pairs, also as JSON.
_TO_VALUE = r"(?:[\\'\"]*\s*[:=]\s*|[\\'\"]+,\s*)(?:b?[\\'\"]+)?"
_TO_QUOTED = r"(?:[\\'\"]*\s*[:=]\s*|[\\'\"]+,\s*)b?[\\'\"]+"
_KEY_HEADER = "(?:(?:api[-_]?|subscription[-_])key|[-_]token)"
# To the end of a line or of a quoted text, beyond parameters that are quoted themselves.
_PARAMETERS = r"(?:[^'\"\\\r\n=]|=(?:(?P<q>\\*\")[^'\"\\\r\n]*(?P=q)(?=[,;'\"\\\r\n]|$))?)+"
_PATTERNS = (
    re.compile(r"(://[^/\s:@'\"]*:)[^/\s@'\"]+(?=@)"),  # RFC 3986, 3.2.1
    re.compile(r"(https?://)[^/\s:@'\"]+(?=@)"),  # a token: no user of https lacks a password
    re.compile(rf"(authorization{_TO_VALUE}(?:[\w-]+ )?){_PARAMETERS}", re.IGNORECASE),
    re.compile(rf"(cookie{_TO_VALUE}){_PARAMETERS}", re.IGNORECASE),
    re.compile(rf"({_KEY_HEADER}{_TO_QUOTED})[^\s,;'\"\\]+", re.IGNORECASE),
    re.compile(r"((?:(?:api-?|subscription-)key|-token):\s*)[^\s,;'\"\\]+", re.IGNORECASE),
)
_REDACTED = "***"


def redactor(environ: Mapping[str, str] = os.environ) -> Callable[[str], str]:
    """Return a function that redacts a text, including the present secrets of the environment."""
    secrets = {value for name, value in environ.items() if _is_secret(name.upper(), value)}
    secrets |= {password for value in environ.values() for password in _url_passwords(value)}
    secrets |= {path for name, value in environ.items() for path in _webhook_path(name, value)}
    forms = {
        form for text in secrets for form in (text, json.dumps(text)[1:-1], quote(text, safe=""))
    }
    values = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))) or r"(?!)")

    def redact(text: str) -> str:
        text = values.sub(_REDACTED, text)
        text = _PARAMETER.sub(_redact_parameter, text)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\1{_REDACTED}", text)
        return text

    return redact


def excepthook(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Report what ends the process, without secrets: an error of ours as one line of the log."""
    if isinstance(error, MMFError):
        logging.getLogger("mmf.start").critical("%s", Failure.of(error).detail)
        return
    sys.stderr.write(redactor()("".join(traceback.format_exception(kind, error, trace))))


def _is_secret(name: str, value: str) -> bool:
    if not _SECRET_NAME.search(name) or _PUBLIC_NAME.search(name) or len(value) < _MIN_LENGTH:
        return False
    # A number may be a password, but that of a TOKEN or a KEY is usually a length or a lifetime.
    return not (_is_path(value) or (_is_number(value) and not _PASSWORD_NAME.search(name)))


def _url_passwords(value: str) -> set[str]:
    """Return the password in a URL, or the user without one, as written and as it is sent."""
    if not (match := _USER_INFO.match(value)):
        return set()
    return {form for form in (match[1], unquote(match[1])) if len(form) >= _MIN_LENGTH}


def _webhook_path(name: str, value: str) -> set[str]:
    """Return the path and the query of the URL in a variable that is named after a webhook."""
    match = _WEBHOOK_PATH.match(value) if "WEBHOOK" in name.upper() else None
    return {match[1]} if match and len(match[1]) >= _MIN_LENGTH else set()


def _is_number(value: str) -> bool:
    with suppress(ValueError):
        float(value)
        return True
    return False


def _is_path(value: str) -> bool:
    """Return whether the value is the path of a secret; PWD is the shell's current folder."""
    with suppress(OSError, ValueError):  # too long for a path, or with a null byte
        return value.startswith("/") and Path(value).exists()
    return False


def _redact_parameter(match: re.Match[str]) -> str:
    return match[1] + _REDACTED if _SECRET_PARAMETER.search(match[2]) else match[0]
