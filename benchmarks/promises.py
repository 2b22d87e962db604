"""What our worker promises and gunicorn's own gthread does not keep, measured: `make bench-worker`.

    python benchmarks/promises.py

The same small application under both, two workers of 32 threads, with our gunicorn.conf.py.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from paths import PAYLOAD
from servers import HOST, free_port

APP = """
import os, time
def app(environ, start_response):
    environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/wait":
        time.sleep(3)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789"
SLOW, PIECES, PAUSE = 500, 10, 1.0
LONGEST = 10.0


@contextmanager
def service(worker: str, workers: int = 2) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run the application; yield its port and gunicorn's master."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "small.py").write_text(APP, encoding="utf-8")
        options = ("-c", str(PAYLOAD / "gunicorn.conf.py"), "-k", worker, "-w", str(workers))
        settings = {"PORT": str(port), "WEB_HOST": HOST, "PYTHONPATH": str(PAYLOAD)}
        master = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, "small:app"],
            cwd=folder,
            env=os.environ | settings | {"MMF_DRAIN_SECONDS": "0", "MMF_LOG_LEVEL": "error"},
        )
        try:
            while master.poll() is None:
                with suppress(OSError):
                    get(port)
                    break
                time.sleep(0.1)
            time.sleep(1)  # until every worker has started
            yield port, master
        finally:
            master.terminate()
            master.wait(LONGEST)


def get(port: int, path: str = "/") -> str:
    """Return the id of the worker that serves a request on a new connection."""
    client = http.client.HTTPConnection(HOST, port, timeout=LONGEST)
    client.request("GET", path)
    with client.getresponse() as response:
        return response.read().decode()


def slow_clients(worker: str) -> str:
    """Send requests in ten pieces, one a second; time others meanwhile."""
    with service(worker) as (port, _), ExitStack() as stack:
        clients = [connect(stack, port) for _ in range(SLOW)]
        longest, size = 0.0, -(-len(REQUEST) // PIECES)
        for piece in range(PIECES):
            for client in clients:
                client.sendall(REQUEST[piece * size : (piece + 1) * size])
            took = seconds(port)
            longest = max(longest, took)
            time.sleep(max(0, PAUSE - took))
        served = sum(received(client).startswith(b"HTTP/1.1 200") for client in clients)
    return f"another request takes {longest:.2f} s at most; {served} of {SLOW} slow ones served"


def busy_threads(worker: str) -> str:
    """Keep every thread busy for three seconds; time a health check."""
    with service(worker, 1) as (port, _), ExitStack() as stack:
        for client in [connect(stack, port) for _ in range(64)]:
            client.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.5)
        return f"a health check takes {seconds(port, '/health/live'):.2f} s"


def seconds(port: int, path: str = "/") -> float:
    """Return the duration of a request on a new connection; LONGEST: no response."""
    started = time.monotonic()
    with suppress(OSError):
        get(port, path)
    return time.monotonic() - started


def spread(worker: str) -> str:
    """Keep 32 connections alive; count them by worker, in the worst of five services."""
    worst: list[int] = []
    for _ in range(5):
        with service(worker) as (port, _), ExitStack() as stack:
            counts: Counter[bytes] = Counter()
            for _ in range(32):
                client = http.client.HTTPConnection(HOST, port, timeout=LONGEST)
                stack.callback(client.close)
                client.request("GET", "/")
                counts[client.getresponse().read()] += 1
            worst = max(worst, sorted(counts.values(), reverse=True))
    return f"32 connections: {' and '.join(map(str, worst))} at worst"


def termination(worker: str) -> str:
    """End the service while connections wait to be accepted; count the lost requests."""
    with service(worker, 1) as (port, master), ExitStack() as stack:
        pid = int(get(port))
        os.kill(pid, signal.SIGSTOP)
        clients = [connect(stack, port) for _ in range(50)]
        for client in clients:
            client.sendall(REQUEST)
        master.terminate()
        time.sleep(0.5)
        os.kill(pid, signal.SIGCONT)
        lost = sum(not received(client) for client in clients)
    return f"{lost} of 50 requests lost at SIGTERM"


def unclosed(worker: str) -> str:
    """Let clients leave connections open that are over; time other requests meanwhile."""
    with service(worker, 1) as (port, _), ExitStack() as stack:
        for client in [connect(stack, port) for _ in range(5)]:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        time.sleep(0.2)
        return f"another request takes {seconds(port):.2f} s"


def received(client: socket.socket) -> bytes:
    """Return what has been received, nothing from a closed connection."""
    with suppress(OSError):
        return client.recv(4096)
    return b""


def connect(stack: ExitStack, port: int) -> socket.socket:
    """Return a connection that the stack closes."""
    return stack.enter_context(socket.create_connection((HOST, port), LONGEST))


def main() -> None:
    """Print a row for each promise."""
    promises: tuple[Callable[[str], str], ...] = (
        slow_clients,
        busy_threads,
        spread,
        termination,
        unclosed,
    )
    print("| | gthread | ours |\n|---|---|---|")
    for promise in promises:
        results = [promise(worker) for worker in ("gthread", "mmf_core.server.Worker")]
        print(f"| {promise.__name__.replace('_', ' ')} | {' | '.join(results)} |", flush=True)


if __name__ == "__main__":
    main()
