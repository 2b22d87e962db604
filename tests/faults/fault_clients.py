"""Client faults: slow senders, clients that do not read, unused connections."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from fault_env import FaultEnv, fault, open_files

from live_load import LONGEST
from steady_load import LoadRequest

PIECES = 10
HELD = 10  # multiples of the pause
SPARE = 1_000  # files that this process needs otherwise


@fault("clients that send a request in ten pieces, one a second", short=50, long=500)
def slow_senders(env: FaultEnv) -> None:
    """Send slow requests, all at once; each must get a correct response."""
    with env.service() as live, env.load(live.service.port), open_files(env.times + SPARE):
        with crowd(live.service.port, env.times) as clients:
            load_requests = [LoadRequest.of(number) for number in range(len(clients))]
            requests = [load_request.to_bytes(last=True) for load_request in load_requests]
            for piece in range(PIECES):
                for client, request in zip(clients, requests, strict=True):
                    size = -(-len(request) // PIECES)
                    client.sendall(request[piece * size : (piece + 1) * size])
                time.sleep(env.pause)
            responses = [_read(client) for client in clients]
        served = sum(b" 200 OK" in response[:20] for response in responses)
        env.note = f"{served} of {len(responses)} served"


@fault("clients that do not read their responses of 4 MiB", short=20, long=500)
def slow_readers(env: FaultEnv) -> None:
    """Request large responses and read nothing for a while."""
    much = LoadRequest("/repeat", 256 * 1024, "").to_bytes(last=True)
    with (
        env.service() as live,
        env.load(live.service.port),
        open_files(env.times + SPARE),
        crowd(live.service.port, env.times) as clients,
    ):
        for client in clients:
            client.sendall(much)
        time.sleep(HELD * env.pause)


@fault("idle connections that are kept", short=100, long=5_000)
def idle_connections(env: FaultEnv) -> None:
    """Open connections, use each, keep all of them open, and use each again."""
    with (
        env.service() as live,
        open_files(env.times + SPARE),
        env.load(live.service.port),
        ExitStack() as stack,
    ):
        clients = []
        for number in range(env.times):
            clients.append(stack.enter_context(_client(live.service.port)))
            assert _is_served(clients[-1], number)
        time.sleep(HELD * env.pause)
        alive = sum(_is_served(client, number) for number, client in enumerate(clients))
    env.note = f"{alive:,} of {env.times:,} could be used again"


@contextmanager
def crowd(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Yield this many connections."""
    with ExitStack() as stack:
        yield [stack.enter_context(_client(port)) for _ in range(count)]


def _client(port: int) -> socket.socket:
    """Return a connection with a small receive buffer."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    client.settimeout(LONGEST)
    client.connect(("127.0.0.1", port))
    return client


def _is_served(client: socket.socket, number: int) -> bool:
    """Return whether a short request succeeds on this connection."""
    with suppress(OSError):
        client.sendall(LoadRequest.of(number).to_bytes())
        return client.recv(8192).startswith(b"HTTP/1.1 200")
    return False


def _read(client: socket.socket) -> bytes:
    """Return everything that a client receives."""
    content = b""
    with suppress(OSError):
        while piece := client.recv(65536):
            content += piece
    return content
