"""A client of a service: `Client("http://127.0.0.1:8000").score(table)`.

This file works alone: copy it into another project. It needs Python 3.11; tables need pandas, and
travel as Arrow where both ends have pyarrow; arrays need numpy.

ServiceError            the service has not done what it was asked
├── Unreachable         no answer came: status is 0
├── RequestRefused      4xx: the detail says what to send instead
│   ├── UnknownTarget   404
│   └── InvalidValue    422: `errors` say where
└── ServiceFailed       5xx: its log has the reason, under the request_id
    └── Busy            503 and 429, and trying again has not helped
"""

from __future__ import annotations

import http.client
import io
import json
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import sleep
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

LONGEST_WAIT = 30.0
"""Seconds between two tries; a service that asks for a longer wait is not asked again."""

ARROW, NPY = "application/vnd.apache.arrow.stream", "application/x-npy"
BINARY, JSON = "application/octet-stream", "application/json"
_NEEDS = {ARROW: ("pandas", "pyarrow"), NPY: ("numpy",), JSON: ()}  # the best first
_BYTES = {"File", "Image"}
_SCALARS = {"Bool", "Datetime", "Float", "Integer", "String"}
_QUERIES = {"format", "sheet", "errors"}  # no argument of a target has such a name
_PICTURES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8": "image/jpeg",
    b"RIFF": "image/webp",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}
_LONGEST = 300


