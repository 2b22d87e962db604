"""A client of a service: `Client("http://127.0.0.1:8000").score(table)`.

`submit` is the same for a result that is fetched later.

This file is self-contained: copy it into another project. It needs Python 3.11; tables need pandas,
and are sent as Arrow if both ends have pyarrow; arrays need numpy.

ServiceError            the call has failed
├── Unreachable         no response: status is 0
├── RequestRejected     4xx: the detail says what to send instead
│   ├── UnknownTarget   404
│   └── InvalidValue    422: `errors` say where
└── ServerError         5xx: the service's log has the reason, under the request_id
    └── Busy            503 and 429, after all retries
"""

from __future__ import annotations

import http.client
import io
import json
import random
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from threading import local
from time import monotonic, sleep
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from uuid import uuid4

T = TypeVar("T")

MAX_RETRY_DELAY = 30.0
"""Seconds between two attempts; a service that asks for a longer delay is not called again."""

ARROW, NPY = "application/vnd.apache.arrow.stream", "application/x-npy"
BINARY, JSON = "application/octet-stream", "application/json"
STREAM, EVENTS, LINES = "Stream", "text/event-stream", "application/x-ndjson"
_PACKAGES = {ARROW: ("pandas", "pyarrow"), NPY: ("numpy",), JSON: ()}  # the best format first
_BINARY_TYPES = {"File", "Image"}
_SCALAR_TYPES = {"Bool", "Date", "Datetime", "Float", "Integer", "String"}
_QUERY_OPTIONS = {
    "format",
    "sheet",
    "header_row",
    "errors",
}  # never the name of a target's argument
_IMAGE_SIGNATURES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8": "image/jpeg",
    b"RIFF": "image/webp",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}
_NOTHING: Mapping[str, Any] = {"class_name": "", "formats": []}
_LONGEST_WAIT = 20.0  # seconds for which one request waits for a task
_SHORTEST_WAIT = 0.5
_LONGEST_OUTAGE = 60.0
"""Seconds for which a task's handle waits for a service that restarts."""
_MAX_FEEDBACK = 10_000  # rows in one body
_MAX_EXACT_FLOAT = 2**53
_MAX_DETAIL = 300
"""Characters of a text that a proxy has sent."""


