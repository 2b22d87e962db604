"""A task's request: its body, and the few headers that are needed to decode it.

A task is the same request, decoded again when it runs, by the code of that time, which validates it
again. So the queue contains no code, and nothing that depends on a version.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from flask import Request, current_app
from werkzeug.http import parse_dict_header, parse_options_header

from ..codecs import json
from ..errors import ErrorDetail, InvalidValue, quoted
from ..web.http.requests import MULTIPART, check_header
from ..web.request_context import current_context
from . import webhooks
from .file_storage import Content
from .settings import TaskSettings

AS_TASK = "as_task"
"""MMF's query parameter that submits a task."""
RET_URL = "ret_url"
"""MMF's query parameter for a webhook."""
OF_MMF = (AS_TASK, RET_URL)
MAX_ID = 200
"""Characters of an id."""
OWN_IDS = "schedule:"
"""The prefix of the ids of scheduled tasks, which callers may not use."""
MAX_WAIT = 60.0
"""Seconds for which a response waits at most, whatever is preferred."""
_HEADERS = {"type": "CONTENT_TYPE", "disposition": "HTTP_CONTENT_DISPOSITION"}
_ID_HEADERS = ("HTTP_TASK_ID", "HTTP_IDEMPOTENCY_KEY")


def stored_request(
    request: Request, without: Collection[str] = (), *, is_large: bool = False
) -> str:
    """Return the part of a request that a task stores, beside its body.

    `without` are parameters of the query that are about the task itself. The body of one that
    `is_large` stays in its file.
    """
    context = current_context()
    query = request.query_string.decode("latin-1")
    if without:
        pairs = parse_qsl(query, keep_blank_values=True, encoding="latin-1")
        query = urlencode([pair for pair in pairs if pair[0] not in without], encoding="latin-1")
    headers = {name: request.environ.get(key, "") for name, key in _HEADERS.items()}
    check_header("Content-Disposition", headers["disposition"])
    document = {**headers, "query": query, "request_id": context.request_id if context else ""}
    if is_large:
        document["is_large"] = True
    return json.dumps(document).decode()


def environ(stored: str, body: bytes, path: str) -> dict[str, Any]:
    """Return the WSGI environment of a stored request."""
    document = json.loads(stored)
    return {
        **{key: document[name] for name, key in _HEADERS.items() if document[name]},
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": document["query"],
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "0",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_X_REQUEST_ID": document["request_id"],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def stored_empty(request_id: str) -> str:
    """Return the stored form of an empty request, which no client has sent."""
    headers = dict.fromkeys(_HEADERS, "")
    return json.dumps({**headers, "query": "", "request_id": request_id}).decode()


def replayed(stored: str, body: bytes) -> Request:
    """Rebuild a stored request."""
    request: Request = current_app.request_class(environ(stored, body, "/"))
    return request


def fingerprint(target: str, stored: str, body: bytes) -> str:
    """Return the same text for the same request: the boundary of a form is chosen at random."""
    document = json.loads(stored)
    media_type, parameters = parse_options_header(document["type"])
    if media_type == MULTIPART and (boundary := parameters.get("boundary")):
        document["type"] = MULTIPART
        delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        body = (b"\r\n" + body).replace(delimiter, b"\r\n--")
    digest = _digest(target, document)
    digest.update(body)
    return digest.hexdigest()


def _digest(target: str, document: Mapping[str, str]) -> hashlib._Hash:
    parts = [target, document["type"], document["disposition"], document["query"]]
    return hashlib.sha256(json.dumps(parts))


class Fingerprinted:
    """A body that is read in pieces; it has its fingerprint in the end, as if it were whole."""

    def __init__(self, target: str, stored: str, body: Content) -> None:
        self._digest = _digest(target, json.loads(stored))
        self._body = body
        self.size = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        piece = self._body.read(size)
        self._digest.update(piece)
        self.size += len(piece)
        return piece

    @property
    def fingerprint(self) -> str:
        """The fingerprint of what has been read."""
        return self._digest.hexdigest()


def has_id(request: Request) -> bool:
    """Return whether the caller has chosen an id."""
    return any(request.environ.get(name) for name in _ID_HEADERS)


def task_id(request: Request, *, is_needed: bool = False) -> str:
    """Return the caller's own id for a task, else a new one.

    InvalidValue if it cannot be a part of a URL, or if it `is_needed` and missing.
    """
    sent = [request.environ[name] for name in _ID_HEADERS if request.environ.get(name)]
    if not sent:
        if is_needed:
            raise InvalidValue(
                "TASK-ID: missing header; choose an id for the task",
                [ErrorDetail("missing header", where="TASK-ID")],
            )
        return uuid4().hex
    try:
        ids: set[str] = {each.encode("latin-1").decode().strip('"') for each in sent}
    except UnicodeDecodeError:
        raise InvalidValue("TASK-ID: expected text in UTF-8") from None
    chosen = ids.pop()
    if ids:
        raise InvalidValue("TASK-ID and Idempotency-Key are different: send one of them")
    if chosen.startswith(OWN_IDS):
        detail = f"ids that begin with {OWN_IDS} are the service's own; choose another id"
        raise InvalidValue(f"TASK-ID: {detail}", [ErrorDetail(detail, where="TASK-ID")])
    is_usable = 0 < len(chosen) <= MAX_ID and chosen.isprintable() and "/" not in chosen
    if not is_usable or chosen.strip(" .") == "":
        expected = f"expected at most {MAX_ID} printable characters without /"
        raise InvalidValue(
            f"TASK-ID: {expected}, got {quoted(chosen)}", [ErrorDetail(expected, where="TASK-ID")]
        )
    return chosen


def webhook(request: Request, settings: TaskSettings, names: Collection[str]) -> str | None:
    """Return the URL to post the task to when it is done, if the caller requests it.

    `names` are the parameters of the query that are about the task itself. InvalidValue if the URL
    is invalid or not allowed.
    """
    in_query = request.args.get(RET_URL) if RET_URL in names else None
    url = request.headers.get("Webhook-URL") or in_query
    return webhooks.check(url, settings) if url else None


def preferences(request: Request) -> tuple[bool, float]:
    """Return whether `Prefer` requests a task (RFC 7240), and the seconds that it would wait."""
    header = request.environ.get("HTTP_PREFER")
    if not header:
        return False, 0.0
    check_header("Prefer", header)
    prefer = {name.lower(): text for name, text in parse_dict_header(header).items()}
    wait = prefer.get("wait") or ""
    seconds = float(wait) if wait.isascii() and wait.isdecimal() else 0.0
    return "respond-async" in prefer, min(seconds, MAX_WAIT)
