"""A steady load: a fixed rate of requests, whatever the service does, with each response checked.

Each request has different numbers, so that a response meant for another one is noticed. Most
connections are kept alive; every tenth request has one of its own. If a reused connection is closed
before the first byte of a response, the request is sent once more on a new one, as HTTP libraries
do (RFC 9112, 9.3.1), and counted in `again`.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import quantiles
from threading import Event, Thread

LATE = 1.0  # seconds from when a request was due to its response
LONGEST = 30.0  # seconds after which a request is lost
FRESH = 10  # one request in this many has its own connection
KEPT = 20  # idle connections at most, so that those of a burst are closed
WEIGHTS, BIAS = (3.0, 7.0), 1.0  # whole numbers, so that sums are exact
MAIN = """
import json
from pathlib import Path

import numpy as np

import mmf_core as mmf


@mmf.artifact("model.json")
def model():
    return json.loads(Path("model.json").read_text())


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
def score(data=mmf.DataFrame(schema={"a": float, "b": float})):
    return data.to_numpy() @ np.array(model["weights"]) + model["bias"]


@mmf.target(returns=mmf.Dict(format=mmf.JSON))
def add(a=mmf.Integer(), b=mmf.Integer()):
    return {"sum": a + b}


@mmf.target(returns=mmf.String())
def repeat(times=mmf.Integer(ge=0)):
    return "0123456789abcdef" * times
"""


@dataclass(frozen=True)
class LoadRequest:
    """A request, and its expected result."""

    path: str
    body: object
    expected: object
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, number: int) -> "LoadRequest":
        """Return a request with numbers that no neighbour has."""
        a, b = number % 9973, number * 7 % 10007
        if number % 3:
            expected = [{"prediction": WEIGHTS[0] * a + WEIGHTS[1] * b + BIAS}]
            return cls("/score", [{"a": float(a), "b": float(b)}], expected)
        return cls("/add", {"a": a, "b": b}, {"sum": a + b})

    def to_bytes(self, *, last: bool = False) -> bytes:
        """Return the request as it is sent; `last` on its connection."""
        body = json.dumps(self.body).encode()
        headers = {"Host": "localhost", "Content-Type": "application/json", **self.headers}
        headers |= {"Connection": "close"} if last else {}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {self.path} HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def judge(self, response: "Response") -> str:
        """Return how the response counts: right, wrong or lost."""
        if response.status != 200:
            return "lost"
        return "right" if json.loads(response.content) == self.expected else "wrong"


@dataclass(frozen=True)
class Response:
    """A response; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass
class Tally:
    """The outcomes of the requests."""

    right: int = 0
    again: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    seconds: list[float] = field(
        default_factory=list
    )  # of each response, from when its request was due
    arrivals: list[float] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return self.right + len(self.wrong) + len(self.lost)

    @property
    def late(self) -> int:
        return sum(duration > LATE for duration in self.seconds)

    @property
    def p99(self) -> float:
        return quantiles(self.seconds, n=100)[98]

    @property
    def longest_gap(self) -> float:
        """Return the longest time without a response."""
        return max(after - before for before, after in pairwise(sorted(self.arrivals)))

    @property
    def rate(self) -> float:
        """Return the correct responses per second."""
        return self.right / (max(self.arrivals) - min(self.arrivals))


class SilentlyClosed(ConnectionError):
    """A reused connection has ended before the first byte of a response."""


class Connection:
    """A connection that can be used more than once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.used = False

    @property
    def closed(self) -> bool:
        return self.reader.at_eof() or self.writer.is_closing()

    async def send(self, request: bytes) -> Response:
        """Send a request and return its response."""
        try:
            self.writer.write(request)
            line = await self.reader.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise SilentlyClosed if self.used else ConnectionError("closed without a response")
        head = line + await self.reader.readuntil(b"\r\n\r\n")
        fields = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
        headers = {name.lower(): value for name, value in fields}
        content = await self.reader.readexactly(int(headers["content-length"]))
        self.used = True
        if headers.get("connection", "").lower() == "close":
            self.writer.close()
        return Response(int(line.split()[1]), headers, content)


class Load:
    """Callers in a separate thread."""

    def __init__(self, port: int, rate: float, load_request: Callable[[int], LoadRequest]) -> None:
        self.tally = Tally()
        self._request = load_request
        self._port, self._rate = port, rate
        self._idle: list[Connection] = []
        self._pending: set[asyncio.Task[None]] = set()
        self._over = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._run()), name="load")

    @property
    def in_flight(self) -> int:
        """Return how many requests have no response yet."""
        return len(self._pending)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send no more, and wait for the pending responses."""
        self._over.set()
        self._thread.join()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        begin, number = loop.time(), 0
        while not self._over.is_set():
            due = begin + number / self._rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            task = loop.create_task(self._send(number, due))
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)
            number += 1
        while self._pending:
            await asyncio.wait(self._pending)
        for connection in self._idle:
            connection.writer.close()
        await asyncio.sleep(0)  # lets them close

    async def _send(self, number: int, due: float) -> None:
        load_request = self._request(number)
        try:
            async with asyncio.timeout(LONGEST):
                response = await self._exchange(number, load_request)
        except (OSError, EOFError) as error:
            self.tally.lost.append(f"{number}: {error!r}")
            return
        now = asyncio.get_running_loop().time()
        match load_request.judge(response):
            case "lost":
                self.tally.lost.append(f"{number}: {response.status} {response.content!r}")
            case "wrong":
                self.tally.wrong.append(
                    f"{number}: {response.content!r}, not {load_request.expected}"
                )
            case _:
                self.tally.right += 1
                self.tally.seconds.append(now - due)
                self.tally.arrivals.append(now)

    async def _exchange(self, number: int, load_request: LoadRequest) -> Response:
        if number % FRESH == 0:
            return await self._on_new_connection(load_request.to_bytes(last=True))
        request = load_request.to_bytes()
        while self._idle:
            connection = self._idle.pop(0)
            if connection.closed:
                connection.writer.close()
                continue
            try:
                return await self._on_connection(connection, request)
            except SilentlyClosed:
                self.tally.again += 1
        return await self._on_new_connection(request)

    async def _on_new_connection(self, request: bytes) -> Response:
        connection = Connection(*await asyncio.open_connection("127.0.0.1", self._port))
        return await self._on_connection(connection, request)

    async def _on_connection(self, connection: Connection, request: bytes) -> Response:
        try:
            response = await connection.send(request)
        except BaseException:
            connection.writer.close()
            raise
        if connection.closed or len(self._idle) >= KEPT:
            connection.writer.close()
        else:
            self._idle.append(connection)
        return response


@contextmanager
def steady_load(
    port: int,
    rate: float,
    margin: float,
    load_request: Callable[[int], LoadRequest] = LoadRequest.of,
) -> Iterator[Load]:
    """Send requests until the block ends, and for some seconds before and after it."""
    load = Load(port, rate, load_request)
    load.start()
    try:
        time.sleep(margin)
        yield load
        time.sleep(margin)
    finally:
        load.stop()
