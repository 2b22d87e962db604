"""Send requests at a fixed rate, whether or not the server keeps up; print their latencies as JSON.

    python benchmarks/open_loop.py URL BODY RATE SECONDS

Each request has a moment at which it is due. Its latency counts from there, so a server that falls
behind is charged for the requests that wait, too; one that failed took for ever. It is sent on an
idle connection, or on a new one. The loop polls without sleeping and needs a core of its own;
`late_ms` is how far it was itself behind, at the 99.9th percentile: figures of that size mean
nothing.

vegeta does the same but is in no release of Debian. To repeat a measurement with it:
`go install github.com/tsenart/vegeta/v12@latest`, then `vegeta attack -rate=500 -duration=5s`.
"""

from __future__ import annotations

import gc
import json
import math
import re
import select
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE = 10.0
"""Seconds after the last request in which a response still counts."""
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


@dataclass
class Request:
    """A request that was sent: its connection, its due time, and the response so far."""

    connection: socket.socket
    due: float
    received: bytes = b""

    def is_complete(self) -> bool:
        """Read available data; return whether the response is complete. OSError: there is none."""
        data = self.connection.recv(1 << 16)
        if not data:
            raise ConnectionError("closed before the response")
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if end and not length:
            raise ConnectionError("a response without Content-Length")
        return bool(end and length and len(body) >= int(length[1]))


class Attack:
    """A server's address, a request, and the outcomes of the due ones."""

    def __init__(self, url: str, body: bytes) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 80)
        head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}"
        json_both_ways = "Content-Type: application/json\r\nAccept: application/json"
        self.request = f"{head}\r\n{json_both_ways}\r\n\r\n".encode() + body
        self.idle: list[socket.socket] = []
        self.sent: dict[int, Request] = {}
        self.poll = select.epoll()
        self.latencies: list[float] = []
        self.late: list[float] = []

    def run(self, rate: int, seconds: float) -> dict[str, float]:
        """Send, and return the figures: latencies in milliseconds."""
        started = time.perf_counter() + 0.01
        due = [started + number / rate for number in range(round(rate * seconds))]
        ends, sent = due[-1] + PATIENCE, 0
        while (sent < len(due) or self.sent) and (now := time.perf_counter()) < ends:
            if sent < len(due) and due[sent] <= now:
                self.late.append(now - due[sent])
                self.send(due[sent])
                sent += 1
            for number, _ in self.poll.poll(0):
                self.receive(number)
        took = time.perf_counter() - started
        for connection in (*self.idle, *(request.connection for request in self.sent.values())):
            connection.close()
        self.poll.close()
        failed = len(due) - len(self.latencies)
        self.latencies += [math.inf] * failed
        figures = {
            f"p{name}_ms": 1e3 * percentile(self.latencies, share)
            for name, share in (("50", 0.5), ("99", 0.99), ("999", 0.999))
        }
        late = {"late_ms": 1e3 * percentile(self.late, 0.999)}
        return {"requests": len(due), "failed": failed, "seconds": took} | figures | late

    def send(self, due: float) -> None:
        """Send a request on an idle connection, else on a new one."""
        if self.idle:
            connection = self.idle.pop()
        else:
            connection = socket.create_connection(self.address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.poll.register(connection, select.EPOLLIN)
        self.sent[connection.fileno()] = Request(connection, due)
        connection.sendall(self.request)

    def receive(self, number: int) -> None:
        """Record the latency of a complete response; anything but a 200 has failed."""
        request = self.sent.get(number)
        try:
            if request is None:  # the server closes an idle connection
                idle = next(each for each in self.idle if each.fileno() == number)
                self.idle.remove(idle)
                idle.close()
            elif request.is_complete():
                del self.sent[number]
                self.idle.append(request.connection)
                if request.received.split(b" ", 2)[1] == b"200":
                    self.latencies.append(time.perf_counter() - request.due)
        except OSError:
            self.sent.pop(number).connection.close()


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that this share does not exceed; infinity: there is none."""
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else math.inf


def main() -> None:
    """Run the load of the command line."""
    url, body, rate, seconds = sys.argv[1:]
    gc.disable()
    attack = Attack(url, Path(body).read_bytes())
    print(json.dumps(attack.run(int(rate), float(seconds))))


if __name__ == "__main__":
    main()