class ServiceError(Exception):
    """What an answer says of itself; `body` is all of it, such as the workbook of errors="xlsx"."""

    def __init__(self, detail: str, status: int = 0, body: bytes = b"", **told: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.body = body
        self.title: str = told.get("title") or ""
        self.errors: list[dict[str, Any]] = told.get("errors") or []
        self.request_id: str = told.get("request_id") or ""
        self.retry_after: float | None = told.get("retry_after")

    def __str__(self) -> str:
        head = f"{self.status} {self.title}: " if self.status else ""
        tail = f" (request {self.request_id})" if self.request_id else ""
        return f"{head}{self.detail}{tail}"


class Unreachable(ServiceError, ConnectionError):
    """No answer came; if `sent`, what was asked may have been done all the same."""

    def __init__(self, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.sent = sent


class RequestRefused(ServiceError):
    """4xx: what was sent cannot be served."""


class UnknownTarget(RequestRefused):
    """404: there is no such target."""


class InvalidValue(RequestRefused, ValueError):
    """422: it can be read, and is not what the target declares."""


class ServiceFailed(ServiceError):
    """5xx: nothing may be wrong with what was sent."""


class Busy(ServiceFailed):
    """503 or 429: it may be sent again, after `retry_after` seconds if the service says so."""


class _Part(NamedTuple):
    """A value on its way out, as a body or as a part of a form."""

    media_type: str
    data: bytes
    filename: str = ""


class Client:
    """A service at `url`, whose targets are methods: `client.score(table)`.

    Sent and returned are tables as pandas.DataFrame, arrays as numpy.ndarray, trees as dicts and
    lists, scalars as themselves, pictures and files as bytes. A `pathlib.Path` or a file opened for
    reading bytes is sent as it is, for any argument. `format=`, `sheet=` and `errors=` go into the
    query; an answer in a format that is not read here, such as xlsx, is returned as bytes.

    `timeout` is in seconds, for connecting and for each wait for data. A busy service, and one that
    refuses the connection, is asked again `retries` times; what may have been done is never sent
    twice (RFC 9110, 9.2.2). `headers`, such as Authorization, go with every request. A client may
    be shared by threads, not by processes; `close` it, or use it in `with`.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 60.0,
        retries: int = 3,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise ValueError("url is http://host:port or https://…; credentials go into headers=")
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.url = url.rstrip("/")
        self._new = partial(kind, parts.hostname, parts.port, timeout=timeout)
        self._prefix = parts.path.rstrip("/")
        self._retries = retries
        self._headers = {"User-Agent": "mmf-client", **(headers or {})}
        self._idle: deque[http.client.HTTPConnection] = deque()  # append and pop are atomic
        self._known: dict[str, dict[str, Any]] = {}

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, target: str) -> Callable[..., Any]:
        if target.startswith("_"):  # copy and pickle look for such
            raise AttributeError(target)
        return partial(self.call, target)

    def close(self) -> None:
        """Close the connections that are kept; the client can go on being used."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def call(self, target: str, /, *values: Any, **named: Any) -> Any:
        """Return a target's result, as `client.<target>(…)` does; ServiceError says why not.

        TypeError is for arguments that the target does not have, ValueError or TypeError for what
        no format can hold.
        """
        try:
            about = self.describe(target)
            query = {key: str(named.pop(key)) for key in sorted(_QUERIES & named.keys())}
            given = _bound(target, [one["id"] for one in about["arguments"]], values, named)
            accepts = {one["id"]: one["accepts"] for one in about["arguments"]}
            parts = {name: _written(value, accepts[name]) for name, value in given.items()}
            body = _form(parts) if len(accepts) > 1 and parts else next(iter(parts.values()), None)
            returns = about["returns"] or {"class_name": "", "formats": []}
            path = f"/{quote(target, safe='')}" + (f"?{urlencode(query)}" if query else "")
            accept = "*/*" if "format" in query else _wanted(returns)
            answer, content = self._ask("POST", path, body, accept)
        except (ServiceError, TypeError):
            self._known.pop(target, None)  # the service may have a newer version of it
            raise
        if answer.status == http.client.NO_CONTENT:
            return None
        return _read(content, answer.headers.get_content_type(), returns["class_name"])

    def describe(self, target: str) -> dict[str, Any]:
        """Return a target's description: its arguments, what they accept, and what it returns."""
        if target not in self._known:
            _, content = self._ask("GET", f"/{quote(target, safe='')}")
            self._known[target] = json.loads(content)
        return self._known[target]

    def targets(self) -> dict[str, str]:
        """Return the names of all targets, with their descriptions."""
        _, content = self._ask("GET", "/openapi.json")
        calls = {
            path[1:]: one.get("post", {}) for path, one in json.loads(content)["paths"].items()
        }
        return {
            name: call.get("description", "")
            for name, call in calls.items()
            if "targets" in call.get("tags", ())
        }

    def ready(self) -> bool:
        """Tell whether the service can be called now; it is asked once."""
        try:
            self._try("GET", "/health/ready", None, "*/*")
        except (Busy, Unreachable):
            return False
        return True

    def _ask(
        self, method: str, path: str, body: _Part | None = None, accept: str = "*/*"
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Return an answer and its body, after as many tries as may help."""
        for tries in range(self._retries):
            try:
                return self._try(method, path, body, accept)
            except (Busy, Unreachable) as error:
                if not _may_repeat(error, method):
                    raise
                # Clients that were refused together should not come back together.
                wait = random.uniform(0.1, 0.5 * 2**tries)  # noqa: S311 - no secret
                sleep(wait if error.retry_after is None else error.retry_after)
        return self._try(method, path, body, accept)

    def _try(
        self, method: str, path: str, body: _Part | None, accept: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        headers = {**self._headers, "Accept": accept}
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
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(
                f"{self.url}: {str(error) or type(error).__name__}", sent=True
            ) from error
        except BaseException:  # half an answer would be read by the next request
            connection.close()
            raise
        if not answer.will_close:
            self._idle.append(connection)
        if answer.status // 100 != 2:  # noqa: PLR2004 - RFC 9110, 15
            raise _error(answer, content)
        return answer, content

    def _connection(self) -> http.client.HTTPConnection:
        """Return a kept connection that the service has not closed meanwhile, or a new one."""
        with suppress(IndexError):
            while True:
                kept = self._idle.pop()
                with DefaultSelector() as selector:
                    selector.register(kept.sock, EVENT_READ)
                    if not selector.select(0):
                        return kept
                kept.close()
        connection = self._new()
        connection.connect()
        return connection


def _bound(
    target: str, names: list[str], values: tuple[Any, ...], named: dict[str, Any]
) -> dict[str, Any]:
    """Return values by argument, as Python binds them."""
    given = dict(zip(names, values, strict=False))
    wrong = [name for name in named if name in given or name not in names]
    if wrong or len(values) > len(names):
        raise TypeError(f"{target}({', '.join(names)}) does not take that: {wrong or len(values)}")
    return given | named


def _may_repeat(error: Busy | Unreachable, method: str) -> bool:
    if isinstance(error, Unreachable):
        unsent = method == "GET" or not error.sent
        return unsent and isinstance(error.__cause__, ConnectionError)
    return (error.retry_after or 0) <= LONGEST_WAIT


def _error(answer: http.client.HTTPResponse, content: bytes) -> ServiceError:
    """Return the error that an answer is: the members of RFC 9457, or what a proxy wrote."""
    media_type, told = answer.headers.get_content_type(), None
    if media_type.endswith("json"):
        with suppress(ValueError):
            told = json.loads(content)
    is_text = media_type.startswith("text/")
    told = {
        "title": http.client.responses.get(answer.status, answer.reason),
        "detail": content[:_LONGEST].decode(errors="replace")
        if is_text
        else f"see body: {media_type}",
        "request_id": answer.headers["X-Request-ID"],
        **(told if isinstance(told, dict) else {}),
        "status": answer.status,
    }
    wait = _seconds(answer.headers["Retry-After"])
    named = {404: UnknownTarget, 422: InvalidValue, 429: Busy, 503: Busy}
    general = {4: RequestRefused, 5: ServiceFailed}.get(answer.status // 100, ServiceError)
    return named.get(answer.status, general)(**told, body=content, retry_after=wait)


def _seconds(retry_after: str | None) -> float | None:
    """Read `Retry-After`, which is seconds or a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    with suppress(ValueError):
        if retry_after.isdecimal():
            return float(retry_after)
        wait = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        return max(0.0, wait)
    return None


# Values as bytes


def _form(parts: Mapping[str, _Part]) -> _Part:
    """Put parts into one body (RFC 7578), names escaped as browsers do."""
    boundary = uuid4().hex
    lines = []
    for name, part in parts.items():
        file = part.filename or name
        for sign, escaped in {'"': "%22", "\r": "%0D", "\n": "%0A"}.items():
            file = file.replace(sign, escaped)
        lines.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
            f"Content-Type: {part.media_type}\r\n\r\n".encode()
        )
        lines += [part.data, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode())
    return _Part(f"multipart/form-data; boundary={boundary}", b"".join(lines))


def _written(value: Any, accepts: Iterable[str]) -> _Part:
    if isinstance(value, Path):  # the service goes by the name
        return _Part(BINARY, value.read_bytes(), value.name)
    if hasattr(value, "read"):
        return _Part(BINARY, value.read(), Path(str(getattr(value, "name", ""))).name)
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        seen = next((kind for start, kind in _PICTURES.items() if data.startswith(start)), BINARY)
        return _Part(seen if seen in accepts else BINARY, data)
    if hasattr(value, "to_frame"):
        value = value.to_frame()
    if hasattr(value, "columns"):
        if _has(ARROW, accepts):
            with suppress(NotImplementedError, TypeError, ValueError):  # JSON may hold it
                return _Part(ARROW, _arrow(value))
        value = _columns_and_data(value)
    elif hasattr(value, "dtype") and NPY in accepts:
        return _Part(NPY, _npy(value))
    text = json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False)
    return _Part(JSON, text.encode())


def _arrow(table: Any) -> bytes:
    import pyarrow as pa

    written = pa.Table.from_pandas(table, preserve_index=False)
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, written.schema) as stream:
        stream.write_table(written)
    return buffer.getvalue()


