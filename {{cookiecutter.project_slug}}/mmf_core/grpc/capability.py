"""gRPC: the Open Inference Protocol, health and reflection, on a port of their own."""

from __future__ import annotations

from ..capabilities import Capability
from ..web.authorization import OPEN, PREDICT
from .lifecycle import announce, check_port, end, reimporting, start
from .routes import PROTOCOL
from .settings import GrpcSettings

CAPABILITY = Capability(
    requires=("v2",),
    settings=GrpcSettings,
    protocol=PROTOCOL,
    groups={"grpc": PREDICT, "grpc.live": OPEN, "grpc.ready": OPEN},
    before_load=check_port,
    worker_started=announce,
    worker_ready=start,
    worker_ended=end,
    reimporting=reimporting,
)