class ServiceError(Exception):
    """A failed call; `body` is the whole response, such as the workbook of errors="xlsx"."""

    def __init__(self, detail: str, status: int = 0, body: bytes = b"", **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.body = body
        self.title: str = members.get("title") or ""
        self.errors: list[dict[str, Any]] = members.get("errors") or []
        self.request_id: str = members.get("request_id") or ""
        self.retry_after: float | None = members.get("retry_after")

    def __str__(self) -> str:
        head = f"{self.status} {self.title}: " if self.status else ""
        tail = f" (request {self.request_id})" if self.request_id else ""
        return f"{head}{self.detail}{tail}"


class Unreachable(ServiceError, ConnectionError):
    """There was no response; if `sent`, the service may have executed the request anyway."""

    def __init__(self, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.sent = sent


class RequestRejected(ServiceError):
    """4xx: the request is invalid."""


class UnknownTarget(RequestRejected):
    """404: no such target."""


class InvalidValue(RequestRejected, ValueError):
    """422: a value is readable, but not valid for the target."""


class ServerError(ServiceError):
    """5xx: the service failed; the request may be valid."""


class Busy(ServerError):
    """503 or 429: worth another attempt, after `retry_after` seconds if the service says so."""


class _Part(NamedTuple):
    """A value encoded as a body, or as a part of a form."""

    media_type: str
    data: bytes
    filename: str = ""


class Client:
    """A service at `url`, whose targets are methods: `client.score(table)`.

    Tables are pandas.DataFrame, arrays numpy.ndarray, mappings dicts and lists, scalars plain
    values, images and files bytes. Any argument may be a `pathlib.Path`, or a file open in binary
    mode, whose content is sent unchanged. `format=`, `sheet=`, `header_row=` and `errors=` are sent
    in the query; a response in a format that the client does not decode, such as xlsx, is returned
    as bytes.

    `timeout` is in seconds, for connecting and for each read. A busy service, or one that refuses
    the connection, is retried `retries` times; a request that may have been executed is never sent
    twice (RFC 9110, 9.2.2). `headers` are sent with every request, and `token`, where the service
    needs one, in Authorization. Threads may share a client, processes may not; `close` it, or use
    it in `with`.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 60.0,
        retries: int = 3,
        headers: Mapping[str, str] | None = None,
        token: str = "",
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise ValueError(
                "expected http://host:port or https://…; put credentials into token= or headers="
            )
        is_secure = parts.scheme == "https"
        connection = http.client.HTTPSConnection if is_secure else http.client.HTTPConnection
        self.url = url.rstrip("/")
        self._new_connection = partial(connection, parts.hostname, parts.port, timeout=timeout)
        self._prefix = parts.path.rstrip("/")
        self._retries = retries
        self._longest_wait = max(1.0, min(_LONGEST_WAIT, timeout / 2))
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        self._headers = {"User-Agent": "mmf-client", **authorization, **(headers or {})}
        self._idle: deque[http.client.HTTPConnection] = deque()  # append and pop are atomic
        self._descriptions: dict[str, dict[str, Any]] = {}
        self._last = local()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, target: str) -> Callable[..., Any]:
        if target.startswith("_"):  # copy and pickle look for these
            raise AttributeError(target)
        return partial(self.call, target)

    def close(self) -> None:
        """Close the idle connections; the client can still be used."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def call(self, target: str, /, *values: Any, **named: Any) -> Any:
        """Return a target's result, as `client.<target>(…)` does; ServiceError if the call fails.

        TypeError for arguments that the target does not have; TypeError or ValueError for a value
        that no format can represent.
        """
        try:
            returns, request = self._prepare(target, values, named)
            if returns["class_name"] == STREAM:
                return self._stream(returns, *request)
            response, content = self._request("POST", *request)
            self._last.request_id = response.headers["X-Request-ID"] or ""
        except (ServiceError, TypeError):
            self._descriptions.pop(target, None)  # the service may have a newer version
            raise
        if response.status == http.client.ACCEPTED:  # of a target that is only ever a task
            task = Task(self, json.loads(content), returns, request[0])
            self._last.request_id = task.id
            return task.result()
        return _value(returns, response, content)

    @property
    def last_request_id(self) -> str:
        """The id of this thread's last call; its response, and the service's log, have it too."""
        return getattr(self._last, "request_id", "")

    def feedback(self, request_id: str, *, rewards: Any = None, truths: Any = None) -> None:
        """Report how good a response was, which may be long after it: see docs/feedback.md.

        `request_id` is `last_request_id` after a call, or the id of a task. `rewards`, from 0 to 1,
        and `truths`, what should have been predicted, are by row: a list, in which None says
        nothing, a dict by the numbers of rows, or the value of the only row. RequestRejected has
        the reason if they are not accepted: 403, 404 or 422.
        """
        rows: dict[int, dict[str, Any]] = {}
        for name, values in (("reward", rewards), ("truth", truths)):
            for row, value in _by_row(values).items():
                rows.setdefault(row, {"row": row})[name] = value
        entries = [*rows.values()]
        for start in range(0, len(entries) or 1, _MAX_FEEDBACK):
            document = {"request_id": request_id, "rows": entries[start : start + _MAX_FEEDBACK]}
            self._request("POST", "/feedback", _encode(document, [JSON]))

    def submit(self, target: str, /, *values: Any, task_id: str = "", **named: Any) -> Task:
        """Call a target as a task, whose result comes later; return its handle.

        `task_id` is an id of your own: the same call with the same id is the same task. Errors are
        those of `call` that the service finds before the task begins.
        """
        try:
            returns, (path, body, _) = self._prepare(target, values, named)
            sent_id = (task_id or uuid4().hex).encode().decode("latin-1")
            headers = {"Prefer": "respond-async", "TASK-ID": sent_id}
            _, content = self._request("POST", path, body, headers=headers)
        except (ServiceError, TypeError):
            self._descriptions.pop(target, None)
            raise
        return Task(self, json.loads(content), returns, path)

    def task(self, task_id: str) -> Task:
        """Return the handle of a task that was submitted before; UnknownTarget if there is none."""
        _, content = self._request("GET", f"/tasks/{quote(task_id, safe='')}")
        document = json.loads(content)
        returns = self.describe(document["target"])["returns"] or _NOTHING
        return Task(self, document, returns, "")

    def stream(self, target: str, /, *values: Any, **named: Any) -> Generator[Any]:
        """Return the pieces of a stream, as `client.<target>(…)` does; they come as they are made.

        ServiceError is raised where the stream fails. Closing it early, as the end of a function
        with a `for` loop does, has the service end the work. TypeError for a target without one.
        """
        pieces = self.call(target, *values, **named)
        if not isinstance(pieces, Generator):
            raise TypeError(f"{target} returns no stream: use client.{target}(…)")
        return pieces

    def _prepare(
        self, target: str, values: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[Mapping[str, Any], tuple[str, _Part | None, str]]:
        """Return what a target returns, and path, body and Accept of the request for it."""
        description = self.describe(target)
        query = {key: str(named.pop(key)) for key in sorted(_QUERY_OPTIONS & named.keys())}
        accepts = {argument["id"]: argument["accepts"] for argument in description["arguments"]}
        arguments = _bind(target, list(accepts), values, named)
        _refuse_texts(description["arguments"], arguments)
        parts = {name: _encode(value, accepts[name]) for name, value in arguments.items()}
        body = _form(parts) if len(accepts) > 1 and parts else next(iter(parts.values()), None)
        returns = description["returns"] or _NOTHING
        path = f"/{quote(target, safe='')}" + (f"?{urlencode(query)}" if query else "")
        accept = "*/*" if "format" in query else _best_media_type(returns)
        return returns, (path, body, accept)

    def _stream(
        self, returns: Mapping[str, Any], path: str, body: _Part | None, accept: str
    ) -> Generator[Any]:
        """Return the pieces of a stream that has begun; decoded if they are events."""
        connection, response = self._retried(self._open, "POST", path, body, accept)
        self._last.request_id = response.headers["X-Request-ID"] or ""
        is_event = response.headers.get_content_type() == EVENTS
        is_text = returns["item"]["class_name"] == "String"

        def pieces() -> Generator[Any]:
            with closing(connection), closing(response):  # its rest cannot be skipped
                yield None  # from here on, all is closed whatever happens
                try:
                    yield from _events(response, is_text) if is_event else _chunks(response)
                except (OSError, http.client.HTTPException) as error:
                    if isinstance(error, ServiceError):
                        raise
                    raise Unreachable(f"{self.url}: the stream broke off", sent=True) from error

        stream = pieces()
        next(stream)
        return stream

    def describe(self, target: str) -> dict[str, Any]:
        """Return a target's description: its arguments, what they accept, and what it returns."""
        if target not in self._descriptions:
            _, content = self._request("GET", f"/{quote(target, safe='')}")
            self._descriptions[target] = json.loads(content)
        return self._descriptions[target]

    def targets(self) -> dict[str, str]:
        """Return the names of all targets, with their descriptions."""
        _, content = self._request("GET", "/openapi.json")
        operations = {
            path[1:]: item.get("post", {}) for path, item in json.loads(content)["paths"].items()
        }
        return {
            name: operation.get("description", "")
            for name, operation in operations.items()
            if "targets" in operation.get("tags", ())
        }

    def ready(self) -> bool:
        """Return whether the service is ready for calls, without retrying."""
        try:
            self._send("GET", "/health/ready", None, "*/*")
        except (Busy, Unreachable):
            return False
        return True

    def _request(
        self,
        method: str,
        path: str,
        body: _Part | None = None,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Return a response and its body, after as many retries as necessary."""
        return self._retried(self._send, method, path, body, accept, headers)

    def _retried(
        self,
        send: Callable[..., T],
        method: str,
        path: str,
        body: _Part | None,
        accept: str,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        request = (method, path, body, accept, headers)
        is_idempotent = method == "GET" or "TASK-ID" in (headers or {})
        for attempt in range(self._retries):
            try:
                return send(*request)
            except (Busy, Unreachable) as error:
                if not _may_retry(error, is_idempotent=is_idempotent):
                    raise
                # Clients that were rejected together should not return together.
                delay = random.uniform(0.1, 0.5 * 2**attempt)  # noqa: S311 - not a secret
                sleep(delay if error.retry_after is None else error.retry_after)
        return send(*request)

    def _send(
        self,
        method: str,
        path: str,
        body: _Part | None,
        accept: str,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Return a response and its body; the connection is kept for the next request."""
        connection, response = self._open(method, path, body, accept, headers)
        return response, self._read(connection, response)

    def _open(
        self,
        method: str,
        path: str,
        body: _Part | None,
        accept: str,
        more_headers: Mapping[str, str] | None = None,
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Return a response whose body is still to be read; the errors of others are raised."""
        headers = {**self._headers, "Accept": accept, **(more_headers or {})}
        if body:
            headers["Content-Type"] = body.media_type
        if body and body.filename:
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(body.filename)}"
        try:
            connection = self._connection()
        except OSError as error:
            raise Unreachable(f"{self.url}: {error}", sent=False) from error
        try:
            connection.request(method, self._prefix + path, body.data if body else None, headers)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._unreachable(error) from error
        except BaseException:  # the next request would read the rest of this response
            connection.close()
            raise
        if response.status // 100 != 2:  # noqa: PLR2004 - RFC 9110, 15
            raise _error(response, self._read(connection, response))
        return connection, response

    def _read(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> bytes:
        try:
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._unreachable(error) from error
        except BaseException:
            connection.close()
            raise
        if not response.will_close:
            self._idle.append(connection)
        return content

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(f"{self.url}: {str(error) or type(error).__name__}", sent=True)

    def _connection(self) -> http.client.HTTPConnection:
        """Return an idle connection that the service has not closed, or a new one."""
        with suppress(IndexError):
            while True:
                idle = self._idle.pop()
                with DefaultSelector() as selector:
                    selector.register(idle.sock, EVENT_READ)
                    if not selector.select(0):
                        return idle
                idle.close()
        connection = self._new_connection()
        connection.connect()
        return connection


class Task:
    """A call whose result comes later: see `Client.submit`. `id` finds it again: `Client.task`.

    `document` is the last response about it; `status`, `progress` and `message` request a new one.
    """

    def __init__(
        self, client: Client, document: dict[str, Any], returns: Mapping[str, Any], path: str
    ) -> None:
        self.id: str = document["id"]
        self.document = document
        self._client = client
        self._returns = returns
        self._path = f"/tasks/{quote(self.id, safe='')}"
        self._format = parse_qs(urlsplit(path).query).get("format", [""])[0]

    def __repr__(self) -> str:
        return f"Task({self.id!r})"

    @property
    def status(self) -> str:
        """queued, processing, succeeded, failed or canceled."""
        return str(self.refresh()["status"])

    @property
    def progress(self) -> float | None:
        """The completed fraction, 0 to 1, if the function reports it."""
        progress: float | None = self.refresh()["progress"]
        return progress

    @property
    def message(self) -> str:
        """The function's message about its progress."""
        return str(self.refresh()["message"])

    def refresh(self, wait: float = 0) -> dict[str, Any]:
        """Return the task as it is now, or once it is done if that is within `wait` seconds."""
        headers = {"Prefer": f"wait={wait:.0f}"} if wait else {}
        _, content = self._client._request("GET", self._path, headers=headers)  # noqa: SLF001 - of this file
        self.document = json.loads(content)
        return self.document

    def log(self) -> str:
        """Return what the function has printed and logged."""
        return self._client._request("GET", f"{self._path}/log")[1].decode()  # noqa: SLF001

    def cancel(self) -> None:
        """Cancel the task; RequestRejected (409) if it is done."""
        self._client._request("POST", f"{self._path}/cancel")  # noqa: SLF001

    def result(self, timeout: float | None = None, *, bar: bool | None = None) -> Any:
        """Return the result, once it is there, as `call` does; ServiceError if the task has failed.

        TimeoutError after `timeout` seconds; the task continues. A service that restarts may take a
        minute. With `bar`, or in a terminal or a notebook, the progress is shown by tqdm, if that
        is installed. A stream's pieces are a list.
        """
        self._wait(timeout, _is_watched() if bar is None else bar)
        is_stream = self._returns["class_name"] == STREAM
        accept = LINES if is_stream else _best_media_type(self._returns)
        query, accept = (f"?format={self._format}", "*/*") if self._format else ("", accept)
        response, content = self._client._request(  # noqa: SLF001
            "GET", f"{self._path}/result{query}", None, accept
        )
        if is_stream and response.headers.get_content_type() == LINES:
            return [json.loads(line) for line in content.splitlines()]
        return _value(self._returns, response, content)

    def _wait(self, timeout: float | None, is_shown: bool) -> None:
        end = None if timeout is None else monotonic() + timeout
        lost: float | None = None  # since when the service has not responded
        with closing(_bar(self.document["target"]) if is_shown else _NoBar()) as bar:
            while self.document["status"] in ("queued", "processing"):
                began = monotonic()
                longest = 1.0 if is_shown else self._client._longest_wait  # noqa: SLF001
                left = longest if end is None else end - began
                if left <= 0:
                    raise TimeoutError(f"task {self.id} is {self.document['status']}")
                try:
                    self.refresh(min(longest, max(1.0, left)))
                    bar.show(self.document["progress"] or 0, self.document["message"])
                    lost = None
                except (Busy, Unreachable):  # its tasks survive a restart
                    lost = monotonic() if lost is None else lost
                    if monotonic() - lost >= _LONGEST_OUTAGE:
                        raise
                if monotonic() - began < _SHORTEST_WAIT:  # the service holds no requests now
                    sleep(_SHORTEST_WAIT if self.document["completed_at"] is None else 0)


class _NoBar:
    """Shows nothing."""

    def show(self, progress: float, message: str) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class _Bar(_NoBar):
    """Shows the progress by tqdm."""

    def __init__(self, tqdm: Any, name: str) -> None:
        self._tqdm = tqdm(
            total=100, desc=name, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}"
        )

    def show(self, progress: float, message: str) -> None:
        """Show how far the task is."""
        self._tqdm.n = 100 * progress
        self._tqdm.set_postfix_str(message)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._tqdm.close()


def _is_watched() -> bool:
    """Return whether someone sees what is printed: in a terminal or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def _bar(name: str) -> _NoBar:
    if find_spec("tqdm") is None:
        return _NoBar()
    from tqdm.auto import tqdm

    return _Bar(tqdm, name)


def _bind(
    target: str, names: list[str], values: tuple[Any, ...], named: dict[str, Any]
) -> dict[str, Any]:
    """Return values by argument, as Python binds them."""
    positional = dict(zip(names, values, strict=False))
    signature = f"{target}({', '.join(names)})"
    if len(values) > len(names):
        raise TypeError(f"{signature}: got {len(values)} positional arguments")
    for name in named:
        if name in positional or name not in names:
            kind = "duplicate" if name in positional else "unknown"
            raise TypeError(f"{signature}: {kind} argument {name!r}")
    return positional | named


def _refuse_texts(declared: Iterable[Mapping[str, Any]], arguments: Mapping[str, Any]) -> None:
    """Refuse a text in place of a list of texts: it could be its only one, or its JSON."""
    for argument in declared:
        value = arguments.get(argument["id"])
        if argument["class_name"] == "List" and isinstance(value, str):
            raise TypeError(f"{argument['id']}: expected a list, got {value!r}")


def _by_row(values: Any) -> dict[int, Any]:
    """Return values by row, without those that are missing."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if not isinstance(values, Mapping):
        values = dict(enumerate(values)) if isinstance(values, list | tuple) else {0: values}
    return {row: value for row, value in values.items() if value is not None and value == value}  # noqa: PLR0124 - NaN


def _may_retry(error: Busy | Unreachable, *, is_idempotent: bool) -> bool:
    if isinstance(error, Unreachable):
        is_safe = is_idempotent or not error.sent
        return is_safe and isinstance(error.__cause__, ConnectionError)
    return (error.retry_after or 0) <= MAX_RETRY_DELAY


def _error(response: http.client.HTTPResponse, content: bytes) -> ServiceError:
    """Return the error for a response, from its RFC 9457 members or a proxy's text."""
    media_type, problem = response.headers.get_content_type(), None
    if media_type.endswith("json"):
        with suppress(ValueError):
            problem = json.loads(content)
    is_text = media_type.startswith("text/")
    text = content[:_MAX_DETAIL].decode(errors="replace")
    members = {
        "title": http.client.responses.get(response.status, response.reason),
        "detail": text if is_text else f"see body: {media_type}",
        "request_id": response.headers["X-Request-ID"],
        **(problem if isinstance(problem, dict) else {}),
        "status": response.status,
    }
    error = _error_type(response.status)
    retry_after = _seconds(response.headers["Retry-After"])
    return error(**members, body=content, retry_after=retry_after)


def _error_type(status: int) -> type[ServiceError]:
    by_status = {404: UnknownTarget, 422: InvalidValue, 429: Busy, 503: Busy}
    by_class = {4: RequestRejected, 5: ServerError}
    return by_status.get(status) or by_class.get(status // 100, ServiceError)


def _seconds(retry_after: str | None) -> float | None:
    """Return `Retry-After`, which is seconds or a date, in seconds (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    with suppress(ValueError):
        if retry_after.isdecimal():
            return float(retry_after)
        delay = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        return max(0.0, delay)
    return None


# Encoding


def _form(parts: Mapping[str, _Part]) -> _Part:
    """Return a multipart body (RFC 7578), with names escaped as browsers do."""
    boundary = uuid4().hex
    lines = []
    for name, part in parts.items():
        file = part.filename or name
        for character, escaped in {'"': "%22", "\r": "%0D", "\n": "%0A"}.items():
            file = file.replace(character, escaped)
        lines.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
            f"Content-Type: {part.media_type}\r\n\r\n".encode()
        )
        lines += [part.data, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode())
    return _Part(f"multipart/form-data; boundary={boundary}", b"".join(lines))


def _encode(value: Any, accepts: Iterable[str]) -> _Part:
    if isinstance(value, Path):  # the service infers the format from the name
        return _Part(BINARY, value.read_bytes(), value.name)
    if hasattr(value, "read"):
        return _Part(BINARY, value.read(), Path(str(getattr(value, "name", ""))).name)
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        media_type = _image_type(data)
        return _Part(media_type if media_type in accepts else BINARY, data)
    if hasattr(value, "to_frame"):
        value = value.to_frame()
    if hasattr(value, "columns"):
        if _is_supported(ARROW, accepts):
            with suppress(NotImplementedError, OverflowError, TypeError, ValueError):  # JSON may
                return _Part(ARROW, _arrow(value))
        value = _columns_and_data(value)
    elif hasattr(value, "dtype") and NPY in accepts:
        return _Part(NPY, _npy(value))
    text = json.dumps(value, default=_json_value, allow_nan=False, ensure_ascii=False)
    return _Part(JSON, text.encode())


def _image_type(data: bytes) -> str:
    for signature, media_type in _IMAGE_SIGNATURES.items():
        if data.startswith(signature):
            return media_type
    return BINARY


def _arrow(table: Any) -> bytes:
    import pyarrow as pa

    arrow_table = pa.Table.from_pandas(table, preserve_index=False)
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, arrow_table.schema) as stream:
        stream.write_table(arrow_table)
    return buffer.getvalue()


def _columns_and_data(table: Any) -> dict[str, Any]:
    cells = table.astype(object)
    return {"columns": list(table.columns), "data": cells.where(table.notna(), None).to_numpy()}


def _npy(array: Any) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _json_value(value: Any) -> Any:
    """Return a date as text, a null of pandas as None, and NumPy's values as Python's."""
    if type(value).__name__ in {"NaTType", "NAType"}:
        return None
    if getattr(getattr(value, "dtype", None), "kind", "") == "M":  # nanoseconds would be integers
        is_null = not value.ndim and value != value  # noqa: PLR0124 - NaT
        return list(value) if value.ndim else None if is_null else str(value)
    for method in ("isoformat", "tolist"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"cannot send a value of type {type(value).__name__}; see help(Client)")


# Decoding


def _value(returns: Mapping[str, Any], response: http.client.HTTPResponse, content: bytes) -> Any:
    """Return the result in a response."""
    if response.status == http.client.NO_CONTENT:
        return None
    media_type = response.headers.get_content_type()
    value = _decode(content, media_type, returns["class_name"])
    if returns["class_name"] != "List" or media_type != JSON:
        return value
    return [_scalar(item, returns["item"]["class_name"]) for item in value]


def _best_media_type(returns: Mapping[str, Any]) -> str:
    """Return the media type that keeps most of a result's types."""
    if returns["class_name"] in _BINARY_TYPES:
        return "*/*"
    if returns["class_name"] == STREAM:
        return EVENTS
    formats = returns["formats"]
    return next((name for name in _PACKAGES if _is_supported(name, formats)), "*/*")


def _is_supported(media_type: str, formats: Iterable[str]) -> bool:
    """Return whether both ends support a media type."""
    return media_type in formats and all(map(find_spec, _PACKAGES[media_type]))


def _decode(content: bytes, media_type: str, class_name: str) -> Any:
    if media_type == ARROW:
        import pyarrow as pa

        # Integers beside nulls stay integers: floats would lose digits.
        return pa.ipc.open_stream(content).read_all().to_pandas(integer_object_nulls=True)
    if media_type == NPY:
        import numpy as np

        return np.load(io.BytesIO(content), allow_pickle=False)
    if media_type != JSON or class_name in _BINARY_TYPES:
        return content
    value = json.loads(content)
    if class_name == "DataFrame" and find_spec("pandas"):
        return _frame(value)
    if class_name in _SCALAR_TYPES:
        value = value["result"]
    return _scalar(value, class_name)


def _scalar(value: Any, class_name: str) -> Any:
    """Return a value of JSON as that of its descriptor: dates are texts there."""
    read = {"Date": date.fromisoformat, "Datetime": datetime.fromisoformat}.get(class_name)
    return read(value) if read and value else value


def _events(response: http.client.HTTPResponse, is_text: bool) -> Generator[Any]:
    """Yield the pieces in a stream of events; ServiceError if it fails, or ends without its end."""
    event, lines = "", []
    for line in response:
        name, _, value = line.decode().removesuffix("\n").partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            lines.append(value)
        elif event == "done":
            return
        elif event == "error":
            raise _failure(json.loads(lines[0]))
        elif lines:
            text = "\n".join(lines)
            yield text if is_text else json.loads(text)
            event, lines = "", []
    raise http.client.IncompleteRead(b"")


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    return iter(partial(response.read1, 1 << 16), b"")


def _failure(problem: dict[str, Any]) -> ServiceError:
    """Return the error of a stream that has begun."""
    return _error_type(problem["status"])(**problem, body=json.dumps(problem).encode())


def _frame(records: list[dict[str, Any]]) -> Any:
    """Return records as a DataFrame; integers that floats would round stay Python's."""
    import pandas as pd

    table = pd.DataFrame(records)
    for name in table.columns[table.dtypes == "float64"]:
        cells = [record.get(name) for record in records]
        if any(type(cell) is int and abs(cell) > _MAX_EXACT_FLOAT for cell in cells):
            table[name] = pd.Series(cells, dtype=object)
    return table
