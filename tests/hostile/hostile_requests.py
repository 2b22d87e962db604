"""Malicious requests apart from bodies: headers, queries, URLs, and ways of sending.

Many variants of a kind are one input: each is sent on a separate connection, the status is the
highest of all, and a closed connection is a fault.
"""

import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import product
from urllib.parse import quote

from hostile_inputs import (
    ANY,
    CSV,
    FORM,
    JSON,
    MIB,
    REFUSED,
    V2,
    XLSX,
    HostileInput,
    v2,
    wrong_sheet,
)

OURS = frozenset(range(200, 500)) | {501, 505}
"""Every status that is not a failure of the service."""
WAIT = 60.0  # seconds for a response
LINE = 8_000  # bytes, of the 8,190 that a line may have
LINES = 90  # of the 100 that a request may have
Pairs = Iterable[tuple[str, str]]


def request(
    path: str, headers: Pairs = (), body: bytes = b"", method: str = "POST", host: str = "a"
) -> bytes:
    """Return a request as it is sent; texts are Latin-1, or UTF-8 if they cannot be."""
    lines = [("Host", host), ("Connection", "close"), *headers]
    if not any(name in {"Content-Length", "Transfer-Encoding"} for name, _ in lines):
        lines.append(("Content-Length", str(len(body))))
    texts = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in lines), "", ""]
    return b"\r\n".join(map(_encoded, texts)) + body


