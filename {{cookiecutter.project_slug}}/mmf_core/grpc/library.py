"""The packages that gRPC needs."""

from __future__ import annotations

from typing import ClassVar

from ..packages import OptionalDependency


class GrpcLibrary(OptionalDependency):
    """What serves gRPC. It is only imported after the fork: its threads would not survive one."""

    requires: ClassVar = {
        "grpc": "grpcio",
        "grpc_reflection": "grpcio-reflection",
        "google.protobuf": "protobuf",
    }
