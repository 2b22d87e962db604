"""The packages that gRPC needs."""

from __future__ import annotations

from typing import ClassVar

from ..packages import OptionalDependency


class GrpcLibrary(OptionalDependency):
    """The libraries of gRPC, imported after the fork: their threads would not survive one."""

    requires: ClassVar = {
        "grpc": "grpcio",
        "grpc_reflection": "grpcio-reflection",
        "google.protobuf": "protobuf",
    }