def _encoded(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def exchange(port: int, sent: bytes) -> int:
    """Send a request and return the status of its response; OSError if there is none."""
    with socket.create_connection(("127.0.0.1", port), WAIT) as client:
        try:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
        except OSError:  # it was rejected before its end
            pass
        start = client.recv(1 << 16)
        try:
            while client.recv(1 << 20):
                pass
        except ConnectionResetError:
            pass
    if not start.startswith(b"HTTP/1.1 "):
        raise ConnectionError(f"no response to {sent[:200]!r}")
    return int(start[9:12])


def each(name: str, variants: Callable[[], Iterable[bytes]], **bounds: object) -> HostileInput:
    """Return an input that sends every variant and returns the highest status."""

    def send(port: int) -> int:
        return max(exchange(port, variant) for variant in variants())

    return custom(name, send, **bounds)


def custom(name: str, send: Callable[[int], int], **bounds: object) -> HostileInput:
    """Return an input that is sent by a function of the port, which returns a status."""
    bounds = {"statuses": OURS, "seconds": 5.0, "path": "/table", **bounds}
    return HostileInput(name, media_type="", body=bytes, send=send, **bounds)  # type: ignore[arg-type]


# Headers

TABLE = [("Content-Type", CSV)]
ROW = b"a,b\n1,2\n"
JOINED = {
    "Accept": "a/b;q=0.1,",
    "Accept-Encoding": "a;q=0.1,",
    "Accept-Language": "aa-BB-cc;q=0.1,",
    "Prefer": "a=b,",
    "Content-Disposition": "a=b;",
    "Content-Encoding": ",",
    "If-None-Match": '"a,',
    "If-Match": 'W/"a"  ',
    "Range": "bytes=0-0,",
    "Cookie": 'a="b;',
    "Forwarded": "for=a;",
    "X-Forwarded-For": "10.0.0.1,",
    "X-Forwarded-Host": "a,",
    "X-Request-Id": "a",
    "X-Model-Version": "v",
    "Idempotency-Key": '"k"',
    "Webhook-URL": "http://[::1]/",
    "traceparent": "00-",
    "Expect": "100-continue,",
}
WEIGHTS = [
    *("nan", "inf", "1e5", "-1", "1.0000000001", ".5", "0x1", "\uff11", "+1", "1;q=2"),
    *('"1"', "'", "9" * 4_000),
]
CHARSETS = [
    *("idna", "punycode", "zip", "zlib", "bz2", "hex", "base64", "rot13", "uu", "quopri"),
    *("unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "aliases", "utf-7"),
    *("utf-16", "utf-32", "utf-8-sig", "hz", "iso2022_kr", "charmap", "big5hkscs", "cp037"),
    *("os", "os.path", "..", "../x", "utf_8\x00", "utf 8", "x" * 4_000, "ü", "encodings.utf_8"),
]
TEXTS = [ROW, b"\xff\xfea\x00,\x00", b"+AGEALGI-\n", b"\\x41,b\n", b"~{", b"\x1b$)C\x0e", b"xn--"]
LENGTHS = [
    *("+5", "-1", "0x5", "5,5", "5;q=1", "5 5", "", "\uff11", "1e1", "5.0", "9" * 5_000),
    *("99999999999999999999", "18446744073709551616"),
]
TAGS = ["*", '"', 'W/"', "W/" * 4_000, '"a,' * 2_600, "a " * 4_000, " " * LINE, ",", "\xff"]
DATES = [
    *("Sat, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 99 Foo 0000 99:99:99 +9999"),
    *("Sat, 01 Jan 0001 00:00:00 +2359", "0", "(" * LINE, "1 " * 4_000, ":" * LINE),
]
HOSTS = [
    *("a:99999", "a:0", "a:", "[::1", "[::1]:80", "a/b", "a@b", "a b", "ü", "xn--\xff", "a,b"),
    *("a" * 4_000, "a." * 4_000, ".", "a..b", "a:80:80", "http://a", "\x80" * 4_000, "-"),
]


def headers() -> Iterator[HostileInput]:
    """Yield long, unusual and duplicate headers."""
    yield each(
        f"{LINES} lines of {LINE:,} bytes of each of {len(JOINED)} headers",
        lambda: (
            request(path, [(name, (text * LINE)[:LINE])] * LINES + [*TABLE, *more], ROW, method)
            for name, text in JOINED.items()
            for path, method, more in (
                ("/table", "POST", [("Origin", "http://b")] * (name == "X-Forwarded-Host")),
                ("/", "GET", []),
            )
        ),
        mib=200,
    )
    yield each(
        f"{len(WEIGHTS)} unusual weights in each header that has them",
        lambda: (
            request(path, [*TABLE, (name, f"{text};q={weight}")], ROW, method)
            for weight, (name, text) in product(
                (quote(weight, safe="\"'+ ;") for weight in WEIGHTS),
                (("Accept", JSON), ("Accept-Language", "ru"), ("Accept-Encoding", "gzip")),
            )
            for path, method in (("/table", "POST"), ("/", "GET"), ("/metrics", "GET"))
        ),
    )
    yield each(
        "metrics in invalid versions",
        lambda: (
            request("/metrics", [("Accept", f"{kind};version={version};escaping=x")], method="GET")
            for kind in ("text/plain", "application/openmetrics-text")
            for version in ("x", "1.x", "", "9" * 5_000, "-1", "1..0", "\xff", '"1.0.0"')
        ),
    )
    yield each(
        f"{len(CHARSETS)} unusual charsets, in every place for one",
        lambda: (
            sent
            for charset, text in product(CHARSETS, TEXTS)
            for sent in (
                request("/table", [("Content-Type", f"text/csv; charset={_latin(charset)}")], text),
                request("/words", [("Content-Type", f'text/plain; charset="{charset}"')], text),
                request(
                    "/words",
                    [("Content-Type", FORM)],
                    b"_charset_=%b&text=%b" % (charset.encode(), text),
                ),
            )
            if sent.isascii() or "ü" in charset or not text.isascii()
        ),
        seconds=10.0,
    )
    yield each(
        "invalid conditions",
        lambda: (
            request(path, [(name, text)], method=method)
            for path, method in (("/", "GET"), ("/", "HEAD"), ("/docs/swagger-ui.css", "GET"))
            for name, texts in (
                ("If-None-Match", TAGS),
                ("If-Match", TAGS),
                ("If-Modified-Since", DATES),
                ("If-Unmodified-Since", DATES),
                ("If-Range", [*DATES, *TAGS]),
                ("Range", ["bytes=0-", "bytes=-1", "bytes=9-1", "bytes=0-0," * 800, "a=b", "="]),
            )
            for text in texts
        ),
    )
    yield each(
        "invalid hosts",
        lambda: (
            request(path, method="GET", host=host)
            for host in HOSTS
            for path in ("/table", "/openapi.json", "/docs")
        ),
    )
    yield each(
        "invalid lengths",
        lambda: (
            request("/table", [*TABLE, ("Content-Length", _latin(length))], ROW)
            for length in LENGTHS
        ),
    )
    yield each(
        "contradictory framings",
        lambda: (
            request("/table", [*TABLE, *pairs], b"8\r\n" + ROW + b"\r\n0\r\n\r\n")
            for pairs in (
                [("Transfer-Encoding", "chunked"), ("Content-Length", "5")],
                [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
                [("Transfer-Encoding", "gzip, chunked")],
                [("Transfer-Encoding", "identity")],
                [("Content-Length", "5"), ("Content-Length", "5")],
                [("Content-Length", "5"), ("Content-Length", "6")],
                [("Content-Type", CSV), ("Content-Length", "5")],
                [("Host", "b"), ("Content-Length", "5")],
            )
        ),
    )


def _latin(text: str) -> str:
    """Return a text whose UTF-8 bytes are sent, as Latin-1."""
    return text.encode().decode("latin-1")


def chunked(size: int, count: int) -> bytes:
    """Return a request whose body is sent in this many chunks of this size."""
    head = request("/words", [("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked")])
    return head + (b"%x\r\n%b\r\n" % (size, b"a" * size)) * count + b"0\r\n\r\n"


def framing() -> Iterator[HostileInput]:
    """Yield bodies sent in very many pieces."""
    yield each("900,000 chunks of a byte", lambda: [chunked(1, 900_000)], mib=200)
    yield each("5,000,000 chunks of a byte", lambda: [chunked(1, 5_000_000)], mib=200)
    yield each(
        "chunks with extensions of 8 kB",
        lambda: [chunked(1, 2_000).replace(b"1\r\na", b"1;" + b"a" * 8_000 + b"\r\na")],
    )


# Queries

OPTIONS = {
    "format": ["csv", "xlsx", "", "..", "json\x00", "\uff19", "a" * 3_000],
    "errors": ["xlsx", "json", "", "XLSX", "html", "\uff11"],
    "sheet": ["a", "", "../a", "\x00", "'a'!A1", "a" * 3_000, "0", "-1"],
    "header_row": ["1", "2", "0", "-1", "\uff11", "1e1", "1001", "9" * 3_000, ""],
    "data": ["1", "[1]", "{}"],
    "as_task": ["true", "maybe", ""],
    "lang": ["ru", "../ru"],
}


def queries() -> Iterator[HostileInput]:
    """Yield every pair of query options, duplicates, and bytes that are not text."""
    pairs = [(name, value) for name, values in OPTIONS.items() for value in values]
    sheet = wrong_sheet(b"")
    xlsx = [("Content-Type", "application/vnd.ms-excel")]
    yield each(
        "every option of the query beside every other",
        lambda: (
            request(f"/strict?{_query(first)}&{_query(second)}", xlsx, sheet)
            for index, first in enumerate(pairs)
            for second in pairs[index:]
        ),
        seconds=20.0,
        mib=300,
    )
    yield custom(
        "100 workbooks that are slow to annotate", _marking, statuses=frozenset({200}), mib=1_000
    )
    yield each(
        "queries that are not text",
        lambda: (
            request(f"{path}?{query}", TABLE, ROW, method)
            for path, method in (("/table", "POST"), ("/tasks", "GET"), ("/", "GET"))
            for query in (
                *("%ff", "a=%ff", "%", "&&&", "=", "a=%00", "format[]=csv", "format=csv;a=b"),
                *("a&" * 1_500, "format=%d0", "limit=%EF%BC%91", "%00=1", "limit=1&limit=2"),
            )
        ),
    )


def _query(pair: tuple[str, str]) -> str:
    return f"{pair[0]}={quote(pair[1])}"


def _marking(port: int) -> int:
    """Request annotated workbooks from more clients than there are threads, and disconnect."""
    area = b'<hyperlinks><hyperlink ref="A1:XFD1048576" location="A1"/></hyperlinks>'
    sent = request("/strict?errors=xlsx", [("Content-Type", XLSX)], wrong_sheet(area))
    return _opened(port, [sent] * 100, 5.0)


# Tasks

ASYNC = [("Prefer", "respond-async")]
IDS = [
    *("..", ".", "%2e%2e", "a/b", "a%2Fb", "a%00b", "%00", "\xe2\x80\xaea", "%E2%80%AE", " "),
    *('""', '"a', "schedule:x", "%73chedule:x", "a?b", "a#b", "-", "x" * 201, "\xff", "%ff"),
    *("null", "undefined", "%0d%0aX: y", "%25", "%u0041", "'; DROP TABLE tasks; --"),
]
PREFERENCES = [
    *("respond-async, wait=9" + "9" * 4_000, "wait=-1", "wait=1e9", "wait=nan", "wait=\uff11"),
    *("respond-async;wait=60", 'respond-async="', "=", "respond-async=\xff", ",,,", "wait=0"),
]
WEBHOOKS = [
    *("http://127.0.0.1:1/", "http://@127.0.0.1/", "http://:@8.8.8.8/", "http://[::ffff:7f00:1]/"),
    *("http://0/", "http://0177.1/", "http://127.1", "http://[::]/", "http://[64:ff9b::7f00:1]/"),
    *("http://localhost.", "http://a\\@127.0.0.1/", "//127.0.0.1", "file:///etc/passwd", "a://a"),
    *("http://[fe80::1%25lo]/", "http://[::1%lo]/", f"http://{'a' * 70}/", f"http://a{'.a' * 900}"),
    *("https://169.254.169.254/", "http://[2606:4700::abcd]x/", "http://8.8.8.8:1e1/", "\xff"),
]


def tasks() -> Iterator[HostileInput]:
    """Yield ids, lists, waits and webhooks of tasks."""
    yield each(
        f"{len(IDS)} unusual ids, in headers and in paths",
        lambda: (
            sent
            for name in IDS
            for path in (f"/tasks/{_path(name)}", f"/log/?task_id={_path(name)}")
            for sent in (
                request("/table", [*TABLE, *ASYNC, ("TASK-ID", name)], ROW),
                request("/table", [*TABLE, *ASYNC, ("Idempotency-Key", f'"{name}"')], ROW),
                request(path, method="GET"),
                request(path, method="DELETE"),
                request(path.replace("?", "/result?"), method="HEAD"),
            )
        ),
        mib=200,
    )
    yield each(
        f"{len(PREFERENCES)} unusual preferences",
        lambda: (request("/table", [*TABLE, ("Prefer", text)], ROW) for text in PREFERENCES),
    )
    yield each(
        f"{len(WEBHOOKS)} forbidden webhook addresses",
        lambda: (
            request("/table", [*TABLE, *ASYNC, ("Webhook-URL", text)], ROW) for text in WEBHOOKS
        ),
        statuses=frozenset({422}),
        mib=200,
    )
    yield each(
        "invalid lists of tasks",
        lambda: (
            request(f"/tasks?{query}", method="GET")
            for query in (
                *("limit=0", "limit=1001", "limit=-1", "limit=1e1", "limit=%EF%BC%91", "limit="),
                *("limit=" + "9" * 3_000, "after=%00", "after=x", "status=queued%00", "status=x"),
                *("target=%00", "target=" + "x" * 3_000, "state=failed", "status[]=failed"),
            )
        ),
    )


def _path(name: str) -> str:
    return quote(name, safe="%", encoding="latin-1")


# The Open Inference Protocol

SIZES = [-1, 0, 7, 9, 16, 2**31, 2**64, 1.0, 8.0, True, None, "8", [8], {"a": 8}]
ENTRIES: list[dict[str, object]] = [
    {"datatype": "FP16", "shape": [4]},
    {"datatype": "FP64", "shape": [1], "data": [1.5]},
    {"datatype": "FP64", "shape": [0]},
    {"datatype": "FP64", "shape": [1, 0, 2**60]},
    {"datatype": "BOOL", "shape": [8]},
    {"datatype": "BYTES", "shape": [1]},
    {"datatype": "BYTES", "shape": [2]},
    {"datatype": "BYTES", "shape": [0]},
    {"datatype": "FP65", "shape": [1]},
    {"datatype": ["FP64"], "shape": [1]},
]
OUTPUTS: list[object] = [
    [{"name": "result"}] * 3_000,
    [{"name": "result", "parameters": {"classification": 3}}],
    [{"name": "result", "parameters": {"binary_data": "true"}}],
    [{"name": "result", "parameters": {"shared_memory_region": "a"}}],
    [{"name": "result", "parameters": json.loads("[" * 90 + "]" * 90)}],
    [{"name": ["result"]}],
    {"name": "result"},
    [{"name": "\x00"}],
]


def _binary(model: str, head: object, tail: bytes, length: str | None = None) -> bytes:
    text = json.dumps(head).encode()
    headers = [("Inference-Header-Content-Length", str(len(text)) if length is None else length)]
    return request(V2.format(model), headers, text + tail)


def binary() -> Iterator[HostileInput]:
    """Yield binary data that contradicts its JSON."""
    tails = [bytes(8), b"", bytes(7), b"\x04\0\0\0abcd", b"\xff\xff\xff\xff", b"\0\0\0\x80abcd"]
    yield each(
        "binary data of wrong sizes",
        lambda: (
            _binary(model, {"inputs": inputs}, tail)
            for model in ("array", "table", "tree")
            for entry, size, tail in product(ENTRIES, SIZES, tails)
            for inputs in (
                [{"name": "data", **entry, "parameters": {"binary_data_size": size}}],
                [{"name": "data", **entry, "parameters": {"binary_data_size": size}}] * 2,
            )
        ),
        path=V2.format("array"),
        seconds=20.0,
        mib=200,
    )
    yield each(
        "unusual outputs and lengths",
        lambda: (
            _binary("array", {"inputs": inputs, "outputs": outputs}, b"", length)
            for inputs in ([{"name": "data", "datatype": "FP64", "shape": [1], "data": [1.5]}],)
            for outputs in OUTPUTS
            for length in (None, "0", "-1", "+5", "5,5", "1e1", "\xb2", "9" * 5_000, "")
        ),
        path=V2.format("array"),
    )
    yield HostileInput(
        "JSON of 16,000,000 lists in a tensor of BYTES",
        V2.format("tree"),
        JSON,
        lambda: v2("[1]", b'["[' + b"[]," * (16 * MIB) + b'[]]"]', "BYTES"),
        REFUSED,
        mib=700,
    )
    yield HostileInput(
        "JSON of 16,000,000 lists in cells of BYTES",
        V2.format("table"),
        JSON,
        lambda: _json_cells(16 * MIB),
        REFUSED,
        seconds=5,
        mib=700,
    )
    yield HostileInput(
        "12,000,000 empty elements of BYTES",
        V2.format("table"),
        "application/octet-stream",
        lambda: _elements(12_000_000)[0],
        REFUSED,
        seconds=5,
        mib=700,
        headers={"Inference-Header-Content-Length": str(_elements(12_000_000)[1])},
    )


def _json_cells(lists: int) -> bytes:
    """Return ten columns of one cell each, which are JSON."""
    cell = b"[" + b"[]," * (lists // 10) + b"[]]"
    entry = (
        b'{"name":"c%d","shape":[1],"datatype":"BYTES",'
        b'"parameters":{"content_type":"pd_json"},"data":["%b"]}'
    )
    return b'{"inputs":[%b]}' % b",".join(entry % (index, cell) for index in range(10))


def _elements(count: int) -> tuple[bytes, int]:
    """Return a column of empty texts as binary data, and the JSON's length."""
    parameters = {"binary_data_size": 4 * count}
    entry = {"name": "a", "shape": [count], "datatype": "BYTES", "parameters": parameters}
    head = json.dumps({"inputs": [entry]}).encode()
    return head + bytes(4 * count), len(head)


# Streams

STREAMS = 8
"""Half as many as a worker serves at a time: each computes items until its client disconnects."""
PIECES = (b"a" * 9 + b" ") * 100_000
"""A body that waits in the kernel: larger ones have separate threads."""


def _stalled(port: int) -> int:
    """Request long streams from many clients that read nothing; disconnect after some seconds."""
    sent = request("/words", [("Content-Type", "text/plain")], PIECES)
    return _opened(port, [sent] * 2 * STREAMS, 5.0)


def _half_closed(port: int) -> int:
    """Request streams from clients that close their sending side, or the connection, at once."""
    sent = request("/words", [("Content-Type", "text/plain")], PIECES)
    for _ in range(3 * STREAMS):
        with socket.create_connection(("127.0.0.1", port), WAIT) as client:
            client.sendall(sent)
    return _opened(port, [], 1.0)


def _opened(port: int, requests: list[bytes], seconds: float) -> int:
    """Hold connections open, and finally return the status of a small request."""
    with ExitStack() as stack:
        for sent in requests:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), WAIT))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.sendall(sent)
        time.sleep(seconds)
    return exchange(port, request("/table", TABLE, ROW))


def streams() -> Iterator[HostileInput]:
    """Yield clients that do not read their streams, or disconnect, and unknown formats."""
    ok = frozenset({200})
    yield custom(
        f"{2 * STREAMS} unread streams",
        _stalled,
        statuses=ok,
        seconds=15.0,
        mib=12 * 50.0,  # of the function, which splits each text
    )
    yield custom(
        f"{3 * STREAMS} streams whose clients have disconnected",
        _half_closed,
        statuses=ok,
        seconds=15.0,
        mib=12 * 50.0,
    )
    yield HostileInput(
        "40 streams that cannot start",
        "/words",
        "text/plain",
        lambda: b"a\rb",
        frozenset({406}),
        times=40,
    )
    yield each(
        "streams in unknown formats",
        lambda: (
            request(f"/words{query}", [("Content-Type", "text/plain"), *more], b"a b", method)
            for query in ("", "?format=xlsx", "?format=json", "?format=csv", "?format=jsonl")
            for more in ([], [("Accept", "image/png")], [("Accept", "text/event-stream;q=0")])
            for method in ("POST", "HEAD", "GET", "OPTIONS")
        ),
    )


# Files

NAMES = [
    *("../../etc/passwd", "..", ".", "a\x00b", "CON", "nul.txt", "a:b", "C:\\a", "a\r\nX: y", "~"),
    *("\u202egpj.exe", "é" * 500, "\N{WINE GLASS}" * 500, "a" * 5_000, " ", ".hidden", "-rf"),
    *(
        "a;b",
        'a"b',
        "a'b",
        "%2e%2e%2f",
        "\u2028",
        "\ufeff",
        "a\\",
        "filename*=UTF-8''x",
        "\U000e0001",
    ),
]


def files() -> Iterator[HostileInput]:
    """Yield file names, which are echoed."""
    yield each(
        f"{len(NAMES)} unusual file names",
        lambda: (
            sent
            for name in NAMES
            for printable in ["".join(filter(str.isprintable, name))]
            for sent in (
                request("/file", [_disposition(f'filename="{_latin(printable)}"')], b"x"),
                request("/file", [_disposition(f"filename*=UTF-8''{quote(name)}")], b"x"),
                request(
                    "/file",
                    [("Content-Type", "multipart/form-data; boundary=b")],
                    b'--b\r\nContent-Disposition: form-data; name="data"; filename="%b"\r\n\r\nx'
                    b"\r\n--b--\r\n" % printable.encode(),
                ),
            )
        ),
    )


def _disposition(parameters: str) -> tuple[str, str]:
    return "Content-Disposition", f"attachment; {parameters}"


# Rollouts

CHANGES: list[object] = [
    *({"action": ["promote"]}, {"action": {}}, {"action": None}, {"action": "promote", "a": 1}),
    *({"traffic": 10**30}, {"traffic": -1}, {"traffic": True}, {"traffic": "1"}, {"traffic": []}),
    *({"a" * 5_000: 1}, {"": 1}, [], None, 1, "promote", {"mirror": 1e308}, {}),
]


def rollouts() -> Iterator[HostileInput]:
    """Yield invalid changes of a rollout."""
    yield each(
        "invalid changes of a rollout",
        lambda: (
            request("/rollout", [("Content-Type", JSON), *more], body, "PUT")
            for body in (
                *(json.dumps(change).encode() for change in CHANGES),
                *(b"", b"\xff", b"[" * 5_000, b'{"traffic":1e999}', b'{"traffic":NaN}'),
            )
            for more in ([], [("Content-Encoding", "gzip")], [("X-Model-Version", "\xff" * 8_000)])
        ),
    )


# Times

ZONED = {
    "of the year 1": lambda row: f"0001-01-01T{_clock(row)}",
    "of the year 9999": lambda row: f"9999-12-31T{_clock(row)}",
    "of the year 1 with offsets": lambda row: (
        f"0001-01-01T{_clock(row)}{('+05:00', '-05:00')[row % 2]}"
    ),
    "with and without offsets": lambda row: f"2026-01-01T{_clock(row)}{('', '+05:00')[row % 2]}",
}


def _clock(row: int) -> str:
    """Return another time of a day for each row."""
    second, microsecond = divmod(row, 30)
    minute, second = divmod(second % 86_400, 60)
    hour, minute = divmod(minute, 60)
    return f"{hour:02}:{minute:02}:{second:02}.{microsecond:06}"


def times() -> Iterator[HostileInput]:
    """Yield columns of times in a zone, near the ends of the calendar or with several offsets."""
    for name, cell in ZONED.items():
        yield HostileInput(
            f"1,500,000 times {name}",
            "/zoned",
            CSV,
            lambda cell=cell: "\n".join(["t", *map(cell, range(1_500_000)), ""]).encode(),
            ANY,
            seconds=5,
            mib=12 * 50,
        )


def requests() -> Iterator[HostileInput]:
    """Yield all inputs of this module."""
    yield from headers()
    yield from framing()
    yield from queries()
    yield from tasks()
    yield from binary()
    yield from streams()
    yield from files()
    yield from rollouts()
    yield from times()