def _columns_and_data(table: Any) -> dict[str, Any]:
    cells = table.astype(object)
    return {"columns": list(table.columns), "data": cells.where(table.notna(), None).to_numpy()}


def _npy(array: Any) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a date or of what NumPy has."""
    for method in ("isoformat", "tolist"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"{type(value).__name__} cannot be sent; a Client says what can")


# Bytes as values


def _wanted(returns: Mapping[str, Any]) -> str:
    """Return the media type that a result is best read from here."""
    if returns["class_name"] in _BYTES:
        return "*/*"
    return next((one for one in _NEEDS if _has(one, returns["formats"])), "*/*")


def _has(media_type: str, offered: Iterable[str]) -> bool:
    """Tell whether both ends have it."""
    return media_type in offered and all(find_spec(one) for one in _NEEDS[media_type])


def _read(content: bytes, media_type: str, kind: str) -> Any:
    if media_type == ARROW:
        import pyarrow as pa

        return pa.ipc.open_stream(content).read_all().to_pandas()
    if media_type == NPY:
        import numpy as np

        return np.load(io.BytesIO(content), allow_pickle=False)
    if media_type != JSON or kind in _BYTES:
        return content
    value = json.loads(content)
    if kind == "DataFrame" and find_spec("pandas"):
        import pandas as pd

        return pd.DataFrame(value)
    if kind in _SCALARS:
        value = value["result"]
    return datetime.fromisoformat(value) if kind == "Datetime" and value else value
