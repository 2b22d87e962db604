"""The settings of gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..settings import SettingsGroup, count, duration, setting

MAX_PORT = 65535
MAX_STREAMS = 2_000
"""Streams that a worker has open, each of which may have a message in memory."""
MAX_CALLS = 10_000
"""Calls that a worker has open."""
PUBLIC_READS = 32
"""Messages of calls that need no token which a worker reads at a time."""


def _port(text: str) -> int:
    """Read a number of a port; 0 for what Kubernetes sets for a service that is called mmf-grpc."""
    if text.startswith("tcp://"):
        return 0
    if not (text.isascii() and text.isdecimal() and 1 <= float(text) <= MAX_PORT):
        raise ValueError(f"expected a port, 1 to {MAX_PORT}")
    return int(text)


@dataclass(frozen=True)
class GrpcSettings(SettingsGroup):
    """`port` 0: no gRPC. `max_connection_age` 0: connections stay for as long as clients like."""

    port: int = setting("MMF_GRPC_PORT", 0, _port)
    threads: int = setting("MMF_GRPC_THREADS", 32, count)
    certificate: str = setting("MMF_GRPC_CERT", "", str)
    key: str = setting("MMF_GRPC_KEY", "", str)
    max_connection_age: float = setting("MMF_GRPC_MAX_CONNECTION_AGE", 300.0, duration)

    @classmethod
    def problems(cls, environ: Mapping[str, str]) -> list[str]:
        """Return a line for each variable that cannot be used, and for a half of a pair."""
        lines = super().problems(environ)
        names = ("MMF_GRPC_CERT", "MMF_GRPC_KEY")
        files = {name: environ.get(name, "").strip() for name in names}
        for name, file in files.items():
            if not file and any(files.values()):
                lines.append(f"{name} is not set: TLS needs both {' and '.join(names)}")
            elif file and not Path(file).is_file():
                lines.append(f"{name}={file!r}: file not found")
        return lines
