"""A steady load: so many requests a second, whatever the service does, and each answer is checked.

Each request has other numbers, so that an answer meant for another one is seen. Most connections
are kept; every tenth request has one of its own. Where a kept connection is closed before anything
of an answer has come, the request is sent once more on a new one, as HTTP's libraries do
(RFC 9112, 9.3.1), and counted in `again`.
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

LATE = 1.0  # seconds from when a request was due to its answer
LONGEST = 30.0  # seconds after which nobody waits any more: it is lost
FRESH = 10  # one request in so many has a connection of its own
KEPT = 20  # connections at most: what a burst has opened is not kept for ever
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
class Question:
    """A request, and what is to be answered."""

    path: str
    body: object
    answer: object
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, number: int) -> "Question":
        """Ask something that no neighbour asks."""
        a, b = number % 9973, number * 7 % 10007
        if number % 3:
            answer = [{"prediction": WEIGHTS[0] * a + WEIGHTS[1] * b + BIAS}]
            return cls("/score", [{"a": float(a), "b": float(b)}], answer)
        return cls("/add", {"a": a, "b": b}, {"sum": a + b})

    def to_bytes(self, *, last: bool = False) -> bytes:
        """Return the request as it is sent; `last` on its connection."""
        body = json.dumps(self.body).encode()
        headers = {"Host": "localhost", "Content-Type": "application/json", **self.headers}
        headers |= {"Connection": "close"} if last else {}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {self.path} HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def judge(self, answer: "Answer") -> str:
        """Return how the answer counts: right, wrong or lost."""
        if answer.status != 200:
            return "lost"
        return "right" if json.loads(answer.content) == self.answer else "wrong"


@dataclass(frozen=True)
class Answer:
    """A response; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass
class Tally:
    """What became of the requests."""

    right: int = 0
    again: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # of each answer, from when it was due
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
        """Return the longest time in which nothing was answered."""
        return max(after - before for before, after in pairwise(sorted(self.arrivals)))

    @property
    def rate(self) -> float:
        """Return how many right answers came a second."""
        return self.right / (max(self.arrivals) - min(self.arrivals))


class SilentlyClosed(ConnectionError):
    """A connection that was kept has ended before anything of an answer came."""


class Wire:
    """A connection that can be used more than once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.used = False

    @property
    def closed(self) -> bool:
        return self.reader.at_eof() or self.writer.is_closing()

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer."""
        try:
            self.writer.write(request)
            line = await self.reader.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise SilentlyClosed if self.used else ConnectionError("closed without an answer")
        head = line + await self.reader.readuntil(b"\r\n\r\n")
        fields = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
        headers = {name.lower(): value for name, value in fields}
        content = await self.reader.readexactly(int(headers["content-length"]))
        self.used = True
        if headers.get("connection", "").lower() == "close":
            self.writer.close()
        return Answer(int(line.split()[1]), headers, content)


class Load:
    """Callers in a thread of their own."""

    def __init__(self, port: int, rate: float, question: Callable[[int], Question]) -> None:
        self.tally = Tally()
        self._question = question
        self._port, self._rate = port, rate
        self._kept: list[Wire] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._over = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._run()), name="load")

    @property
    def in_flight(self) -> int:
        """Return how many requests are not answered yet."""
        return len(self._asking)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send no more, and wait for what is still to be answered."""
        self._over.set()
        self._thread.join()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        begin, number = loop.time(), 0
        while not self._over.is_set():
            due = begin + number / self._rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            task = loop.create_task(self._ask(number, due))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
            number += 1
        while self._asking:
            await asyncio.wait(self._asking)
        for wire in self._kept:
            wire.writer.close()
        await asyncio.sleep(0)  # lets them close

    async def _ask(self, number: int, due: float) -> None:
        question = self._question(number)
        try:
            async with asyncio.timeout(LONGEST):
                answer = await self._exchange(number, question)
        except (OSError, EOFError) as error:
            self.tally.lost.append(f"{number}: {error!r}")
            return
        now = asyncio.get_running_loop().time()
        match question.judge(answer):
            case "lost":
                self.tally.lost.append(f"{number}: {answer.status} {answer.content!r}")
            case "wrong":
                self.tally.wrong.append(f"{number}: {answer.content!r}, not {question.answer}")
            case _:
                self.tally.right += 1
                self.tally.seconds.append(now - due)
                self.tally.arrivals.append(now)

    async def _exchange(self, number: int, question: Question) -> Answer:
        if number % FRESH == 0:
            return await self._over_a_new_one(question.to_bytes(last=True))
        request = question.to_bytes()
        while self._kept:
            wire = self._kept.pop(0)
            if wire.closed:
                wire.writer.close()
                continue
            try:
                return await self._over_wire(wire, request)
            except SilentlyClosed:
                self.tally.again += 1
        return await self._over_a_new_one(request)

    async def _over_a_new_one(self, request: bytes) -> Answer:
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self._port))
        return await self._over_wire(wire, request)

    async def _over_wire(self, wire: Wire, request: bytes) -> Answer:
        try:
            answer = await wire.ask(request)
        except BaseException:
            wire.writer.close()
            raise
        if wire.closed or len(self._kept) >= KEPT:
            wire.writer.close()
        else:
            self._kept.append(wire)
        return answer


@contextmanager
def steady_load(
    port: int, rate: float, margin: float, question: Callable[[int], Question] = Question.of
) -> Iterator[Load]:
    """Ask until the block ends, and for some seconds before and after it."""
    load = Load(port, rate, question)
    load.start()
    try:
        time.sleep(margin)
        yield load
        time.sleep(margin)
    finally:
        load.stop()
